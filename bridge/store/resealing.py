"""Bring everything that is stored to what the settings say: sealed with the key that seals now, or in clear.

A walk through each table, a portion at a time: whoever breaks it off begins again, and what is done is skipped at a
look at its first letters. A value that does not open stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from bridge.model import EventState
from bridge.store.database import Connection, Row
from bridge.store.encoding import Value
from bridge.store.sealing import (
    ANSWER,
    BODY,
    CLEAR,
    EVENT_REASON,
    HASH_KEY,
    HEAD,
    HEADERS,
    MARK,
    PAYLOAD,
    QUERY,
    REASON,
    STEPS,
    TRY_REASON,
    KeyMissing,
    RowKey,
    Seals,
    Unopened,
    number_in,
    try_key,
)
from bridge.store.trackers import read_tracker, write_tracker

#: Which row of a table: its id, or a try's delivery and number.
RowId: TypeAlias = tuple[int, ...]

#: So many rows are looked at in one go.
LOOKED_AT: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with values that may be sealed."""

    name: str
    key: tuple[str, ...]
    #: columns, with what is authenticated beside each
    texts: tuple[tuple[str, str], ...]
    data: tuple[tuple[str, str], ...] = ()
    #: these hold our own words as well, in clear: they are sealed along with the others
    along: frozenset[str] = frozenset({"reason"})

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """All of them."""
        return (*self.texts, *self.data)


TABLES: Final = (
    Table(
        name="events",
        key=("id",),
        texts=(("headers", HEADERS), ("query", QUERY), ("steps", STEPS), ("reason", EVENT_REASON)),
        data=(("body", BODY),),
    ),
    Table(name="deliveries", key=("id",), texts=(("payload", PAYLOAD), ("reason", REASON))),
    Table(name="attempts", key=("delivery_id", "number"), texts=(("reason", TRY_REASON), ("answer", ANSWER))),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleRow:
    """A row that is not as the settings say, and how large its largest value is."""

    id: RowId
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found among some rows of a table."""

    stale: tuple[StaleRow, ...] = ()
    #: how many rows were looked at
    rows: int = 0
    #: the last of them; None when there was none left
    last: RowId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """What came of sealing rows anew."""

    rows: int = 0
    #: rows with a value that does not open
    spoiled: int = 0


def look(db: Connection, table: Table, after: RowId) -> Looked:
    """Look at the beginnings of the values of the next rows."""
    beginnings = ", ".join(f"substr({column}, 1, {HEAD}) AS {column}" for column, _ in table.columns)
    size = f"length({table.data[0][0]})" if table.data else "0"
    state = "state" if table.name == "events" else "''"
    keys, behind = ", ".join(table.key), after or (0,) * len(table.key)
    rows = db.execute(
        f"""
        SELECT {keys}, {state} AS state, {size} AS size, {beginnings} FROM {table.name}
        WHERE ({keys}) > ({", ".join("?" for _ in behind)}) ORDER BY {keys} LIMIT ?
        """,  # noqa: S608 - our own names
        (*behind, LOOKED_AT),
    ).fetchall()
    stale = tuple(StaleRow(id=_id(table, row), size=row["size"]) for row in rows if _is_stale(db.seals, table, row))
    return Looked(stale=stale, rows=len(rows), last=_id(table, rows[-1]) if rows else None)


def reseal(db: Connection, table: Table, ids: Sequence[RowId]) -> Resealed:
    """Bring these rows to what the settings say."""
    done = spoiled = 0
    columns = [column for column, _ in table.columns]
    where = " AND ".join(f"{name} = ?" for name in table.key)
    for one in ids:
        row = db.execute(
            f"SELECT {', '.join(columns)} FROM {table.name} WHERE {where}",  # noqa: S608 - our own names
            one,
        ).fetchone()
        if row is None:
            continue
        try:
            values = _resealed(db.seals, table, row, one)
        except Unopened:
            spoiled += 1
            continue
        sets = ", ".join(f"{column} = ?" for column in columns)
        db.execute(f"UPDATE {table.name} SET {sets} WHERE {where}", (*values, *one))  # noqa: S608 - our own names
        done += 1
    return Resealed(rows=done, spoiled=spoiled)


def reseal_rest(db: Connection) -> None:
    """The same for what is not in rows of many: why the tracker is paused, and the key of the addresses' hashes."""
    write_tracker(db, read_tracker(db))
    seal_hash_key(db)


def seal_hash_key(db: Connection) -> None:
    """Seal the key of the addresses' hashes, or open it, as the settings say: in clear it would betray them."""
    (stored,) = db.execute("SELECT value FROM secrets WHERE name = 'email'").fetchone()
    if _is_behind(db.seals, stored[:HEAD].decode("latin-1")):
        value = db.seals.data(HASH_KEY, "email", db.seals.opened_data(HASH_KEY, "email", stored))
        db.execute("UPDATE secrets SET value = ? WHERE name = 'email'", (value,))


def _resealed(seals: Seals, table: Table, row: Row, one: RowId) -> list[Value]:
    key: RowKey = try_key(*one) if len(one) > 1 else one[0]
    texts = [seals.text(place, key, seals.opened(place, key, row[column])) for column, place in table.texts]
    data = [seals.data(place, key, seals.opened_data(place, key, row[column])) for column, place in table.data]
    return [*texts, *data]


def _id(table: Table, row: Row) -> RowId:
    return tuple(row[name] for name in table.key)


def _is_stale(seals: Seals, table: Table, row: Row) -> bool:
    for column, _ in table.columns:
        # of no bytes SQLite makes NULL
        value = row[column] or ""
        head = value if isinstance(value, str) else bytes(value).decode("latin-1")
        if not head.startswith(MARK) and column in table.along and row["state"] != EventState.UNMAPPED.value:
            continue
        if _is_behind(seals, head):
            return True
    return False


def _is_behind(seals: Seals, head: str) -> bool:
    """Whether what begins like this is not as it would be stored now. Raises KeyMissing."""
    if head in ("", "[]"):
        return False
    number = number_in(head)
    if number is not None and number not in seals.numbers:
        raise KeyMissing
    if seals.number:
        return number != seals.number
    return number is not None or (head.startswith(MARK) and not head.startswith(CLEAR))
