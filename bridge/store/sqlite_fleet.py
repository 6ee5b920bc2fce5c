"""The verbs of `fleet.Fleet` over one SQLite file, from which one process serves at a time."""

from datetime import datetime, timedelta

from bridge.model import Replica, Seen
from bridge.store import replicas
from bridge.store.reader import Reader
from bridge.store.writer import Writer


class SQLiteFleet:
    """A fleet of one; the writer and the reader are the store's."""

    _writer: Writer
    _reader: Reader

    @property
    def is_shared(self) -> bool:
        """One process serves from a file."""
        return False

    async def beat(self, replica: Replica, *, now: datetime) -> tuple[Seen, ...]:
        """Say that this replica lives; nobody else can."""
        return await self._writer.alone(lambda db: replicas.beat(db, replica, now, is_alone=True))

    async def replicas(self, *, now: datetime) -> tuple[Seen, ...]:
        """Whose row is there: the one that serves, or that did last."""
        return await self._reader.read(lambda db: replicas.replicas(db, now))

    async def leave(self, replica_id: str) -> None:
        """Take this replica's row away."""
        await self._writer.alone(lambda db: replicas.leave(db, replica_id))

    async def announce(self, name: str, *, holds: timedelta, now: datetime) -> bool:
        """Whether nobody has told this yet."""
        return await self._writer.alone(lambda db: replicas.announce(db, name, holds, now))
