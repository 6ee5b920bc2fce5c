"""What a draft gets right: real payloads of many senders, drafted as if nobody had heard of them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import mapping, read, sources
from bridge.demo.samples import webhook_of
from bridge.drafts.draft import Draft, draft
from bridge.drafts.invented import invented
from bridge.drafts.opening import NoDraftError
from bridge.drafts.page import page
from bridge.mapping import Mapping
from bridge.mapping.lines import MOST_SHOWN
from bridge.model import Json, Verified

MAPPINGS = Path(__file__).parents[3] / "mappings"
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
LOOKED_AT = (
    *("track", "event_name", "click_id", "customer_external_id", "customer_name", "customer_email"),
    *("invoice_id", "amount", "currency"),
)

#: The sample, and what the draft makes of it in another way than the shipped mapping, which somebody thought about.
OTHERWISE = {
    "shopify/order_paid": "",
    "woocommerce/order_completed": "customer_external_id",  # the shop's id, not the e-mail address
    "gumroad/sale": "customer_external_id invoice_id",  # the user's id; the sale's id, not the order's number
    "square/payment_completed": "amount",  # with the tip
    "paypal/capture_completed": "customer_external_id invoice_id",  # nobody is named
    "paddle/transaction_completed": "",
    "lemonsqueezy/order_created": "invoice_id",  # without a word of what it is an id of
    "polar/order_paid": "",
    "chargebee/payment_succeeded_one_time": "",
    "razorpay/payment_captured": "",
    "stripe/checkout_paid": "invoice_id",  # the session, not the payment intent
    "stripe/invoice_renewal": "event_name",
    "typeform/response": "",
    "tally/response": "",
    "jotform/submission": "",
    "google-forms/form_response": "",
    "fillout/submission": "",
    "formbricks/response_finished": "",
    "webflow/form_submission": "",
    "paperform/submission": "",
    "calendly/booking": "click_id",  # it stands in utm_content, without our prefix
    "calcom/booking_created": "",
    "clerk/user_created": "",
    "intercom/user_created": "",
    "custom/sale": "",
    "custom/lead": "event_name",
    "standard-webhooks/sale": "",
}


def shipped(source: str) -> Mapping:
    parsed = mapping.parse((MAPPINGS / f"{source}.yaml").read_text(encoding="utf-8"), file=source, base=lambda _: None)
    assert parsed.mapping is not None
    return parsed.mapping


def arrived(data: bytes) -> Verified:
    return sources.sample(webhook_of(data, "sample", NOW))


def document_of(verified: Verified) -> Json:
    found = read.read(verified)
    assert isinstance(found, read.Document), found
    return found.value


def drafted(verified: Verified, document: Json) -> Draft:
    headers = {name.decode(): value.decode("latin-1") for name, value in verified.webhook.headers}
    return draft("sample", headers, dict(parse_qsl(verified.webhook.query.decode())), document)


def sound(text: str) -> Mapping:
    """The mapping of a text that has neither problems nor warnings."""
    parsed = mapping.parse(text + EXAMPLE, file="sample.yaml", base=lambda _: None)
    assert [] == list(map(str, parsed.problems)), text
    assert parsed.mapping is not None
    return parsed.mapping


EXAMPLE = "examples:\n  - {name: a, webhook: a.json, expect: ignored}\n"


def made_of(rules: Mapping, verified: Verified, document: Json) -> list[dict[str, Json]]:
    meanings = mapping.apply(rules, verified, document)
    return [mapping.facts(conversion.payload) for meaning in meanings for conversion in meaning.conversions]


@pytest.mark.parametrize(("sample", "otherwise"), OTHERWISE.items(), ids=OTHERWISE)
def test_a_sender_nobody_has_heard_of_is_mapped_as_one_that_is_known(sample: str, otherwise: str) -> None:
    verified = arrived((MAPPINGS / "examples" / f"{sample}.json").read_bytes())
    document = document_of(verified)
    wanted = made_of(shipped(sample.partition("/")[0]), verified, document)[0]
    (got,) = made_of(sound(page(drafted(verified, document), "x")), verified, document)

    assert set(otherwise.split()) == {
        key for key in LOOKED_AT if wanted.get(key) is not None and got.get(key) != wanted.get(key)
    }


@pytest.mark.parametrize("sample", OTHERWISE)
def test_a_sample_with_people_made_up_is_mapped_the_same(sample: str) -> None:
    verified = arrived((MAPPINGS / "examples" / f"{sample}.json").read_bytes())
    document = document_of(verified)
    before, after = drafted(verified, document), drafted(verified, invented(document).value)

    assert {key: choice.expression for key, choice in before.fields.items()} == {
        key: choice.expression for key, choice in after.fields.items()
    }


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({}, "the sample is empty"),
        ([], "the sample is a list without objects"),
        ([1, 2], "the sample is a list without objects"),
        (7, "the sample is a single value"),
        ("text", "the sample is a single value"),
        (None, "the sample is a single value"),
        ({"a": {"b": [1, 2]}, "c": "d"}, "the sample has neither money"),
        ({"type": "order.refunded", "amount": 5, "currency": "EUR", "id": "1"}, 'the sample is a "order.refunded"'),
        ({"amount": 500, "currency": "EUR", "email": "a@b.example"}, "there is an amount, and nothing that tells"),
    ],
    ids=["empty", "no list", "numbers", "number", "text", "null", "nothing in it", "refund", "no id"],
)
def test_what_cannot_be_drafted_says_why(document: Json, why: str) -> None:
    with pytest.raises(NoDraftError, match=why.replace("(", r"\(")):
        draft("sample", {}, {}, document)


def test_ten_thousand_keys_are_looked_at_in_no_time() -> None:
    document: dict[str, Json] = {f"key_{number}": number for number in range(10_000)}
    document |= {"email": "ada@example.com", "id": "1"}
    fields = draft("sample", {}, {}, document).fields

    assert "lower(email)" == fields["customer_external_id"].expression


def test_something_deep_is_found() -> None:
    document: Json = {"customer": {"email": "ada@example.com"}}
    for level in range(8):
        document = {f"level{level}": document}
    text = page(draft("sample", {}, {}, document), "x")

    assert ".customer.email" in text
    sound(text)


def test_several_events_in_one_body_are_taken_apart() -> None:
    event: Json = {"event_id": "e1", "type": "user.created", "user": {"id": "u1", "email": "ada@example.com"}}
    bodies: list[tuple[Json, str, int]] = [([event, event], "'@'", 2), ({"events": [event]}, "events", 1)]
    for body, for_each, count in bodies:
        text = page(draft("sample", {}, {}, body), "x")
        assert f"  for_each: {for_each}\n" in text
        assert count == len(made_of(sound(text), arrived(json.dumps(body).encode()), body))


def test_a_test_flag_is_found() -> None:
    base: dict[str, Json] = {"id": "1", "email": "ada@example.com"}
    flags: list[tuple[dict[str, Json], str]] = [
        ({"livemode": True}, "livemode == `false`"),
        ({"test": "false"}, "test"),
        ({"environment": "production"}, "environment == 'sandbox'"),
    ]
    for flag, expression in flags:
        assert expression == draft("sample", {}, {}, base | flag).event["test"].expression


def test_a_state_that_says_paid_is_a_condition_and_any_other_a_question() -> None:
    base: dict[str, Json] = {"order_id": "7", "total": "4.50", "currency": "EUR", "customer_id": "c"}

    assert "    when: status == 'paid'\n" in page(draft("sample", {}, {}, base | {"status": "paid"}), "x")
    unsure = page(draft("sample", {}, {}, base | {"status": "processing"}), "x")
    assert '    # CHECK: status is "processing" here; if other values mean that nothing was paid' in unsure
    assert "    when: " not in unsure


def test_names_that_need_quotes_get_them() -> None:
    document: Json = {"Customer E-Mail": "ada@example.com", "Order ID": "7", "Order Total": "12.50", "Currency": "EUR"}
    text = page(draft("sample", {}, {}, document), "x")

    assert "invoice_id: '\"Order ID\"'" in text
    assert 1250 == made_of(sound(text), arrived(b"{}"), document)[0]["amount"]


@pytest.mark.parametrize(
    ("amount", "beside", "unit", "why"),
    [
        (4999, {}, "minor", "CHECK"),
        ("4999", {"total_formatted": "$49.99"}, "minor", "total_formatted says"),
        (49, {"shown": "49,00 €"}, "major", "shown says"),
        ("49.99", {}, "major", "it has decimals"),
        (4999, {"currency": "JPY"}, "minor", "JPY has no smaller unit"),
    ],
)
def test_the_unit_is_told_by_the_shape(amount: Json, beside: dict[str, Json], unit: str, why: str) -> None:
    document: dict[str, Json] = {"order_id": "7", "total": amount, "currency": "USD", "customer_id": "c"}
    guess = draft("sample", {}, {}, document | beside).unit

    assert guess is not None
    assert unit == guess.unit.value
    assert why in guess.why


KEYS = st.sampled_from(
    ["id", "type", "event", "email", "amount", "total", "currency", "name", "customer", "order", "data", "items"]
) | st.text(max_size=8)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9)
    | st.text(max_size=20)
    | st.sampled_from(["ada@example.com", "USD", "49.99", "order.paid", "2026-04-10T12:34:56Z", "cms_rf_x", '{"a": 1}'])
)
DOCUMENTS = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=8))
@settings(max_examples=100, deadline=None)
def test_whatever_is_drafted_is_sound(document: dict[str, Json]) -> None:
    try:
        proposed = draft("sample", {}, {}, invented(document).value)
    except NoDraftError:
        return
    text = page(proposed, "x")
    sound(text)
    assert all(len(line) <= MOST_SHOWN for line in text.splitlines())
