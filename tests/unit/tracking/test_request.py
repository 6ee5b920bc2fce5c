"""What goes out: keys, order, timestamps and amounts, byte for byte."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Lead, Sale
from bridge.money import MoneyError
from bridge.tracking.request import encode

NOON = datetime(2026, 4, 10, 12, 34, 56, tzinfo=UTC)


LEAD = Lead(event_name="signup", customer_external_id="user_42", timestamp=NOON)
SALE = Sale(
    event_name="purchase",
    customer_external_id="user_42",
    invoice_id="inv_1",
    amount=4999,
    currency="USD",
    timestamp=NOON,
)


def test_a_whole_lead_has_the_vendors_keys_in_the_vendors_order() -> None:
    lead = replace(
        LEAD,
        click_id="c1",
        customer_name="Jane",
        customer_email="jane@example.com",
        customer_avatar="https://example.com/j.png",
        deferred=True,
    )

    request = encode(lead, "minor")

    assert "/track/lead" == request.path
    assert (
        b'{"clickId":"c1","eventName":"signup","customerExternalId":"user_42","timestamp":"2026-04-10T12:34:56.000Z",'
        b'"customerName":"Jane","customerEmail":"jane@example.com","customerAvatar":"https://example.com/j.png",'
        b'"mode":"deferred"}'
    ) == request.body


def test_a_whole_sale_has_the_vendors_keys_in_the_vendors_order() -> None:
    sale = replace(
        SALE,
        click_id="c1",
        customer_name="Jane",
        customer_email="jane@example.com",
        customer_avatar="https://example.com/j.png",
    )

    request = encode(sale, "minor")

    assert "/track/sale" == request.path
    assert (
        b'{"clickId":"c1","eventName":"purchase","timestamp":"2026-04-10T12:34:56.000Z","customerExternalId":"user_42",'
        b'"customerName":"Jane","customerEmail":"jane@example.com","customerAvatar":"https://example.com/j.png",'
        b'"invoiceId":"inv_1","amount":4999,"currency":"USD"}'
    ) == request.body


def test_what_is_none_is_left_out_and_so_is_an_undated_timestamp() -> None:
    assert b'{"eventName":"signup","customerExternalId":"user_42"}' == encode(LEAD, "minor", is_dated=False).body


@pytest.mark.parametrize(
    ("expected", "when"),
    [
        pytest.param("2026-04-10T12:34:56.000Z", NOON, id="whole seconds"),
        pytest.param("2026-04-10T12:34:56.123Z", NOON.replace(microsecond=123_999), id="cut to milliseconds"),
        pytest.param(
            "2026-04-10T07:04:56.000Z",
            NOON.replace(tzinfo=timezone(timedelta(hours=5, minutes=30))),
            id="another zone",
        ),
        pytest.param("0099-01-02T03:04:05.000Z", datetime(99, 1, 2, 3, 4, 5, tzinfo=UTC), id="four digits of year"),
    ],
)
def test_timestamps_are_utc_with_milliseconds_and_z(expected: str, when: datetime) -> None:
    assert expected == json.loads(encode(replace(LEAD, timestamp=when), "minor").body)["timestamp"]


@pytest.mark.parametrize(
    ("expected", "amount", "currency"),
    [
        pytest.param(b"49.99", 4999, "USD", id="cents"),
        pytest.param(b"500", 50_000, "USD", id="whole dollars"),
        pytest.param(b"49.9", 4990, "USD", id="tens of cents"),
        pytest.param(b"0.01", 1, "USD", id="one cent"),
        pytest.param(b"0", 0, "USD", id="nothing"),
        pytest.param(b"500", 500, "JPY", id="no minor unit"),
        pytest.param(b"100", 100, "JPY", id="no minor unit, zeros kept"),
        pytest.param(b"1.234", 1234, "KWD", id="three digits"),
        pytest.param(b"9999999999999.99", 999_999_999_999_999, "EUR", id="more than a float can hold well"),
    ],
)
def test_major_units_are_exact_literals(expected: bytes, amount: int, currency: str) -> None:
    body = encode(replace(SALE, amount=amount, currency=currency), "major").body

    assert b'"amount":' + expected + b"," in body


@given(amount=st.integers(min_value=0, max_value=10**14), currency=st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_an_amount_in_major_units_is_the_same_money(amount: int, currency: str) -> None:
    digits = {"USD": 2, "JPY": 0, "KWD": 3, "CLF": 4}[currency]
    body = json.loads(encode(replace(SALE, amount=amount, currency=currency), "major").body, parse_float=Decimal)

    assert amount == Decimal(body["amount"]).scaleb(digits)


def test_minor_units_go_out_for_any_currency_but_major_ones_only_for_known_ones() -> None:
    assert b'"amount":4999' in encode(replace(SALE, currency="XXY"), "minor").body
    with pytest.raises(MoneyError):
        encode(replace(SALE, currency="XXY"), "major")


@given(text=st.text())
def test_any_text_arrives_as_it_was(text: str) -> None:
    """Quotes, NUL, lone surrogates: JSON escapes them all, so the bytes are always ASCII."""
    body = encode(replace(LEAD, customer_name=text), "minor").body

    assert text == json.loads(body)["customerName"]
    assert body.isascii()
