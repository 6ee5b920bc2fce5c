"""What is left to do, told as it is: no rate, no estimate; no promise while paused."""

from datetime import UTC, datetime

import pytest

from bridge import backlog
from bridge.metrics import Metrics
from bridge.model import Backlog, Counts, Tracker
from bridge.rate import Pace

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
OPEN, PAUSED = Tracker(), Tracker(paused_since=NOW, pause_reason="401")


@pytest.mark.parametrize(
    ("expected", "due", "tracker", "pace"),
    [
        pytest.param("770 waiting, about 14 min at 60/min", 770, OPEN, Pace(n=60), id="so many minutes"),
        pytest.param("1 waiting, less than a minute at 60/min", 1, OPEN, Pace(n=60), id="soon"),
        pytest.param("50000 waiting, about 15 h 9 min at 60/min", 50_000, OPEN, Pace(n=60), id="hours"),
        pytest.param("900 waiting, about 4 d 4 h at 10/hour", 900, OPEN, Pace(n=10, seconds=3600.0), id="days"),
        pytest.param("770 waiting, as fast as it goes", 770, OPEN, Pace(n=0), id="no rate, no estimate"),
        pytest.param("770 waiting; paused; then about 14 min at 60/min", 770, PAUSED, Pace(n=60), id="paused"),
        pytest.param("770 waiting; paused; then as fast as it goes", 770, PAUSED, Pace(n=0), id="paused, no rate"),
        pytest.param("nothing to send now", 0, OPEN, Pace(n=60), id="nothing"),
        pytest.param("paused; nothing to send", 0, PAUSED, Pace(n=60), id="nothing, paused"),
    ],
)
def test_a_backlog_is_told_with_the_time_it_takes(expected: str, due: int, tracker: Tracker, pace: Pace) -> None:
    assert expected == backlog.told(Backlog(due=due), tracker, pace)


def test_only_what_is_due_takes_time() -> None:
    """The burst of 5 is kept back, so 60/min is 55 in every minute of a long drain."""
    left = Backlog(due=55, held=400, held_lanes=3, waiting=90)

    assert 60.0 == backlog.seconds(left, Pace(n=60))
    assert backlog.seconds(left, Pace(n=0)) is None


@pytest.mark.parametrize(
    ("expected", "n"),
    [(["trackbridge_backlog_seconds 60.0"], 60), ([], 0), ([], None)],
    ids=["a rate", "no limit", "never started"],
)
def test_a_metric_says_so_where_there_is_a_rate(expected: list[str], n: int | None) -> None:
    counts = Counts(events={}, deliveries={})
    text = Metrics("1").render(counts, Tracker(rate_n=n), Backlog(due=55, held=4, held_lanes=2)).decode()
    lines = text.splitlines()

    assert "trackbridge_backlog_deliveries 55.0" in lines
    assert "trackbridge_held_lanes 2.0" in lines
    assert expected == [line for line in lines if line.startswith("trackbridge_backlog_seconds ")]


def test_machines_are_told_what_holds_up_the_rest() -> None:
    left = Backlog(
        due=55,
        held=9,
        held_lanes=3,
        held_by=(("timeout", 2), ("500", 1)),
        next_at=NOW,
        waiting=2,
        waiting_lanes=1,
        waiting_for=(("not yet", 2),),
        dead=4,
        dead_lanes=3,
    )

    assert {
        "due": 55,
        "seconds": 60.0,
        "rate": "60/min",
        "told": "55 waiting, about 1 min at 60/min",
        "held": {
            "lanes": 3,
            "deliveries": 9,
            "next_at": "2026-05-04T12:00:00+00:00",
            "by": [{"why": "timeout", "lanes": 2}, {"why": "500", "lanes": 1}],
        },
        "waiting": {"lanes": 1, "deliveries": 2, "for": [{"why": "not yet", "deliveries": 2}]},
        "dead": {"lanes": 3, "deliveries": 4},
    } == backlog.facts(left, OPEN, Pace(n=60))
