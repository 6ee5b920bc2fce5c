"""`trackbridge events`: what came in and what became of it; `events show ID` tells one event's whole story."""

import argparse
import sys

from bridge.cli import story
from bridge.cli.database import visit
from bridge.cli.described import event_json, outcome
from bridge.cli.ending import Exit, Failed
from bridge.cli.options import add_json, add_listing, add_settings, settings_of
from bridge.cli.output import now, printable, relative, say, say_json, table, talk, width
from bridge.model import Attempt, EventState, StoredEvent
from bridge.store import Store
from bridge.store.base import EventFilter

EXAMPLE = "events --state unmapped --since 7d"


def declare(parser: argparse.ArgumentParser) -> None:
    """The listing, and `show` for one event."""
    add_listing(parser)
    parser.add_argument("--state", choices=[state.value for state in EventState], help="only in this state")
    _add_common(parser)
    shows = parser.add_subparsers(metavar="show ID")
    show = shows.add_parser("show", help="the whole story of one event", allow_abbrev=False)
    show.add_argument("reference", metavar="ID", help="the number in the listing, or the source's own id")
    show.add_argument("--body", action="store_true", help="print the webhook's body as it came, and nothing else")
    _add_common(show)
    show.set_defaults(show=True)


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """List events, or tell the story of one."""
    return _show(options) if "show" in options else _list(options)


def _list(options: argparse.Namespace) -> int:
    wanted = EventFilter(
        source=options.source,
        state=EventState(options.state) if options.state else None,
        since=options.since,
        customer=options.customer,
        limit=options.limit,
    )
    found = visit(settings_of(options), lambda store: store.events(wanted))
    if options.json:
        say_json([event_json(stored) for stored in found])
    elif found:
        say(table(("id", "received", "source", "type", "state", "what became of it"), _rows(found), most=width()))
        if len(found) == options.limit:
            talk(f"only the newest {options.limit} are shown: --limit shows more")
    else:
        talk("no events" + (" yet" if wanted == EventFilter() else " like these"))
    return Exit.DONE


def _rows(found: list[StoredEvent]) -> list[tuple[str, ...]]:
    moment = now()
    return [
        (
            str(stored.id),
            relative(stored.event.received_at, moment),
            stored.event.source,
            stored.event.type or "",
            stored.state.value,
            outcome(stored, moment),
        )
        for stored in found
    ]


def _show(options: argparse.Namespace) -> int:
    async def look(store: Store) -> list[tuple[StoredEvent, dict[int, list[Attempt]]]]:
        events = await store.find_events(options.reference)
        return [(event, {d.id: await store.attempts(d.id) for d in event.deliveries}) for event in events]

    found = visit(settings_of(options), look)
    if not found:
        raise Failed(f'there is no event "{printable(options.reference)}": trackbridge events lists them')
    if options.body:
        event = found[0][0].event
        if event.item is not None:
            talk(f"this is the whole batch, and the event is item {event.item} of it, counted from 0")
        sys.stdout.buffer.write(event.body)
    elif options.json:
        say_json([story.as_json(event, attempts) for event, attempts in found])
    else:
        say("\n\n".join(story.tell(event, attempts, now()) for event, attempts in found))
    return Exit.DONE
