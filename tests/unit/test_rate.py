"""Never faster than the tracker allows, in any window, whatever the moments of asking."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.model import Tracker
from bridge.rate import MOST_BURST, Pace, take

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
EMPTY = Tracker(tokens=0.0, tokens_at=START)


def granted_at(pace: Pace, asked: Sequence[tuple[int, int]]) -> list[datetime]:
    """When each request was granted to somebody who asks after so many milliseconds for so many, from empty."""
    tracker, now, moments = EMPTY, START, []
    for milliseconds, wanted in asked:
        now += timedelta(milliseconds=milliseconds)
        granted, tracker, _ = take(tracker, pace, wanted, now)
        moments += [now] * granted
    return moments


@given(
    n=st.integers(1, 200),
    seconds=st.sampled_from([1.0, 60.0, 3600.0]),
    asked=st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 40)), max_size=60),
)
@example(n=60, seconds=60.0, asked=[(3_600_000, 40), *[(1000, 40)] * 70])
@example(n=2, seconds=1.0, asked=[(5000, 5), *[(100, 5)] * 30])
def test_no_window_of_one_unit_holds_more_than_n(n: int, seconds: float, asked: list[tuple[int, int]]) -> None:
    moments = granted_at(Pace(n=n, seconds=seconds), asked)

    for number in range(len(moments) - n):
        assert (moments[number + n] - moments[number]).total_seconds() >= seconds * (1 - 1e-6)


@pytest.mark.parametrize(
    ("n", "burst", "each"),
    [(1, 1, 2.0), (2, 1, 1.0), (3, 1, 0.5), (10, 1, 1 / 9), (30, 3, 1 / 27), (60, 5, 1 / 55), (1000, 5, 1 / 995)],
    ids=str,
)
def test_the_burst_is_small_and_the_refill_is_what_is_left(n: int, burst: int, each: float) -> None:
    pace = Pace(n=n, seconds=1.0)

    assert burst == pace.burst <= MOST_BURST
    assert pytest.approx(each) == 1 / pace.per_second


def test_an_empty_bucket_says_when_the_next_request_may_go() -> None:
    pace = Pace(n=60)
    granted, after, at = take(EMPTY, pace, 3, START)

    assert (0, START) == (granted, after.tokens_at)
    assert at is not None
    assert 0 == take(after, pace, 1, at - timedelta(milliseconds=1))[0]
    assert 1 == take(after, pace, 1, at + timedelta(milliseconds=1))[0]


def test_a_quiet_spell_saves_up_no_more_than_the_burst() -> None:
    granted, after, at = take(EMPTY, Pace(n=60), 32, START + timedelta(days=9))

    assert (5, 0.0) == (granted, after.tokens)
    assert at is not None


def test_what_is_not_wanted_stays() -> None:
    granted, after, at = take(EMPTY, Pace(n=60), 2, START + timedelta(days=9))

    assert (2, 3.0, None) == (granted, after.tokens, at)


def test_steady_asking_gets_the_whole_rate_but_the_burst() -> None:
    assert 55 == len(granted_at(Pace(n=60), [(100, 1)] * 605))


def test_a_clock_that_goes_backwards_refills_nothing_and_takes_nothing() -> None:
    full = replace(EMPTY, tokens=2.0)

    granted, after, _ = take(full, Pace(n=60), 5, START - timedelta(hours=1))

    assert (2, START - timedelta(hours=1)) == (granted, after.tokens_at)


def test_a_row_that_never_had_a_bucket_starts_empty() -> None:
    assert 0 == take(Tracker(), Pace(n=60), 5, START)[0]


def test_no_pace_grants_everything_and_keeps_no_account() -> None:
    assert (1000, EMPTY, None) == take(EMPTY, Pace(n=0), 1000, START)


@pytest.mark.parametrize(
    ("pace", "text"),
    [
        (Pace(n=0), "no limit"),
        (Pace(n=60), "60/min"),
        (Pace(n=5, seconds=1.0), "5/s"),
        (Pace(n=100, seconds=3600.0), "100/hour"),
        (Pace(n=3, seconds=10.0), "3/10 s"),
    ],
    ids=str,
)
def test_a_pace_reads_as_it_is_written(pace: Pace, text: str) -> None:
    assert text == str(pace)
