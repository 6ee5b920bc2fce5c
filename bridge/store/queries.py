"""What pages and commands ask: events, deliveries, attempts, counts. Nothing here writes.

Newest first, unless somebody follows. `now` is for the age of budgets, which is only shown.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from bridge.model import Attempt, Counts, Delivery, DeliveryState, EventState, StoredEvent
from bridge.store.base import DeliveryFilter, EventFilter
from bridge.store.decoding import attempt_of, delivery_of, maybe_from_ms, stored_event_of, unpaused_ms
from bridge.store.encoding import Value, clean, to_json, to_ms
from bridge.store.trackers import read_tracker

#: SQLite's INTEGER ends here; a longer number is no internal id.
_LARGEST_ID = 2**63 - 1

#: A piece of SQL with one value.
_Condition: TypeAlias = tuple[str, Value]


def events(db: sqlite3.Connection, wanted: EventFilter, now: datetime) -> list[StoredEvent]:
    """Events with their deliveries, as filtered."""
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
    if wanted.after is not None:
        conditions.append(("id > ?", wanted.after))
    states = [wanted.state] if wanted.state is not None else EventState if wanted.source is not None else []
    newest_first = wanted.after is None
    rows = _select(
        db,
        "SELECT * FROM events",
        conditions,
        [state.value for state in states],
        wanted.limit,
        newest_first=newest_first,
    )
    return _with_deliveries(db, rows, now)


def find_events(db: sqlite3.Connection, reference: str, now: datetime) -> list[StoredEvent]:
    """Events by internal id, by the source's id or by key, newest first."""
    number = int(reference) if reference.isascii() and reference.isdigit() and len(reference) < 20 else 0
    rows = db.execute(
        """
        SELECT * FROM events WHERE id IN (
            SELECT :number
            UNION
            SELECT id FROM events WHERE source IN (SELECT source FROM sources_seen) AND key = :reference
            UNION
            SELECT id FROM events WHERE source_id = :reference AND source_id <> key
        ) ORDER BY id DESC
        """,
        {"number": number if number <= _LARGEST_ID else 0, "reference": clean(reference)},
    ).fetchall()
    return _with_deliveries(db, rows, now)


def deliveries(db: sqlite3.Connection, wanted: DeliveryFilter, now: datetime) -> list[Delivery]:
    """Deliveries, as filtered."""
    conditions: list[_Condition] = []
    if wanted.source is not None:
        conditions.append(("source = ?", clean(wanted.source)))
    if wanted.customer is not None:
        conditions.append(("lane = ?", clean(wanted.customer)))
    if wanted.since is not None:
        conditions.append(("created_at >= ?", to_ms(wanted.since)))
    states = [state.value for state in wanted.states]
    return _decoded(db, _select(db, "SELECT * FROM deliveries", conditions, states, wanted.limit), now)


def attempts(db: sqlite3.Connection, delivery_id: int) -> list[Attempt]:
    """Every try of a delivery, oldest first."""
    rows = db.execute("SELECT * FROM attempts WHERE delivery_id = ? ORDER BY number", (delivery_id,))
    return [attempt_of(row) for row in rows]


def counts(db: sqlite3.Connection) -> Counts:
    """How much of everything there is; states of which there is nothing are 0."""
    events_by = dict(tuple(row) for row in db.execute("SELECT state, count(*) FROM events GROUP BY state"))
    deliveries_by = dict(tuple(row) for row in db.execute("SELECT state, count(*) FROM deliveries GROUP BY state"))
    oldest = db.execute("SELECT created_at FROM deliveries WHERE state = 'pending' ORDER BY id LIMIT 1").fetchone()
    return Counts(
        events={state: events_by.get(state.value, 0) for state in EventState},
        deliveries={state: deliveries_by.get(state.value, 0) for state in DeliveryState},
        oldest_pending_at=maybe_from_ms(oldest["created_at"] if oldest else None),
    )


def sources_seen(db: sqlite3.Connection) -> frozenset[str]:
    """Every source that ever had an event recorded here."""
    return frozenset(source for (source,) in db.execute("SELECT source FROM sources_seen"))


def _select(
    db: sqlite3.Connection,
    select: str,
    conditions: Sequence[_Condition],
    states: Iterable[str],
    limit: int,
    *,
    newest_first: bool = True,
) -> list[sqlite3.Row]:
    """The first rows by id. State by state, since an index then has each in order and the walk ends at the limit."""
    order = "DESC" if newest_first else "ASC"
    rows = []
    for narrowed in [[*conditions, ("state = ?", state)] for state in dict.fromkeys(states)] or [list(conditions)]:
        where = f"WHERE {' AND '.join(text for text, _ in narrowed)}" if narrowed else ""
        values = [value for _, value in narrowed]
        rows += db.execute(f"{select} {where} ORDER BY id {order} LIMIT ?", (*values, max(limit, 0))).fetchall()
    rows.sort(key=_id, reverse=newest_first)
    return rows[: max(limit, 0)]


def _id(row: sqlite3.Row) -> int:
    number: int = row["id"]
    return number


def _with_deliveries(db: sqlite3.Connection, rows: list[sqlite3.Row], now: datetime) -> list[StoredEvent]:
    belonging = db.execute(
        "SELECT * FROM deliveries WHERE event_id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (to_json([row["id"] for row in rows]),),
    ).fetchall()
    by_event: dict[int, list[Delivery]] = {row["id"]: [] for row in rows}
    for delivery in _decoded(db, belonging, now):
        by_event[delivery.event_id].append(delivery)
    held = _bodies(db, {row["body_of"] for row in rows} - {None})
    return [stored_event_of(row, held.get(row["body_of"], row["body"]), tuple(by_event[row["id"]])) for row in rows]


def _bodies(db: sqlite3.Connection, holders: set[int]) -> dict[int | None, bytes]:
    """What these events hold for others: each body once, however many share it."""
    if not holders:
        return {}
    rows = db.execute(
        "SELECT id, body FROM events WHERE id IN (SELECT value FROM json_each(?))", (to_json([*holders]),)
    )
    return dict(tuple(row) for row in rows)


def _decoded(db: sqlite3.Connection, rows: Iterable[sqlite3.Row], now: datetime) -> list[Delivery]:
    clock_ms = unpaused_ms(read_tracker(db), now)
    return [delivery_of(row, clock_ms=clock_ms) for row in rows]
