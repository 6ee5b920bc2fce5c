"""Shops and payment pages: one payment is one sale however it is told, and what the pages offer works."""

import json
import re
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from bridge import sources
from bridge.demo.samples import webhook_of
from bridge.mapping import Mapping, parse
from bridge.model import Conversion, EventState, Lead, Meaning, Sale, Verified, Webhook
from tests.contract.tellings import MAPPINGS, RECEIVED_AT, mapping_of, meanings

PAGES = MAPPINGS.parent / "docs" / "sources"
SHOPS = ("shopify", "woocommerce", "gumroad", "square", "paypal")
SECRET = "a secret of some length"


def shipped(source: str) -> Mapping:
    return mapping_of(MAPPINGS / f"{source}.yaml")


def given(source: str, name: str, /, headers: dict[str, str] | None = None, **changes: Any) -> Webhook:
    """An example's webhook, with some of its headers and of its body's fields changed."""
    value = json.loads((MAPPINGS / "examples" / source / f"{name}.json").read_bytes())
    whole = value if {"headers", "body"} <= value.keys() else {"headers": {}, "body": value}
    whole["headers"] |= headers or {}
    if changes:
        whole["body"] |= changes
    return webhook_of(json.dumps(whole).encode(), source, RECEIVED_AT)


def told(mapping: Mapping, webhook: Webhook) -> Meaning:
    (meaning,) = meanings(mapping, sources.sample(webhook))
    return meaning


def sent(source: str, webhooks: Iterable[Webhook]) -> list[Conversion]:
    """What is sent of these in this order: a known event changes nothing, a taken claim makes a duplicate."""
    mapping, taken, keys, first = shipped(source), set[str](), set[str](), []
    for webhook in webhooks:
        meaning = told(mapping, webhook)
        if meaning.event.key in keys:
            continue
        keys.add(meaning.event.key)
        for conversion in meaning.conversions:
            if not conversion.needs_association and taken.isdisjoint(conversion.claims):
                taken.update(conversion.claims)
                first.append(conversion)
    return first


# One payment, told several times ----------------------------------------------------------------------------------

PAYMENTS = {
    "shopify": ["order_created_pending", "order_created_paid", "order_paid", "order_updated", "refund_created"],
    "woocommerce": [
        "order_created_pending",
        "order_processing",
        "order_completed",
        "order_partly_refunded",
        "order_refunded",
    ],
    "gumroad": ["sale", "sale_retried", "refund", "dispute"],
    "square": ["payment_created", "payment_completed", "payment_completed_again", "payment_refunded", "refund_updated"],
    "paypal": ["order_approved", "capture_completed", "capture_refunded", "capture_reversed"],
}


@pytest.mark.parametrize("source", SHOPS)
def test_one_payment_is_one_sale_in_whatever_order_it_is_told(source: str) -> None:
    webhooks = [given(source, name) for name in PAYMENTS[source]]
    orders = [sent(source, order) for order in permutations(webhooks)]
    assert {1} == {len(conversions) for conversions in orders}
    assert 1 == len({(*sale(conversion),) for (conversion,) in orders}), "whoever comes first says the same"


def sale(conversion: Conversion) -> tuple[object, ...]:
    payload = conversion.payload
    assert isinstance(payload, Sale)
    return (payload.event_name, payload.customer_external_id, payload.invoice_id, payload.amount, payload.currency)


def test_the_same_bytes_under_two_topics_of_shopify_are_the_sale_whichever_comes_first() -> None:
    paid = given("shopify", "order_paid")
    twin = given("shopify", "order_paid", headers={"X-Shopify-Topic": "orders/create"})
    assert paid.body == twin.body
    assert [1, 1] == [len(sent("shopify", order)) for order in ([paid, twin], [twin, paid])]


def woo(shop: str, links: dict[str, Any]) -> Webhook:
    headers = {"X-WC-Webhook-Source": shop, "X-WC-Webhook-Delivery-ID": shop}
    return given("woocommerce", "order_processing", headers=headers, _links=links)


def test_two_shops_of_woocommerce_with_the_same_order_number_are_two_sales() -> None:
    """A shop's host is what tells it from another: not its path, which a translation changes, and not its scheme."""
    shops = ["https://shop.example.com/", "http://shop.example.com/fr/", "https://other.example.com/"]
    linked = [woo(shop, {"self": [{"href": f"{shop}wp-json/wc/v3/orders/727"}]}) for shop in shops]
    assert [2, 2] == [len(sent("woocommerce", linked)), len(sent("woocommerce", [woo(shop, {}) for shop in shops]))]


def test_a_header_that_names_another_shop_makes_no_second_sale_of_an_order_that_names_its_own() -> None:
    links = {"self": [{"href": "https://shop.example.com/wp-json/wc/v3/orders/727"}]}
    again = [woo(shop, links) for shop in ("https://shop.example.com/", "https://evil.example.com/")]
    assert 1 == len(sent("woocommerce", again))


def test_the_same_payment_id_of_two_sellers_of_square_is_two_sales() -> None:
    webhooks = [
        given("square", "payment_completed", merchant_id=seller, event_id=f"event of {seller}") for seller in "ABA"
    ]
    assert 2 == len(sent("square", webhooks))


def test_a_payment_of_paypal_told_as_capture_and_as_sale_is_one_sale() -> None:
    capture = json.loads((MAPPINGS / "examples/paypal/capture_completed.json").read_bytes())["resource"]
    old = json.loads((MAPPINGS / "examples/paypal/sale_completed.json").read_bytes())["resource"]
    webhooks = [
        given("paypal", "capture_completed"),
        given("paypal", "sale_completed", resource=old | {"id": capture["id"]}),
    ]
    assert 1 == len(sent("paypal", webhooks))


# Keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "name"), [("shopify", "order_paid"), ("woocommerce", "order_processing")])
def test_a_header_nobody_signed_tells_no_event_from_another(source: str, name: str) -> None:
    mapping = shipped(source)
    scheme, _ = sources.parse(mapping.verify)
    assert scheme is not None
    verifier = sources.bind(scheme, [SECRET])

    def proven(headers: dict[str, str]) -> Verified:
        return verifier.verify(verifier.sign(given(source, name, headers=headers), RECEIVED_AT), RECEIVED_AT)

    ids = ["X-Shopify-Webhook-Id", "X-Shopify-Event-Id", "X-WC-Webhook-Delivery-ID"]
    first, other = (meanings(mapping, proven(dict.fromkeys(ids, text)))[0].event for text in ("one", "two"))
    assert "sha256:" == first.key[:7]
    assert first.key == other.key
    assert ("one", "two") == (first.source_id, other.source_id)


def test_a_retried_ping_of_gumroad_is_a_known_event_and_a_refund_is_not() -> None:
    names = ["sale", "sale_retried", "refund", "dispute", "cancellation"]
    keys = [told(shipped("gumroad"), given("gumroad", name)).event.key for name in names]
    assert keys[0] == keys[1]
    assert 4 == len(set(keys))


# Custom fields, customers -------------------------------------------------------------------------------------------


def test_a_real_price_of_gumroad_counts_beside_a_custom_field_of_that_name() -> None:
    """As renewals tell it: the membership's fields stand under custom_fields alone."""
    meaning = told(shipped("gumroad"), given("gumroad", "sale_as_json", custom_fields={"price": "1", "email": "x"}))
    assert [("ada.lovelace@example.com", 2900)] == [
        (payload.customer_external_id, payload.amount)
        for payload in (conversion.payload for conversion in meaning.conversions)
        if isinstance(payload, Sale)
    ]


@pytest.mark.parametrize(
    ("custom_id", "click", "customer"),
    [
        ("cms_rf_abc", "abc", "5O190127TN364715T"),
        ("abc", "abc", "5O190127TN364715T"),
        ('{"cms_rf":"abc","email":"Ada@Example.com"}', "abc", "ada@example.com"),
        ('{"email":"Ada@Example.com"}', None, "ada@example.com"),
        ('{"click_id":"abc","customer_id":12}', "abc", "12"),
    ],
    ids=["prefixed", "whole", "with an e-mail", "an e-mail alone", "with a number"],
)
def test_the_slot_of_paypal_holds_a_click_a_customer_or_both(custom_id: str, click: str | None, customer: str) -> None:
    resource = json.loads((MAPPINGS / "examples/paypal/capture_completed.json").read_bytes())["resource"]
    (conversion,) = told(
        shipped("paypal"), given("paypal", "capture_completed", resource=resource | {"custom_id": custom_id})
    ).conversions
    assert (click, customer) == (conversion.payload.click_id, conversion.payload.customer_external_id)
    assert not conversion.needs_association


@pytest.mark.parametrize("custom_id", [None, "", "1044", '{"order":7}', "[]", "null"])
def test_what_is_the_shops_own_in_paypals_slot_is_no_click(custom_id: str | None) -> None:
    resource = json.loads((MAPPINGS / "examples/paypal/capture_completed.json").read_bytes())["resource"]
    webhook = given("paypal", "capture_completed", resource=resource | {"custom_id": custom_id})
    assert [] == sent("paypal", [webhook])
    assert EventState.UNMAPPED is not told(shipped("paypal"), webhook).state


# The page -----------------------------------------------------------------------------------------------------------


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def written(name: str) -> list[Mapping]:
    """Every mapping of a page, as somebody would copy it."""
    found = [
        parse(
            dedent(text),
            file="page.yaml",
            base=lambda base: Path(MAPPINGS / f"{base}.yaml").read_text(encoding="utf-8"),
        )
        for text in re.findall(r"```yaml\n(.*?)```", page(name), re.DOTALL)
    ]
    assert [] == [str(problem) for one in found for problem in one.problems if problem.code != "no-examples"]
    return [one.mapping for one in found if one.mapping is not None]


def test_the_page_has_a_section_for_each_and_names_every_type_of_its_rules() -> None:
    text = page("shops")
    assert [] == [source for source in SHOPS if not re.search(rf"^## {source}$", text, re.MULTILINE | re.IGNORECASE)]
    types = [name for source in ("shopify", "square", "paypal") for name in shipped(source).types]
    assert [] == [name for name in types if f"`{name}`" not in text]


def test_the_pages_rule_for_trials_leaves_out_a_products_first_ping_alone() -> None:
    trials, _, _ = written("shops")
    started, renewed = (given("gumroad", name) for name in ("membership_started", "membership_renewed"))
    patron = [webhook.body.replace(b"%2Fl%2Fnotes", b"%2Fl%2Fpatron") for webhook in (started, renewed)]
    assert [0, 1] == [len(told(trials, body_of(started, body)).conversions) for body in patron]
    assert 1 == len(told(trials, given("gumroad", "sale")).conversions)
    assert () == told(trials, given("gumroad", "refund")).conversions


def test_the_pages_rule_for_one_seller_takes_nobody_elses() -> None:
    _, mine, _ = written("shops")
    ours = given("gumroad", "sale")
    assert 1 == len(told(mine, ours).conversions)
    other = told(mine, body_of(ours, ours.body.replace(b"bB15W3hXAIhyriC", b"somebodyElse123")))
    assert (EventState.IGNORED, "no rule") == (other.state, other.reason)


def body_of(webhook: Webhook, body: bytes) -> Webhook:
    return Webhook(source=webhook.source, headers=webhook.headers, body=body, received_at=webhook.received_at)


def test_the_pages_rule_for_subscriptions_is_a_lead_of_the_customer_its_payments_name() -> None:
    _, _, own = written("shops")
    activated = given("paypal", "sale_of_subscription", event_type="BILLING.SUBSCRIPTION.ACTIVATED", resource={
        "id": "I-LH2H6HGC2TR6",
        "custom_id": "cms_rf_Subscr1be",
        "subscriber": {"email_address": "ada@example.com", "payer_id": "QYR5Z8XDVJNXQ"},
    })  # fmt: skip
    (lead,) = told(own, activated).conversions
    (paid,) = told(own, given("paypal", "sale_of_subscription")).conversions
    assert isinstance(lead.payload, Lead)
    assert ("Subscr1be", "ada@example.com") == (lead.payload.click_id, lead.payload.customer_email)
    assert lead.payload.customer_external_id == paid.payload.customer_external_id
