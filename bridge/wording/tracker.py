"""The tracker's state and what is on its way to it, as named facts."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bridge import backlog
from bridge.model import Backlog, Counts, DeliveryState, Tracker
from bridge.rate import Pace
from bridge.wording.deliveries import Tone
from bridge.wording.story import Fact
from bridge.wording.texts import clock, relative

_OPEN = (DeliveryState.PENDING, DeliveryState.WAITING, DeliveryState.SENDING)


def state(tracker: Tracker, now: datetime) -> Iterator[Fact]:
    """Whether anything is sent now; if not, why, and until when."""
    if tracker.paused_since is None:
        more = ", one request at a time until the first success" if tracker.cautious else ""
        yield Fact(name="tracker", value="open", tone=Tone.GOOD, rest=more)
    else:
        since = f" since {clock(tracker.paused_since)} ({relative(tracker.paused_since, now)})"
        yield Fact(name="tracker", value="paused", tone=Tone.BUSY, rest=since)
        yield Fact(name="why", value=tracker.pause_reason)
        yield Fact(name="goes on", value=_end(tracker, now))
    last = tracker.last_success_at
    yield Fact(name="succeeded", value=f"{clock(last)} ({relative(last, now)})" if last else "never yet")


def amounts(tracker: Tracker, counts: Counts, left: Backlog, pace: Pace, now: datetime) -> Iterator[Fact]:
    """How much is open, how long it takes, what holds up the rest."""
    oldest = counts.oldest_pending_at
    age = f", the oldest recorded {relative(oldest, now)}" if oldest else ""
    yield Fact(name="open", value=f"{sum(counts.deliveries.get(state, 0) for state in _OPEN)}{age}")
    yield Fact(name="backlog", value=backlog.told(left, tracker, pace))
    if left.held:
        soon = f"; the next try {relative(left.next_at, now)}" if left.next_at else ""
        yield Fact(
            name="held up",
            value=f"{deliveries(left.held)} of {customers(left.held_lanes)}, {_reasons(left.held_by)}{soon}",
        )
    if left.waiting:
        value = f"{deliveries(left.waiting)} of {customers(left.waiting_lanes)}, {_reasons(left.waiting_for)}"
        yield Fact(name="not yet", value=value)
    dead = f"{deliveries(left.dead)} of {customers(left.dead_lanes)}: trackbridge dead" if left.dead else "0"
    yield Fact(name="dead", value=dead)


def customers(number: int) -> str:
    """So many customers."""
    return "1 customer" if number == 1 else f"{number:,} customers"


def deliveries(number: int) -> str:
    """So many deliveries."""
    return "1 delivery" if number == 1 else f"{number:,} deliveries"


def _reasons(by: Sequence[tuple[str, int]]) -> str:
    return "; ".join(f"{number} × {why or 'not said'}" for why, number in by)


def _end(tracker: Tracker, now: datetime) -> str:
    if tracker.paused_by_operator:
        return "when somebody says: trackbridge tracker resume"
    if tracker.paused_until is not None:
        return f"{relative(tracker.paused_until, now)}, as the tracker asked"
    probe = relative(tracker.probe_at, now) if tracker.probe_at and tracker.probe_at > now else "now"
    return f"by itself, as soon as a probe gets through; the next one: {probe}"
