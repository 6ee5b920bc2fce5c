"""What a billing event is known by, what is not to be told as money, and that their page names it all."""

from typing import Any

import pytest

from bridge.model import EventState
from tests.contract.tellings import MAPPINGS, conversions_of, mapping_of, meanings_of, told

SOURCES = ("paddle", "lemonsqueezy", "polar", "chargebee", "razorpay", "gocardless", "xero")
SHIPPED = {source: mapping_of(MAPPINGS / f"{source}.yaml") for source in SOURCES}
PAGE = (MAPPINGS.parent / "docs" / "sources" / "billing.md").read_text(encoding="utf-8")
EVENT = "payload.payment.entity"


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
