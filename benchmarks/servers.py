"""The servers that are measured, each from its first answer to the end of a `with` block."""

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.events import PATH, SECRET
from benchmarks.machine import LOAD_CORE, SERVER_CORE, BenchmarkError, Process

_PROBE = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode()
#: how long a server is left alone before it is weighed
_REST_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One that answers, with what its start took and weighed."""

    name: str
    port: int
    process: Process
    start_up: float
    idle_mb: float

    def cpu_seconds(self) -> float:
        """CPU time so far."""
        return self.process.cpu_seconds()

    def peak_mb(self) -> float:
        """The most memory it ever had."""
        return self.process.peak_mb()


@contextlib.contextmanager
def serving(
    name: str,
    command: list[str],
    port: int,
    log: Path,
    env: Mapping[str, str] | None = None,
    *,
    core: int = SERVER_CORE,
) -> Iterator[Server]:
    """Start a server on the server's core and wait until it answers a webhook with anything sensible."""
    begun = time.perf_counter()
    process = machine.start(command, core=core, log=log, env=env)
    try:
        status = process.first_answer(port, _PROBE)
        start_up = time.perf_counter() - begun
        if status not in (b"200", b"400", b"401"):
            raise BenchmarkError(f"{name} answers {status.decode()} to POST {PATH}: {process.said()}")
        time.sleep(_REST_SECONDS)
        idle_mb = process.share_mb()
        yield Server(name=name, port=port, process=process, start_up=start_up, idle_mb=idle_mb)
    finally:
        process.end()


@contextlib.contextmanager
def bare(scratch: Path) -> Iterator[Server]:
    """Starlette that answers 200."""
    port = machine.free_port()
    command = machine.python("-m", "benchmarks.peers.bare", str(port))
    with serving("bare", command, port, scratch / "bare.log") as server:
        yield server


@contextlib.contextmanager
def naive(scratch: Path, tracker_url: str, kind: str) -> Iterator[Server]:
    """The twenty-minute handler: `thread` or `async`."""
    port = machine.free_port()
    command = machine.python("-m", "benchmarks.peers.naive", str(port), tracker_url, kind)
    with serving(kind, command, port, scratch / f"naive-{kind}.log") as server:
        yield server


@contextlib.contextmanager
def trackbridge(
    scratch: Path, command: list[str], tracker_url: str | None, *, database: str, core: int
) -> Iterator[Server]:
    """The bridge with a new database; without a tracker it has no token and delivers nothing."""
    port = machine.free_port()
    if not database:
        for old in scratch.glob("bridge.db*"):
            old.unlink()
    env = {
        "TRACKBRIDGE_PORT": str(port),
        "TRACKBRIDGE_DATABASE_URL": database or f"sqlite:///{scratch / 'bridge.db'}",
        "TRACKBRIDGE_LOG_FORMAT": "json",
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "CMS_RATE_LIMIT": "0",
    }
    if tracker_url:
        env |= {"CMS_BEARER_TOKEN": "benchmark", "CMS_BASE_URL": tracker_url}
    with serving("bridge", command, port, scratch / "bridge.log", env, core=core) as server:
        yield server


@contextlib.contextmanager
def tracker(scratch: Path, delay_ms: float) -> Iterator[str]:
    """A tracker on the load's core; its URL."""
    port = machine.free_port()
    command = machine.python("-m", "benchmarks.tracker", str(port), str(delay_ms))
    process = machine.start(command, core=LOAD_CORE, log=scratch / "tracker.log")
    try:
        process.first_answer(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.end()


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """A URL where connections are refused for as long as the block lasts."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
