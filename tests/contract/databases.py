"""A database of either kind in a test's hands: opened by the caller's clock, and looked into behind the store's back.

PostgreSQL is one server and one database for the whole run, emptied before each test: that is quicker than a new one.
"""

import asyncio
import atexit
import os
import sqlite3
import tempfile
import threading
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from bridge.store import open_store
from bridge.store.database_store import DatabaseStore
from bridge.store.postgres.dialect import translated
from tests.postgres import Server

BACKENDS = ("sqlite", "postgres")

#: Deleting from a larger table would leave its pages to all tests that come after.
_LARGE = 256 * 1024


async def opened(url: str, *, exclusive: bool = True, **options: Any) -> DatabaseStore:
    """The store over a database, with a clock that is the test's."""
    store = await open_store(url, exclusive=exclusive, believes_caller=True, **options)
    assert isinstance(store, DatabaseStore)
    return store


def empty(backend: str, folder: Path) -> str:
    """A database with nothing in it; of PostgreSQL there is one, so whoever had it before has it no more."""
    return f"sqlite:///{folder / 'bridge.db'}" if backend == "sqlite" else emptied(_database())


def raw(url: str, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """One statement in the store's own words, done at once and by nobody the store knows of: rows, or how many."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as db:
            done = db.execute(sql, values)
            return done.fetchall() if done.description else [(done.rowcount,)]
    cursor = _hand(url).execute(translated(sql).encode(), values or None)
    return cursor.fetchall() if cursor.description else [(cursor.rowcount,)]


def contents(url: str) -> bytes:
    """Every byte that can be got at, in small letters: of a file all it has, else every value of every table."""
    if url.startswith("sqlite:"):
        folder = Path(url.removeprefix("sqlite:///")).parent
        return b"".join(file.read_bytes() for file in sorted(folder.iterdir())).lower()
    found, connection = [], _hand(url)
    for table, _ in _tables(connection):
        for row in connection.execute(f"SELECT * FROM {table}".encode()):
            found += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\n".join(found).lower()


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def server() -> Server:
    """The server of this run; it ends with it."""
    return Server.start(Path(tempfile.mkdtemp(prefix="trackbridge-postgres-log-")))


def fresh() -> str:
    """A new database at this version's schema, with nothing in it."""
    url = server().fresh_database()

    def fill() -> None:
        with asyncio.Runner() as runner:
            runner.run(runner.run(open_store(url, exclusive=True)).close())

    # on a thread of its own: whoever asks may be on a loop
    thread = threading.Thread(target=fill)
    thread.start()
    thread.join()
    return url


@cache
def _database() -> str:
    return fresh()


def emptied(url: str) -> str:
    """The same database as it was when it was new, with nobody in it."""
    connection = _hand(url)
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()"
    )
    tables = [(table, size) for table, size in _tables(connection) if table != "migrations"]
    clear = [f"TRUNCATE {table}" if size > _LARGE else f"DELETE FROM {table}" for table, size in tables]
    connection.execute("; ".join(clear).encode())
    connection.execute("INSERT INTO tracker (id, document) VALUES (1, '{}')")
    connection.execute("INSERT INTO secrets VALUES ('email', %s)", (os.urandom(32),))
    return url


@cache
def _hand(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """The superuser in that database, for the whole run: to come in takes longer than what is done there."""
    name = url.rpartition("/")[2]
    connection = psycopg.connect(server().admin_url(name), autocommit=True)
    atexit.register(connection.close)
    return connection


def _tables(connection: "psycopg.Connection[tuple[Any, ...]]") -> list[tuple[Any, ...]]:
    return connection.execute(
        """
        SELECT relname, pg_relation_size(oid) FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY relname
        """
    ).fetchall()
