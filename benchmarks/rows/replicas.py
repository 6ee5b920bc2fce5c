"""What PostgreSQL costs against a file, and what a second and a third replica bring or cost.

Cores are few here: the first replica has one for itself, PostgreSQL shares the load generator's, further replicas take
the cores in turn. So a ratio of replicas says what taking turns costs when nobody has more CPU to give, not how a fleet
on machines of its own grows.
"""

import contextlib
import os
import random
import sqlite3
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from benchmarks.bench import Bench, Load
from benchmarks.databases import Databases
from benchmarks.machine import BenchmarkError
from benchmarks.result import Row, middle
from benchmarks.servers import Server

_CONNECTIONS = 64
_MOST_DELIVERED = 4_000
#: how many serve from one PostgreSQL; 0: one from a SQLite file
_WAYS = (0, 1, 2, 3)
_CORES = sorted(os.sched_getaffinity(0), reverse=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One visit to one way of serving."""

    acks: Load
    delivered_per_second: float
    idle_mb: float
    #: of database, for each event with its delivery
    bytes_per_event: float
    #: the store alone, without HTTP: a commit for each event, and commits shared by 64 callers
    each_per_second: float
    shared_per_second: float


def measure(bench: Bench) -> list[Row]:
    """Each way with a database of its own, in a new random order in every repetition."""
    found: dict[int, list[_Found]] = {way: [] for way in _WAYS}
    with contextlib.ExitStack() as stack:
        try:
            databases = stack.enter_context(bench.postgres())
        except BenchmarkError as error:
            return [Row(what="PostgreSQL : SQLite", skipped=str(error))]
        tracker = stack.enter_context(bench.tracker(0))
        for _ in range(bench.repetitions):
            for way in random.sample(_WAYS, len(_WAYS)):
                found[way].append(_one(bench, databases, tracker, way))
    return list(_rows(found))


def _one(bench: Bench, databases: Databases, tracker: str, way: int) -> _Found:
    """Acknowledgements alone, then everything from the first webhook to the tracker's last answer."""
    with _served(bench, databases, way, None) as (url, replicas):
        before = _size(bench, databases, url)
        acks = bench.load(*replicas, connections=_CONNECTIONS)
        for server in replicas:
            server.process.end()
        _check_kept(bench, databases, url, acks.answered)
        grown = _size(bench, databases, url) - before
        idle = statistics.mean(server.idle_mb for server in replicas)
    bench.seen(tracker, reset=True)
    with _served(bench, databases, way, tracker) as (_, replicas):
        warm = bench.load(*replicas, connections=4, warm_up=0, most=40)
        bench.delivered(tracker, warm.answered, patience=20)
        bench.seen(tracker, reset=True)
        load = bench.load(*replicas, connections=_CONNECTIONS, warm_up=0, most=_MOST_DELIVERED)
        seen = bench.delivered(tracker, load.answered, patience=60)
    return _Found(
        each_per_second=_recorded(bench, databases, way, 1),
        shared_per_second=_recorded(bench, databases, way, _CONNECTIONS),
        acks=acks,
        delivered_per_second=load.answered / max(seen.last_answer_at - load.started_at, 1e-9),
        idle_mb=idle,
        bytes_per_event=grown / max(1, acks.answered),
    )


def _recorded(bench: Bench, databases: Databases, way: int, callers: int) -> float:
    """Events that one store records per second; not asked of several replicas."""
    if way > 1:
        return 0.0
    for old in bench.scratch.glob("commits.db*"):
        old.unlink()
    url = databases.fresh() if way else str(bench.scratch / "commits.db")
    try:
        return bench.probe("commits", url, str(callers), str(bench.seconds))["per_second"]
    finally:
        if way:
            databases.drop(url)


@contextlib.contextmanager
def _served(bench: Bench, databases: Databases, way: int, tracker: str | None) -> Iterator[tuple[str, list[Server]]]:
    """The new database's address, empty for a file, and who serves from it."""
    with contextlib.ExitStack() as stack:
        url = databases.fresh() if way else ""
        if url:
            stack.callback(databases.drop, url)
        cores = [_CORES[number % len(_CORES)] for number in range(max(1, way))]
        yield url, [stack.enter_context(bench.trackbridge(tracker, database=url, core=core)) for core in cores]


def _check_kept(bench: Bench, databases: Databases, url: str, acknowledged: int) -> None:
    """After kill -9 the database holds what was acknowledged."""
    if url:
        bench.kept(acknowledged, databases.number(url, "SELECT count(*) FROM events"))
    else:
        bench.on_disk(acknowledged)


def _size(bench: Bench, databases: Databases, url: str) -> int:
    """Bytes of a database; of a file with its log folded in."""
    if url:
        return databases.number(url, "SELECT pg_database_size(current_database())")
    with contextlib.closing(sqlite3.connect(bench.scratch / "bridge.db")) as file:
        pages, size = file.execute("SELECT page_count, page_size FROM pragma_page_count, pragma_page_size").fetchone()
    return int(pages) * int(size)


def _rows(found: dict[int, list[_Found]]) -> Iterator[Row]:
    title = f"PostgreSQL : SQLite, {_CONNECTIONS} conn."
    yield _row(found, (1, 0), f"durable acks/s, {title}", _acks, "/s", goal=0.25)
    yield _row(found, (1, 0), f"CPU per ack, {title}", lambda one: one.acks.cpu_us, " µs", better="lower")
    yield _row(found, (1, 0), f"delivered/s, {title}", lambda one: one.delivered_per_second, "/s", goal=0.15)
    yield _row(found, (1, 0), "recorded/s, a commit each, PostgreSQL : SQLite", lambda one: one.each_per_second, "/s")
    yield _row(found, (1, 0), "recorded/s, shared by 64, PostgreSQL : SQLite", lambda one: one.shared_per_second, "/s")
    for way in _WAYS[2:]:
        yield _row(found, (way, 1), f"durable acks/s, {way} replicas : 1", _acks, "/s")
        yield _row(found, (way, 1), f"delivered/s, {way} replicas : 1", lambda one: one.delivered_per_second, "/s")
    yield _row(found, (1, 0), "memory idle (PSS), PostgreSQL : SQLite", lambda one: one.idle_mb, " MB", better="lower")
    yield _row(
        found, (1, 0), "bytes per event, PostgreSQL : SQLite", lambda one: one.bytes_per_event, "", better="lower"
    )


def _acks(found: _Found) -> float:
    return found.acks.per_second


def _row(
    found: dict[int, list[_Found]],
    pair: tuple[int, int],
    what: str,
    figure: Callable[[_Found], float],
    unit: str,
    *,
    goal: float | None = None,
    better: Literal["higher", "lower"] = "higher",
) -> Row:
    ours, theirs = ([figure(one) for one in found[way]] for way in pair)
    return Row(
        what=what,
        samples=[one / other for one, other in zip(ours, theirs, strict=True)],
        goal=goal,
        better=better,
        detail=f"{_name(pair[0])} {middle(ours)}{unit}, {_name(pair[1])} {middle(theirs)}{unit}"
        + (f"; p99 {middle([one.acks.p99_ms for one in found[pair[0]]])} ms" if figure is _acks else ""),
    )


def _name(way: int) -> str:
    return "SQLite" if not way else "PostgreSQL" if way == 1 else f"{way} replicas"
