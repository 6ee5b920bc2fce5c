"""A row of PostgreSQL's that is used like one of SQLite's: by position, by name, or taken apart."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from psycopg import Cursor


class Row:
    """The values of one row."""

    __slots__ = ("_places", "_values")

    def __init__(self, values: Sequence[Any], places: dict[str, int]) -> None:
        self._values = values
        self._places = places

    def __getitem__(self, column: int | str) -> Any:
        return self._values[column if isinstance(column, int) else self._places[column]]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> list[str]:
        """The columns' names: with them, `dict` takes a row."""
        return list(self._places)


@lru_cache(maxsize=1024)
def _places(names: tuple[str, ...]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def row_factory(cursor: Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
    """Makes the rows of one answer."""
    places = _places(tuple(column.name for column in cursor.description or ()))
    return lambda values: Row(values, places)
