"""SQLite in trouble: a locked, full or failing disk is a StoreError in time, and the store recovers by itself."""

import asyncio
import contextlib
import resource
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import StoreError
from bridge.model import Decision, Delivered, Delivery, EventState, Meaning, Outcome, Tracker
from bridge.rate import Pace
from bridge.store import open_store
from bridge.store.base import EventFilter, Settlement
from bridge.store.database_store import DatabaseStore
from bridge.store.sqlite import connection
from bridge.store.sqlite.connection import Connected
from tests.contract.store_hand import FREE, START, Hand, S, a_meaning, a_sale, an_event, an_outcome

LOCKED = r"another program holds the database's write lock \(SQLITE_BUSY\)"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bridge.db"


@pytest.fixture
async def sqlite(file: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DatabaseStore]:
    """A store that waits a moment for a lock, not seconds."""
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)
    store = await open_store(f"sqlite:///{file}", exclusive=True)
    assert isinstance(store, DatabaseStore)
    yield store
    await store.close()


@contextmanager
def locked(file: Path) -> Iterator[None]:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def writing(store: DatabaseStore) -> sqlite3.Connection:
    """The writer's connection; do not use it while a verb runs."""
    assert isinstance(store._writer._db, sqlite3.Connection)
    return store._writer._db


def big(name: str, size: int) -> Meaning:
    return a_meaning(event=an_event(name, body=b"x" * size), state=EventState.IGNORED)


# ── another program ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_503_comes_in_time_behind_a_lock() -> None:
    """A request may wait for the batch before it and then for its own."""
    assert 2 * connection.BUSY_SECONDS <= 5.0


async def test_while_another_program_writes_every_verb_says_so_and_then_goes_on(
    sqlite: DatabaseStore, file: Path
) -> None:
    with locked(file):
        with pytest.raises(StoreError, match=LOCKED):
            await sqlite.record([a_meaning(a_sale("a"))], now=START)
        with pytest.raises(StoreError, match=LOCKED):
            await sqlite.claim(limit=1, pace=FREE, clock=lambda: START)
        with pytest.raises(StoreError, match=LOCKED):
            await sqlite.ping()
        assert [] == await sqlite.events(EventFilter())

    await sqlite.ping()
    await sqlite.record([a_meaning(a_sale("a"))], now=START)
    assert ["a"] == await Hand(sqlite).claim()


async def test_everybody_behind_a_lock_is_told_at_once(sqlite: DatabaseStore, file: Path) -> None:
    """Not one after the other, each after a wait of its own."""
    meanings = [a_meaning(a_sale(f"s{number}")) for number in range(100)]
    with locked(file):
        async with asyncio.timeout(2):
            calls = (sqlite.record([meaning], now=START) for meaning in meanings)
            answers = await asyncio.gather(*calls, return_exceptions=True)

    assert {StoreError} == {type(answer) for answer in answers}


async def test_the_command_line_works_beside_serve(sqlite: DatabaseStore, file: Path) -> None:
    beside = await open_store(f"sqlite:///{file}", exclusive=False)
    hand = Hand(beside)
    try:
        halves = [[a_meaning(a_sale(f"{who}{number}")) for number in range(30)] for who in "ab"]
        stores = (sqlite, beside)
        records = await asyncio.gather(
            *(store.record([one], now=START) for store, half in zip(stores, halves, strict=True) for one in half)
        )
        await beside.pause("lunch", now=START)

        assert 60 == len({record.event_id for (record,) in records})
        assert 60 == len(await hand.all())
        assert (await sqlite.tracker()).paused_by_operator
    finally:
        await beside.close()


@pytest.mark.parametrize("seconds", [0.5, 2.0])
async def test_a_claim_that_waited_for_a_lock_takes_out_of_the_bucket_when_it_has_it(
    sqlite: DatabaseStore, file: Path, seconds: float
) -> None:
    """Were it stamped with when it was asked for, what it waited would fill the bucket a second time."""
    hand = Hand(sqlite)
    await hand.trust()
    await hand.set(tokens=0.0, tokens_at=START)
    await hand.record(*(a_sale(f"s{number}", f"cus_{number}") for number in range(20)))
    writing(sqlite).execute("PRAGMA busy_timeout = 5000")
    with locked(file):
        waiting = asyncio.create_task(hand.claim(pace=Pace(n=50, seconds=10.0)))
        await asyncio.sleep(0.05)
        hand.later(seconds=seconds)
    first = await waiting

    assert int(min(5, seconds * 4.5)) == len(first)
    assert START + timedelta(seconds=seconds) == (await sqlite.tracker()).tokens_at
    assert [] == await hand.claim(pace=Pace(n=50, seconds=10.0))


# ── the disk ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_full_database_is_told_and_goes_on_when_there_is_room(sqlite: DatabaseStore) -> None:
    (pages,) = writing(sqlite).execute("PRAGMA page_count").fetchone()
    writing(sqlite).execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match=r"there is no space left for the database \(SQLITE_FULL\)"):
        await sqlite.record([big("a", 100_000)], now=START)
    assert [] == await sqlite.events(EventFilter())

    writing(sqlite).execute("PRAGMA max_page_count = 1000000")
    (recorded,) = await sqlite.record([big("a", 100_000)], now=START)
    assert not recorded.known


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """The kernel refuses to write past `size`: a disk that fails in the middle of a COMMIT."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_commit_that_fails_is_told_to_all_and_the_store_goes_on_with_a_new_connection(
    sqlite: DatabaseStore,
) -> None:
    before = writing(sqlite)
    with no_file_longer_than(1 << 20):
        calls = (sqlite.record([one], now=START) for one in (big("a", 2 << 20), big("b", 10)))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert {StoreError} == {type(answer) for answer in answers}
        # what is small still fits, before the disk is mended
        await sqlite.record([big("c", 10)], now=START)
    assert before is not writing(sqlite)
    records = await sqlite.record([big("a", 2 << 20), big("b", 10), big("c", 10)], now=START)

    assert [False, False, True] == [record.known for record in records]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, where this machine lets us make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


async def test_a_disk_that_runs_full_loses_nothing_and_heals(tiny_disk: Path) -> None:
    store = await open_store(f"sqlite:///{tiny_disk / 'bridge.db'}", exclusive=True)
    kept = []
    filler = tiny_disk / "filler"

    async def fill() -> None:
        for number in range(200):
            await store.record([big(f"e{number}", 9_000)], now=START)
            kept.append(f"e{number}")

    try:
        filler.write_bytes(b"x" * 300_000)
        with pytest.raises(StoreError):
            await fill()
        filler.unlink()
        await store.ping()
        await store.record([big("after", 9_000)], now=START)

        assert len(kept) > 3
        assert {*kept, "after"} == {one.event.key for one in await store.events(EventFilter(limit=1000))}
    finally:
        await store.close()


# ── a COMMIT whose answer gets lost ──────────────────────────────────────────────────────────────────────────────


class Lossy(Connected):
    """Answers its next COMMIT with an error, whether it was done or not."""

    arrives = True

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql != "COMMIT":
            return super().execute(sql, *parameters)
        if self.arrives:
            super().execute(sql)
        raise sqlite3.OperationalError("disk I/O error")


def lose_the_next_answer(store: DatabaseStore, file: Path, *, arrives: bool) -> None:
    lossy = sqlite3.connect(file, isolation_level=None, check_same_thread=False, factory=Lossy)
    lossy.row_factory = sqlite3.Row
    lossy.arrives = arrives
    writing(store).close()
    store._writer._db = lossy


@pytest.mark.parametrize("arrives", [True, False], ids=["it arrived", "it did not"])
async def test_an_event_whose_commit_is_unknown_can_be_recorded_again(
    sqlite: DatabaseStore, file: Path, *, arrives: bool
) -> None:
    lose_the_next_answer(sqlite, file, arrives=arrives)
    meanings = [a_meaning(a_sale(f"s{number}")) for number in range(9)]
    calls = (sqlite.record([meaning], now=START) for meaning in meanings)
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert {StoreError} == {type(answer) for answer in answers}

    records = await sqlite.record(meanings, now=START)

    assert {arrives} == {record.known for record in records}
    assert 9 == len(await sqlite.events(EventFilter()))


@pytest.mark.parametrize("arrives", [True, False], ids=["it arrived", "it did not"])
async def test_a_lease_that_nobody_heard_of_is_free_at_the_next_claim(
    sqlite: DatabaseStore, file: Path, *, arrives: bool
) -> None:
    hand = Hand(sqlite)
    await hand.record(a_sale("a"))
    lose_the_next_answer(sqlite, file, arrives=arrives)
    with pytest.raises(StoreError):
        await hand.claim()
    assert [S.SENDING if arrives else S.PENDING] == await hand.states("a")

    delivery = await hand.claim_one()
    assert [] == await hand.claim()
    await hand.end(delivery, Delivered())
    assert 1 == (await hand.one("a")).tries


@pytest.mark.parametrize("arrives", [True, False], ids=["it arrived", "it did not"])
async def test_a_try_whose_commit_is_unknown_is_settled_again_and_kept_once(
    sqlite: DatabaseStore, file: Path, *, arrives: bool
) -> None:
    hand = Hand(sqlite)
    await hand.record(a_sale("a"))
    delivery = await hand.claim_one()
    lose_the_next_answer(sqlite, file, arrives=arrives)
    with pytest.raises(StoreError):
        await hand.end(delivery, Delivered())

    await hand.end(delivery, Delivered())

    assert [S.DELIVERED] == await hand.states("a")
    assert 1 == len(await sqlite.attempts(delivery.id))


# ── no memory, and whatever else may be raised ───────────────────────────────────────────────────────────────────


class Failing(Connected):
    """Raises once, at the first statement that begins so: what SQLITE_NOMEM is in Python, or anything else."""

    at = ""
    error: BaseException = MemoryError()

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if self.at and sql.startswith(self.at):
            self.at = ""
            raise self.error
        return super().execute(sql, *parameters)


def fail_once(store: DatabaseStore, file: Path, at: str, error: BaseException) -> None:
    failing = sqlite3.connect(file, isolation_level=None, check_same_thread=False, factory=Failing)
    failing.row_factory = sqlite3.Row
    failing.at, failing.error = at, error
    writing(store).close()
    store._writer._db = failing


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("odd"), SystemExit(1)], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("at", ["BEGIN", "COMMIT"])
async def test_nothing_is_acknowledged_that_is_not_on_disk_whatever_was_raised(
    sqlite: DatabaseStore, file: Path, at: str, error: BaseException
) -> None:
    fail_once(sqlite, file, at, error)
    calls = (sqlite.record([a_meaning(a_sale(f"s{number}"))], now=START) for number in range(3))
    answers = await asyncio.gather(*calls, return_exceptions=True)

    assert {StoreError} == {type(answer) for answer in answers}
    assert [] == await sqlite.events(EventFilter())
    # a bug in the thread may cost one more batch, while the connection is made anew
    with contextlib.suppress(StoreError):
        await sqlite.ping()
    await sqlite.record([a_meaning(a_sale("next"))], now=START)
    assert ["evt_next_cus_1"] == [one.event.key for one in await sqlite.events(EventFilter())]


async def test_a_rollback_that_fails_costs_the_connection_and_nobody_else(sqlite: DatabaseStore, file: Path) -> None:
    fail_once(sqlite, file, "ROLLBACK", MemoryError())
    too_large = sqlite._writer.alone(lambda db: db.execute("SELECT ?", (2**70,)).fetchone())
    fine = sqlite.record([a_meaning(a_sale("fine"))], now=START)
    answers = await asyncio.gather(too_large, fine, return_exceptions=True)

    assert [StoreError, list] == [type(answer) for answer in answers]
    assert 1 == len(await sqlite.events(EventFilter()))


# ── callers ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_callers_at_once_share_a_commit(sqlite: DatabaseStore) -> None:
    statements: list[str] = []
    writing(sqlite).set_trace_callback(statements.append)

    await asyncio.gather(*(sqlite.record([a_meaning(a_sale(f"s{n}"))], now=START) for n in range(64)))
    writing(sqlite).set_trace_callback(None)

    assert ["BEGIN IMMEDIATE", "COMMIT"] == [one for one in statements if one in ("BEGIN IMMEDIATE", "COMMIT")]


async def test_a_caller_that_leaves_costs_nobody_else_and_nothing_is_half_done(sqlite: DatabaseStore) -> None:
    tasks = [asyncio.create_task(sqlite.record([a_meaning(a_sale(f"s{n}"))], now=START)) for n in range(5)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert [False, False, True, False, False] == [isinstance(one, asyncio.CancelledError) for one in answers]
    assert 5 == len(await sqlite.events(EventFilter()))


async def test_one_verb_that_fails_costs_no_other_verb_of_the_commit(sqlite: DatabaseStore) -> None:
    hand = Hand(sqlite)
    await hand.record(a_sale("a"))
    delivery = await hand.claim_one()

    def judge(_: Delivery, __: Outcome, ___: Tracker, ____: datetime) -> tuple[Decision, Tracker]:
        raise ZeroDivisionError

    recorded, failed, claimed = await asyncio.gather(
        sqlite.record([a_meaning(a_sale("b"))], now=START),
        sqlite.settle([Settlement(delivery=delivery, outcome=an_outcome())], judge, now=START),
        sqlite.pause("lunch", now=START),
        return_exceptions=True,
    )

    assert isinstance(failed, ZeroDivisionError)
    assert isinstance(claimed, Tracker)
    assert isinstance(recorded, list)
    assert [S.SENDING, S.PENDING] == await hand.states("a", "b")


async def test_closing_finishes_what_is_queued_and_refuses_what_comes_later(file: Path) -> None:
    store = await open_store(f"sqlite:///{file}", exclusive=True)
    queued = [asyncio.create_task(store.record([a_meaning(a_sale(f"s{n}"))], now=START)) for n in range(300)]
    await asyncio.sleep(0)

    await store.close()
    await store.close()

    assert 300 == len(await asyncio.gather(*queued))
    with pytest.raises(StoreError, match="the store is closed"):
        await store.record([a_meaning(a_sale("late"))], now=START)
    with pytest.raises(StoreError, match="the store is closed"):
        await store.counts()
    again = await open_store(f"sqlite:///{file}", exclusive=True)
    assert 300 == len(await again.events(EventFilter(limit=1000)))
    await again.close()
