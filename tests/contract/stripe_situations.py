"""What happens with Stripe, situation by situation: the events that come in, and every call that goes out.

Data for a test and for the table in docs/stripe-cases.md. Events are taken in one after the other, and what is due is
sent after each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from bridge.mapping import Mapping
from bridge.model import Payload
from tests.contract.stripe_bridge import LOST, Answer, a_bridge, type_of
from tests.contract.stripe_world import (
    charge,
    intent,
    invoice,
    receipt,
    renewal,
    session,
    subscribed,
    trial,
    trial_session,
)


@dataclass(frozen=True, slots=True)
class Later:
    """Time goes by."""

    minutes: float

    def __str__(self) -> str:
        hours = self.minutes / 60
        return f"{self.minutes:g} min later" if hours < 1 else f"{hours:g} h later"


@dataclass(frozen=True, slots=True)
class Tracker:
    """How the tracker answers from now on."""

    answer: Answer

    def __str__(self) -> str:
        return f"the tracker says {self.answer}" if isinstance(self.answer, int) else self.answer


@dataclass(frozen=True, slots=True)
class Killed:
    """The bridge takes this in and is killed while it sends; it starts again."""

    body: bytes

    def __str__(self) -> str:
        return f"`{type_of(self.body)}`, killed while sending"


Happening: TypeAlias = bytes | Later | Tracker | Killed


@dataclass(frozen=True, slots=True)
class Situation:
    """A name, what happens, and what is called; or why nothing is."""

    name: str
    happens: tuple[Happening, ...]
    calls: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        events = " → ".join(f"`{type_of(one)}`" if isinstance(one, bytes) else str(one) for one in self.happens)
        calls = "<br>".join(f"`{call}`" for call in self.calls) or "nothing"
        return f"| {self.name} | {events} | {calls} |"


def told(situation: Situation, mapping: Mapping, folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Let it happen: the calls that went out, and why there were none for the events that made none."""
    bridge = a_bridge(folder, mapping)
    answer: Answer = 200
    for happening in situation.happens:
        match happening:
            case bytes():
                bridge.take(happening)
            case Later(minutes):
                bridge.later(minutes=minutes)
            case Tracker(new):
                answer = new
                continue
            case Killed(body):
                bridge.take(body)
                for delivery in bridge.claim():
                    bridge.send(delivery, LOST)
                bridge.crash()
        bridge.work(partial(_say, answer))
    reasons = bridge.reasons()
    bridge.close()
    return tuple(map(str, bridge.calls)), tuple(dict.fromkeys(reasons))


def _say(answer: Answer, _: Payload) -> Answer:
    return answer


ASYNC: dict[str, Any] = {"type": "checkout.session.async_payment_succeeded"}
SUCCEEDED: dict[str, Any] = {"type": "invoice.payment_succeeded"}
TO_COME: dict[str, Any] = {"invoice_creation": {"enabled": True}}

SALE = "sale purchase_completed 4999 USD pi_1 click_1"
STARTED = "sale subscription_started 4999 USD in_1 click_1"

UNKNOWN = (
    "cannot map: rule 'one-time checkout', customer_external_id (data.object.customer || data.object.customer_account "
    "|| lower(data.object.customer_details.email || data.object.custome…): nothing there"
)
ONE_TIME = [
    Situation("A checkout is paid", (session(1),), (SALE,)),
    Situation("Stripe delivers an event twice", (session(1), session(1)), (SALE,)),
    Situation("Stripe tells the same once more as another event", (session(1), session(1, again="_again")), (SALE,)),
    Situation(
        "Nobody's link brought the buyer",
        (session(1, clicked=False),),
        ("sale purchase_completed 4999 USD pi_1 no click",),
    ),
    Situation(
        "A payment link has the click id as reference",
        (session(1, clicked=False, client_reference_id="cms_rf_click_1"),),
        (SALE,),
    ),
    Situation(
        "A shop's own reference is no click id",
        (session(1, clicked=False, client_reference_id="order-81"),),
        ("sale purchase_completed 4999 USD pi_1 no click",),
    ),
    Situation(
        "A payment link has it in a custom field",
        (session(1, clicked=False, custom_fields=[{"key": "clickid", "text": {"value": "click_1"}}]),),
        (SALE,),
    ),
    Situation("A guest buys, known by the e-mail", (session(1, customer=None),), (SALE,)),
    Situation(
        "Nobody at all: no customer, no e-mail",
        (session(1, customer=None, customer_details=None),),
        (),
        (UNKNOWN,),
    ),
    Situation(
        "A bank debit is paid days later",
        (session(1, payment_status="unpaid"), Later(4320), session(1, **ASYNC)),
        (SALE,),
        ("no rule",),
    ),
    Situation(
        "A bank debit fails",
        (
            session(1, payment_status="unpaid"),
            session(1, type="checkout.session.async_payment_failed", payment_status="unpaid"),
        ),
        (),
        ("no rule",),
    ),
    Situation(
        "A coupon of 100 %", (session(1, payment_status="no_payment_required", amount_total=0),), (), ("no rule",)
    ),
    Situation(
        "A card is only set up",
        (session(1, mode="setup", payment_status="no_payment_required", amount_total=None),),
        (),
        ("no rule",),
    ),
    Situation("Its charge is told, too", (charge(1), session(1)), (SALE,), ("no rule",)),
    Situation(
        "A customer buys the same twice",
        (session(1), session(2, customer="cus_1")),
        (SALE, "sale purchase_completed 4999 USD pi_2 click_2"),
    ),
    Situation(
        "Taxes, shipping and a discount",
        (
            session(
                1,
                amount_total=11371,
                total_details={"amount_discount": 1000, "amount_shipping": 490, "amount_tax": 1881},
            ),
        ),
        ("sale purchase_completed 11371 USD pi_1 click_1",),
    ),
    Situation(
        "500 yen", (session(1, amount_total=500, currency="jpy"),), ("sale purchase_completed 500 JPY pi_1 click_1",)
    ),
    Situation(
        "5.120 Kuwaiti dinars",
        (session(1, amount_total=5120, currency="kwd"),),
        ("sale purchase_completed 5120 KWD pi_1 click_1",),
    ),
    Situation(
        "5,900 krónur, which Stripe sends as 590000",
        (session(1, amount_total=590000, currency="isk"),),
        ("sale purchase_completed 5900 ISK pi_1 click_1",),
    ),
    Situation(
        "5,000 Ugandan shillings, sent as 500000",
        (session(1, amount_total=500000, currency="ugx"),),
        ("sale purchase_completed 5000 UGX pi_1 click_1",),
    ),
    Situation(
        "5,000 ariary, which Stripe sends as 5000",
        (session(1, amount_total=5000, currency="mga"),),
        ("sale purchase_completed 500000 MGA pi_1 click_1",),
    ),
    Situation(
        "Adaptive pricing: the buyer paid 46.90 EUR",
        (session(1, presentment_details={"presentment_amount": 4690, "presentment_currency": "eur"}),),
        (SALE,),
    ),
    Situation(
        "Adaptive pricing before 2025-03-31",
        (
            session(
                1,
                amount_total=4690,
                currency="eur",
                currency_conversion={"amount_total": 4999, "source_currency": "usd"},
            ),
        ),
        (SALE,),
    ),
]

RECEIPT = "sale purchase_completed 4999 USD in_1 click_1"
WITH_INVOICE = [
    Situation("A one-time checkout makes an invoice", (session(1, invoice="in_1"), receipt(1)), (RECEIPT,)),
    Situation(
        "Its invoice, which holds the click id, comes first",
        (receipt(1, metadata={"click_id": "click_1"}), session(1, invoice="in_1")),
        (RECEIPT,),
    ),
    Situation(
        "The session does not name its invoice yet",
        (session(1, **TO_COME), receipt(1)),
        ("deferred lead checkout_completed cus_1 click_1", "sale purchase_completed 4999 USD in_1 no click"),
    ),
    Situation("An invoice written by hand is paid", (receipt(1, metadata={"click_id": "click_1"}),), (RECEIPT,)),
    Situation(
        "An invoice is paid in two parts",
        (
            receipt(1, status="open", amount_paid=2000, metadata={"click_id": "click_1"}, **SUCCEEDED),
            receipt(1, metadata={"click_id": "click_1"}),
        ),
        (RECEIPT,),
        ("no rule",),
    ),
    Situation(
        "An invoice is paid outside Stripe",
        (receipt(1, amount_paid_off_stripe=4999, metadata={"click_id": "click_1"}),),
        (RECEIPT,),
    ),
    Situation(
        "An invoice's payment fails",
        (receipt(1, type="invoice.payment_failed", status="open", amount_paid=0),),
        (),
        ("no rule",),
    ),
    Situation(
        "An invoice is voided", (receipt(1, type="invoice.voided", status="void", amount_paid=0),), (), ("no rule",)
    ),
]

SUBSCRIPTIONS = [
    Situation("A subscription is bought: session, then invoice", (subscribed(1), invoice(1)), (STARTED,)),
    Situation("The invoice comes first", (invoice(1), subscribed(1)), (STARTED,)),
    Situation("The endpoint has both invoice types", (invoice(1), invoice(1, **SUCCEEDED), subscribed(1)), (STARTED,)),
    Situation("A subscription made by API", (invoice(1),), (STARTED,)),
    Situation(
        "Before API version 2025-03-31",
        (
            invoice(1, parent=None, subscription="sub_1", subscription_details={"metadata": {"click_id": "click_1"}}),
            subscribed(1),
        ),
        (STARTED,),
    ),
    Situation("A session that does not name its invoice", (invoice(1), subscribed(1, invoice=None)), (STARTED,)),
    Situation(
        "A subscription by bank debit",
        (subscribed(1, payment_status="unpaid"), Later(4320), invoice(1), subscribed(1, **ASYNC)),
        (STARTED,),
        ("no rule",),
    ),
    Situation("A renewal", (renewal(1, 2),), ("sale subscription_paid 4999 USD in_2 click_1",)),
    Situation(
        "First payment and renewal",
        (subscribed(1), invoice(1), renewal(1, 2)),
        (STARTED, "sale subscription_paid 4999 USD in_2 click_1"),
    ),
    Situation(
        "A renewal fails and is paid later",
        (renewal(1, 2, type="invoice.payment_failed", status="open", amount_paid=0), Later(1440), renewal(1, 2)),
        ("sale subscription_paid 4999 USD in_2 click_1",),
        ("no rule",),
    ),
    Situation(
        "An upgrade in the middle of the month",
        (invoice(1, id="in_2", billing_reason="subscription_update", amount_paid=1800),),
        ("sale subscription_paid 1800 USD in_2 click_1",),
    ),
    Situation(
        "A downgrade's credit",
        (invoice(1, id="in_2", billing_reason="subscription_update", total=-1200, amount_paid=0),),
        (),
        ("zero amount",),
    ),
    Situation(
        "Credit balance pays a part",
        (renewal(1, 2, total=4999, amount_paid=3900),),
        ("sale subscription_paid 3900 USD in_2 click_1",),
    ),
    Situation("Credit balance pays all", (renewal(1, 2, total=4999, amount_paid=0),), (), ("zero amount",)),
    Situation(
        "A coupon makes it free",
        (
            subscribed(
                1,
                payment_status="no_payment_required",
                amount_total=0,
                total_details={"amount_discount": 1900, "amount_shipping": 0, "amount_tax": 0},
            ),
            invoice(1, amount_paid=0),
        ),
        (),
        ("no rule", "zero amount"),
    ),
]

TRIAL = "lead trial_started cus_1 click_1"
TRIALS = [
    Situation(
        "A trial begins, by Checkout",
        (trial(1), trial_session(1), invoice(1, amount_paid=0)),
        (TRIAL,),
        ("zero amount",),
    ),
    Situation(
        "Only its session knows the click id", (trial(1, clicked=False), trial_session(1)), (TRIAL,), ("no click id",)
    ),
    Situation(
        "Nobody's link brought it", (trial(1, clicked=False), trial_session(1, clicked=False)), (), ("no click id",)
    ),
    Situation(
        "The trial becomes money",
        (trial(1), Later(20160), renewal(1, 2)),
        (TRIAL, "sale subscription_paid 4999 USD in_2 click_1"),
    ),
    Situation(
        "The trial is cancelled",
        (trial(1), Later(7200), trial(1, type="customer.subscription.deleted", status="canceled")),
        (TRIAL,),
        ("no rule",),
    ),
]

TRACKER = [
    Situation(
        "The tracker refuses the first telling",
        (Tracker(422), subscribed(1), Tracker(200), invoice(1)),
        (STARTED + " → 422", STARTED),
    ),
    Situation("The tracker has it already", (Tracker(409), session(1)), (SALE + " → 409",)),
    Situation(
        "The tracker is down for a while", (Tracker(500), session(1), Tracker(200), Later(60)), (SALE + " → 500", SALE)
    ),
    Situation(
        "The tracker's answer is lost",
        (Tracker(LOST), subscribed(1), Tracker(200), invoice(1), Later(60)),
        (STARTED + f" → {LOST}", STARTED),
    ),
    Situation(
        "The tracker does not know the customer yet",
        (Tracker(404), session(1), Tracker(200), Later(5)),
        (SALE + " → 404", SALE),
    ),
    Situation(
        "The token is rejected, then renewed",
        (Tracker(401), session(1), session(2), Tracker(200), Later(5)),
        (SALE + " → 401", "sale purchase_completed 4999 USD pi_2 click_2", SALE),
    ),
    Situation(
        "The bridge is killed while it sends", (Killed(subscribed(1)), invoice(1)), (STARTED + f" → {LOST}", STARTED)
    ),
]

CAPTURED = "sale payment_captured 4999 USD pi_1 click_1"
PAYMENTS = [
    Situation("A payment: its intent and its charge", (intent(1), charge(1)), (CAPTURED,)),
    Situation("The charge comes first", (charge(1), intent(1)), (CAPTURED,)),
    Situation("A guest pays", (charge(1, customer=None), intent(1, customer=None)), (CAPTURED,), ("no rule",)),
    Situation(
        "Authorized now, captured in part later",
        (
            charge(1, captured=False, amount_captured=0),
            Later(2880),
            charge(1, amount_captured=3000, type="charge.captured"),
            intent(1, amount_received=3000),
        ),
        ("sale payment_captured 3000 USD pi_1 click_1",),
        ("no rule",),
    ),
    Situation(
        "Authorized, never captured",
        (charge(1, captured=False, amount_captured=0), charge(1, captured=False, type="charge.expired")),
        (),
        ("no rule",),
    ),
    Situation("A charge fails", (charge(1, type="charge.failed", paid=False),), (), ("no rule",)),
    Situation(
        "A checkout tells of the same money",
        (charge(1), session(1, clicked=False), invoice(1)),
        (CAPTURED,),
        ("no click id", "no rule"),
    ),
]

OTHERS = [
    Situation(
        "Test mode",
        (session(1, around={"livemode": False}), invoice(1, around={"livemode": False})),
        (),
        ("test mode",),
    ),
    Situation(
        "Connect: the same ids in two accounts",
        (session(1, around={"account": "acct_a"}), session(1, around={"account": "acct_b"}, again="_b")),
        (SALE, SALE),
    ),
    Situation(
        "Connect: one account's session and invoice",
        (subscribed(1, around={"account": "acct_a"}), invoice(1, around={"account": "acct_a"})),
        (STARTED,),
    ),
    Situation("A type that no rule names", (session(1, type="product.created"),), (), ("no rule",)),
]

#: By title: the mapping that is in force, and what happens.
SITUATIONS = {
    "One-time payments": ("stripe", ONE_TIME),
    "Invoices": ("stripe", WITH_INVOICE),
    "Subscriptions": ("stripe", SUBSCRIPTIONS),
    "Trials": ("stripe", TRIALS),
    "With stripe-payments instead": ("stripe-payments", PAYMENTS),
    "The tracker and the bridge": ("stripe", TRACKER),
    "Everything else": ("stripe", OTHERS),
}


def as_markdown() -> str:
    """The tables of docs/stripe-cases.md."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    for title, (_, situations) in SITUATIONS.items():
        yield from (f"## {title}", "", "| in Stripe | comes in | goes out |", "|---|---|---|")
        yield from map(str, situations)
        yield ""
