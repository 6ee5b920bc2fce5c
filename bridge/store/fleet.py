"""The verbs by which several serves on one database know of each other. A part of `base.Store`."""

from datetime import datetime, timedelta
from typing import Final, Protocol

from bridge.model import Replica, Seen

#: A replica that was not heard of for so long is not counted on …
LIVE: Final = timedelta(seconds=35)
#: … and after this long its row goes.
KEPT: Final = timedelta(minutes=10)


class Fleet(Protocol):
    """The verbs. `now` is aware UTC; PostgreSQL uses its own clock."""

    @property
    def is_shared(self) -> bool:
        """Whether other serves may use this database at the same time: then leases are freed as they expire."""
        ...

    async def beat(self, replica: Replica, *, now: datetime) -> tuple[Seen, ...]:
        """Say that this replica lives, and by what it works; who else does, the oldest first, itself among them.

        Rows of those who were not heard of for long go. Where only one serve can be, all others' rows go at once.
        """
        ...

    async def replicas(self, *, now: datetime) -> tuple[Seen, ...]:
        """Everybody whose row is there, the oldest first; also who has just died."""
        ...

    async def leave(self, replica_id: str) -> None:
        """Take this replica's row away: it ends in good order."""
        ...

    async def announce(self, name: str, *, holds: timedelta, now: datetime) -> bool:
        """Whether this caller is the first who wants to tell this; for so long everybody else is told no."""
        ...
