"""What a value of a webhook is worth as text, an id, an address."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.times import iso, millisecond, time_of
from bridge.mapping.values import Unfit, cleaned, customer_of, digits_of, email_of, id_of, name_of, url_of
from bridge.model import Json


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("cus_1", "cus_1"),
        ("  cus_1\n", "cus_1"),
        ("a\x00b\x1fc\x7fd\x9fe", "abcde"),
        ("a\tb\nc", "a b c"),
        ("a\ud800b", "a\ufffdb"),
        ("zero\u200dwidth", "zero\u200dwidth"),
        ("Zoë 🦊", "Zoë 🦊"),
        ("non\u00a0breaking", "non breaking"),
        (42, "42"),
        (0, "0"),
        (-7, "-7"),
        (9007199254740993123, "9007199254740993123"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (1.5, "1.5"),
        (None, None),
        ("", None),
        (" \t", None),
        ("\x00", None),
        ("null", None),
        ("undefined", None),
        ("None", None),
        (" null ", None),
        ("NULL", "NULL"),
        ("x" * 255, "x" * 255),
    ],
)
def test_an_id_is_clean_text_or_missing(value: Json, expected: str | None) -> None:
    assert expected == id_of(value)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (True, "a boolean, expected text or a number"),
        (["a"], "a list, expected text or a number"),
        ({"a": 1}, "an object, expected text or a number"),
        ("x" * 256, "text longer than 255 characters"),
        (10**400, "a number with too many digits"),
        (Decimal("1e400"), "a number with too many digits"),
        (Decimal("1e-400"), "a number with too many digits"),
        (Decimal("NaN"), "a number with too many digits"),
        (float("inf"), "a number with too many digits"),
    ],
)
def test_what_is_no_id_is_told_by_its_type_and_never_shown(value: Json, why: str) -> None:
    with pytest.raises(Unfit) as raised:
        id_of(value)
    assert why == str(raised.value)


@pytest.mark.parametrize(
    ("value", "expected"), [(0, None), (Decimal(0), None), (0.0, None), ("0", "0"), (1, "1"), (None, None)]
)
def test_the_number_0_is_no_customer(value: Json, expected: str | None) -> None:
    assert expected == customer_of(value)


def test_a_name_is_cut_and_an_id_is_not() -> None:
    assert "x" * 255 == name_of("x" * 300)
    assert "x" * 254 == name_of("x" * 254 + " " + "y")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" ada@example.com ", "ada@example.com"),
        ("ada", None),
        (None, None),
        ("a@" + "x" * 300, None),
        ("@", "@"),
    ],
)
def test_an_email_without_an_at_is_none(value: Json, expected: str | None) -> None:
    assert expected == email_of(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://example.com/a.png", "https://example.com/a.png"),
        ("http://example.com/a.png", "http://example.com/a.png"),
        ("javascript:alert(1)", None),
        ("/a.png", None),
        ("https://example.com/" + "a" * 3000, None),
    ],
)
def test_an_avatar_is_a_web_address(value: Json, expected: str | None) -> None:
    assert expected == url_of(value)


@given(text=st.text(st.characters(), max_size=40))
def test_clean_text_can_be_stored_anywhere(text: str) -> None:
    clean = cleaned(text)

    clean.encode()
    assert clean == clean.strip()
    assert not any(char < " " or "\x7f" <= char < "\xa0" for char in clean)
    assert clean == cleaned(clean)


@given(number=st.one_of(st.integers(), st.decimals(), st.floats()))
def test_digits_have_no_exponent_and_lose_nothing(number: int | Decimal | float) -> None:
    try:
        digits = digits_of(number)
    except Unfit:
        return
    assert set(digits) <= set("-0123456789.")
    assert number == (float(digits) if isinstance(number, float) else Decimal(digits))


# Times -------------------------------------------------------------------------------------------------------------

MOMENT = datetime(2026, 4, 10, 12, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1775824496, MOMENT),
        (1775824496000, MOMENT),
        (Decimal("1775824496.5"), MOMENT.replace(microsecond=500_000)),
        (1775824496.25, MOMENT.replace(microsecond=250_000)),
        ("1775824496", MOMENT),
        ("1775824496000", MOMENT),
        ("1775824496.5", MOMENT.replace(microsecond=500_000)),
        ("2026-04-10T12:34:56Z", MOMENT),
        ("2026-04-10T12:34:56", MOMENT),
        ("2026-04-10 12:34:56", MOMENT),
        ("2026-04-10T14:34:56+02:00", MOMENT),
        ("2026-04-10T14:34:56+0200", MOMENT),
        ("2026-04-10 14:34:56 +0200", MOMENT),
        ("2026-04-10 12:34:56 UTC", MOMENT),
        (" 2026-04-10T12:34:56Z ", MOMENT),
        ("2026-04-10T12:34:56.1Z", MOMENT.replace(microsecond=100_000)),
        ("2026-04-10T12:34:56.123456789Z", MOMENT.replace(microsecond=123_456)),
        ("2026-04-10", datetime(2026, 4, 10, tzinfo=UTC)),
        (99_999_999_999, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        (100_000_000_000, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_however_senders_write_it(value: Json, expected: datetime) -> None:
    found = time_of(value)

    assert expected == found
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -1,
        10**20,
        Decimal("NaN"),
        Decimal("1e400"),
        float("inf"),
        "",
        "soon",
        "10/04/2026",
        "2026-13-01",
        "2026-04-10T25:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "٢٠٢٦-٠٤-١٠",
        "1" * 65,
        [],
        {},
        "\ud800",
    ],
)
def test_what_is_no_time_is_none(value: Json) -> None:
    assert time_of(value) is None


@given(value=st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.decimals()))
def test_no_value_makes_a_time_raise(value: Json) -> None:
    time = time_of(value)
    assert time is None or time.tzinfo is UTC


def test_a_time_is_cut_to_milliseconds_and_written_with_z() -> None:
    time = datetime(2026, 4, 10, 12, 34, 56, 789_999, tzinfo=UTC)

    assert time.replace(microsecond=789_000) == millisecond(time)
    assert "2026-04-10T12:34:56.789Z" == iso(time)
    assert "0999-01-01T00:00:00.000Z" == iso(datetime(999, 1, 1, tzinfo=UTC))
