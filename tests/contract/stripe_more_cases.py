"""Invoices, subscriptions, trials, the tracker's answers: situations; and the tables of docs/stripe-cases.md."""

from collections.abc import Iterator
from typing import Any

from tests.contract.stripe_bridge import LOST
from tests.contract.stripe_cases import ASYNC, ONE_TIME, REFUNDS, SALE
from tests.contract.stripe_situations import Killed, Later, Situation, Tracker
from tests.contract.stripe_world import (
    charge,
    intent,
    invoice,
    ping,
    receipt,
    renewal,
    session,
    subscribed,
    thin,
    trial,
    trial_session,
)

SUCCEEDED: dict[str, Any] = {"type": "invoice.payment_succeeded"}
TO_COME: dict[str, Any] = {"invoice_creation": {"enabled": True}}

STARTED = "sale subscription_started 4999 USD in_1 click_1"
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
        ("deferred lead checkout_completed cus_1 click_1", "sale purchase_completed 4999 USD in_1 click_1"),
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
    Situation(
        "The invoice comes first and does not know the click id: it waits",
        (invoice(1, clicked=False), Later(1), subscribed(1)),
        (STARTED,),
    ),
    Situation(
        "The session comes first and does not know it",
        (subscribed(1, clicked=False), invoice(1)),
        (STARTED,),
    ),
    Situation(
        "Nobody's link brought it: it goes after ten minutes",
        (invoice(1, clicked=False), subscribed(1, clicked=False), Later(9), Later(1)),
        ("sale subscription_started 4999 USD in_1 no click",),
    ),
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
        "A payment link's renewal, which has no click id of its own",
        (subscribed(1), invoice(1, clicked=False), Later(43200), renewal(1, 2, clicked=False)),
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
        "A charge waits for the click id of its checkout",
        (charge(1, clicked=False), session(1), intent(1, clicked=False)),
        (CAPTURED, "deferred lead checkout_completed cus_1 click_1"),
    ),
    Situation(
        "Nobody's link brought a charge",
        (charge(1, clicked=False), intent(1, clicked=False), Later(10)),
        ("sale payment_captured 4999 USD pi_1 no click",),
    ),
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
    Situation("A thin event and its snapshot", (thin(session(1)), session(1)), (SALE,), ("no rule",)),
    Situation("The ping of an event destination", (ping(),), (), ("no rule",)),
    Situation("A type that no rule names", (session(1, type="product.created"),), (), ("no rule",)),
]

#: By title: the mapping that is in force, and what happens.
SITUATIONS = {
    "One-time payments": ("stripe", ONE_TIME),
    "Invoices": ("stripe", WITH_INVOICE),
    "Subscriptions": ("stripe", SUBSCRIPTIONS),
    "Trials": ("stripe", TRIALS),
    "What goes back": ("stripe", REFUNDS),
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
