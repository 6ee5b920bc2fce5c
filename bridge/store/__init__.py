"""The store: the one place where trackbridge remembers, and the only SQL.

`base` says what every verb guarantees; `open_store` gives the store over the database that a URL names.
"""

import asyncio
from functools import partial
from importlib import import_module

from bridge.encryption import NO_KEYS, EncryptionKeys
from bridge.errors import did_you_mean
from bridge.store import sqlite
from bridge.store.backend import Backend
from bridge.store.base import Store
from bridge.store.database import Connection
from bridge.store.database_store import DatabaseStore
from bridge.store.marks import problem, refuse
from bridge.store.sealing import Seals

__all__ = ["Store", "open_store"]


async def open_store(
    url: str,
    *,
    exclusive: bool,
    unchecked: bool = False,
    keys: EncryptionKeys = NO_KEYS,
    believes_caller: bool = False,
) -> Store:
    """Open the database that a URL names, at this version's schema. Raises ConfigError.

    `exclusive` is for serve: it makes what is not there yet, and of a file a second serve is refused. Without it the
    database must be there; it may be in use. `unchecked` is for who checks a backup: serve does not take one. `keys`
    encrypt what is personal; those of what is encrypted already must be among them. `believes_caller`: `now` is what
    the caller says, even where the database has a clock of its own; for tests.
    """
    opening = partial(_backend, url, exclusive=exclusive, seals=Seals(keys), believes_caller=believes_caller)
    backend, db = await asyncio.to_thread(_open, opening, serves=exclusive and not unchecked)
    return DatabaseStore(backend, db)


def _open(opening: "partial[tuple[Backend, Connection]]", *, serves: bool) -> tuple[Backend, Connection]:
    backend, db = opening()
    try:
        refuse(db, serves=serves)
    except BaseException:
        db.close()
        backend.close()
        raise
    return backend, db


def _backend(url: str, *, exclusive: bool, seals: Seals, believes_caller: bool) -> tuple[Backend, Connection]:
    scheme, separator, _ = url.partition("://")
    if separator and scheme in ("postgresql", "postgres"):
        # a file needs neither the time nor the memory that the driver takes
        module = import_module("bridge.store.postgres")
        found: tuple[Backend, Connection] = module.open_backend(
            url, exclusive=exclusive, seals=seals, believes_caller=believes_caller
        )
        return found
    if separator and scheme == "sqlite":
        return sqlite.open_backend(url, exclusive=exclusive, seals=seals)
    raise problem(
        "database-url",
        "expected a URL that begins with sqlite:/// or postgresql://",
        fix=did_you_mean(scheme, ["sqlite", "postgresql"]) if separator else "write sqlite:///trackbridge.db",
    )
