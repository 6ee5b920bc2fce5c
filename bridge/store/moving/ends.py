"""The two ends of a move: what is asked of a database that is copied from or into, and how a copy is proven.

Which tables go is read off a new database of this version: a table that a migration adds goes along by itself.
"""

import sqlite3
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Final, Protocol, TypeAlias

from bridge.store.database import Connection
from bridge.store.encoding import Value
from bridge.store.sqlite.connection import Connected
from bridge.store.sqlite.migrations import migrate
from bridge.store.steps import shipped

#: Table → its columns.
Tables: TypeAlias = Mapping[str, tuple[str, ...]]

#: What each database keeps for itself: its schema's steps, what it says of itself, who serves from it.
STAYS: Final = frozenset({"migrations", "marks", "replicas"})
#: What a database has in it that never took anything in; a move replaces it.
PREFILLED: Final = frozenset({"secrets", "tracker", "revisions"})

_BITS: Final = 128


class End(Protocol):
    """A database that nobody serves from meanwhile."""

    #: how it is called in front of people: never with a password
    place: str
    #: outside of `transaction` every statement is one of its own
    db: Connection

    def transaction(self) -> AbstractContextManager[None]:
        """One transaction in which nobody else can write; undone when the block raises."""
        ...

    def tables(self) -> Tables:
        """The tables that are there."""
        ...

    def rows(self, table: str, columns: Sequence[str]) -> Generator[tuple[Value, ...], None, None]:
        """Every row, a few at a time."""
        ...

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """Put these rows in place of whatever is there."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


@cache
def tables_that_go() -> Tables:
    """The tables of this version that a move takes along."""
    with closing(sqlite3.connect(":memory:", isolation_level=None, factory=Connected)) as db:
        migrate(db, shipped("sqlite"), now_ms=0)
        return {name: columns for name, columns in sqlite_tables(db).items() if name not in STAYS}


def sqlite_tables(db: Connection) -> Tables:
    """The tables of a SQLite database, in the order of their creation."""
    rows = db.execute(
        """
        SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY m.rowid, c.cid
        """
    ).fetchall()
    found: dict[str, tuple[str, ...]] = {}
    for table, column in rows:
        found[table] = (*found.get(table, ()), column)
    return found


@dataclass(slots=True)
class Tally:
    """How many rows, and the sum of their digests: the same for the same rows in any order."""

    rows: int = 0
    digest: int = 0

    def add(self, row: tuple[Value, ...]) -> None:
        """One more row; equal values must be equal types, as SQLite's STRICT tables and PostgreSQL's have them."""
        told = blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=_BITS // 8).digest()
        self.rows += 1
        self.digest = (self.digest + int.from_bytes(told, "big")) % (1 << _BITS)


def count(end: End, table: str) -> int:
    """How many rows a table has."""
    (number,) = end.db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - a name of our own schema
    return int(number)
