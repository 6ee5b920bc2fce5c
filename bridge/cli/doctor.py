"""`trackbridge doctor`: one line for each thing that must be right, and the next thing to do.

Nothing is sent to the tracker: its address is connected to and left. The database is written to, with nothing.
"""

import argparse
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from bridge.agreement import differences
from bridge.cli.database import visit
from bridge.cli.ending import Exit
from bridge.cli.mappings import in_force
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import DIM, GREEN, RED, YELLOW, now, paint, printable, say, say_json
from bridge.config import Settings
from bridge.errors import ConfigError, Problem, StoreError
from bridge.library import Library, Source
from bridge.model import Counts, DeliveryState, EventState, Replica, Seen, Tracker
from bridge.store import Store

EXAMPLE = "doctor"

_CONNECT_SECONDS = 5.0


class _Mark(Enum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"  # for your information
    WARNING = "warning"  # it works, but not for long or not for all
    PROBLEM = "problem"  # it does not work


_COLOURS = {_Mark.OK: GREEN, _Mark.NOTE: DIM, _Mark.WARNING: YELLOW, _Mark.PROBLEM: RED}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """One line."""

    name: str
    mark: _Mark
    what: str
    fix: str = ""


def declare(parser: argparse.ArgumentParser) -> None:
    """The settings as for serve."""
    add_json(parser)
    add_settings(parser)


def run(options: argparse.Namespace) -> int:
    """Check everything, tell everything; a problem makes it fail, a warning does not."""
    checks = list(_checks(options))
    if options.json:
        say_json([{"check": c.name, "state": c.mark.value, "what": c.what, "fix": c.fix} for c in checks])
    else:
        for check in checks:
            say(f"{paint(f'{check.mark.value:8}', _COLOURS[check.mark])} {check.name:10} {printable(check.what)}")
        say(f"\nnext: {_next(checks)}")
    return Exit.FAILED if any(check.mark is _Mark.PROBLEM for check in checks) else Exit.DONE


def _next(checks: Sequence[_Check]) -> str:
    for mark in (_Mark.PROBLEM, _Mark.WARNING, _Mark.NOTE):
        for check in checks:
            if check.mark is mark and check.fix:
                return check.fix
    return "nothing; all is well"


def _checks(options: argparse.Namespace) -> Iterator[_Check]:
    try:
        settings = settings_of(options)
    except ConfigError as error:
        yield from (_of(problem, "settings") for problem in error.problems)
        return
    yield _Check(name="settings", mark=_Mark.OK, what="can be used (trackbridge config shows them)")
    loaded = in_force(settings)
    yield from _mappings(loaded)
    yield from _secrets(loaded)
    yield from _token(settings)
    yield from _database(settings)
    yield _tracker(settings.base_url)
    yield _serve(settings)


def _of(problem: Problem, name: str) -> _Check:
    what = f"{problem.place}: {problem.what}" + (f" ({problem.why})" if problem.why else "")
    return _Check(name=name, mark=_Mark.PROBLEM, what=what, fix=problem.fix or f"mend {problem.place}")


def _mappings(loaded: Library) -> Iterator[_Check]:
    yield from (_of(problem, "mappings") for problem in loaded.errors)
    if not loaded.errors:
        warnings = len(loaded.problems)
        more = f", {warnings} warning(s): trackbridge check" if warnings else ""
        mark = _Mark.WARNING if warnings else _Mark.OK
        fix = "trackbridge check" if warnings else ""
        yield _Check(name="mappings", mark=mark, what=f"{', '.join(loaded.sources) or 'none'}{more}", fix=fix)


def _secrets(loaded: Library) -> Iterator[_Check]:
    """A shipped source nobody uses is off by nature; one's own that is off is a mistake, and so is all off."""
    on = [source.name for source in loaded.sources.values() if source.is_on]
    off = [source for source in loaded.sources.values() if source.missing]
    if on:
        yield _Check(name="secrets", mark=_Mark.OK, what=f"set for {', '.join(on)}")
    for source in off:
        if not source.is_idle:
            names = ", ".join(source.missing)
            fix = f"set {names} (in the environment or in .env)"
            yield _Check(name="secrets", mark=_Mark.WARNING, what=f"{source.name} is off: {names} is not set", fix=fix)
    idle = ", ".join(source.name for source in off if source.is_idle)
    if idle and on:
        yield _Check(name="secrets", mark=_Mark.NOTE, what=f"off until their secrets are set: {idle}")
    if off and not on:
        what = "no source is on: no secret is set"
        fix = f"set one, such as {_first_secret(off)} (in the environment or in .env)"
        yield _Check(name="secrets", mark=_Mark.PROBLEM, what=what, fix=fix)


def _first_secret(off: list[Source]) -> str:
    """Stripe's where there is one: most money comes from there."""
    source = next((source for source in off if source.name == "stripe"), off[0])
    return source.missing[0]


def _token(settings: Settings) -> Iterator[_Check]:
    if settings.dry_run:
        fix = "unset TRACKBRIDGE_DRY_RUN when you are ready"
        yield _Check(name="token", mark=_Mark.WARNING, what="dry run: nothing is sent to the tracker", fix=fix)
    elif settings.token is None:
        what = "CMS_BEARER_TOKEN is not set: deliveries are recorded and wait"
        yield _Check(
            name="token", mark=_Mark.WARNING, what=what, fix="set CMS_BEARER_TOKEN (CutMeShort, account settings)"
        )
    else:
        yield _Check(name="token", mark=_Mark.OK, what="CMS_BEARER_TOKEN is set")


def _database(settings: Settings) -> Iterator[_Check]:
    async def look(store: Store) -> tuple[Counts, Tracker, Sequence[Seen]]:
        await store.ping()
        return await store.counts(), await store.tracker(), await store.replicas(now=now())

    try:
        counts, tracker, seen = visit(settings, look)
    except ConfigError as error:
        if any(problem.code == "database-missing" for problem in error.problems):
            what = "there is none yet: serve makes it"
            yield _Check(name="database", mark=_Mark.NOTE, what=what, fix="trackbridge serve")
        else:
            yield from (_of(problem, "database") for problem in error.problems)
    except StoreError as error:
        fix = "see that it is up, make room on its disk, or end what holds it locked"
        yield _Check(name="database", mark=_Mark.PROBLEM, what=f"cannot be written: {error}", fix=fix)
    else:
        yield _Check(name="database", mark=_Mark.OK, what=f"{settings.database_url} opens and can be written")
        yield from _contents(counts, tracker)
        yield from _replicas([one.replica for one in seen if one.is_live])


def _contents(counts: Counts, tracker: Tracker) -> Iterator[_Check]:
    dead = counts.deliveries.get(DeliveryState.DEAD, 0)
    unmapped = counts.events.get(EventState.UNMAPPED, 0)
    if dead:
        yield _Check(name="deliveries", mark=_Mark.WARNING, what=f"{dead} dead", fix="trackbridge dead")
    if unmapped:
        fix = "trackbridge events --state unmapped"
        yield _Check(name="events", mark=_Mark.WARNING, what=f"{unmapped} could not be mapped", fix=fix)
    if tracker.is_paused:
        what = f"paused: {tracker.pause_reason}"
        yield _Check(name="delivering", mark=_Mark.WARNING, what=what, fix="trackbridge tracker")


def _replicas(live: Sequence[Replica]) -> Iterator[_Check]:
    if found := differences(live):
        what = f"{len(live)} that differ in {', '.join(one.what for one in found)}"
        yield _Check(name="replicas", mark=_Mark.WARNING, what=what, fix="trackbridge replicas")
    elif len(live) > 1:
        yield _Check(name="replicas", mark=_Mark.OK, what=f"{len(live)}, which work alike")


def _tracker(base_url: str) -> _Check:
    url = urlsplit(base_url)
    port = url.port or (443 if url.scheme == "https" else 80)
    host = url.hostname or ""
    why = _unreachable(host, port, is_tls=url.scheme == "https")
    if not why:
        return _Check(name="tracker", mark=_Mark.OK, what=f"{base_url} can be connected to (no call was made)")
    fix = "see that CMS_BASE_URL is right and that this machine may connect to it"
    return _Check(name="tracker", mark=_Mark.PROBLEM, what=f"{base_url} cannot be connected to: {why}", fix=fix)


def _serve(settings: Settings) -> _Check:
    """Whether something listens where serve would."""
    host = settings.near_host
    if _unreachable(host, settings.port, is_tls=False):
        what = f"nothing listens on {host} port {settings.port}"
        return _Check(name="serve", mark=_Mark.NOTE, what=what, fix="trackbridge serve")
    return _Check(name="serve", mark=_Mark.OK, what=f"listens on {host} port {settings.port}")


def _unreachable(host: str, port: int, *, is_tls: bool) -> str:
    """Why no connection can be made; empty when one was."""
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS) as connection:
            if is_tls:
                ssl.create_default_context().wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLError as error:
        return f"TLS: {error.reason or 'handshake failed'}"
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return ""
