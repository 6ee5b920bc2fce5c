"""A SQLite file as one end of a move, with the right to serve from it, so that nobody else does."""

import contextlib
import os
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from bridge.errors import ConfigError
from bridge.store.database import Connection
from bridge.store.encoding import Value, to_ms
from bridge.store.marks import problem
from bridge.store.moving.ends import Tables, sqlite_tables
from bridge.store.sealing import Seals
from bridge.store.sqlite.connection import REFUSALS, Connected, as_store_error
from bridge.store.sqlite.opening import Lock, check_folder, locate, open_file, take_lock
from bridge.store.steps import shipped


class SQLiteEnd:
    """`ends.End` over one file."""

    def __init__(self, path: Path, db: Connected, lock: Lock | None) -> None:
        self.place = place_of(path)
        self.db: Connection = db
        self._lock = lock

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction in which nobody else can write; undone when the block raises."""
        try:
            self.db.execute("BEGIN IMMEDIATE")
            yield
            self.db.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
            if isinstance(error, REFUSALS):
                raise as_store_error(error) from error
            raise

    def tables(self) -> Tables:
        """The tables that are there."""
        return sqlite_tables(self.db)

    def rows(self, table: str, columns: Sequence[str]) -> Generator[tuple[Value, ...], None, None]:
        """Every row, a few at a time."""
        yield from map(tuple, self.db.execute(f"SELECT {', '.join(columns)} FROM {table}"))  # noqa: S608 - our own names

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """Put these rows in place of whatever is there."""
        marks = ", ".join("?" for _ in columns)
        self.db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        self.db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608

    def close(self) -> None:
        """Let go of the file and of the right to serve from it."""
        self.db.close()
        if self._lock is not None:
            self._lock.release()


def place_of(path: Path) -> str:
    """A file as a URL."""
    return f"sqlite:///{path}"


def take(url: str, *, create: bool, now: datetime, seals: Seals) -> SQLiteEnd:
    """Open a file as one end of a move. Raises ConfigError, also when a serve has it."""
    path = path_of(url)
    check_folder(path, create=create)
    try:
        lock = take_lock(path)
    except ConfigError as error:
        if any(one.code != "database-in-use" for one in error.problems):
            raise
        raise problem(
            "database-in-use",
            f"a serve uses {path}",
            why="what it takes in or sends meanwhile would be lost or sent twice",
            fix="stop it, run this again, then start it with the new address; senders try again meanwhile",
            place=place_of(path),
        ) from None
    try:
        return SQLiteEnd(path, _opened(path, seals, create=create, now=now), lock)
    except BaseException:
        lock.release()
        raise


def look(url: str, *, now: datetime, seals: Seals) -> SQLiteEnd | None:
    """Open a file only to look at it, beside whoever serves from it; None when there is none yet."""
    path = path_of(url)
    check_folder(path, create=True)
    if not path.exists():
        return None
    return SQLiteEnd(path, _opened(path, seals, create=False, now=now), None)


def _opened(path: Path, seals: Seals, *, create: bool, now: datetime) -> Connected:
    return open_file(path, shipped("sqlite"), create=create, now_ms=to_ms(now), seals=seals)


def path_of(url: str) -> Path:
    """The file that an address names, by whatever name it is reached."""
    return Path(os.path.realpath(locate(url)))
