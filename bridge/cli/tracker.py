"""`trackbridge tracker`: whether anything is sent to the tracking API now, and if not, why and until when."""

import argparse
from collections.abc import Iterator, Sequence
from datetime import datetime

from bridge import backlog
from bridge.cli.database import visit
from bridge.cli.ending import Exit
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import GREEN, YELLOW, clock, iso, now, paint, printable, relative, say, say_json
from bridge.model import Backlog, Counts, DeliveryState, Tracker
from bridge.rate import Pace, pace_of
from bridge.store import Store

EXAMPLE = 'tracker pause --reason "new account from Monday"'

_OPEN = (DeliveryState.PENDING, DeliveryState.WAITING, DeliveryState.SENDING)


def declare(parser: argparse.ArgumentParser) -> None:
    """Show, pause, resume."""
    parser.add_argument("action", nargs="?", choices=("show", "pause", "resume"), default="show", help="default: show")
    parser.add_argument("--reason", default="an operator paused it", help="why it is paused, for whoever looks later")
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """Do it, then show what holds now."""

    async def work(store: Store) -> tuple[Tracker, Counts, Backlog]:
        match options.action:
            case "pause":
                await store.pause(options.reason, now=now())
            case "resume":
                await store.resume(now=now())
        return await store.tracker(), await store.counts(), await store.backlog(now=now())

    settings = settings_of(options)
    tracker, counts, left = visit(settings, work)
    pace = pace_of(tracker) or settings.rate
    if options.json:
        say_json(_as_json(tracker, counts) | {"backlog": backlog.facts(left, tracker, pace)})
    else:
        told = [*_state(tracker, now()), *_amounts(tracker, counts, left, pace, now())]
        for name, value in told:
            say(f"{name:10} {value}")
    return Exit.DONE


def _state(tracker: Tracker, moment: datetime) -> Iterator[tuple[str, str]]:
    if tracker.paused_since is None:
        yield "tracker", paint("open", GREEN) + (", one request at a time until the first success" * tracker.cautious)
    else:
        since = f"{clock(tracker.paused_since)} ({relative(tracker.paused_since, moment)})"
        yield "tracker", f"{paint('paused', YELLOW)} since {since}"
        yield "why", printable(tracker.pause_reason)
        yield "goes on", _end(tracker, moment)
    last = tracker.last_success_at
    yield "succeeded", f"{clock(last)} ({relative(last, moment)})" if last else "never yet"


def _amounts(
    tracker: Tracker, counts: Counts, left: Backlog, pace: Pace, moment: datetime
) -> Iterator[tuple[str, str]]:
    oldest = counts.oldest_pending_at
    age = f", the oldest recorded {relative(oldest, moment)}" if oldest else ""
    yield "open", f"{sum(counts.deliveries.get(state, 0) for state in _OPEN)}{age}"
    yield "backlog", backlog.told(left, tracker, pace)
    if left.held:
        soon = f"; the next try {relative(left.next_at, moment)}" if left.next_at else ""
        yield "held up", f"{left.held} of {_customers(left.held_lanes)}, {_reasons(left.held_by)}{soon}"
    if left.waiting:
        yield "not yet", f"{left.waiting} of {_customers(left.waiting_lanes)}, {_reasons(left.waiting_for)}"
    yield "dead", f"{left.dead} of {_customers(left.dead_lanes)}: trackbridge dead" if left.dead else "0"


def _customers(number: int) -> str:
    return "1 customer" if number == 1 else f"{number} customers"


def _reasons(by: Sequence[tuple[str, int]]) -> str:
    return "; ".join(f"{number} × {printable(why) or 'not said'}" for why, number in by)


def _end(tracker: Tracker, moment: datetime) -> str:
    if tracker.paused_by_operator:
        return "when somebody says: trackbridge tracker resume"
    if tracker.paused_until is not None:
        return f"{relative(tracker.paused_until, moment)}, as the tracker asked"
    probe = relative(tracker.probe_at, moment) if tracker.probe_at and tracker.probe_at > moment else "now"
    return f"by itself, as soon as a probe gets through; the next one: {probe}"


def _as_json(tracker: Tracker, counts: Counts) -> dict[str, object]:
    return {
        "paused": tracker.is_paused,
        "paused_since": iso(tracker.paused_since),
        "paused_until": iso(tracker.paused_until),
        "paused_by_operator": tracker.paused_by_operator,
        "pause_reason": tracker.pause_reason,
        "probe_at": iso(tracker.probe_at),
        "cautious": tracker.cautious,
        "failures": tracker.failures,
        "last_success_at": iso(tracker.last_success_at),
        "events": {state.value: number for state, number in counts.events.items()},
        "deliveries": {state.value: number for state, number in counts.deliveries.items()},
        "oldest_pending_at": iso(counts.oldest_pending_at),
    }
