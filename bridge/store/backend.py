"""What the writer, the reader and the verbs ask of one kind of database; `sqlite` and `postgres` answer.

A backend opens connections, begins and ends transactions on them, and says what an error means. It keeps no state of
its own but where the database is and, of a file, the right to serve from it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bridge.errors import StoreError
from bridge.store.database import Connection
from bridge.store.persons import Person


class Backend(Protocol):
    """One database. Everything raises what stands in `refusals`, or nothing."""

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """How the database says no."""
        ...

    @property
    def is_shared(self) -> bool:
        """Whether several may serve from it at once: a lease that has not ended may be somebody else's."""
        ...

    def connect(self) -> Connection:
        """A new connection that reads and writes."""
        ...

    def connect_to_read(self) -> Connection:
        """A new connection that only reads."""
        ...

    def begin(self, db: Connection) -> None:
        """Begin a transaction that writes: from here to its end nobody else's does."""
        ...

    def look(self, db: Connection) -> None:
        """Begin a transaction that sees one moment of the database and waits for nobody."""
        ...

    def commit(self, db: Connection) -> None:
        """End a transaction: when this returns, it is on disk."""
        ...

    def moment(self, db: Connection) -> datetime | None:
        """When this transaction began by the database's clock; None: it has none, or the caller's is believed."""
        ...

    def unheld(self, db: Connection, delivery_ids: Sequence[int]) -> list[int]:
        """Those of the deliveries that nobody holds from outside of trackbridge, in the same order."""
        ...

    def abandon(self, db: Connection) -> None:
        """End a connection from another thread, though it waits for an answer, where that can be done."""
        ...

    def as_store_error(self, error: Exception) -> StoreError:
        """An error in words for people, without any data."""
        ...

    def concerns_everybody(self, error: Exception) -> bool:
        """Whether the database as a whole is in trouble, so that trying row by row would help nobody."""
        ...

    def is_passing(self, error: Exception) -> bool:
        """Whether the same may well go through at once: the database ended it in favour of somebody else."""
        ...

    def is_lost(self, error: Exception) -> bool:
        """Whether only the connection is gone, as after a restart, so that a new one may do."""
        ...

    def fold(self) -> bool:
        """Clear away what was deleted, as far as that holds nobody up; False when others kept it from being done."""
        ...

    def remains(self, person: Person) -> int | None:
        """How often a person's addresses still stand in the files' raw bytes; None when nobody can look there."""
        ...

    def rewrite(self, *, most: int) -> bool:
        """Write everything anew, without what was deleted; False when it is larger than `most` bytes."""
        ...

    def close(self) -> None:
        """Give back the right to serve, if there is one. Connections are closed by who opened them."""
        ...
