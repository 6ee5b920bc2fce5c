"""Money: exact both ways, or refused with a reason that shows nothing."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.model import Json
from bridge.money import MoneyError, Unit, exponent, to_major, to_minor

ONE_OF_EACH = ["JPY", "USD", "KWD", "CLF"]
SCALARS: st.SearchStrategy[Json] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.text(), st.text("0123456789.-eE_ ")
)


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("JPY", 0), ("ISK", 0), ("UGX", 0), ("USD", 2), ("MGA", 2), ("HUF", 2), ("KWD", 3), ("IQD", 3), ("CLF", 4)],
)
def test_a_currency_has_the_minor_digits_of_iso_4217(currency: str, digits: int) -> None:
    assert digits == exponent(currency)
    assert digits == exponent(currency.lower())


def test_withdrawn_codes_that_senders_still_use_are_known() -> None:
    assert {2} == {exponent(code) for code in ("STD", "HRK", "BGN", "ANG", "ZWL")}


@pytest.mark.parametrize(
    ("currency", "reason"),
    [
        ("ZZZ", "not a currency code of ISO 4217"),
        ("XAU", "not a currency code of ISO 4217"),  # gold has no minor unit
        ("", "not a currency code: expected three letters such as USD"),
        ("US", "not a currency code: expected three letters such as USD"),
        ("usdc", "not a currency code: expected three letters such as USD"),
        (" USD", "not a currency code: expected three letters such as USD"),
        ("ıNR", "not a currency code: expected three letters such as USD"),  # a dotless i upper-cases to I
    ],
)
def test_an_unknown_currency_is_refused_with_the_reason(currency: str, reason: str) -> None:
    with pytest.raises(MoneyError) as refused:
        exponent(currency)
    assert reason == str(refused.value)


@pytest.mark.parametrize(
    ("amount", "currency", "unit", "minor"),
    [
        (4999, "USD", Unit.MINOR, 4999),
        ("4999", "usd", Unit.MINOR, 4999),
        (Decimal("4999.0"), "USD", Unit.MINOR, 4999),  # JSON 4999.0
        (0, "USD", Unit.MINOR, 0),
        (-4999, "USD", Unit.MINOR, -4999),
        (Decimal("49.99"), "USD", Unit.MAJOR, 4999),
        ("49.99", "USD", Unit.MAJOR, 4999),
        ("1234.5", "USD", Unit.MAJOR, 123450),
        ("49.9900", "USD", Unit.MAJOR, 4999),  # WooCommerce writes as many decimals as the shop shows
        ("-5.10", "USD", Unit.MAJOR, -510),
        ("-0.00", "USD", Unit.MAJOR, 0),
        ("0049.99", "USD", Unit.MAJOR, 4999),
        (49, "USD", Unit.MAJOR, 4900),
        ("500.00", "JPY", Unit.MAJOR, 500),
        ("5.12", "KWD", Unit.MAJOR, 5120),
        (Decimal("4.999E+1"), "USD", Unit.MAJOR, 4999),
        ("9999999999999.99", "USD", Unit.MAJOR, 999_999_999_999_999),
        (4999, "usd", Unit.STRIPE, 4999),
        (5000, "jpy", Unit.STRIPE, 5000),
        (5120, "kwd", Unit.STRIPE, 5120),
        (500, "isk", Unit.STRIPE, 5),
        (500, "ugx", Unit.STRIPE, 5),
        (-500, "ugx", Unit.STRIPE, -5),
        (5, "mga", Unit.STRIPE, 500),  # Stripe counts whole ariary, ISO hundredths
        (250000, "huf", Unit.STRIPE, 250000),  # zero-decimal for payouts only
        (250000, "twd", Unit.STRIPE, 250000),
    ],
)
def test_an_amount_becomes_minor_units_exactly(amount: Json, currency: str, unit: Unit, minor: int) -> None:
    got = to_minor(amount, currency, unit)
    assert minor == got
    assert type(got) is int


@pytest.mark.parametrize(
    ("amount", "currency", "unit", "reason"),
    [
        (True, "USD", Unit.MINOR, "not a number"),
        (None, "USD", Unit.MINOR, "not a number"),
        ([4999], "USD", Unit.MINOR, "not a number"),
        ({"value": 4999}, "USD", Unit.MINOR, "not a number"),
        (49.99, "USD", Unit.MAJOR, "a float, which cannot hold an exact amount"),
        ("", "USD", Unit.MAJOR, "empty text"),
        ("49.99", "USD", Unit.MINOR, "not a whole number of minor units"),
        (Decimal("0.5"), "USD", Unit.MINOR, "not a whole number of minor units"),
        ("49.99", "USD", Unit.STRIPE, "not a whole number of Stripe's smallest unit"),
        (550, "ISK", Unit.STRIPE, "a fraction of a currency that has none"),
        (-501, "UGX", Unit.STRIPE, "a fraction of a currency that has none"),
        ("49.999", "USD", Unit.MAJOR, "more decimals than the currency has"),
        ("0.5", "JPY", Unit.MAJOR, "more decimals than the currency has"),
        (Decimal("1e-999999"), "USD", Unit.MAJOR, "more decimals than the currency has"),
        (Decimal("NaN"), "USD", Unit.MAJOR, "not a finite number"),
        (Decimal("sNaN"), "USD", Unit.MAJOR, "not a finite number"),
        (Decimal("-Infinity"), "USD", Unit.MAJOR, "not a finite number"),
        (10**15, "USD", Unit.MINOR, "too large for an amount"),
        (10**14, "USD", Unit.MAJOR, "too large for an amount"),
        (10**13, "MGA", Unit.STRIPE, "too large for an amount"),
        (-(10**15), "USD", Unit.MINOR, "too large for an amount"),
        ("9999999999999999", "USD", Unit.MAJOR, "too large for an amount"),
        pytest.param(10**5000, "USD", Unit.MAJOR, "too large for an amount", id="5001 digits"),
        # expanding either of these would take all memory
        (Decimal("1e999999"), "USD", Unit.MAJOR, "too large for an amount"),
        (Decimal("1e999999999999"), "USD", Unit.MINOR, "too large for an amount"),
        pytest.param("1" * 5000, "USD", Unit.MAJOR, "too long for an amount", id="5000 digits of text"),
    ],
)
def test_what_is_not_an_amount_is_refused_with_the_reason(amount: Json, currency: str, unit: Unit, reason: str) -> None:
    with pytest.raises(MoneyError) as refused:
        to_minor(amount, currency, unit)
    assert reason == str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        *("1,234", "1,234.50", "1.234,50", "1 000", "1_000"),  # separators
        *("1e3", "0x10", "NaN", "inf", "$5"),
        *(" 1", "1 ", "1\n", "1\x00"),
        *("+1", "--1", "-", ".", "1.", ".5", "1.2.3"),
        *("١٢", "１２", "²"),  # digits to str.isdigit, and the first two to int()
    ],
    ids=ascii,
)
@pytest.mark.parametrize("unit", list(Unit), ids=lambda unit: unit.value)
def test_only_plain_decimal_text_is_an_amount(text: str, unit: Unit) -> None:
    with pytest.raises(MoneyError, match="not plain decimal text"):
        to_minor(text, "USD", unit)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (4999, "USD", "49.99"),
        (5000, "usd", "50.00"),
        (-1, "USD", "-0.01"),
        (500, "JPY", "500"),
        (5120, "KWD", "5.120"),
        (0, "CLF", "0.0000"),
        (999_999_999_999_999, "CLF", "99999999999.9999"),
    ],
)
def test_minor_units_become_plain_decimals(amount: int, currency: str, text: str) -> None:
    assert text == str(to_major(amount, currency))


def test_an_absurd_number_of_minor_units_has_no_major_form() -> None:
    with pytest.raises(MoneyError, match="too large"):
        to_major(10**15, "USD")


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.sampled_from(ONE_OF_EACH))
def test_minor_to_major_and_back_is_the_same_amount(amount: int, currency: str) -> None:
    major = to_major(amount, currency)
    assert amount == to_minor(major, currency, Unit.MAJOR)
    assert amount == to_minor(str(major), currency, Unit.MAJOR)


@given(st.integers(-(10**9), 10**9), st.sampled_from([("ISK", 2), ("UGX", 2), ("MGA", 0), ("USD", 2), ("KWD", 3)]))
def test_whole_currency_told_by_stripe_is_the_same_as_told_in_major_units(whole: int, told: tuple[str, int]) -> None:
    currency, places = told
    assert to_minor(whole, currency, Unit.MAJOR) == to_minor(whole * 10**places, currency, Unit.STRIPE)


@given(SCALARS, st.one_of(st.sampled_from(ONE_OF_EACH), st.text(max_size=4)), st.sampled_from(Unit))
def test_nothing_but_money_error_is_ever_raised(amount: Json, currency: str, unit: Unit) -> None:
    try:
        minor = to_minor(amount, currency, unit)
    except MoneyError:
        return
    assert minor == to_minor(to_major(minor, currency), currency, Unit.MAJOR)


@given(st.text(min_size=4), st.sampled_from(Unit))
def test_a_reason_never_shows_the_value(amount: str, unit: Unit) -> None:
    assume(amount not in "not plain decimal text such as 1234.50 (no separators, signs, spaces or exponent)")
    try:
        to_minor(amount, "USD", unit)
    except MoneyError as refused:
        reason = str(refused)
    else:
        reason = ""
    assert amount not in reason
