"""The only place where concrete things meet: settings in, a running bridge out, and its orderly end.

Everything is checked before the port opens. On SIGTERM or SIGINT: stop accepting, answer what is being
answered, finish what is in flight within ten seconds, settle it, close the database, exit 0.
"""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
import uvloop

from bridge import __version__, library, logs
from bridge.config import Settings
from bridge.errors import ConfigError, Place, Problem
from bridge.intake import Intake
from bridge.library import Library
from bridge.metrics import Metrics
from bridge.store import open_store
from bridge.store.base import Store
from bridge.tracking import Wire
from bridge.upkeep import keep_house
from bridge.web.app import Bridge
from bridge.web.health import Health
from bridge.web.webhooks import Webhooks
from bridge.worker import Worker

#: How long the whole orderly end may take.
DRAIN_SECONDS = 10.0

_log = logs.get("bridge.serve")


def utcnow() -> datetime:
    """The one clock of the running bridge."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The parts of a bridge that is up."""

    app: Bridge
    store: Store
    library: Library
    worker: Worker
    not_sending: str


def load_library(settings: Settings) -> Library:
    """The mappings in force by these settings; ConfigError with every problem when the set is not sound."""
    loaded = library.load(shipped=library.shipped_folder(), folder=mappings_folder(settings), lookup=settings.lookup)
    if loaded.errors:
        raise ConfigError(loaded.errors)
    return loaded


def mappings_folder(settings: Settings) -> Path | None:
    """Where the operator's mappings are: as set, else ./mappings when it is there."""
    if settings.mappings is not None:
        return settings.mappings
    default = Path("mappings")
    return default if default.is_dir() else None


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """A bridge without its socket: store open, worker at work; drained and closed at the end."""
    loaded = load_library(settings)
    metrics = Metrics(__version__)
    store = await open_store(settings.database_url, exclusive=True)
    try:
        seen = await store.sources_seen()
        for source in loaded.sources.values():
            await store.remember_revision(source.mapping.revision, source.name, source.text, now=utcnow())
        wire = Wire(
            settings.base_url,
            settings.token,
            timeout_seconds=settings.timeout_seconds,
            amount_unit=settings.amount_unit,
        )
        worker = Worker(store=store, send=wire.send, pace=settings.pace, metrics=metrics, clock=utcnow)
        not_sending = "dry run" if settings.dry_run else "" if settings.token else "no token"
        intake = Intake(store=store, metrics=metrics, clock=utcnow, wake=worker.wake, dry_run=settings.dry_run)
        webhooks = Webhooks(
            intake=intake,
            library=lambda: loaded,
            seen=lambda: seen,
            metrics=metrics,
            clock=utcnow,
            max_body=settings.max_body,
        )
        health = Health(
            store=store,
            library=lambda: loaded,
            metrics=metrics,
            draining=lambda: webhooks.draining,
            admin_token=settings.admin_token,
            not_sending=not_sending,
        )
        rescued = await store.rescue(now=utcnow())
        await store.greet(wire.fingerprint, now=utcnow())
        tell_start(settings, loaded, not_sending, rescued)
        bridge = Running(
            app=Bridge(webhooks, health), store=store, library=loaded, worker=worker, not_sending=not_sending
        )
        async with _at_work(bridge, settings):
            yield bridge
        await wire.aclose()
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def _at_work(bridge: Running, settings: Settings) -> AsyncIterator[None]:
    """Deliver and keep house in the background; at the end, drain."""
    house = asyncio.create_task(
        keep_house(bridge.store, retention_days=settings.retention_days, keys_days=settings.keys_days, clock=utcnow)
    )
    delivering = None if bridge.not_sending else asyncio.create_task(bridge.worker.run())
    try:
        yield
    finally:
        house.cancel()
        if delivering is not None:
            await bridge.worker.stop(within_seconds=DRAIN_SECONDS * 0.7)
            await asyncio.wait([delivering], timeout=DRAIN_SECONDS * 0.2)
            delivering.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await delivering
        with contextlib.suppress(asyncio.CancelledError):
            await house


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: it would end the process before the worker has drained."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_until_stopped(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then end in good order."""
    sock = _bound(settings.host, settings.port)
    with contextlib.closing(sock):
        async with running(settings) as bridge:
            config = uvicorn.Config(
                bridge.app,
                loop="none",
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=2048,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=2,
            )
            server = _Server(config)
            watching = asyncio.create_task(_stop_when(stop, server, bridge))
            logs.event(_log, logging.INFO, "serving", url=_url(settings.host, sock))
            await server.serve(sockets=[sock])
            watching.cancel()
    logs.event(_log, logging.INFO, "stopped")


async def _stop_when(stop: asyncio.Event, server: uvicorn.Server, bridge: Running) -> None:
    await stop.wait()
    bridge.app.webhooks.draining = True
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

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    return 0


def tell_start(settings: Settings, loaded: Library, not_sending: str, rescued: int) -> None:
    """Say once what is in force: sources on and off, warnings, whether anything is sent."""
    names = loaded.sources.values()
    logs.event(
        _log,
        logging.INFO,
        "starting",
        version=__version__,
        sources_on=[source.name for source in names if source.is_on],
        tracker=settings.base_url,
        rate=str(settings.pace),
        rescued=rescued,
    )
    for source in names:
        if not source.is_on:
            logs.event(_log, logging.INFO, "source.off", source=source.name, missing=list(source.missing))
    for problem in loaded.problems:
        logs.event(_log, logging.WARNING, "mapping.warning", where=str(problem.place), what=problem.what)
    if not_sending:
        logs.event(_log, logging.WARNING, "not_sending", why=not_sending)


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
