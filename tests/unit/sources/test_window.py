"""Signed times: one reading per text, one text per time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bridge.errors import Refused
from bridge.sources.scheme import Unit
from bridge.sources.window import check_window, read_moment, write_moment

MOMENT = datetime(2026, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "unit", "moment"),
    [
        (b"1770091506", Unit.SECONDS, 1_770_091_506_000_000),
        (b"1770091506789", Unit.MILLISECONDS, 1_770_091_506_789_000),
        (b"2026-02-03T04:05:06Z", Unit.ISO, 1_770_091_506_000_000),
        (b"2026-02-03T04:05:06.789Z", Unit.ISO, 1_770_091_506_789_000),
        (b"2026-02-03T04:05:06.789123456Z", Unit.ISO, 1_770_091_506_789_123),
        (b"2026-02-03T05:05:06+01:00", Unit.ISO, 1_770_091_506_000_000),
        (b"2026-02-02T20:05:06-08:00", Unit.ISO, 1_770_091_506_000_000),
    ],
)
def test_a_time_is_read_in_its_unit(text: bytes, unit: Unit, moment: int) -> None:
    assert moment == read_moment(text, unit)


@pytest.mark.parametrize("unit", [Unit.SECONDS, Unit.MILLISECONDS])
@pytest.mark.parametrize(
    "text",
    [b"", b"0", b"01770091506", b"-1", b"+1", b" 1", b"1 ", b"1_0", b"1.0", b"1e9", b"0x1", b"\xd9\xa1", b"\xb2",
     b"9" * 16, b"9" * 5_000, b"nan", b"inf"],
)  # fmt: skip
def test_what_is_no_plain_number_is_malformed(text: bytes, unit: Unit) -> None:
    with pytest.raises(Refused, match="malformed"):
        read_moment(text, unit)


@pytest.mark.parametrize(
    "text",
    [b"", b"Z", b"2026-02-03T04:05:06", b"2026-02-03Z", b"2026-02-30T04:05:06Z", b"2026-02-03T04:05:06+00",
     b"2026-02-03T04:05:06+00:00:00", b"1770091506", b"now Z", b"0" * 5_000 + b"Z",
     b"\xff026-02-03T04:05:06Z", b"2026-02-03T04:05:06.1234567890123456Z"],
)  # fmt: skip
def test_what_is_no_iso_time_with_its_zone_is_malformed(text: bytes) -> None:
    with pytest.raises(Refused, match="malformed"):
        read_moment(text, Unit.ISO)


def test_times_at_both_ends_of_the_calendar_are_only_far_away() -> None:
    for text, word in ((b"0001-01-01T00:00:00+23:59", "stale"), (b"9999-12-31T23:59:59-23:59", "future")):
        with pytest.raises(Refused, match=word):
            check_window(read_moment(text, Unit.ISO), MOMENT, 300)


@pytest.mark.parametrize("unit", Unit)
def test_what_is_written_is_read_again(unit: Unit) -> None:
    lost = timedelta(microseconds=0 if unit is Unit.MILLISECONDS else 789_000)

    read = read_moment(write_moment(MOMENT.astimezone(timezone(timedelta(hours=9))), unit), unit)

    assert int((MOMENT - lost).timestamp() * 1_000_000) == read
