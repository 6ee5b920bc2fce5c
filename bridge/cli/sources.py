"""`trackbridge sources`: which are on, what to paste where, and what came from each lately."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from bridge.cli.database import visit
from bridge.cli.ending import Exit, Failed
from bridge.cli.mappings import in_force
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import BOLD, DIM, GREEN, YELLOW, iso, now, paint, printable, relative, say, say_json, talk
from bridge.config import Settings
from bridge.errors import ConfigError, did_you_mean
from bridge.model import EventState
from bridge.store.reports import Activity
from bridge.wording.sources import Seen, base_url, joined, numbers

EXAMPLE = "sources stripe"


def declare(parser: argparse.ArgumentParser) -> None:
    """All, or some by name."""
    parser.add_argument("names", nargs="*", metavar="SOURCE", help="only these (default: those that are used)")
    parser.add_argument("--all", action="store_true", help="those that came along and are not used, too")
    add_json(parser)
    add_settings(
        parser,
        "TRACKBRIDGE_DATABASE_URL",
        "TRACKBRIDGE_MAPPINGS",
        "TRACKBRIDGE_PUBLIC_URL",
        "TRACKBRIDGE_HOST",
        "TRACKBRIDGE_PORT",
    )


def run(options: argparse.Namespace) -> int:
    """Tell each source's state."""
    settings = settings_of(options)
    loaded = in_force(settings)
    seen = list(joined(loaded, _activity(settings), base_url(settings.public_url, settings.near_host, settings.port)))
    chosen = _chosen(seen, options)
    if options.json:
        say_json([_as_json(one) for one in chosen])
    else:
        _tell(chosen, seen, settings, is_all=options.all or bool(options.names))
    if loaded.errors:
        talk(f"the mappings have {len(loaded.errors)} problem(s): trackbridge check")
    return Exit.DONE


def _activity(settings: Settings) -> Mapping[str, Activity]:
    """What came; nothing when serve has not made a database yet."""
    try:
        return visit(settings, lambda store: store.activity(now=now()))
    except ConfigError as error:
        if any(problem.code != "database-missing" for problem in error.problems):
            raise
        talk("there is no database yet: serve makes it")
        return {}


def _chosen(seen: Sequence[Seen], options: argparse.Namespace) -> list[Seen]:
    known = {one.name: one for one in seen}
    for name in options.names:
        if name not in known:
            raise Failed(f'there is no source "{printable(name)}": {did_you_mean(name, known)}')
    if options.names:
        return [known[name] for name in dict.fromkeys(options.names)]
    return [one for one in seen if options.all or options.json or one.is_of_interest]


def _tell(chosen: Sequence[Seen], seen: Sequence[Seen], settings: Settings, *, is_all: bool) -> None:
    moment = now()
    say("\n\n".join("\n".join(_told(one, moment)) for one in chosen))
    others = [one.name for one in seen if not one.is_of_interest]
    if others and not is_all:
        talk(f"{len(others)} more came along and wait for their secrets: trackbridge sources --all")
    if settings.public_url is None:
        talk("these are listening addresses; TRACKBRIDGE_PUBLIC_URL makes them what senders reach")
    talk("what was refused is counted by the running serve alone: trackbridge_refused_total in its /metrics")


def _told(one: Seen, moment: datetime) -> Iterator[str]:
    state = paint("on", GREEN) if one.is_on else paint("off", YELLOW if one.is_of_interest else DIM)
    yield f"{paint(one.name, BOLD)}  {state}" + (f": {one.why}" if one.why else "")
    if one.source is not None:
        yield f"  url      {one.url}"
        yield f"  scheme   {one.scheme}, mapping {'shipped' if one.source.shipped else one.source.file}"
    activity = one.activity
    if activity is None:
        yield "  last     nothing came yet"
        return
    what = printable(activity.last_type or "without a type")
    yield f"  last     {relative(activity.last_at, moment)}: {what}, {activity.last_state.value} ({activity.last_id})"
    yield f"  24 h     {numbers(activity.day)}"
    yield f"  7 d      {numbers(activity.week)}"


def _as_json(one: Seen) -> dict[str, object]:
    activity = one.activity
    return {
        "source": one.name,
        "on": one.is_on,
        "why": one.why,
        "missing": list(one.source.missing) if one.source is not None else [],
        "shipped": one.source.shipped if one.source is not None else None,
        "mapping": str(one.source.file) if one.source is not None else None,
        "scheme": one.scheme or None,
        "url": one.url if one.source is not None else None,
        "last_event": None
        if activity is None
        else {
            "id": activity.last_id,
            "type": activity.last_type,
            "state": activity.last_state.value,
            "received_at": iso(activity.last_at),
        },
        "day": _counts(activity.day if activity else {}),
        "week": _counts(activity.week if activity else {}),
    }


def _counts(by_state: Mapping[EventState, int]) -> dict[str, int]:
    return {state.value: by_state.get(state, 0) for state in EventState}
