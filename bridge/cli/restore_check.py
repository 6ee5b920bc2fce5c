"""`trackbridge restore-check`: before the first serve on a database that was put back from a backup.

What stands there as unsent may have been sent since the backup. Sales go again under their invoice ids, flagged; leads
are held as dead letters, since a tracker may count them twice. Run it again after `stripe reconcile`: what that takes
in may have been sent as well.
"""

import argparse
import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

from bridge.cli.ending import Exit, Failed
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import clock, iso, now, relative, say, say_json, table, talk, width
from bridge.config import Settings
from bridge.model import Tracker
from bridge.store import Store, open_store
from bridge.store.reports import Restored
from bridge.store.restored import UNKNOWN

EXAMPLE = "restore-check --dry-run"

#: So long senders repeat what was not taken in: what was accepted after the backup may have happened so much earlier.
_SENDERS_REPEAT = timedelta(days=3)


def declare(parser: argparse.ArgumentParser) -> None:
    """What to do with leads, and whether there is anything to doubt."""
    parser.add_argument("--send-leads", action="store_true", help="send leads again too: the tracker may double them")
    parser.add_argument(
        "--current", action="store_true", help="nothing was sent since this copy was made: serve may take it as it is"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what is in question, and change nothing")
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """Look, and unless it is a rehearsal, put what is in question under the rules of an unknown outcome."""
    if options.current and options.send_leads:
        talk("--current doubts nothing, so --send-leads has nothing to say")
        return Exit.USAGE
    found, tracker = asyncio.run(_checked(settings_of(options), options))
    if options.json:
        say_json(_as_json(found, options) | {"paused_by_operator": tracker.paused_by_operator})
        return Exit.DONE
    _tell(found)
    for line in _done(found, options):
        talk(line)
    if tracker.paused_by_operator:
        talk("  trackbridge tracker resume   # somebody had paused it when the backup was taken")
    return Exit.DONE


async def _checked(settings: Settings, options: argparse.Namespace) -> tuple[Restored, Tracker]:
    # to change it, nobody may serve from it; to look, somebody may
    store = await open_store(
        settings.database_url.reveal(),
        exclusive=not options.dry_run,
        unchecked=True,
        keys=settings.encryption_keys,
    )
    try:
        await _see_alone(store, options)
        return await _found(store, options), await store.tracker()
    finally:
        await store.close()


async def _found(store: Store, options: argparse.Namespace) -> Restored:
    if options.current:
        return await (store.restored() if options.dry_run else store.trust())
    return await store.doubt(now=now(), send_leads=options.send_leads, rehearse=options.dry_run)


async def _see_alone(store: Store, options: argparse.Namespace) -> None:
    """Where one database has many serves, none may be at work; a file has its lock for that."""
    if not store.is_shared or options.dry_run:
        return
    live = [seen.replica.name for seen in await store.replicas(now=now()) if seen.is_live]
    if live:
        raise Failed(
            f"{len(live)} serve from this database, or did a moment ago: {', '.join(live)}\n"
            "  why: they send what is in question while it is being asked\n"
            "  fix: stop them, wait half a minute, and run this again"
        )


def _tell(found: Restored) -> None:
    moment = now()
    if found.backup_at is not None:
        say(f"backup of  {clock(found.backup_at)} ({relative(found.backup_at, moment)})")
    newest = f"{clock(found.as_of)} ({relative(found.as_of, moment)})" if found.as_of else "nothing is in it"
    say(f"newest     {newest}")
    if found.questions:
        say()
        rows = [
            (
                f"{one.count:,} {one.kind if one.count == 1 else one.kind + 's'}",
                one.state,
                relative(one.oldest_at, moment),
                relative(one.newest_at, moment),
            )
            for one in found.questions
        ]
        say(table(("IN QUESTION", "STATE", "OLDEST", "NEWEST"), rows, most=width()))


def _done(found: Restored, options: argparse.Namespace) -> Iterator[str]:
    would = "would be" if options.dry_run else "will be"
    if options.current:
        yield "nothing was doubted: what is pending is sent as if nothing had been" * (not options.dry_run)
        return
    if not found.questions:
        yield "nothing is unsent, so nothing is in question"
    if found.repeated:
        yield f"{_number(found.repeated, 'sale')} {would} sent again under the same invoice ids, flagged"
    if found.leads:
        yield f"{_number(found.leads, 'lead')} {would} sent again, flagged; the tracker may count them twice"
    if found.held:
        state = "would be" if options.dry_run else "are"
        yield f'{found.held:,} {state} held as dead letters ("{UNKNOWN}"): trackbridge dead'
    if options.dry_run:
        yield "nothing was changed"
    yield "next:"
    yield from (f"  {line}" for line in _next(found))


def _next(found: Restored) -> Iterator[str]:
    since = _since(found)
    if since is not None:
        yield f"trackbridge stripe reconcile --since {since}   # what Stripe had accepted after the backup"
        yield "trackbridge restore-check                        # again: that may have been sent as well"
    yield "trackbridge serve"
    if found.held or found.dead:
        yield f'trackbridge replay --reason "{UNKNOWN}" --dry-run   # leads that the tracker does not have: send them'


def _since(found: Restored) -> str | None:
    known = found.backup_at or found.as_of
    return _minute(known - _SENDERS_REPEAT) if known else None


def _minute(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%MZ")


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _as_json(found: Restored, options: argparse.Namespace) -> dict[str, object]:
    return {
        "dry_run": options.dry_run,
        "backup_at": iso(found.backup_at),
        "newest_at": iso(found.as_of),
        "in_question": [
            {
                "kind": one.kind,
                "state": one.state,
                "count": one.count,
                "oldest_at": iso(one.oldest_at),
                "newest_at": iso(one.newest_at),
            }
            for one in found.questions
        ],
        "repeated_sales": found.repeated,
        "repeated_leads": found.leads,
        "held": found.held,
        "dead_before": found.dead,
        "reconcile_since": _since(found),
    }
