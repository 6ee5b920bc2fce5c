"""Retry-After: seconds and dates, honest and hostile."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.tracking.retry_after import seconds_asked

NOW = datetime(2026, 4, 10, 12, 0, 0, tzinfo=UTC)
DATE = "Fri, 10 Apr 2026 09:00:00 GMT"


@pytest.mark.parametrize(
    ("expected", "retry_after"),
    [
        pytest.param(None, None, id="absent"),
        pytest.param(1.0, "1", id="a second"),
        pytest.param(120.0, " 120 ", id="spaces"),
        pytest.param(1.5, "1.5", id="a fraction"),
        pytest.param(7.0, "007", id="leading zeros"),
        pytest.param(7.0, "0000000000000007", id="many leading zeros"),
        pytest.param(3600.0, "3600", id="an hour, in full"),
        pytest.param(86_400.0, "9999999", id="capped at a day"),
        pytest.param(86_400.0, "9" * 5_000, id="more digits than int() takes"),
        pytest.param(None, "0", id="zero"),
        pytest.param(None, "0.0", id="zero with a fraction"),
        pytest.param(None, "-5", id="negative"),
        pytest.param(None, "soon", id="a word"),
        pytest.param(None, "", id="empty"),
        pytest.param(None, "1e3", id="exponent"),
        pytest.param(None, "nan", id="nan"),
        pytest.param(None, "inf", id="inf"),
        pytest.param(None, "1_0", id="underscore"),
        pytest.param(None, "٣", id="other digits"),
        pytest.param(None, "5, 10", id="a list"),
        pytest.param(60.0, "Fri, 10 Apr 2026 09:01:00 GMT", id="a date, against the answer's own"),
        pytest.param(60.0, "Friday, 10-Apr-26 09:01:00 GMT", id="an RFC 850 date"),
        pytest.param(60.0, "Fri Apr 10 09:01:00 2026", id="an asctime date"),
        pytest.param(60.0, "Fri, 10 Apr 2026 11:01:00 +0200", id="a date with an offset"),
        pytest.param(86_400.0, "Fri, 10 Apr 2126 09:01:00 GMT", id="a date in a hundred years"),
        pytest.param(None, "Fri, 10 Apr 2026 08:59:00 GMT", id="a date that is past"),
        pytest.param(None, DATE, id="the same date"),
        pytest.param(None, "Fri, 99 Apr 2026 08:59:00 GMT", id="no such day"),
        pytest.param(None, "Fri, 10 Apr 0 08:59:00 GMT", id="no such year"),
        pytest.param(None, "2026-04-10T09:01:00Z", id="an ISO date is none"),
    ],
)
def test_retry_after_is_seconds_or_nothing(expected: float | None, retry_after: str | None) -> None:
    assert expected == seconds_asked(retry_after, DATE, NOW)


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_a_date_is_measured_against_our_clock_when_the_answer_has_none(date: str | None) -> None:
    assert 60.0 == seconds_asked("Fri, 10 Apr 2026 12:01:00 GMT", date, NOW)


@given(retry_after=st.text(), date=st.text())
def test_nothing_a_tracker_writes_there_can_break_it(retry_after: str, date: str) -> None:
    seconds = seconds_asked(retry_after, date, NOW)

    assert seconds is None or 0 < seconds <= 86_400
