"""The verbs of `fleet.Fleet`: who serves from this database, each handed to the writer or to the reader."""

from datetime import datetime, timedelta

from bridge.model import Replica, Seen
from bridge.store import replicas
from bridge.store.database_part import DatabasePart


class DatabaseFleet(DatabasePart):
    """A fleet, of one where only one may serve."""

    @property
    def is_shared(self) -> bool:
        """Whether other serves may use this database at the same time."""
        return self._backend.is_shared

    async def beat(self, replica: Replica, *, now: datetime) -> tuple[Seen, ...]:
        """Say that this replica lives; who else does."""
        is_alone = not self._backend.is_shared
        return await self._writer.alone(lambda db: replicas.beat(db, replica, self._now(db, now), is_alone=is_alone))

    async def replicas(self, *, now: datetime) -> tuple[Seen, ...]:
        """Everybody whose row is there."""
        return await self._reader.read(lambda db: replicas.replicas(db, self._now(db, now)))

    async def leave(self, replica_id: str) -> None:
        """Take this replica's row away."""
        await self._writer.alone(lambda db: replicas.leave(db, replica_id))

    async def announce(self, name: str, *, holds: timedelta, now: datetime) -> bool:
        """Whether nobody has told this yet."""
        return await self._writer.alone(lambda db: replicas.announce(db, name, holds, self._now(db, now)))
