"""Billing systems tell one payment several times, doubled and in any order: one sale. And what their pages say is so."""

import json
from collections.abc import Iterable
from itertools import combinations, permutations
from typing import Any

import pytest

from bridge.model import EventState, Lead, Sale
from tests.contract.tellings import MAPPINGS, conversions_of, mapping_of, meanings_of, sent

SOURCES = ("paddle", "lemonsqueezy", "polar", "chargebee", "razorpay", "gocardless", "xero")
SHIPPED = {source: mapping_of(MAPPINGS / f"{source}.yaml") for source in SOURCES}
PAGE = (MAPPINGS.parent / "docs" / "sources" / "billing.md").read_text(encoding="utf-8")


def told(source: str, name: str, changes: dict[str, Any] | None = None) -> bytes:
    """An example's body, with values under dotted paths changed; a number is a place in a list."""
    body = json.loads((MAPPINGS / "examples" / source / f"{name}.json").read_bytes())
    for path, value in (changes or {}).items():
        *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        holder = body
        for key in outer:
            holder = holder[key]
        holder[last] = value
    return json.dumps(body).encode()


EVENT = "payload.payment.entity"

#: Tellings of one payment (or one trial), each list in any order.
TELLINGS: dict[str, list[tuple[str, str, dict[str, Any] | None]]] = {
    "paddle: one-time": [
        ("paddle", "transaction_paid", None),
        ("paddle", "transaction_completed", None),
        ("paddle", "transaction_completed", {"notification_id": "ntf_01replayed", "event_id": "evt_01another"}),
    ],
    "paddle: first of a subscription": [
        ("paddle", "subscription_activated", None),
        ("paddle", "transaction_completed_subscription", None),
    ],
    "paddle: renewal": [
        ("paddle", "transaction_renewal", {"event_type": "transaction.paid", "data.status": "paid"}),
        ("paddle", "transaction_renewal", {"event_type": "transaction.updated"}),
        ("paddle", "transaction_renewal", None),
    ],
    "paddle: trial": [
        ("paddle", "subscription_created_trialing", None),
        ("paddle", "subscription_trialing", None),
        ("paddle", "transaction_trial", None),
    ],
    "lemonsqueezy: one-time": [
        ("lemonsqueezy", "order_created", None),
        ("lemonsqueezy", "order_created", {"data.attributes.updated_at": "2026-11-12T10:19:30.000000Z"}),
        ("lemonsqueezy", "order_refunded", None),
    ],
    "lemonsqueezy: first of a subscription": [
        ("lemonsqueezy", "order_created_subscription", None),
        ("lemonsqueezy", "subscription_created", None),
        ("lemonsqueezy", "payment_initial", None),
    ],
    "lemonsqueezy: renewal": [
        ("lemonsqueezy", "payment_failed", None),
        ("lemonsqueezy", "payment_recovered", None),
        ("lemonsqueezy", "payment_renewal", None),
    ],
    "lemonsqueezy: trial": [
        ("lemonsqueezy", "order_created_trial", None),
        ("lemonsqueezy", "subscription_created_on_trial", None),
        ("lemonsqueezy", "payment_initial", {"data.attributes.total": 0}),
    ],
    "polar: one-time": [
        ("polar", "order_created", None),
        ("polar", "order_updated", None),
        ("polar", "order_paid", None),
        ("polar", "order_refunded", None),
    ],
    "polar: first of a subscription": [
        ("polar", "subscription_created_active", None),
        ("polar", "order_paid_subscription", {"type": "order.created", "data.status": "pending"}),
        ("polar", "order_paid_subscription", None),
    ],
    "polar: renewal": [
        ("polar", "order_paid_renewal", {"type": "order.created", "data.status": "pending"}),
        ("polar", "order_paid_renewal", {"type": "order.updated"}),
        ("polar", "order_paid_renewal", None),
    ],
    "chargebee: first of a subscription": [
        ("chargebee", "invoice_generated", None),
        ("chargebee", "payment_succeeded_first", None),
        ("chargebee", "payment_succeeded_first", {"id": "ev_another", "webhook_status": "re_scheduled"}),
    ],
    "chargebee: in two parts": [
        ("chargebee", "payment_succeeded_part", None),
        ("chargebee", "payment_succeeded_rest", None),
    ],
    "chargebee: refunded": [
        ("chargebee", "payment_succeeded_renewal", None),
        ("chargebee", "payment_refunded", None),
    ],
    "razorpay: one-time": [
        ("razorpay", "payment_authorized", None),
        ("razorpay", "payment_captured", None),
        ("razorpay", "order_paid", None),
        ("razorpay", "refund_processed", None),
    ],
    "razorpay: first of a subscription": [
        ("razorpay", "payment_captured_subscription", None),
        ("razorpay", "subscription_activated", None),
        ("razorpay", "subscription_charged", None),
    ],
    "razorpay: renewal": [
        ("razorpay", "payment_captured_renewal", None),
        ("razorpay", "subscription_charged_renewal", None),
    ],
    "razorpay: invoice": [
        ("razorpay", "invoice_paid", None),
        ("razorpay", "invoice_paid", {"event": "payment.captured", "contains": ["payment"]}),
        ("razorpay", "invoice_paid", {"event": "order.paid", "contains": ["payment", "order"]}),
    ],
    "gocardless: one-time": [
        ("gocardless", "payment_created", None),
        ("gocardless", "payment_confirmed", None),
        ("gocardless", "payment_paid_out", None),
        ("gocardless", "payment_charged_back", None),
    ],
    "xero: invoice": [
        ("xero", "invoice_updated", None),
        ("xero", "invoice_open_relayed", {"events.0.eventDateUtc": "2026-11-12T09:00:00.000"}),
        ("xero", "invoice_paid_relayed", None),
        ("xero", "invoice_paid_relayed", {"events.0.eventDateUtc": "2026-11-13T09:00:00.000"}),
    ],
}
PAYMENTS = {
    name: (tellings[0][0], [told(source, example, changes) for source, example, changes in tellings])
    for name, tellings in TELLINGS.items()
}


def parametrized(names: Iterable[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("source", "bodies"), [PAYMENTS[name] for name in names], ids=names)


@parametrized(PAYMENTS)
def test_one_payment_is_one_conversion_in_whatever_order_and_however_often(source: str, bodies: list[bytes]) -> None:
    for order in permutations(bodies):
        assert 1 == len(sent(SHIPPED[source], order))
        assert 1 == len(sent(SHIPPED[source], (*order, *order)))
        assert 1 == len(sent(SHIPPED[source], [body for body in order for _ in range(2)]))


@parametrized(PAYMENTS)
def test_every_telling_of_a_payment_says_the_same(source: str, bodies: list[bytes]) -> None:
    """Whoever comes first is sent, so who comes first must not matter."""
    payloads = [conversion.payload for body in bodies for conversion in conversions_of(SHIPPED[source], body)]
    assert 1 == len({(type(one), one.event_name, one.customer_external_id, *money(one)) for one in payloads})


def money(payload: Lead | Sale) -> tuple[str, int, str] | tuple[()]:
    return (payload.invoice_id, payload.amount, payload.currency) if isinstance(payload, Sale) else ()


PAIRS = [(one, other) for one, other in combinations(PAYMENTS, 2) if PAYMENTS[one][0] == PAYMENTS[other][0]]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_payments_are_two_conversions(one: str, other: str) -> None:
    (source, ones), (_, others) = PAYMENTS[one], PAYMENTS[other]
    assert 2 == len(sent(SHIPPED[source], (*ones, *others)))


def test_an_order_and_a_subscription_invoice_of_one_number_are_two_sales() -> None:
    bodies = [told("lemonsqueezy", "order_created_subscription"), told("lemonsqueezy", "payment_renewal")]
    assert ["8241301", "8241301"] == [json.loads(body)["data"]["id"] for body in bodies]
    assert 2 == len(sent(SHIPPED["lemonsqueezy"], bodies))


# A customer's way ----------------------------------------------------------------------------------------------------

WAYS = [
    ("paddle", [("subscription_trialing", {}), ("transaction_trial", {"data.details.totals.grand_total": "3451"})]),
    ("paddle", [("customer_created", {}), ("transaction_completed", {})]),
    ("lemonsqueezy", [("subscription_created_on_trial", {}), ("order_created_without_custom_data", {})]),
    ("polar", [("customer_created", {}), ("order_paid", {})]),
    ("polar", [("subscription_created_trialing", {}), ("order_paid_without_metadata", {})]),
    ("chargebee", [("customer_created", {}), ("payment_succeeded_one_time", {})]),
    ("chargebee", [("subscription_created_in_trial", {}), ("payment_succeeded_jpy", {})]),
]


@pytest.mark.parametrize(("source", "steps"), WAYS, ids=[f"{source}: {steps[0][0]}" for source, steps in WAYS])
def test_a_lead_and_the_sale_after_it_are_of_one_customer(source: str, steps: list[tuple[str, dict[str, Any]]]) -> None:
    lead, sale = sent(SHIPPED[source], [told(source, name, changes) for name, changes in steps])
    assert isinstance(lead.payload, Lead)
    assert isinstance(sale.payload, Sale)
    assert lead.payload.customer_external_id == sale.payload.customer_external_id


# What an event is known by ------------------------------------------------------------------------------------------


def keys(source: str, body: bytes) -> list[str]:
    return [meaning.event.key for meaning in meanings_of(SHIPPED[source], body)]


SAME = [
    ("paddle", "transaction_completed", {"notification_id": "ntf_01replayed"}),
    ("lemonsqueezy", "payment_renewal", {"meta.webhook_id": "another"}),
    ("chargebee", "payment_succeeded_first", {"webhooks.0.webhook_status": "re_scheduled"}),
    ("razorpay", "payment_captured", {f"{EVENT}.fee": 1}),
    ("gocardless", "payment_confirmed", {"meta.webhook_id": "WB00ANOTHER"}),
    ("xero", "batch", {"entropy": "ANOTHER"}),
]


@pytest.mark.parametrize(("source", "name", "changes"), SAME, ids=[source for source, *_ in SAME])
def test_sent_again_it_is_the_same_event_though_its_bytes_differ(
    source: str, name: str, changes: dict[str, Any]
) -> None:
    once, again = told(source, name), told(source, name, changes)
    assert once != again
    assert keys(source, once) == keys(source, again)


OTHERS = [
    ("lemonsqueezy", "payment_renewal", {"data.attributes.updated_at": "2026-12-13T00:00:00.000000Z"}),
    ("lemonsqueezy", "payment_renewal", {"meta.event_name": "subscription_payment_recovered"}),
    ("lemonsqueezy", "payment_renewal", {"data.type": "orders"}),
    ("razorpay", "payment_captured", {"event": "payment.authorized"}),
    ("razorpay", "payment_captured", {f"{EVENT}.id": "pay_another"}),
    ("razorpay", "payment_captured", {"created_at": 1}),
    ("xero", "invoice_updated", {"events.0.eventDateUtc": "2026-11-13T00:00:00.000"}),
]


@pytest.mark.parametrize(("source", "name", "changes"), OTHERS)
def test_another_event_is_not_taken_for_this_one(source: str, name: str, changes: dict[str, Any]) -> None:
    assert keys(source, told(source, name)) != keys(source, told(source, name, changes))


@pytest.mark.parametrize(("source", "name", "count"), [("gocardless", "batch", 4), ("xero", "batch", 3)])
def test_every_event_of_a_batch_has_a_key_of_its_own(source: str, name: str, count: int) -> None:
    assert count == len(set(keys(source, told(source, name))))


@pytest.mark.parametrize("source", SOURCES)
def test_every_event_has_an_id_but_polars_which_stands_in_a_signed_header(source: str) -> None:
    folder = MAPPINGS / "examples" / source
    found = {
        bool(m.event.source_id) for path in folder.iterdir() for m in meanings_of(SHIPPED[source], path.read_bytes())
    }
    assert {source != "polar"} == found - ({False} if source == "xero" else set())


# Money ---------------------------------------------------------------------------------------------------------------

ODD = [
    ("paddle", "transaction_completed", {"data.details.totals.grand_total": None}),
    ("paddle", "transaction_completed", {"data.details.totals.grand_total": "153.51"}),
    ("paddle", "transaction_completed", {"data.customer_id": None}),
    ("lemonsqueezy", "order_created", {"data.attributes.currency": "LEM"}),
    ("lemonsqueezy", "order_created", {"data.attributes.customer_id": 0, "data.attributes.user_email": ""}),
    ("polar", "order_paid", {"data.total_amount": None}),
    ("chargebee", "payment_succeeded_first", {"content.invoice.amount_paid": 34.51}),
    ("razorpay", "payment_captured", {f"{EVENT}.currency": None}),
    ("razorpay", "payment_captured", {f"{EVENT}.email": "void@razorpay.com", f"{EVENT}.contact": ""}),
    ("gocardless", "payment_confirmed", {"events.0.resource_metadata.amount": "49.99"}),
    ("gocardless", "payment_confirmed", {"events.0.resource_metadata.amount": "49,99 GBP"}),
    ("gocardless", "payment_confirmed", {"events.0.resource_metadata.amount": "1.5 JPY"}),
    ("xero", "invoice_paid_relayed", {"events.0.invoice.AmountPaid": 10.005}),
]


@pytest.mark.parametrize(("source", "name", "changes"), ODD)
def test_money_that_cannot_be_told_is_for_a_person_to_look_at(source: str, name: str, changes: dict[str, Any]) -> None:
    (meaning,) = meanings_of(SHIPPED[source], told(source, name, changes))
    assert EventState.UNMAPPED is meaning.state
    assert () == meaning.conversions


NAMES = [
    ("paddle", "transaction_renewal", {"data.origin": "subscription_charge"}, "subscription_paid"),
    ("paddle", "transaction_completed", {"data.origin": "api"}, "purchase_completed"),
    ("paddle", "transaction_completed_subscription", {"data.origin": "api"}, "subscription_started"),
    ("polar", "order_paid_renewal", {"data.billing_reason": "subscription_update"}, "subscription_paid"),
    ("chargebee", "payment_succeeded_renewal", {"content.invoice.first_invoice": True}, "subscription_started"),
]


@pytest.mark.parametrize(("source", "name", "changes", "event_name"), NAMES)
def test_a_payment_is_named_after_what_it_pays(
    source: str, name: str, changes: dict[str, Any], event_name: str
) -> None:
    (conversion,) = conversions_of(SHIPPED[source], told(source, name, changes))
    assert event_name == conversion.payload.event_name


def test_a_credit_that_pays_everything_is_no_sale() -> None:
    assert [] == conversions_of(
        SHIPPED["paddle"], told("paddle", "transaction_credit", {"data.details.totals.grand_total": "0"})
    )
    assert [] == conversions_of(
        SHIPPED["chargebee"], told("chargebee", "payment_succeeded_credits", {"content.invoice.amount_paid": 0})
    )


# The page ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", SOURCES)
def test_the_page_names_the_address_the_secret_and_every_type_that_a_rule_wants(source: str) -> None:
    (section,) = [part for part in PAGE.split("\n## ") if f"/webhooks/{source}`" in part]
    assert f"`{source.upper()}_WEBHOOK_SECRET`" in section
    assert [] == [name for name in SHIPPED[source].types if f"`{name}`" not in section]
