"""A bridge on its port until a signal: take the port, serve, reload on SIGHUP, end in good order."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable

import uvloop

from bridge import logs
from bridge.assembly.ending import DRAIN_SECONDS
from bridge.assembly.limits import raise_open_files
from bridge.assembly.parts import Running, running
from bridge.config import Settings
from bridge.errors import ConfigError, Place, Problem
from bridge.web import server as web
from bridge.web.app import ADMIN

_log = logs.get("bridge.serve")


class Hangup:
    """SIGHUP: reload — but when it came because the terminal we run in was closed, stop."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._has_terminal = _terminal_is_there()
        #: what to do; before the bridge is up there is nothing to reload
        self.then: Callable[[], None] = lambda: None

    def __call__(self) -> None:
        """The signal came."""
        if self._has_terminal and not _terminal_is_there():
            self._stop.set()
        else:
            self.then()


def _terminal_is_there() -> bool:
    """Whether this process still has a controlling terminal."""
    try:
        os.close(os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


async def serve_until_stopped(
    settings: Settings,
    stop: asyncio.Event,
    *,
    reread: Callable[[], Settings] | None = None,
    hangup: Hangup | None = None,
) -> None:
    """Serve until `stop` is set, then end in good order. `reread` says the settings anew, for a reload."""
    sock = _bound(settings.host, settings.port)
    with contextlib.closing(sock):
        async with running(settings, reread=reread) as bridge:
            if hangup is not None:
                hangup.then = bridge.reloader.ask
            server = web.server(bridge.app)
            watching = asyncio.create_task(_stop_when(stop, server, bridge))
            address = _url(settings.host, sock)
            hooks = f"{settings.public_url or address}/webhooks/{{source}}"
            logs.event(_log, logging.INFO, "serving", url=address, webhooks=hooks)
            if bridge.app.has_admin:
                logs.event(_log, logging.INFO, "serving.admin", url=f"{settings.public_url or address}{ADMIN}")
            await server.serve(sockets=[sock])
            watching.cancel()
    logs.event(_log, logging.INFO, "stopped")


async def _stop_when(stop: asyncio.Event, server: web.Server, bridge: Running) -> None:
    await stop.wait()
    bridge.ending.begin()
    bridge.app.webhooks.drain()
    logs.event(_log, logging.INFO, "stopping", within_seconds=DRAIN_SECONDS)
    server.should_exit = True


def serve(settings: Settings, reread: Callable[[], Settings]) -> int:
    """Run the bridge until SIGTERM or SIGINT; 0 after an orderly end. Raises ConfigError when it cannot start."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        hangup = Hangup(stop)
        loop.add_signal_handler(signal.SIGHUP, hangup)
        await serve_until_stopped(settings, stop, reread=reread, hangup=hangup)

    web.allow(raise_open_files())
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
