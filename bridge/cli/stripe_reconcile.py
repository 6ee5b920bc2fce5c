"""`trackbridge stripe reconcile`: what Stripe says happened, taken in where no webhook told it."""

import argparse
import asyncio
import sys
from datetime import datetime

from bridge import __version__, notices
from bridge.assembly import alarms
from bridge.cli.ending import Exit, Failed
from bridge.cli.mappings import in_force
from bridge.cli.options import add_json, add_settings, moment, settings_of
from bridge.cli.output import clock, now, say, say_json, span, table, talk, width
from bridge.cli.stripe_key import key_of, stripe_source
from bridge.config import Settings
from bridge.intake import Intake
from bridge.library import Source
from bridge.metrics import Metrics
from bridge.reconcile import Gap, Progress, reconcile
from bridge.store import open_store
from bridge.stripe_api import EVENTS_KEPT, StripeTrouble, stripe_api


def declare(parser: argparse.ArgumentParser) -> None:
    """How far back, and whether only to look."""
    parser.add_argument("--since", type=moment, required=True, metavar="WHEN", help="30m, 12h, 3d, or an ISO 8601 time")
    parser.add_argument("--source", default="stripe", help="the mapping that takes them in")
    parser.add_argument(
        "--account", default="", metavar="ACCT", help="a connected account's events instead of your own"
    )
    parser.add_argument("--dry-run", action="store_true", help="report the gaps, and take nothing in")
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_MAPPINGS", "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """Feed what is missing, then say what was."""
    settings = settings_of(options)
    source = stripe_source(options.source, settings)
    key = key_of(settings)
    until = now()
    if options.since >= until:
        raise Failed(f"--since {clock(options.since)} is yet to come")
    since = max(options.since, until - EVENTS_KEPT)
    if since > options.since:
        talk(f"Stripe keeps events for {EVENTS_KEPT.days} days: beginning at {clock(since)}")
    told = _Told(since, until)
    try:
        done = asyncio.run(_reconciled(settings, source, key, since, until, told, options))
    except (StripeTrouble, KeyboardInterrupt) as error:
        told.end()
        if told.reached > since:
            talk(f"everything up to {clock(told.reached)} was looked at; go on with --since {told.reached.isoformat()}")
        if isinstance(error, StripeTrouble):
            raise Failed(str(error)) from error
        raise
    told.end()
    if done.gaps and not options.dry_run:
        notice = notices.gaps(now(), source=source.name, count=len(done.gaps), since=since)
        asyncio.run(alarms.told(settings, in_force(settings), notice))
    _tell(done, dry_run=options.dry_run, is_json=options.json)
    return Exit.DONE


async def _reconciled(
    settings: Settings,
    source: Source,
    key: str,
    since: datetime,
    until: datetime,
    told: "_Told",
    options: argparse.Namespace,
) -> Progress:
    store = await open_store(settings.database_url.reveal(), exclusive=False, keys=settings.encryption_keys)
    try:
        intake = Intake(
            store=store, metrics=Metrics(__version__), clock=now, wake=lambda: None, dry_run=settings.dry_run
        )
        async with stripe_api(key, base_url=settings.stripe_base_url) as api:
            return await reconcile(
                api,
                source,
                store=store,
                intake=intake,
                since=since,
                until=until,
                clock=now,
                account=options.account,
                dry_run=options.dry_run,
                tell=told,
            )
    finally:
        await store.close()


class _Told:
    """The line on a terminal that says how far it is."""

    def __init__(self, since: datetime, until: datetime) -> None:
        self.reached = since
        self._since = since
        self._until = until
        self._shows = sys.stderr.isatty()

    def __call__(self, progress: Progress) -> None:
        """One more stretch was looked at."""
        self.reached = progress.until
        if self._shows:
            done = (progress.until - self._since) / max(self._until - self._since, self._until.resolution)
            line = f"{done:4.0%}  {progress.seen} events, {len(progress.gaps)} missing, up to {clock(progress.until)}"
            print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._shows:
            print(file=sys.stderr)


def _tell(done: Progress, *, dry_run: bool, is_json: bool) -> None:
    if is_json:
        say_json({"seen": done.seen, "dry_run": dry_run, "gaps": [_as_json(gap) for gap in done.gaps]})
        return
    if done.gaps:
        rows = [_row(gap) for gap in done.gaps]
        say(table(("WHEN", "EVENT", "TYPE", "BECAME"), rows, most=width()))
    missing = f"{len(done.gaps)} missing" + (", nothing was taken in (dry run)" if dry_run and done.gaps else "")
    talk(f"{done.seen} events at Stripe, {missing if done.gaps else 'none missing'}")


def _row(gap: Gap) -> tuple[str, str, str, str]:
    age = span(now().timestamp() - gap.created)
    became = f"{gap.status}, {gap.deliveries} on the way" if gap.deliveries else gap.status or "not taken in"
    return (f"{age} ago", gap.id, gap.type, became)


def _as_json(gap: Gap) -> dict[str, object]:
    return {
        "event": gap.id,
        "type": gap.type,
        "created": gap.created,
        "status": gap.status,
        "deliveries": gap.deliveries,
    }
