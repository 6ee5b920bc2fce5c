"""The only place where concrete things meet: settings in, a running bridge out, and its orderly end.

Everything is checked before the port opens. On SIGTERM or SIGINT: stop accepting, answer what is being
answered, finish what is in flight within ten seconds, settle it, close the database, exit 0.
"""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime

import uvloop

from bridge import __version__, library, logs
from bridge.config import Settings
from bridge.errors import ConfigError, Place, Problem
from bridge.intake import Intake
from bridge.library import Library
from bridge.metrics import Metrics
from bridge.money import Unit
from bridge.store import open_store
from bridge.store.base import Store
from bridge.tracking import Wire
from bridge.upkeep import keep_house
from bridge.web import server as web
from bridge.web.app import Bridge
from bridge.web.health import Health, Pulse
from bridge.web.webhooks import Webhooks
from bridge.worker import Worker

#: How long the whole orderly end may take, from the signal to the exit: containers are killed after it. The web
#: takes its part first, and the rest that is not named here is the last commit's, which may wait for a locked database.
DRAIN_SECONDS = 10.0
#: By then, what is on its way to the tracker is given up as unknown …
_SENT_BY = 6.0
#: … and by then its outcome is on disk, or is found as unsure by the next start.
_SETTLED_BY = 6.75

_log = logs.get("bridge.serve")


def utcnow() -> datetime:
    """The one clock of the running bridge."""
    return datetime.now(UTC)


class Ending:
    """The one clock of the orderly end: every phase has until its moment, however long the one before it took."""

    def __init__(self) -> None:
        self._began: float | None = None

    def begin(self) -> None:
        """The end begins now, unless it has begun."""
        if self._began is None:
            self._began = asyncio.get_running_loop().time()

    def left(self, until: float) -> float:
        """How many seconds there are until that many after the beginning."""
        now = asyncio.get_running_loop().time()
        return max((now if self._began is None else self._began) + until - now, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The parts of a bridge that is up."""

    app: Bridge
    store: Store
    library: Library
    worker: Worker
    #: why this replica sends nothing; empty when it does
    not_sending: str
    ending: Ending
    #: what must be at work as long as the bridge is
    duties: "list[asyncio.Task[None]]"


def load_library(settings: Settings) -> Library:
    """The mappings in force by these settings; ConfigError with every problem when the set is not sound."""
    secrets = settings.secrets()
    loaded = library.load(shipped=library.shipped_folder(), folder=settings.mappings, lookup=secrets)
    if loaded.errors or secrets.problems:
        raise ConfigError([*loaded.errors, *secrets.problems])
    return loaded


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """A bridge without its socket: store open, worker at work; drained and closed at the end."""
    loaded = load_library(settings)
    store = await open_store(settings.database_url.reveal(), exclusive=True)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        wire = Wire(
            settings.base_url,
            settings.token.reveal() if settings.token else "",
            timeout_seconds=settings.timeout_seconds,
            amount_unit="major" if settings.amount_unit is Unit.MAJOR else "minor",
        )
        stack.push_async_callback(wire.aclose)
        rescued = await _begun(store, loaded, wire.fingerprint)
        bridge = _joined(settings, loaded, store, wire, await store.sources_seen())
        _tell_start(settings, bridge, rescued)
        await stack.enter_async_context(_at_work(bridge, settings))
        yield bridge


async def _begun(store: Store, loaded: Library, fingerprint: str) -> int:
    """Bring the store up to now: what a crash left, the tracker's address, the mappings' texts. How many rescued."""
    rescued = await store.rescue(now=utcnow())
    await store.greet(fingerprint, now=utcnow())
    for source in loaded.sources.values():
        await store.remember_revision(source.mapping.revision, source.name, source.mapping.text, now=utcnow())
    return rescued


def _joined(settings: Settings, loaded: Library, store: Store, wire: Wire, seen: frozenset[str]) -> Running:
    metrics = Metrics(__version__)
    worker = Worker(store=store, send=wire.send, pace=settings.rate, metrics=metrics, clock=utcnow)
    webhooks = Webhooks(
        intake=Intake(store=store, metrics=metrics, clock=utcnow, wake=worker.wake, dry_run=settings.dry_run),
        library=lambda: loaded,
        seen=lambda: seen,
        metrics=metrics,
        clock=utcnow,
        max_body=settings.max_body,
    )
    not_sending = "dry run" if settings.dry_run else "" if settings.token else "no token"
    duties: list[asyncio.Task[None]] = []
    health = Health(
        store=store,
        pulse=Pulse(store.ping),
        library=lambda: loaded,
        metrics=metrics,
        draining=lambda: webhooks.draining,
        working=lambda: not any(duty.done() for duty in duties),
        admin_token=settings.admin_token.reveal() if settings.admin_token else "",
        not_sending=not_sending,
    )
    return Running(
        app=Bridge(webhooks, health),
        store=store,
        library=loaded,
        worker=worker,
        not_sending=not_sending,
        ending=Ending(),
        duties=duties,
    )


@contextlib.asynccontextmanager
async def _at_work(bridge: Running, settings: Settings) -> AsyncIterator[None]:
    """Deliver and keep house in the background; at the end, drain."""
    house = keep_house(bridge.store, retention_days=settings.retention_days, keys_days=settings.keys_days, clock=utcnow)
    tasks = [_duty(house, "house")]
    if not bridge.not_sending:
        bridge.duties.append(_duty(bridge.worker.run(), "worker"))
        tasks += bridge.duties
    try:
        yield
    finally:
        bridge.ending.begin()
        tasks[0].cancel()
        if bridge.duties:
            await bridge.worker.stop(within_seconds=bridge.ending.left(_SENT_BY))
            await asyncio.wait(bridge.duties, timeout=bridge.ending.left(_SETTLED_BY))
        for task in tasks:
            task.cancel()
        # what one of them raised was told when it ended, and must not keep the rest of the end from happening
        await asyncio.gather(*tasks, return_exceptions=True)


def _duty(work: Coroutine[None, None, None], name: str) -> "asyncio.Task[None]":
    """Do this in the background; an end by a bug is told at once."""

    def tell(task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logs.event(_log, logging.ERROR, "bug", exception=error, where=name)

    task = asyncio.create_task(work)
    task.add_done_callback(tell)
    return task


async def serve_until_stopped(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then end in good order."""
    sock = _bound(settings.host, settings.port)
    with contextlib.closing(sock):
        async with running(settings) as bridge:
            server = web.server(bridge.app)
            watching = asyncio.create_task(_stop_when(stop, server, bridge))
            address = _url(settings.host, sock)
            hooks = f"{settings.public_url or address}/webhooks/{{source}}"
            logs.event(_log, logging.INFO, "serving", url=address, webhooks=hooks)
            await server.serve(sockets=[sock])
            watching.cancel()
    logs.event(_log, logging.INFO, "stopped")


async def _stop_when(stop: asyncio.Event, server: web.Server, bridge: Running) -> None:
    await stop.wait()
    bridge.ending.begin()
    bridge.app.webhooks.drain()
    logs.event(_log, logging.INFO, "stopping", within_seconds=DRAIN_SECONDS)
    server.should_exit = True


def serve(settings: Settings) -> int:
    """Run the bridge until SIGTERM or SIGINT; 0 after an orderly end. Raises ConfigError when it cannot start."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await serve_until_stopped(settings, stop)

    _calm_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    return 0


def _calm_collector() -> None:
    """Let the garbage collector look less often, and never at what was loaded at the start.

    A webhook's document is some hundred containers that no cycle holds; by default they have it run several times per
    webhook, which costs a quarter of the way to the acknowledgement.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def _tell_start(settings: Settings, bridge: Running, rescued: int) -> None:
    """Say once what is in force: sources on and off, warnings, whether anything is sent."""
    sources = bridge.library.sources.values()
    logs.event(
        _log,
        logging.INFO,
        "starting",
        version=__version__,
        sources=", ".join(source.name for source in sources if source.is_on),
        off=", ".join(source.name for source in sources if not source.is_on),
        tracker=settings.base_url,
        rate=str(settings.rate),
        rescued=rescued,
    )
    for source in sources:
        if not source.is_on and not source.shipped:
            logs.event(_log, logging.WARNING, "source.off", source=source.name, missing=", ".join(source.missing))
    for problem in bridge.library.problems:
        logs.event(_log, logging.WARNING, "mapping.warning", where=str(problem.place), what=problem.what)
    if bridge.not_sending:
        logs.event(_log, logging.WARNING, "not_sending", why=bridge.not_sending)


def _bound(host: str, port: int) -> socket.socket:
    """Take the port first, so that a taken one is said before anything else happens."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, proto)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        problem = Problem(
            code="cannot-listen",
            what=f"cannot listen on {host} port {port}: {error.strerror or 'no such address'}",
            place=Place(file="TRACKBRIDGE_PORT"),
            fix="stop what uses it, or set TRACKBRIDGE_PORT (or --port) to another",
        )
        raise ConfigError([problem]) from error
    return sock


def _url(host: str, sock: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{sock.getsockname()[1]}"
