"""A database of either kind in a test's hands: opened by the caller's clock, and looked into behind the store's back."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg

from bridge.store import open_store
from bridge.store.database_store import DatabaseStore
from bridge.store.postgres.dialect import translated
from tests.postgres import Server


async def opened(url: str, *, exclusive: bool = True, **options: Any) -> DatabaseStore:
    """The store over a database, with a clock that is the test's."""
    store = await open_store(url, exclusive=exclusive, believes_caller=True, **options)
    assert isinstance(store, DatabaseStore)
    return store


def raw(url: str, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """One statement in the store's own words, done at once and by nobody the store knows of."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as db:
            return db.execute(sql, values).fetchall()
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(translated(sql).encode(), values or None)
        return cursor.fetchall() if cursor.description else []


def template(server: Server) -> str:
    """A database at this version's schema, with nothing in it; its name."""
    url = server.fresh_database()

    async def fill() -> None:
        await (await open_store(url, exclusive=True)).close()

    asyncio.run(fill())
    return url.rpartition("/")[2]
