"""What the verbs ask of a database: statements in, rows out, inside a transaction that somebody else begins and ends.

`sqlite3`'s connections are such; `postgres` makes psycopg's such. The verbs' SQL is written once, in words that both
understand or that `postgres` translates.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from bridge.store.sealing import Seals

#: Values for `?` in order, or for `:name` by name.
Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]


class Row(Protocol):
    """One row: by position, by name, or taken apart."""

    def __getitem__(self, column: int | str, /) -> Any:
        """The value of a column."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """The values in order."""
        ...


class Rows(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        ...

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """The rows that are left, one by one."""
        ...

    def close(self) -> None:
        """No more rows are wanted."""
        ...


class Connection(Protocol):
    """One connection, used by one thread at a time."""

    #: what seals and opens the values that are personal
    seals: Seals

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        ...

    def execute(self, sql: str, parameters: Parameters = (), /) -> Rows:
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Parameters], /) -> Rows:
        """Run one statement for each of these."""
        ...

    def close(self) -> None:
        """Let go of the database; an open transaction ends undone."""
        ...
