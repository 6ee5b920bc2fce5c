"""What an operator asks about one event, about all sources, and what is new: reads that join several tables.

Each is one moment of the database. Rows that cannot be read are told as such, like everywhere.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from bridge.model import Delivery, EventState
from bridge.store import queries
from bridge.store.database import Connection, Row
from bridge.store.decoding import attempt_of, delivery_of, from_ms, texts_of, unpaused_ms
from bridge.store.encoding import names_json, to_ms
from bridge.store.reports import Activity, Change, Claim, Cursor, Line, News, Story, Told, Twin
from bridge.store.trackers import read_tracker
from bridge.store.wanted import EventFilter

#: More duplicates of one delivery than this are not listed.
_MOST_TWINS: Final = 20


def stories(db: Connection, reference: str, now: datetime) -> list[Story]:
    """Everything about the events that a reference means."""
    tracker = read_tracker(db)
    return [
        Story(
            stored=stored,
            told={delivery.id: _told(db, delivery) for delivery in stored.deliveries},
            items=_items(db, stored.id),
            is_forgotten=_is_forgotten(db, stored.id),
            tracker=tracker,
        )
        for stored in queries.find_events(db, reference, now)
    ]


def _is_forgotten(db: Connection, event_id: int) -> bool:
    (forgotten,) = db.execute("SELECT forgotten FROM events WHERE id = ?", (event_id,)).fetchone()
    return bool(forgotten)


def _items(db: Connection, event_id: int) -> tuple[tuple[int, int], ...]:
    """Item and event of everything that shares this one's body; nothing for a webhook that is one event."""
    (holder,) = db.execute("SELECT coalesce(body_of, id) FROM events WHERE id = ?", (event_id,)).fetchone()
    rows = db.execute(
        """
        SELECT item, id FROM events WHERE id = :holder AND item IS NOT NULL
        UNION ALL
        SELECT item, id FROM events WHERE body_of = :holder AND item IS NOT NULL
        ORDER BY item, id
        """,
        {"holder": holder},
    ).fetchall()
    return tuple((item, other) for item, other in rows) if len(rows) > 1 else ()


def _told(db: Connection, delivery: Delivery) -> Told:
    (names,) = db.execute("SELECT claims FROM deliveries WHERE id = ?", (delivery.id,)).fetchone()
    duplicates = db.execute(
        """
        SELECT id, event_id, source FROM deliveries
        WHERE duplicate_of = ? AND state = 'duplicate' ORDER BY id LIMIT ?
        """,
        (delivery.id, _MOST_TWINS),
    )
    line = _line(db, delivery.id, delivery.lane, delivery.state.value)
    return Told(
        attempts=tuple(queries.attempts(db, delivery.id)),
        claims=_claims(db, texts_of(names)),
        original=_original(db, delivery.duplicate_of),
        duplicates=tuple(_twin(row) for row in duplicates),
        front=line.front,
        ahead=_ahead(db, delivery.id, delivery.lane) if line.front is not None else 0,
        behind=line.behind,
    )


def _claims(db: Connection, names: Sequence[str]) -> tuple[Claim, ...]:
    rows = db.execute(
        """
        SELECT wanted.value, c.delivery_id
        FROM json_each(?) AS wanted LEFT JOIN claims AS c ON c.name = wanted.value
        ORDER BY wanted.key
        """,
        (names_json(names),),
    )
    return tuple(Claim(name=name, holder=holder) for name, holder in rows)


def _original(db: Connection, delivery_id: int | None) -> Twin | None:
    if delivery_id is None:
        return None
    row = db.execute("SELECT id, event_id, source FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    return _twin(row) if row else None


def _twin(row: Row) -> Twin:
    return Twin(delivery_id=row["id"], event_id=row["event_id"], source=row["source"])


def lines(db: Connection, delivery_ids: Iterable[int]) -> dict[int, Line]:
    """Where each of these deliveries stands that stands behind others, or others behind it."""
    found = {}
    for delivery_id in delivery_ids:
        row = db.execute("SELECT id, lane, state FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
        line = _line(db, row["id"], row["lane"], row["state"]) if row is not None else _ALONE
        if line != _ALONE:
            found[delivery_id] = line
    return found


_ALONE: Final = Line()


def _line(db: Connection, delivery_id: int, lane: str, state: str) -> Line:
    match state:
        case "pending" | "sending":
            front = _front(db, delivery_id, lane) if state == "pending" else None
            return Line(front=front) if front is not None else Line(behind=_behind(db, delivery_id, lane))
        case "dead":
            (kept,) = db.execute(
                "SELECT count(*) FROM deliveries WHERE duplicate_of = ? AND state = 'duplicate'", (delivery_id,)
            ).fetchone()
            return Line(behind=kept)
        case _:
            return _ALONE


def _front(db: Connection, delivery_id: int, lane: str) -> int | None:
    """Who goes before a pending delivery; None when it is the first."""
    (front,) = db.execute(
        """
        SELECT min(id) FROM (
            SELECT id FROM deliveries WHERE lane = :lane AND state = 'sending'
            UNION ALL
            SELECT min(id) AS id FROM deliveries WHERE lane = :lane AND state = 'pending' AND id < :id
        ) AS before
        """,
        {"lane": lane, "id": delivery_id},
    ).fetchone()
    number: int | None = front
    return number


def _ahead(db: Connection, delivery_id: int, lane: str) -> int:
    (count,) = db.execute(
        """
        SELECT count(*) FROM deliveries
        WHERE lane = :lane AND (state = 'sending' OR (state = 'pending' AND id < :id)) AND id <> :id
        """,
        {"lane": lane, "id": delivery_id},
    ).fetchone()
    return int(count)


def _behind(db: Connection, delivery_id: int, lane: str) -> int:
    """How many stand behind the front of a lane."""
    (count,) = db.execute(
        "SELECT count(*) FROM deliveries WHERE lane = ? AND state = 'pending' AND id <> ?", (lane, delivery_id)
    ).fetchone()
    return int(count)


def newest(db: Connection) -> Cursor:
    """Where somebody begins who wants to know only what is new."""
    event, change = db.execute(
        """
        SELECT (SELECT coalesce(max(id), 0) FROM events),
               (SELECT coalesce(max(changed), 0) FROM deliveries WHERE changed IS NOT NULL)
        """
    ).fetchone()
    return Cursor(event=event, change=change)


def news(db: Connection, since: Cursor, limit: int, now: datetime) -> News:
    """What came in and what happened to deliveries since, oldest first; at most `limit` of each."""
    events = queries.events(db, EventFilter(after=since.event, bodies=False, limit=limit), now)
    rows = db.execute(
        "SELECT * FROM deliveries WHERE changed > ? ORDER BY changed LIMIT ?", (since.change, limit)
    ).fetchall()
    clock_ms = unpaused_ms(read_tracker(db), now)
    return News(
        events=tuple(events),
        changes=tuple(_change(db, row, clock_ms) for row in rows),
        cursor=Cursor(
            event=events[-1].id if events else since.event, change=rows[-1]["changed"] if rows else since.change
        ),
    )


def _change(db: Connection, row: Row, clock_ms: int) -> Change:
    last = db.execute(
        "SELECT * FROM attempts WHERE delivery_id = ? ORDER BY number DESC LIMIT 1", (row["id"],)
    ).fetchone()
    return Change(
        delivery=delivery_of(db.seals, row, clock_ms=clock_ms), last=attempt_of(db.seals, last) if last else None
    )


def activity(db: Connection, now: datetime) -> dict[str, Activity]:
    """What came from each source in the last day and week, by state; ids stand for times, which they nearly follow."""
    day, week = _first_since(db, now - timedelta(days=1)), _first_since(db, now - timedelta(days=7))
    found = {}
    for source in sorted(queries.sources_seen(db)):
        last = _last(db, source)
        if last is not None:
            found[source] = Activity(
                last_id=last["id"],
                last_type=last["type"],
                last_at=from_ms(last["received_at"]),
                last_state=EventState(last["state"]),
                day=_by_state(db, source, day),
                week=_by_state(db, source, week),
            )
    return found


def _first_since(db: Connection, moment: datetime) -> int:
    """The first event received since then; beyond the last when there is none."""
    (first,) = db.execute(
        "SELECT coalesce(min(id), 9223372036854775807) FROM events WHERE forgotten IN (0, 1) AND received_at >= ?",
        (to_ms(moment),),
    ).fetchone()
    number: int = first
    return number


def _last(db: Connection, source: str) -> Row | None:
    rows = [
        row
        for state in EventState
        for row in db.execute(
            """
            SELECT id, type, received_at, state FROM events WHERE source = ? AND state = ? ORDER BY id DESC LIMIT 1
            """,
            (source, state.value),
        )
    ]
    return max(rows, key=lambda row: int(row["id"]), default=None)


def _by_state(db: Connection, source: str, first: int) -> dict[EventState, int]:
    return {
        state: db.execute(
            "SELECT count(*) FROM events WHERE source = ? AND state = ? AND id >= ?", (source, state.value, first)
        ).fetchone()[0]
        for state in EventState
    }
