"""PostgreSQL in the hands of others: a reader, an operator who moves it away, a setting from another time."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from bridge.errors import StoreError
from bridge.model import EventState, Meaning
from bridge.store.encoding import Value
from bridge.store.moving import go
from bridge.store.moving.postgres_end import PostgresEnd
from bridge.store.postgres import backend, cleaning
from tests.contract.databases import opened
from tests.contract.moving_hand import KEYS, something_of_everything
from tests.contract.store_hand import START, a_meaning, an_event
from tests.postgres import Server


def told(key: str) -> Meaning:
    return a_meaning(event=an_event(key), state=EventState.IGNORED)


@contextmanager
def set_for_all(server: Server, url: str, setting: str, value: str) -> Iterator[None]:
    """What every new session in this database begins with."""
    name = url.rpartition("/")[2]
    with psycopg.connect(server.admin_url(), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} SET {setting} = {value}".encode())
        yield
        admin.execute(f"ALTER DATABASE {name} RESET {setting}".encode())


async def test_a_database_that_was_read_only_is_written_again_without_a_restart(
    postgres_url: str, postgres_server: Server
) -> None:
    """As when somebody has made room on a full disk: a session that began as read-only stays so."""
    with set_for_all(postgres_server, postgres_url, "default_transaction_read_only", "on"):
        store = await opened(postgres_url, exclusive=False)
        with pytest.raises(StoreError, match=r"read-only"):
            await store.record([told("a")], now=START)

    await store.record([told("a")], now=START)
    await store.close()


async def test_who_is_never_answered_asks_somebody_else(postgres_url: str) -> None:
    """As behind a pooler that waits for a server which is gone: the network lives, so nothing else ends it."""
    store = await opened(postgres_url)
    store._writer.patience_seconds, store._writer.given_up_seconds = 0.2, 0.5
    (pid,) = await store._writer.alone(lambda db: tuple(db.execute("SELECT pg_backend_pid()").fetchone()))
    os.kill(pid, signal.SIGSTOP)
    try:
        held = asyncio.ensure_future(store.pause("an operator", now=START))
        with pytest.raises(StoreError, match="does not answer"):
            await store.record([told("a")], now=START)
        async with asyncio.timeout(5):
            assert (await held).paused_by_operator
        await store.record([told("b")], now=START)
    finally:
        os.kill(pid, signal.SIGCONT)
    await store.close()


async def test_so_does_who_only_reads(postgres_url: str) -> None:
    store = await opened(postgres_url)
    store._reader.given_up_seconds = 0.3
    (pid,) = await store._reader.read(lambda db: tuple(db.execute("SELECT pg_backend_pid()").fetchone()))
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(5):
            assert not (await store.tracker()).is_paused
    finally:
        os.kill(pid, signal.SIGCONT)
    await store.close()


async def test_tables_are_not_written_anew_while_somebody_reads_and_nobody_waits_for_that(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "PATIENCE_SECONDS", 0.5)
    store, command = await opened(postgres_url), await opened(postgres_url, exclusive=False)
    with psycopg.connect(postgres_url) as reader:
        reader.execute("SELECT count(*) FROM events")
        rewriting = asyncio.ensure_future(command.rewrite(most=1 << 40))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await store.record([told("meanwhile")], now=START)
        assert time.monotonic() - began < 0.3
        assert not await rewriting

    assert await command.rewrite(most=1 << 40)
    await command.close()
    await store.close()


async def test_a_replica_that_was_cut_off_while_the_database_moved_takes_nothing_in(
    postgres_url: str, tmp_path: Path
) -> None:
    cut_off = await opened(postgres_url)
    await cut_off.record([told("a")], now=START)

    await asyncio.to_thread(go, postgres_url, f"sqlite:///{tmp_path / 'new.db'}", now=START, show=lambda *_: None)

    with pytest.raises(StoreError, match="the database was moved"):
        await cut_off.record([told("b")], now=START)
    with pytest.raises(StoreError, match="the database was moved"):
        await cut_off.ping()
    await cut_off.close()


async def test_a_move_that_is_silent_for_long_keeps_the_turn(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "IDLE_MS", 100)
    monkeypatch.setattr(backend, "TURN_MS", 200)
    source = f"sqlite:///{tmp_path / 'old.db'}"
    old = await opened(source)
    await old.record([told("a")], now=START)
    await old.close()
    other = await opened(postgres_url)
    is_silent, goes_on = threading.Event(), threading.Event()
    fill = PostgresEnd.fill

    def slow(end: PostgresEnd, table: str, columns: Sequence[str], rows: Iterator[Sequence[Value]]) -> None:
        def silent() -> Iterator[Sequence[Value]]:
            is_silent.set()
            goes_on.wait(10)
            yield from rows

        fill(end, table, columns, silent())

    monkeypatch.setattr(PostgresEnd, "fill", slow)
    moving = asyncio.create_task(asyncio.to_thread(go, source, postgres_url, now=START, show=lambda *_: None))
    await asyncio.to_thread(is_silent.wait, 10)
    await asyncio.sleep(0.2)
    for _ in range(2):
        with pytest.raises(StoreError, match="somebody else holds"):
            await other.ping()
    goes_on.set()

    assert 1 == (await moving).rows["events"]
    await other.close()


async def test_quotes_of_another_time_change_no_byte(postgres_server: Server, tmp_path: Path) -> None:
    url, back = postgres_server.fresh_database(), f"sqlite:///{tmp_path / 'back.db'}"
    source = f"sqlite:///{tmp_path / 'old.db'}"
    old = await opened(source, keys=KEYS)
    await something_of_everything(old)
    await old.close()

    with set_for_all(postgres_server, url, "standard_conforming_strings", "off"):
        await asyncio.to_thread(go, source, url, now=START, show=lambda *_: None, keys=KEYS)
        store = await opened(url, exclusive=False, keys=KEYS)
        await store.prune(bodies_before=START.replace(year=2027), keys_before=START.replace(year=2025))
        await store.close()
        await asyncio.to_thread(go, url, back, now=START, show=lambda *_: None, keys=KEYS)

    with psycopg.connect(url) as db:
        assert [(0,)] == db.execute("SELECT count(*) FROM events WHERE forgotten = 1 AND body <> ''").fetchall()
        assert [(0,)] != db.execute("SELECT count(*) FROM events WHERE forgotten = 1").fetchall()
