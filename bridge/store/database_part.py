"""What all parts of the store over a database share: who writes, who reads, and what time it is."""

from datetime import UTC, datetime

from bridge.store.backend import Backend
from bridge.store.database import Connection
from bridge.store.reader import Reader
from bridge.store.writer import Writer


class DatabasePart:
    """The backend, the writer and the reader of one store."""

    def __init__(self, backend: Backend, db: Connection) -> None:
        self._backend = backend
        self._writer = Writer(backend, db)
        self._reader = Reader(backend)

    def _now(self, db: Connection, said: datetime | None = None) -> datetime:
        """The time of this transaction: the database's where it has a clock, else what the caller said."""
        return self._backend.moment(db) or said or datetime.now(UTC)
