"""`trackbridge events`: what came in and what became of it; `events show ID` tells one event's whole story."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bridge.cli import filters, story
from bridge.cli.database import visit
from bridge.cli.described import event_json, summary
from bridge.cli.ending import Exit, Failed
from bridge.cli.filters import add_filters, add_paging, counted, event_filter, event_state, nothing_like, unheard
from bridge.cli.listing import Column, told
from bridge.cli.mappings import in_force
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import DIM, now, printable, relative, say, say_bytes, say_json, talk, width
from bridge.config import Settings
from bridge.model import EventState, StoredEvent
from bridge.remap import retold
from bridge.store import Store
from bridge.store.reports import Line, Story
from bridge.store.wanted import Page

EXAMPLE = "events --state unmapped --since 7d"


def declare(parser: argparse.ArgumentParser) -> None:
    """The listing, and `show` for one event."""
    add_filters(parser)
    states = ", ".join(state.value for state in EventState)
    parser.add_argument("--state", type=event_state, metavar="STATE", help=f"only in this state: {states}")
    add_paging(parser)
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")
    shows = parser.add_subparsers(metavar="[show ID]", title="one event")
    show = shows.add_parser("show", help="the whole story of one event", allow_abbrev=False)
    show.add_argument(
        "reference", metavar="ID", help="the number in the listing, the source's own id, or a delivery's (d12)"
    )
    show.add_argument("--body", action="store_true", help="print the webhook's body as it is kept, and nothing else")
    add_json(show)
    add_settings(show, "TRACKBRIDGE_MAPPINGS", "TRACKBRIDGE_DATABASE_URL")
    show.set_defaults(show=True)


def run(options: argparse.Namespace) -> int:
    """List events, or tell the story of one."""
    return _show(options) if "show" in options else _list(options)


def _list(options: argparse.Namespace) -> int:
    wanted = event_filter(options, EventState(options.state) if options.state else None)

    async def work(store: Store) -> tuple[Page[StoredEvent], Mapping[int, Line], str]:
        page = await store.page_of_events(wanted)
        lines = await store.lines([delivery.id for stored in page.rows for delivery in stored.deliveries])
        return page, lines, await unheard(store, options, page)

    page, lines, nobody = visit(settings_of(options), work)
    if options.json:
        say_json([event_json(stored, lines) for stored in page.rows])
    elif page.rows:
        say(told(_columns(page.rows, lines), width()))
    if page.rows:
        talk(counted(page, page.rows[-1].id))
    else:
        is_narrowed = options.state is not None or filters.is_narrowed(options)
        talk(printable(nobody or nothing_like(page, options, "no events")) if is_narrowed else "no events yet")
    return Exit.DONE


def _columns(found: Sequence[StoredEvent], lines: Mapping[int, Line]) -> list[Column]:
    moment = now()
    summaries = [summary(stored, moment, lines) for stored in found]
    return [
        Column(name="id", cells=[str(stored.id) for stored in found]),
        Column(name="received", cells=[relative(one.event.received_at, moment) for one in found], last=2),
        Column(name="source", cells=[stored.event.source for stored in found], least=8, last=3),
        Column(
            name="type",
            cells=[one.event.type or "" for one in found],
            least=16,
            yields=1,
            last=4,
            keeps_end=True,
        ),
        Column(
            name="source's id",
            cells=[stored.event.source_id or "" for stored in found],
            spare=2,
            colours=[DIM] * len(found),
        ),
        Column(name="customer", cells=[_customer(stored) for stored in found], least=16, spare=1, keeps_end=True),
        Column(
            name="state", cells=[state for state, _, _ in summaries], colours=[colour for _, colour, _ in summaries]
        ),
        Column(name="what became of it", cells=[one[2] for one in summaries], least=12, enough=36),
    ]


def _customer(stored: StoredEvent) -> str:
    return ", ".join(dict.fromkeys(delivery.lane for delivery in stored.deliveries))


def _show(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    stories = visit(settings, lambda store: store.stories(options.reference))
    if not stories:
        raise Failed(f'there is no event "{printable(options.reference)}": trackbridge events lists them')
    if not options.body:
        stories = _retold(stories, settings)
    if options.body:
        event = stories[0].stored.event
        if event.item is not None:
            talk(f"this is the whole batch, and the event is item {event.item} of it, counted from 0")
        say_bytes(event.body)
    elif options.json:
        say_json([story.as_json(one) for one in stories])
    else:
        say("\n\n".join(story.tell(one, now(), width()) for one in stories))
    return Exit.DONE


def _retold(stories: Sequence[Story], settings: Settings) -> list[Story]:
    """With what today's rules add to the explanation, where they are those that mapped the event."""
    loaded = in_force(settings, secretly=False).sources
    return [
        replace(one, stored=replace(one.stored, steps=retold(one.stored, loaded[name].mapping)))
        if (name := one.stored.event.source) in loaded
        else one
        for one in stories
    ]
