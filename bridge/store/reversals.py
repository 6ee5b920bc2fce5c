"""Refunds and disputes: remembered with the names of their sale, and looked up from either side.

The sale need not be there yet, or ever: nothing points at it but its names, which `claims` and the deliveries have too.
Of reversals that share a name of their own the largest amount counts, once.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from bridge.model import Reversal, StoredEvent, StoredReversal
from bridge.store.database import Connection, Row
from bridge.store.decoding import from_ms, texts_of
from bridge.store.encoding import clean, names_json, to_json, to_ms
from bridge.store.known import next_id

#: More of them about one event are not shown.
_MOST: Final = 200


def remember(db: Connection, event_id: int, source: str, reversals: Iterable[Reversal]) -> None:
    """Keep what one event says went back."""
    number = next_id(db, "SELECT max(id) FROM reversals")
    for reversal in reversals:
        names = [clean(name) for name in reversal.claims]
        sale = [clean(name) for name in reversal.sale]
        same_as = _same_as(db, names) or number
        db.execute(
            "INSERT INTO reversals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                event_id,
                source,
                reversal.item,
                clean(reversal.rule),
                reversal.kind,
                str(reversal.amount),
                clean(reversal.currency),
                to_ms(reversal.timestamp),
                same_as,
                names_json(sale),
                names_json(names),
            ),
        )
        db.executemany(
            "INSERT INTO reversal_names VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(name, number) for name in dict.fromkeys((*sale, *names))],
        )
        db.execute("INSERT INTO reversal_lookups VALUES (?, ?, 0, '')", (number, to_ms(reversal.timestamp)))
        db.execute(
            """
            INSERT INTO reversal_counts VALUES (?, ?, 1)
            ON CONFLICT (source, kind) DO UPDATE SET count = reversal_counts.count + 1
            """,
            (source, reversal.kind),
        )
        number += 1


def renew(db: Connection, event_id: int, source: str, reversals: Sequence[Reversal]) -> None:
    """Keep what an event says now, instead of what it said before; what was counted before is not counted again."""
    before = Counter(kind for (kind,) in db.execute("SELECT kind FROM reversals WHERE event_id = ?", (event_id,)))
    if not before and not reversals:
        return
    forget(db, [event_id])
    remember(db, event_id, source, reversals)
    again = before & Counter(reversal.kind for reversal in reversals)
    db.executemany(
        "UPDATE reversal_counts SET count = count - ? WHERE source = ? AND kind = ?",
        [(count, source, kind) for kind, count in again.items()],
    )


def _same_as(db: Connection, names: Sequence[str]) -> int | None:
    """The first that shares one of these names; others that do are the same one from now on."""
    rows = db.execute(
        """
        SELECT DISTINCT r.same_as FROM json_each(?) AS wanted
        CROSS JOIN reversal_names AS n ON n.name = wanted.value
        CROSS JOIN reversals AS r ON r.id = n.reversal_id
        ORDER BY r.same_as
        """,
        (names_json(names),),
    ).fetchall()
    same: list[int] = [number for (number,) in rows]
    for other in same[1:]:
        db.execute("UPDATE reversals SET same_as = ? WHERE same_as = ?", (same[0], other))
    return same[0] if same else None


def of_events(db: Connection, event_ids: Iterable[int]) -> list[StoredReversal]:
    """What these events say went back, oldest first."""
    rows = db.execute(
        """
        SELECT * FROM reversals
        WHERE event_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) ORDER BY id LIMIT ?
        """,
        (to_json([*event_ids]), _MOST),
    ).fetchall()
    return _told(db, rows)


def of_deliveries(db: Connection, delivery_ids: Iterable[int]) -> dict[int, list[StoredReversal]]:
    """By delivery, what went back of the sale that it is, or is a duplicate of; oldest first."""
    sales = db.execute(
        "SELECT id, claims FROM deliveries WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) ORDER BY id",
        (to_json([*delivery_ids]),),
    )
    owners: dict[str, list[int]] = {}
    for delivery_id, claims in sales:
        for name in texts_of(claims):
            owners.setdefault(name, []).append(delivery_id)
    named = db.execute(
        """
        SELECT n.name, n.reversal_id
        FROM json_each(?) AS wanted CROSS JOIN reversal_names AS n ON n.name = wanted.value
        ORDER BY n.reversal_id LIMIT ?
        """,
        (names_json(owners), _MOST),
    ).fetchall()
    pairs = list(dict.fromkeys((delivery_id, number) for name, number in named for delivery_id in owners[name]))
    rows = db.execute(
        "SELECT * FROM reversals WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))",
        (to_json([number for _, number in pairs]),),
    ).fetchall()
    told = {one.id: one for one in _told(db, rows)}
    found: dict[int, list[StoredReversal]] = {}
    for delivery_id, number in pairs:
        if number in told:
            found.setdefault(delivery_id, []).append(told[number])
    return found


def joined(db: Connection, events: list[StoredEvent]) -> list[StoredEvent]:
    """The events with what they say went back, and what went back of their own sales."""
    if db.execute("SELECT 1 FROM reversals LIMIT 1").fetchone() is None:
        return events
    said: dict[int, list[StoredReversal]] = {}
    for one in of_events(db, [event.id for event in events]):
        said.setdefault(one.event_id, []).append(one)
    returned = of_deliveries(db, [delivery.id for event in events for delivery in event.deliveries])
    return [
        replace(
            event,
            reversals=tuple(said.get(event.id, ())),
            returned=tuple(
                {one.id: one for delivery in event.deliveries for one in returned.get(delivery.id, ())}.values()
            ),
        )
        for event in events
    ]


def _told(db: Connection, rows: Sequence[Row]) -> list[StoredReversal]:
    counting = _counting(db, {row["same_as"] for row in rows})
    notes = _notes(db, [row["id"] for row in rows])
    return [
        StoredReversal(
            id=row["id"],
            event_id=row["event_id"],
            source=row["source"],
            rule=row["rule"],
            kind=row["kind"],
            of=tuple(_last(name) for name in texts_of(row["sale"])),
            amount=int(row["amount"]),
            currency=row["currency"],
            happened_at=from_ms(row["happened_at"]),
            sale=holder(db, row["sale"]),
            counts=row["id"] in counting,
            note=notes.get(row["id"], ""),
        )
        for row in rows
    ]


def _counting(db: Connection, groups: set[int]) -> set[int]:
    """Of each group the one with the largest amount, and of equals the first."""
    rows = db.execute(
        """
        SELECT id, same_as, amount FROM reversals
        WHERE same_as IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) ORDER BY id
        """,
        (to_json([*groups]),),
    )
    largest: dict[int, tuple[int, int]] = {}
    for number, group, amount in rows:
        if group not in largest or int(amount) > largest[group][0]:
            largest[group] = (int(amount), number)
    return {number for _, number in largest.values()}


def _notes(db: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """What their sender said of those that it was asked about."""
    rows = db.execute(
        """
        SELECT reversal_id, note FROM reversal_lookups
        WHERE reversal_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) AND note <> ''
        """,
        (to_json([*numbers]),),
    )
    return dict(iter(rows))


def holder(db: Connection, names: str) -> int | None:
    """The delivery that holds one of the sale's names; None when nobody does."""
    row = db.execute(
        """
        SELECT min(c.delivery_id) FROM json_each(?) AS wanted CROSS JOIN claims AS c ON c.name = wanted.value
        """,
        (names,),
    ).fetchone()
    holder: int | None = row[0]
    return holder


def _last(claim: str) -> str:
    """The sender's own name in a claim."""
    try:
        parts = json.loads(claim)
    except ValueError:
        return claim
    return str(parts[-1]) if isinstance(parts, list) and parts else claim


def counts(db: Connection) -> dict[tuple[str, str], int]:
    """How many there ever were, by source and kind."""
    return {(source, kind): count for source, kind, count in db.execute("SELECT * FROM reversal_counts")}


def forget(db: Connection, event_ids: Iterable[int]) -> None:
    """Forget what these events said; how many there were stays known."""
    rows = db.execute(
        "SELECT id, sale, names FROM reversals WHERE event_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))",
        (to_json([*event_ids]),),
    ).fetchall()
    for row in rows:
        db.executemany(
            "DELETE FROM reversal_names WHERE name = ? AND reversal_id = ?",
            [(name, row["id"]) for name in (*texts_of(row["sale"]), *texts_of(row["names"]))],
        )
        db.execute("DELETE FROM reversals WHERE id = ?", (row["id"],))
        db.execute("DELETE FROM reversal_lookups WHERE reversal_id = ?", (row["id"],))
