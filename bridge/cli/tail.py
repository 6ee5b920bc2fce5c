"""`trackbridge tail`: what comes in and what happens to deliveries, as it happens, whichever process does it.

The database is asked twice a second for what is newer than the last it told; nothing of a running bridge is needed.
"""

import argparse
import asyncio
import contextlib
import select
import sys
from datetime import UTC, datetime, timedelta

from bridge.cli.database import visit
from bridge.cli.described import DELIVERY_COLOURS, brief, delivery_json, event_json, fate, summary
from bridge.cli.ending import Exit
from bridge.cli.filters import count_or_none
from bridge.cli.listing import fit
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import iso, now, paint, printable, say, say_json_line, talk, width
from bridge.model import StoredEvent
from bridge.store import Store
from bridge.store.reports import Change, Cursor, News
from bridge.store.wanted import EventFilter

EXAMPLE = "tail --source stripe -n 20"

_EVERY_SECONDS = 0.5
#: So much is asked for at once; when there is more, the next question follows without a pause.
_MOST = 200
#: The width of the widest word for a state.
_STATE = 12


def declare(parser: argparse.ArgumentParser) -> None:
    """What to follow, and with how much of the past to begin."""
    parser.add_argument("--source", metavar="NAME", help="only of this source")
    parser.add_argument(
        "-n",
        dest="last",
        type=count_or_none,
        default=10,
        metavar="N",
        help="begin with the last N events (default: 10)",
    )
    parser.add_argument("--no-follow", action="store_true", help="tell the last ones, and end")
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """Follow until Ctrl-C, or until nobody reads any more: both are as good an end as any."""
    settings = settings_of(options)
    with contextlib.suppress(KeyboardInterrupt):
        visit(settings, lambda store: _follow(store, options))
    return Exit.DONE


async def _follow(store: Store, options: argparse.Namespace) -> None:
    at = await store.newest()
    if options.last:
        wanted = EventFilter(source=options.source, before=at.event + 1, bodies=False, limit=options.last)
        for stored in reversed(await store.events(wanted)):
            _tell_event(stored, is_json=options.json)
    if options.no_follow:
        return
    if not options.json and sys.stdout.isatty():
        talk("following; times are UTC, Ctrl-C ends")
    while not _is_closed():
        news = await store.news(at, limit=_MOST)
        _tell(news, options)
        if len(news.events) < _MOST and len(news.changes) < _MOST:
            await asyncio.sleep(_EVERY_SECONDS)
        at = Cursor(event=news.cursor.event, change=news.cursor.change)


def _is_closed() -> bool:
    """Whether whoever read our output has gone: without a word of ours nobody else would tell us."""
    if sys.stdout.isatty():
        return False
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(mask & (select.POLLERR | select.POLLHUP) for _, mask in poll.poll(0))
    except (OSError, ValueError):  # no file of the system's behind it
        return False


def _tell(news: News, options: argparse.Namespace) -> None:
    """Arrivals, then what happened to deliveries; an arrival that was over at once is told with its end."""
    for stored in news.events:
        if options.source in (None, stored.event.source):
            _tell_event(stored, is_json=options.json)
    for change in news.changes:
        if options.source in (None, change.delivery.source):
            _tell_change(change, is_json=options.json)


def _tell_event(stored: StoredEvent, *, is_json: bool) -> None:
    if is_json:
        say_json_line({"kind": "event", **event_json(stored)})
        return
    state, colour, what = summary(stored, now(), {})
    kind = stored.event.type or "without a type"
    said = f"{kind}: {what}" if what else kind
    _say(stored.event.received_at, str(stored.id), stored.event.source, (state, colour), said)


def _tell_change(change: Change, *, is_json: bool) -> None:
    delivery, last = change.delivery, change.last
    at = last.started_at + timedelta(milliseconds=last.duration_ms) if last is not None else now()
    if is_json:
        attempt = None if last is None else {"number": last.number, "status": last.status, "verdict": last.verdict}
        say_json_line({"kind": "delivery", "at": iso(at), **delivery_json(delivery), "last_attempt": attempt})
        return
    state = (delivery.state.value.replace("_", " "), DELIVERY_COLOURS[delivery.state])
    parts = [brief(delivery.payload)]
    if last is not None:
        parts.append(f"try {last.number}: {last.status or last.reason or 'no answer'} in {last.duration_ms:.0f} ms")
    when = fate(delivery, now()).partition(", ")[2]
    parts += [part for part in (when, delivery.reason) if part]
    _say(at, f"d{delivery.id}", delivery.source, state, ", ".join(parts))


def _say(at: datetime, number: str, source: str, state: tuple[str, str], what: str) -> None:
    """One line that fits."""
    clock = at.astimezone(UTC).strftime("%m-%d %H:%M:%S")
    begin = f"{clock}  {number:>7}  {fit(printable(source), 12):12}  "
    word, colour = state
    most = width()
    room = None if most is None else max(most - len(begin) - _STATE - 2, 10)
    text = printable(what)
    say(f"{begin}{paint(f'{word:{_STATE}}', colour)}  {text if room is None else fit(text, room)}")
