"""Billing systems tell one payment several times, doubled and in any order: it is one sale."""

import json
from collections.abc import Iterable
from itertools import combinations, permutations
from typing import Any

import pytest

from bridge.model import Lead, Sale
from tests.contract.tellings import MAPPINGS, conversions_of, mapping_of, sent, told

SHIPPED = {
    source: mapping_of(MAPPINGS / f"{source}.yaml")
    for source in ("paddle", "lemonsqueezy", "polar", "chargebee", "razorpay", "gocardless", "xero")
}

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
    assert 2 == len(sent(SHIPPED[source], [*ones, *others]))


def test_an_order_and_a_subscription_invoice_of_one_number_are_two_sales() -> None:
    bodies = [told("lemonsqueezy", "order_created_subscription"), told("lemonsqueezy", "payment_renewal")]
    assert ["8241301", "8241301"] == [json.loads(body)["data"]["id"] for body in bodies]
    assert 2 == len(sent(SHIPPED["lemonsqueezy"], bodies))


# A customer's way ----------------------------------------------------------------------------------------------------

WAYS: list[tuple[str, list[tuple[str, dict[str, Any]]]]] = [
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
