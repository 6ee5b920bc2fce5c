"""What pages and commands ask: events, deliveries, attempts, counts. Nothing here writes.

Newest first, unless somebody follows. `now` is for the age of budgets, which is only shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from bridge.model import Attempt, Counts, Delivery, DeliveryState, EventState, StoredEvent, StoredReversal
from bridge.store import reversals
from bridge.store.database import Connection, Row
from bridge.store.decoding import attempt_of, delivery_of, maybe_from_ms, stored_event_of, unpaused_ms
from bridge.store.encoding import clean, to_json
from bridge.store.filters import (
    Query,
    Sieve,
    Sifted,
    delivery_sieve,
    event_sieve,
    ids_of,
    of_deliveries,
    of_events,
    sift,
)
from bridge.store.sealing import BODY
from bridge.store.trackers import read_tracker
from bridge.store.wanted import DeliveryFilter, EventFilter, Page

#: SQLite's INTEGER ends here; a longer number is no internal id.
_LARGEST_ID = 2**63 - 1

#: Counting what a filter lets through ends here: "more than 100,000" says enough.
MOST_COUNTED: Final = 100_000


def events(db: Connection, wanted: EventFilter, now: datetime) -> list[StoredEvent]:
    """Events with their deliveries, as filtered."""
    sieve = event_sieve(wanted)
    if sieve is None:
        return _with_deliveries(db, of_events(wanted).rows(db, wanted.limit), now)
    # searched without bodies: they would all be read to find a few
    found = sift(db, of_events(replace(wanted, bodies=False)), sieve, wanted.limit).rows
    return _with_deliveries(db, _whole(db, found) if wanted.bodies else found, now)


def _whole(db: Connection, heads: Sequence[Row]) -> list[Row]:
    """The same events with their bodies, in the same order."""
    among = to_json([row["id"] for row in heads])
    rows = db.execute(
        "SELECT * FROM events WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))", (among,)
    ).fetchall()
    by_id = {row["id"]: row for row in rows}
    return [by_id[row["id"]] for row in heads]


def page_of_events(db: Connection, wanted: EventFilter, now: datetime) -> Page[StoredEvent]:
    """The same without bodies, and how many there are."""
    query = of_events(replace(wanted, bodies=False))
    sifted, is_more = _page(db, query, event_sieve(wanted), wanted.limit)
    return Page(
        rows=tuple(_with_deliveries(db, sifted.rows, now)),
        total=sifted.total,
        is_more=is_more,
        searched_to=sifted.searched_to,
    )


def _page(db: Connection, query: Query, sieve: Sieve | None, limit: int) -> tuple[Sifted, bool]:
    """The rows to show, how many there are in all, and whether counting ended before the last."""
    if sieve is not None:
        return sift(db, query, sieve, limit, to_the_end=True), False
    rows = query.rows(db, limit)
    total = len(rows) if len(rows) < limit else query.count(db, MOST_COUNTED + 1)
    return Sifted(rows=rows, total=min(total, MOST_COUNTED)), total > MOST_COUNTED


def find_events(db: Connection, reference: str, now: datetime) -> list[StoredEvent]:
    """Events by internal id, by the source's id, by key, or by one of their deliveries (`d12`), newest first."""
    number, of_delivery = _number(reference), _number(reference.removeprefix("d")) if reference[:1] == "d" else 0
    rows = db.execute(
        """
        SELECT * FROM events WHERE id IN (
            SELECT :number
            UNION
            SELECT event_id FROM deliveries WHERE id = :delivery
            UNION
            SELECT id FROM events WHERE source IN (SELECT source FROM sources_seen) AND key = :reference
            UNION
            SELECT id FROM events WHERE source_id = :reference AND source_id <> key
        ) ORDER BY id DESC
        """,
        {"number": number, "delivery": of_delivery, "reference": clean(reference)},
    ).fetchall()
    return _with_deliveries(db, rows, now)


def _number(text: str) -> int:
    """An internal id, or 0, which is none."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return number if number <= _LARGEST_ID else 0


def deliveries(db: Connection, wanted: DeliveryFilter, now: datetime) -> list[Delivery]:
    """Deliveries, as filtered."""
    query, sieve = of_deliveries(wanted), delivery_sieve(wanted)
    rows = query.rows(db, wanted.limit) if sieve is None else sift(db, query, sieve, wanted.limit).rows
    return _decoded(db, rows, now)


def page_of_deliveries(db: Connection, wanted: DeliveryFilter, now: datetime) -> Page[Delivery]:
    """The same, with how many there are."""
    sifted, is_more = _page(db, of_deliveries(wanted), delivery_sieve(wanted), wanted.limit)
    return Page(
        rows=tuple(_decoded(db, sifted.rows, now)),
        total=sifted.total,
        is_more=is_more,
        searched_to=sifted.searched_to,
    )


def event_ids(db: Connection, wanted: EventFilter) -> list[int]:
    """Every event that is meant, oldest first."""
    return ids_of(db, of_events(replace(wanted, bodies=False)), event_sieve(wanted))


def delivery_ids(db: Connection, wanted: DeliveryFilter) -> list[int]:
    """Every delivery that is meant, oldest first."""
    return ids_of(db, of_deliveries(wanted), delivery_sieve(wanted))


def deliveries_by_id(db: Connection, ids: Sequence[int], now: datetime) -> list[Delivery]:
    """Those of these deliveries that there are, by id."""
    rows = db.execute(
        "SELECT * FROM deliveries WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) ORDER BY id",
        (to_json([number for number in ids if number <= _LARGEST_ID]),),
    )
    return _decoded(db, rows, now)


def attempts(db: Connection, delivery_id: int) -> list[Attempt]:
    """Every try of a delivery, oldest first."""
    rows = db.execute("SELECT * FROM attempts WHERE delivery_id = ? ORDER BY number", (delivery_id,))
    return [attempt_of(db.seals, row) for row in rows]


def reversals_of(db: Connection, event_ids: Iterable[int], delivery_ids: Iterable[int]) -> list[StoredReversal]:
    """What these events say went back, and what went back of the sales that these deliveries are; oldest first."""
    of_sales = [one for several in reversals.of_deliveries(db, delivery_ids).values() for one in several]
    found = {one.id: one for one in (*reversals.of_events(db, event_ids), *of_sales)}
    return [found[number] for number in sorted(found)]


def counts(db: Connection) -> Counts:
    """How much of everything there is; states of which there is nothing are 0."""
    events_by = dict(tuple(row) for row in db.execute("SELECT state, count(*) FROM events GROUP BY state"))
    deliveries_by = dict(tuple(row) for row in db.execute("SELECT state, count(*) FROM deliveries GROUP BY state"))
    oldest = db.execute("SELECT created_at FROM deliveries WHERE state = 'pending' ORDER BY id LIMIT 1").fetchone()
    return Counts(
        events={state: events_by.get(state.value, 0) for state in EventState},
        deliveries={state: deliveries_by.get(state.value, 0) for state in DeliveryState},
        oldest_pending_at=maybe_from_ms(oldest["created_at"] if oldest else None),
        reversals=reversals.counts(db),
    )


def sources_seen(db: Connection) -> frozenset[str]:
    """Every source that ever had an event recorded here."""
    return frozenset(source for (source,) in db.execute("SELECT source FROM sources_seen"))


def _with_deliveries(db: Connection, rows: list[Row], now: datetime) -> list[StoredEvent]:
    belonging = db.execute(
        "SELECT * FROM deliveries WHERE event_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) ORDER BY id",
        (to_json([row["id"] for row in rows]),),
    ).fetchall()
    by_event: dict[int, list[Delivery]] = {row["id"]: [] for row in rows}
    for delivery in _decoded(db, belonging, now):
        by_event[delivery.event_id].append(delivery)
    held = _bodies(db, {row["body_of"] for row in rows} - {None})
    events = [
        stored_event_of(
            db.seals,
            row,
            _own_body(db, row) if row["body_of"] is None else held.get(row["body_of"], b""),
            tuple(by_event[row["id"]]),
        )
        for row in rows
    ]
    return reversals.joined(db, events)


def _own_body(db: Connection, row: Row) -> bytes:
    return db.seals.read_data(BODY, row["id"], row["body"])


def _bodies(db: Connection, holders: set[int]) -> dict[int | None, bytes]:
    """What these events hold for others: each body once, however many share it."""
    if not holders:
        return {}
    rows = db.execute(
        "SELECT id, body FROM events WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))",
        (to_json([*holders]),),
    )
    return {row["id"]: _own_body(db, row) for row in rows}


def _decoded(db: Connection, rows: Iterable[Row], now: datetime) -> list[Delivery]:
    clock_ms = unpaused_ms(read_tracker(db), now)
    return [delivery_of(db.seals, row, clock_ms=clock_ms) for row in rows]
