"""What pages and commands ask: events, deliveries, attempts, counts. Nothing here writes.

Newest first, unless somebody follows. `now` is for the age of budgets, which is only shown.
"""

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from bridge.model import Attempt, Counts, Delivery, DeliveryState, EventState, StoredEvent
from bridge.store.base import DeliveryFilter, EventFilter
from bridge.store.decoding import attempt_of, delivery_of, maybe_from_ms, stored_event_of, unpaused_ms
from bridge.store.encoding import Value, clean, to_json, to_ms
from bridge.store.trackers import read_tracker

#: SQLite's INTEGER ends here; a longer number is no internal id.
_LARGEST_ID = 2**63 - 1


def events(db: sqlite3.Connection, wanted: EventFilter, now: datetime) -> list[StoredEvent]:
    """Events with their deliveries, as filtered."""
    conditions: list[tuple[str, Value]] = []
    if wanted.source is not None:
        conditions.append(("source = ?", clean(wanted.source)))
    if wanted.state is not None:
        conditions.append(("state = ?", wanted.state.value))
    if wanted.customer is not None:
        conditions.append(("id IN (SELECT event_id FROM deliveries WHERE lane = ?)", clean(wanted.customer)))
    if wanted.since is not None:
        # ids nearly follow the times: this bounds the walk, the next line is the condition
        since = to_ms(wanted.since)
        oldest = "(SELECT min(id) FROM events WHERE forgotten IN (0, 1) AND received_at >= ?)"
        conditions += [(f"id >= {oldest}", since), ("received_at >= ?", since)]
    if wanted.after is not None:
        conditions.append(("id > ?", wanted.after))
    order = "ORDER BY id LIMIT ?" if wanted.after is not None else "ORDER BY id DESC LIMIT ?"
    return _with_deliveries(db, _select(db, "SELECT * FROM events", conditions, order, wanted.limit), now)


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
    conditions: list[tuple[str, Value]] = []
    if wanted.source is not None:
        conditions.append(("source = ?", clean(wanted.source)))
    if wanted.customer is not None:
        conditions.append(("lane = ?", clean(wanted.customer)))
    if wanted.since is not None:
        conditions.append(("created_at >= ?", to_ms(wanted.since)))
    order = "ORDER BY id DESC LIMIT ?"
    # state by state, because the index then gives each newest first and the walk ends at the limit
    narrowed = [[("state = ?", state.value), *conditions] for state in dict.fromkeys(wanted.states)] or [conditions]
    rows = [row for one in narrowed for row in _select(db, "SELECT * FROM deliveries", one, order, wanted.limit)]
    rows.sort(key=_id, reverse=True)
    return _decoded(db, rows[: max(wanted.limit, 0)], now)


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
    db: sqlite3.Connection, select: str, conditions: Iterable[tuple[str, Value]], order: str, limit: int
) -> list[sqlite3.Row]:
    texts, values = [], []
    for text, value in conditions:
        texts.append(text)
        values.append(value)
    where = f"WHERE {' AND '.join(texts)}" if texts else ""
    return db.execute(f"{select} {where} {order}", (*values, max(limit, 0))).fetchall()


def _with_deliveries(db: sqlite3.Connection, rows: list[sqlite3.Row], now: datetime) -> list[StoredEvent]:
    belonging = db.execute(
        "SELECT * FROM deliveries WHERE event_id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (to_json([row["id"] for row in rows]),),
    ).fetchall()
    by_event: dict[int, list[Delivery]] = {row["id"]: [] for row in rows}
    for delivery in _decoded(db, belonging, now):
        by_event[delivery.event_id].append(delivery)
    return [stored_event_of(row, tuple(by_event[row["id"]])) for row in rows]


def _decoded(db: sqlite3.Connection, rows: Iterable[sqlite3.Row], now: datetime) -> list[Delivery]:
    clock_ms = unpaused_ms(read_tracker(db), now)
    return [delivery_of(row, clock_ms=clock_ms) for row in rows]


def _id(row: sqlite3.Row) -> int:
    number: int = row["id"]
    return number
