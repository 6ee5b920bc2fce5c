"""What callers of the clients may pass, and what is refused before anything is sent."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import cast

import pytest

from bridge.model import Lead, Sale
from bridge.tracking.arguments import Tracked, lead_of, sale_of


def lead(
    event_name: object = "signup",
    customer_external_id: object = "user_42",
    click_id: object = None,
    customer_name: object = None,
    customer_email: object = None,
    timestamp: object = None,
    mode: object = None,
) -> Tracked:
    """Callers without a type checker pass anything."""
    call = cast("Callable[..., Tracked]", lead_of)
    return call(event_name, customer_external_id, click_id, customer_name, customer_email, None, timestamp, mode)


def sale(
    invoice_id: object = "inv_1", amount: object = 4999, currency: object = "USD", click_id: object = None
) -> Tracked:
    call = cast("Callable[..., Tracked]", sale_of)
    return call("purchase", "user_42", invoice_id, amount, currency, click_id, None, None, None, None)


@pytest.mark.parametrize(
    ("error", "says", "call"),
    [
        pytest.param(ValueError, "event_name is required", lambda: lead(event_name=""), id="empty event name"),
        pytest.param(ValueError, "event_name is required", lambda: lead(event_name=" \n"), id="blank event name"),
        pytest.param(TypeError, "event_name: expected text", lambda: lead(event_name=None), id="no event name"),
        pytest.param(ValueError, "customer_external_id is", lambda: lead(customer_external_id=""), id="empty customer"),
        pytest.param(
            TypeError, "customer_external_id: ", lambda: lead(customer_external_id=42), id="customer a number"
        ),
        pytest.param(TypeError, "click_id: expected text", lambda: lead(click_id=7), id="click id a number"),
        pytest.param(TypeError, "customer_name: expected", lambda: lead(customer_name=b"Jane"), id="name of bytes"),
        pytest.param(ValueError, "mode: expected", lambda: lead(mode="later", click_id="c1"), id="unknown mode"),
        pytest.param(ValueError, "mode: expected", lambda: lead(mode="", click_id="c1"), id="empty mode"),
        pytest.param(ValueError, "click_id is required", lambda: lead(mode="deferred"), id="deferred, no click id"),
        pytest.param(
            ValueError, "click_id is", lambda: lead(mode="deferred", click_id=""), id="deferred, empty click id"
        ),
        pytest.param(ValueError, "timestamp: ", lambda: lead(timestamp=datetime(2026, 4, 10)), id="naive"),  # noqa: DTZ001
        pytest.param(ValueError, "timestamp: ", lambda: lead(timestamp="2026-04-10T12:34:56"), id="text without zone"),
        pytest.param(ValueError, "timestamp: ", lambda: lead(timestamp="2026-04-10"), id="a date's text"),
        pytest.param(ValueError, "timestamp: ", lambda: lead(timestamp="soon"), id="bad text"),
        pytest.param(ValueError, "timestamp: ", lambda: lead(timestamp=""), id="empty text"),
        pytest.param(TypeError, "timestamp: ", lambda: lead(timestamp=date(2026, 4, 10)), id="a date"),
        pytest.param(TypeError, "timestamp: ", lambda: lead(timestamp=1_775_824_496), id="an epoch"),
        pytest.param(
            ValueError,
            "timestamp: ",
            lambda: lead(timestamp=datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))),
            id="before the first year",
        ),
        pytest.param(ValueError, "invoice_id is required", lambda: sale(invoice_id=""), id="empty invoice"),
        pytest.param(TypeError, "got float", lambda: sale(amount=49.99), id="a float"),
        pytest.param(TypeError, "got float", lambda: sale(amount=4999.0), id="a whole float"),
        pytest.param(TypeError, "got bool", lambda: sale(amount=True), id="a bool"),
        pytest.param(TypeError, "got str", lambda: sale(amount="4999"), id="text for an amount"),
        pytest.param(TypeError, "got NoneType", lambda: sale(amount=None), id="no amount"),
        pytest.param(ValueError, "no refunds", lambda: sale(amount=-1), id="negative"),
        pytest.param(ValueError, "three letters", lambda: sale(currency="US"), id="two letters"),
        pytest.param(ValueError, "three letters", lambda: sale(currency="U$D"), id="a sign"),
        pytest.param(ValueError, "three letters", lambda: sale(currency="ßab"), id="letters that grow in upper case"),
        pytest.param(ValueError, "currency is required", lambda: sale(currency="   "), id="blank currency"),
    ],
)
def test_a_wrong_argument_is_refused(error: type[Exception], says: str, call: Callable[[], Tracked]) -> None:
    with pytest.raises(error, match=says):
        call()


def test_a_lower_case_currency_is_upper_cased_as_stripe_sends_it() -> None:
    payload = sale(currency="usd").payload

    assert isinstance(payload, Sale)
    assert "USD" == payload.currency


def test_a_sale_of_nothing_is_a_sale() -> None:
    payload = sale(amount=0).payload

    assert isinstance(payload, Sale)
    assert 0 == payload.amount


@pytest.mark.parametrize("empty", ["", "  ", "\t"])
def test_blank_optional_text_counts_as_missing(empty: str) -> None:
    """The vendor's client sends the click id "" of a visitor without the cookie."""
    payload = lead(click_id=empty, customer_email=empty).payload

    assert (None, None) == (payload.click_id, payload.customer_email)


def test_ids_are_passed_as_they_are() -> None:
    assert " user 42 " == lead(customer_external_id=" user 42 ").payload.customer_external_id


def test_mode_deferred_makes_a_deferred_lead() -> None:
    payload = lead(click_id="c1", mode="deferred").payload

    assert isinstance(payload, Lead)
    assert payload.deferred


@pytest.mark.parametrize(
    "timestamp",
    [
        pytest.param("2026-04-10T12:34:56Z", id="Z"),
        pytest.param("2026-04-10T12:34:56.000000+00:00", id="offset"),
        pytest.param("2026-04-10 18:04:56+05:30", id="another zone"),
        pytest.param(datetime(2026, 4, 10, 12, 34, 56, tzinfo=UTC), id="a datetime"),
    ],
)
def test_a_timestamp_with_a_zone_is_that_moment(timestamp: datetime | str) -> None:
    tracked = lead(timestamp=timestamp)

    assert tracked.is_dated
    assert datetime(2026, 4, 10, 12, 34, 56, tzinfo=UTC) == tracked.payload.timestamp


def test_without_a_timestamp_the_payload_is_undated() -> None:
    assert not lead().is_dated
    assert not sale().is_dated


def test_a_zone_that_knows_no_offset_is_no_zone() -> None:
    class Vague(tzinfo):
        def utcoffset(self, _when: datetime | None, /) -> None:
            return None

        dst = utcoffset

        def tzname(self, _when: datetime | None, /) -> None:
            return None

    with pytest.raises(ValueError, match="timestamp: "):
        lead(timestamp=datetime(2026, 4, 10, tzinfo=Vague()))


def test_no_refusal_repeats_a_value() -> None:
    with pytest.raises(ValueError, match="three letters") as refused:
        sale(currency="secret")

    assert "secret" not in str(refused.value)
