"""One run of the benchmarks: how long and how often, the load it sends, and what went wrong on the way."""

import contextlib
import json
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from benchmarks import databases, machine, servers
from benchmarks.databases import Databases
from benchmarks.load import Order
from benchmarks.machine import LOAD_CORE, SERVER_CORE, BenchmarkError, Process
from benchmarks.servers import Server


class Told(TypedDict):
    """What the load generator says of one order; see `load.py`."""

    answered: int
    measured: int
    seconds: float
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int]
    deliveries: int
    broken: int
    used_up: bool
    started_at: float
    #: how much of its core the generator itself used
    busy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one load run came to; everything but `answered` without its warm-up."""

    answered: int
    per_second: float
    p50_ms: float
    p99_ms: float
    #: when the first request left, on the clock that all processes share
    started_at: float
    #: the server's CPU per answer
    cpu_us: float
    #: how much of its core the load generator used: near 1 it would be measuring itself
    generator_busy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a tracker has counted since it was last reset."""

    posts: int
    distinct: int
    repeats: int
    strange: int
    last_answer_at: float
    #: posts of customers whose deliveries are refused or never answered
    stuck: int


@dataclass(slots=True)
class Bench:
    """Everything a measurement needs. What it starts has ended when its `with` blocks have."""

    scratch: Path
    #: the command line that serves the bridge under test
    bridge: list[str]
    repetitions: int
    #: of one load run, after its warm-up
    seconds: float
    #: a role there may create databases; empty: a server of our own
    postgres_url: str = ""
    #: what must never happen, and did
    wrong: list[str] = field(default_factory=list)
    _series: int = 0
    _generator: Process | None = None

    @contextlib.contextmanager
    def generator(self) -> Iterator[None]:
        """Keep the load generator ready meanwhile."""
        command = machine.python("-m", "benchmarks.load")
        self._generator = machine.start(command, core=LOAD_CORE, log=self.scratch / "load.log", piped=True)
        try:
            yield
        finally:
            self._generator.end()

    def bare(self) -> AbstractContextManager[Server]:
        """Starlette that answers 200."""
        return servers.bare(self.scratch)

    def naive(self, tracker_url: str, kind: str) -> AbstractContextManager[Server]:
        """The twenty-minute handler: `thread` or `async`."""
        return servers.naive(self.scratch, tracker_url, kind)

    def trackbridge(
        self, tracker_url: str | None, *, database: str = "", core: int = SERVER_CORE
    ) -> AbstractContextManager[Server]:
        """The bridge under test, with a new SQLite database where no other is named."""
        return servers.trackbridge(self.scratch, self.bridge, tracker_url, database=database, core=core)

    def postgres(self) -> AbstractContextManager[Databases]:
        """A PostgreSQL to make databases in; BenchmarkError where there is none."""
        return databases.postgres(self.scratch, self.postgres_url)

    def tracker(self, delay_ms: float) -> AbstractContextManager[str]:
        """A tracker's URL."""
        return servers.tracker(self.scratch, delay_ms)

    def probe(self, module: str, *arguments: str, **env: str) -> dict[str, float]:
        """Run one of the probes on the server's core; what it found."""
        command = machine.python("-m", f"benchmarks.probes.{module}", *arguments)
        limit = self.seconds + 30
        found = machine.run(command, core=SERVER_CORE, log=self.scratch / f"{module}.log", limit=limit, env=env)
        told: dict[str, float] = json.loads(found)
        return told

    def load(
        self, *replicas: Server, connections: int, warm_up: float = 0.3, most: int = 30_000, repeat: bool = False
    ) -> Load:
        """Send one closed-loop load of at most `most` requests; any answer but 2xx is wrong."""
        self._series += 1
        cpu = sum(server.cpu_seconds() for server in replicas)
        told = self._order(
            {
                "ports": [server.port for server in replicas],
                "connections": connections,
                "seconds": self.seconds,
                "warm_up": warm_up,
                "most": most,
                "repeat": repeat,
                "series": self._series,
            }
        )
        cpu = sum(server.cpu_seconds() for server in replicas) - cpu
        self._check(replicas[0].name, told)
        return Load(
            answered=told["answered"],
            per_second=told["measured"] / told["seconds"],
            p50_ms=told["p50_ms"],
            p99_ms=told["p99_ms"],
            started_at=told["started_at"],
            generator_busy=told["busy"],
            cpu_us=1e6 * cpu / max(1, told["answered"]),
        )

    def seen(self, tracker_url: str, *, reset: bool = False) -> Seen:
        """What a tracker has counted."""
        with urllib.request.urlopen(tracker_url + ("/reset" if reset else "/"), timeout=5) as answer:
            return Seen(**json.load(answer))

    def delivered(self, tracker_url: str, wanted: int, *, patience: float) -> Seen:
        """Wait until the tracker has as many conversions as were acknowledged, then check that it has just those."""
        deadline = time.perf_counter() + patience
        while (seen := self.seen(tracker_url)).distinct < wanted and time.perf_counter() < deadline:
            time.sleep(0.05)
        if (seen.distinct, seen.repeats, seen.strange) != (wanted, 0, 0):
            self.wrong.append(f"{wanted} acknowledged, but the tracker has {seen}")
        return seen

    def on_disk(self, acknowledged: int) -> None:
        """After the bridge was killed: its database must hold every event it acknowledged."""
        with contextlib.closing(sqlite3.connect(self.scratch / "bridge.db")) as database:
            (kept,) = database.execute("SELECT count(*) FROM events").fetchone()
        self.kept(acknowledged, kept)

    def kept(self, acknowledged: int, kept: int) -> None:
        """What a database holds must be what was acknowledged."""
        if kept != acknowledged:
            self.wrong.append(f"{acknowledged} acknowledged, but {kept} in the database after kill -9")

    def _order(self, order: Order) -> Told:
        pipes = self._generator.popen if self._generator else None
        if pipes is None or pipes.stdin is None or pipes.stdout is None:
            raise BenchmarkError("the load generator is not running")
        pipes.stdin.write(json.dumps(order).encode() + b"\n")
        pipes.stdin.flush()
        told = json.loads(pipes.stdout.readline() or b'{"error": "the generator died"}')
        if "error" in told:
            raise BenchmarkError(f"load: {told['error']}")
        result: Told = told
        return result

    def _check(self, name: str, told: Told) -> None:
        bad = {status: count for status, count in told["statuses"].items() if not status.startswith("2")}
        if bad or told["broken"] or not told["answered"]:
            self.wrong.append(f"{name}: {told['answered']} answers, {bad} bad, {told['broken']} broken connections")
        elif name == "bridge" and told["deliveries"] != told["answered"]:
            self.wrong.append(f"bridge: {told['answered']} acknowledged, {told['deliveries']} of them to be delivered")
