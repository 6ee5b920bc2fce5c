"""`trackbridge replicas`: who serves from this database, and whether all of them work alike."""

import argparse
from collections.abc import Iterator, Sequence
from datetime import datetime

from bridge.agreement import Difference, differences
from bridge.cli.database import visit
from bridge.cli.ending import Exit
from bridge.cli.listing import Column, told
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import DIM, GREEN, YELLOW, iso, now, printable, relative, say, say_json, talk, width
from bridge.model import Seen

EXAMPLE = "replicas"


def declare(parser: argparse.ArgumentParser) -> None:
    """Only where the database is."""
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """List them; that they differ is shown, and no failure: an upgrade may be under way."""
    moment = now()
    seen = visit(settings_of(options), lambda store: store.replicas(now=moment))
    found = differences([one.replica for one in seen if one.is_live])
    if options.json:
        say_json(_as_json(seen, found))
    elif not seen:
        talk("nobody serves from this database")
    else:
        _tell(seen, found, moment)
    return Exit.DONE


def _tell(seen: Sequence[Seen], found: Sequence[Difference], moment: datetime) -> None:
    states = [_state(one) for one in seen]
    columns = [
        Column(name="replica", cells=[one.replica.name for one in seen], least=12),
        Column(name="version", cells=[one.replica.version for one in seen]),
        Column(name="state", cells=[text for text, _ in states], colours=[colour for _, colour in states]),
        Column(name="started", cells=[relative(one.started_at, moment) for one in seen], spare=1),
        Column(name="last heard of", cells=[relative(one.seen_at, moment) for one in seen]),
    ]
    say(told(columns, width()))
    for line in _agreement(sum(one.is_live for one in seen), found):
        say(line)


def _state(one: Seen) -> tuple[str, str]:
    if not one.is_live:
        return "gone", YELLOW
    return (f"sends nothing: {one.replica.idle}", DIM) if one.replica.idle else ("at work", GREEN)


def _agreement(live: int, found: Sequence[Difference]) -> Iterator[str]:
    if found:
        yield "\nthey differ in:"
        yield from (f"  {printable(str(one))}" for one in found)
    elif live > 1:
        yield "\nall work by the same mappings and settings"


def _as_json(seen: Sequence[Seen], found: Sequence[Difference]) -> dict[str, object]:
    return {
        "replicas": [
            {
                "replica": one.replica.name,
                "id": one.replica.id,
                "host": one.replica.host,
                "version": one.replica.version,
                "live": one.is_live,
                "idle": one.replica.idle or None,
                "started_at": iso(one.started_at),
                "seen_at": iso(one.seen_at),
                "mappings": dict(one.replica.sources),
            }
            for one in seen
        ],
        "differences": [
            {"what": one.what, "sides": [{"value": value, "replicas": [*names]} for value, names in one.sides]}
            for one in found
        ],
    }
