"""`trackbridge tracker`: whether anything is sent to the tracking API now, and if not, why and until when."""

import argparse

from bridge import backlog
from bridge.cli.database import visit
from bridge.cli.described import COLOURS
from bridge.cli.ending import Exit
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import iso, now, paint, printable, say, say_json
from bridge.model import Backlog, Counts, Tracker
from bridge.rate import pace_of
from bridge.store import Store
from bridge.wording import tracker as wording
from bridge.wording.story import Fact

EXAMPLE = 'tracker pause --reason "new account from Monday"'


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
        for fact in (*wording.state(tracker, now()), *wording.amounts(tracker, counts, left, pace, now())):
            say(_line(fact))
    return Exit.DONE


def _line(fact: Fact) -> str:
    return f"{fact.name:10} {paint(printable(fact.value), COLOURS[fact.tone])}{printable(fact.rest)}"


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
