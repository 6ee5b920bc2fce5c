"""One SQLite file as a backend: who writes holds its write lock, and the caller's clock is the only one there is."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from bridge.errors import StoreError
from bridge.store.database import Connection
from bridge.store.persons import Person, spellings
from bridge.store.sealing import Seals
from bridge.store.sqlite import connection, files
from bridge.store.sqlite.opening import Lock


class SQLite:
    """`backend.Backend` over one file."""

    refusals: Final = connection.REFUSALS
    is_shared: Final = False

    def __init__(self, path: Path, seals: Seals, lock: Lock | None) -> None:
        self.path = path
        self._seals = seals
        self._lock = lock

    def connect(self) -> connection.Connected:
        """A new connection that reads and writes."""
        return connection.connect(self.path, self._seals)

    def connect_to_read(self) -> connection.Connected:
        """A new connection that only reads."""
        db = connection.connect(self.path, self._seals)
        try:
            db.execute("PRAGMA query_only = ON")
        except BaseException:
            db.close()
            raise
        return db

    def begin(self, db: Connection) -> None:
        """Take the write lock."""
        db.execute("BEGIN IMMEDIATE")

    def look(self, db: Connection) -> None:
        """Begin to read; WAL lets the writer go on."""
        db.execute("BEGIN")

    def commit(self, db: Connection) -> None:
        """Commit."""
        db.execute("COMMIT")

    def moment(self, db: Connection) -> datetime | None:  # noqa: ARG002 - part of the protocol
        """A file has no clock."""
        return None

    def unheld(self, db: Connection, delivery_ids: Sequence[int]) -> list[int]:  # noqa: ARG002 - part of the protocol
        """All of them: who writes holds the whole file."""
        return list(delivery_ids)

    def abandon(self, db: Connection) -> None:
        """Nobody can: whoever waits for a disk waits."""

    def as_store_error(self, error: Exception) -> StoreError:
        """An error in words for people, without any data."""
        return connection.as_store_error(error)

    def concerns_everybody(self, error: Exception) -> bool:
        """Whether the database as a whole is in trouble."""
        return connection.concerns_everybody(error)

    def is_passing(self, error: Exception) -> bool:  # noqa: ARG002 - part of the protocol
        """Nobody is ever ended in favour of somebody else."""
        return False

    def is_lost(self, error: Exception) -> bool:  # noqa: ARG002 - part of the protocol
        """A file is not lost by itself."""
        return False

    def fold(self) -> bool:
        """Empty the write-ahead log into the file."""
        return files.fold(self.path)

    def remains(self, person: Person) -> int | None:
        """How often one of the person's addresses still stands in the raw bytes of the file and its log."""
        return files.count(self.path, spellings(person.emails))

    def rewrite(self, *, most: int) -> bool:
        """Write the file anew, unless it is larger than `most` bytes."""
        return files.rewrite(self.path, most)

    def close(self) -> None:
        """Let the next serve have the file."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
