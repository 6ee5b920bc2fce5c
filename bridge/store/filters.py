"""From a filter to the rows it lets through: SQL's part (indexes, order, limit) and, for texts, ours.

A text is looked for in what people know an event by: the source's id, key, type, reason and account of the event;
customer, rule, reason, event name, invoice id, click id, name and e-mail of its deliveries. Never in bodies.
That costs a look at each row, so it ends after MOST_SEARCHED of them, newest first, and says where.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from bridge.model import EventState
from bridge.store.database import Connection, Row
from bridge.store.encoding import Value, clean, to_json, to_ms
from bridge.store.opened import opened
from bridge.store.sealing import EVENT_REASON, REASON
from bridge.store.wanted import DeliveryFilter, EventFilter

#: A search by text looks at so many rows at most: about a second's work.
MOST_SEARCHED = 50_000
_CHUNK = 500
_ALL: Final = 2**62

#: An event with its body, and one without: a body that is not asked for is empty, and its pages are not read.
_EVENTS: Final = {
    True: "SELECT * FROM events",
    False: """
        SELECT id, source, key, source_id, type, occurred_at, received_at, test, account, verified_by, revision,
               headers, query, item, state, reason, steps, forgotten, NULL AS body_of, x'' AS body
        FROM events
    """,
}
_IDS: Final = {"events": "SELECT id FROM events", "deliveries": "SELECT id FROM deliveries"}

_OF_EVENT: Final = ("key", "source_id", "type", "account")
_OF_DELIVERY: Final = ("lane", "rule", "reason")
_OF_PAYLOAD: Final = ("event_name", "invoice_id", "click_id", "customer_name", "customer_email")

#: A piece of SQL with one value.
_Condition: TypeAlias = tuple[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What SQL is asked: conditions, and the states to walk one by one, since an index has each in order."""

    select: str
    table: str
    conditions: tuple[_Condition, ...]
    states: tuple[str, ...] = ()
    newest_first: bool = True
    #: begin behind this row; one condition, however often it moved: SQLite would walk from the first of several
    last: int | None = None

    def rows(self, db: Connection, limit: int) -> list[Row]:
        """The first rows by id."""
        limit = max(limit, 0)
        order = "DESC" if self.newest_first else "ASC"
        rows = []
        for where, values in self._wheres():
            rows += db.execute(f"{self.select} {where} ORDER BY id {order} LIMIT ?", (*values, limit)).fetchall()
        rows.sort(key=_id, reverse=self.newest_first)
        return rows[:limit]

    def count(self, db: Connection, most: int) -> int:
        """How many there are; `most` when there are more."""
        total = 0
        for where, values in self._wheres():
            rows = db.execute(f"{_IDS[self.table]} {where} LIMIT ?", (*values, most - total))
            total += sum(1 for _ in rows)
        return total

    def beyond(self, row_id: int) -> "Query":
        """The same, on the far side of a row."""
        return replace(self, last=row_id)

    def _wheres(self) -> Iterator[tuple[str, list[Value]]]:
        begun = list(self.conditions)
        if self.last is not None:
            behind = "id < ?" if self.newest_first else "id > ?"
            begun = [*(one for one in begun if one[0] != behind), (behind, self.last)]
        narrowed = [[*begun, ("state = ?", state)] for state in dict.fromkeys(self.states)]
        for conditions in narrowed or [begun]:
            where = f"WHERE {' AND '.join(text for text, _ in conditions)}" if conditions else ""
            yield where, [value for _, value in conditions]


def of_events(wanted: EventFilter) -> Query:
    """What a filter of events asks SQL."""
    conditions: list[_Condition] = []
    if wanted.source is not None:
        conditions.append(("source = ?", clean(wanted.source)))
    if wanted.customer is not None:
        conditions.append(("id IN (SELECT event_id FROM deliveries WHERE lane = ?)", clean(wanted.customer)))
    if wanted.since is not None:
        # ids nearly follow the times: this bounds the walk, the next line is the condition
        since = to_ms(wanted.since)
        oldest = "(SELECT min(id) FROM events WHERE forgotten IN (0, 1) AND received_at >= ?)"
        conditions += [(f"id >= {oldest}", since), ("received_at >= ?", since)]
    if wanted.until is not None:
        until = to_ms(wanted.until)
        newest = "(SELECT max(id) FROM events WHERE forgotten IN (0, 1) AND received_at <= ?)"
        conditions += [(f"id <= {newest}", until), ("received_at <= ?", until)]
    if wanted.before is not None:
        conditions.append(("id < ?", wanted.before))
    if wanted.after is not None:
        conditions.append(("id > ?", wanted.after))
    states = [wanted.state] if wanted.state is not None else EventState if wanted.source is not None else []
    return Query(
        select=_EVENTS[wanted.bodies],
        table="events",
        conditions=tuple(conditions),
        states=tuple(state.value for state in states),
        newest_first=wanted.after is None,
    )


def of_deliveries(wanted: DeliveryFilter) -> Query:
    """What a filter of deliveries asks SQL."""
    conditions: list[_Condition] = []
    if wanted.source is not None:
        conditions.append(("source = ?", clean(wanted.source)))
    if wanted.customer is not None:
        conditions.append(("lane = ?", clean(wanted.customer)))
    if wanted.since is not None:
        conditions.append(("created_at >= ?", to_ms(wanted.since)))
    if wanted.until is not None:
        conditions.append(("created_at <= ?", to_ms(wanted.until)))
    if wanted.before is not None:
        conditions.append(("id < ?", wanted.before))
    if wanted.after is not None:
        conditions.append(("id > ?", wanted.after))
    return Query(
        select="SELECT * FROM deliveries",
        table="deliveries",
        conditions=tuple(conditions),
        states=tuple(state.value for state in wanted.states),
        newest_first=wanted.after is None,
    )


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Which of a chunk's rows are meant.
Sieve: TypeAlias = Callable[[Connection, Sequence[Row]], list[Row]]


@dataclass(slots=True, kw_only=True)
class Sifted:
    """What a search found: the first rows, how many in all, and at which id it ended early, if it did."""

    rows: list[Row]
    total: int = 0
    searched_to: int | None = None


def sift(db: Connection, query: Query, sieve: Sieve, limit: int, *, to_the_end: bool = False) -> Sifted:
    """Look for the rows that a sieve lets through: for the first ones, or at all that it may look at."""
    found, left = Sifted(rows=[]), MOST_SEARCHED
    while to_the_end or found.total < limit:
        rows = query.rows(db, min(_CHUNK, left))
        meant = sieve(db, rows)
        found.rows += meant[: max(limit - len(found.rows), 0)]
        found.total += len(meant)
        if len(rows) < min(_CHUNK, left):
            return found
        left -= len(rows)
        query = query.beyond(_id(rows[-1]))
        if left == 0:
            found.searched_to = _id(rows[-1]) if query.rows(db, 1) else None
            return found
    return found


def ids_of(db: Connection, query: Query, sieve: Sieve | None) -> list[int]:
    """Every row that is meant, oldest first, however long that takes."""
    query, found = replace(query, newest_first=False), list[int]()
    if sieve is None:
        return [_id(row) for row in replace(query, select=_IDS[query.table]).rows(db, _ALL)]
    while rows := query.rows(db, _CHUNK):
        found += [_id(row) for row in sieve(db, rows)]
        query = query.beyond(_id(rows[-1]))
    return found


def event_sieve(wanted: EventFilter) -> Sieve | None:
    """What of a filter of events SQL cannot do; None when there is nothing."""
    if wanted.grep is None:
        return None
    text = wanted.grep.casefold()

    def sieve(db: Connection, rows: Sequence[Row]) -> list[Row]:
        ids = to_json([_id(row) for row in rows])
        deliveries = db.execute(
            """
            SELECT id, event_id, lane, rule, reason, payload FROM deliveries
            WHERE event_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))
            """,
            (ids,),
        )
        told = {delivery["event_id"] for delivery in deliveries if _tells(opened(db.seals, delivery), text)}
        return [row for row in rows if _id(row) in told or _event_has(db, row, text)]

    return sieve


def delivery_sieve(wanted: DeliveryFilter) -> Sieve | None:
    """What of a filter of deliveries SQL cannot do; None when there is nothing."""
    if wanted.grep is None and wanted.reason is None:
        return None
    text, reason = (wanted.grep or "").casefold(), (wanted.reason or "").casefold()

    def sieve(db: Connection, rows: Sequence[Row]) -> list[Row]:
        meant = [row for row in rows if reason in db.seals.read(REASON, _id(row), row["reason"]).casefold()]
        if not text:
            return meant
        ids = to_json([row["event_id"] for row in meant])
        events = db.execute(
            """
            SELECT id, key, source_id, type, reason, account FROM events
            WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))
            """,
            (ids,),
        )
        told = {_id(event) for event in events if _event_has(db, event, text)}
        return [row for row in meant if row["event_id"] in told or _tells(opened(db.seals, row), text)]

    return sieve


def _event_has(db: Connection, row: Row, text: str) -> bool:
    return _has(row, _OF_EVENT, text) or text in db.seals.read(EVENT_REASON, _id(row), row["reason"]).casefold()


def _has(row: Row, columns: Sequence[str], text: str) -> bool:
    return any(text in (row[column] or "").casefold() for column in columns)


def _tells(delivery: Row, text: str) -> bool:
    if _has(delivery, _OF_DELIVERY, text):
        return True
    try:
        payload = json.loads(delivery["payload"])
        return any(text in str(payload.get(name) or "").casefold() for name in _OF_PAYLOAD)
    except (ValueError, AttributeError, RecursionError):  # a spoiled row says nothing
        return False


def _id(row: Row) -> int:
    number: int = row["id"]
    return number
