"""prune: forget what retention allows, a few events per commit, so that nobody waits long behind it.

First bodies, explanations, attempts and personal fields of events whose deliveries are all settled; much later
the keys, which keep a repeated event or a second sale out until then. Never anything pending or dead; never the
newest rows, because ids are counted from them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from bridge.store import clicks, reversals
from bridge.store.database import Connection, Row
from bridge.store.decoding import NOTHING
from bridge.store.encoding import Plain, to_json
from bridge.store.opened import fields_of
from bridge.store.sealing import BODY, PAYLOAD

#: Events per commit: about 5 ms of the writer's time.
CHUNK = 100

#: Where the search goes on: received at, id.
Cursor: TypeAlias = tuple[int, int]
START: Final[Cursor] = (-(2**62), 0)

_PERSONAL: Final = ("click_id", "customer_name", "customer_email", "customer_avatar")


def old_events(db: Connection, *, before_ms: int, forgotten: bool, after: Cursor) -> list[Cursor]:
    """The next events of this age, oldest first: a chunk's worth."""
    rows = db.execute(
        """
        SELECT received_at, id FROM events
        WHERE forgotten = :forgotten AND received_at < :before AND (received_at, id) > (:moment, :id)
        ORDER BY received_at, id LIMIT :chunk
        """,
        {"forgotten": forgotten, "before": before_ms, "moment": after[0], "id": after[1], "chunk": CHUNK},
    )
    return [(received_at, event_id) for received_at, event_id in rows]


def forget_bodies(db: Connection, event_ids: Sequence[int]) -> int:
    """Take what is bulky or personal from those of the events that are settled altogether; how many were."""
    settled = db.execute(
        """
        SELECT CAST(wanted.value AS INTEGER) FROM json_each(?) AS wanted
        WHERE (
            SELECT 1 FROM deliveries AS d
            WHERE d.event_id = CAST(wanted.value AS INTEGER) AND d.state IN ('pending', 'waiting', 'sending', 'dead')
            LIMIT 1
        ) IS NULL
        """,
        (to_json(list(event_ids)),),
    )
    ids = [event_id for (event_id,) in settled]
    take_bodies(db, ids)
    rows = db.execute(
        "SELECT id FROM deliveries WHERE event_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))",
        (to_json([*ids]),),
    )
    take_payloads(db, [delivery_id for (delivery_id,) in rows])
    return len(ids)


def take_bodies(db: Connection, event_ids: Sequence[int]) -> None:
    """Take bodies, headers, queries and explanations; what others of a batch still need goes to one of them."""
    among = to_json([*event_ids])
    _hand_bodies_on(db, among)
    db.execute(
        """
        UPDATE events SET forgotten = 1, body = x'', body_of = NULL, headers = '[]', query = '', steps = '[]'
        WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))
        """,
        (among,),
    )


def take_payloads(db: Connection, delivery_ids: Sequence[int]) -> None:
    """Take what is personal in payloads, and every try with its answer."""
    rows = db.execute(
        "SELECT id, payload FROM deliveries WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))",
        (to_json([*delivery_ids]),),
    ).fetchall()
    db.executemany("DELETE FROM attempts WHERE delivery_id = ?", [(row["id"],) for row in rows])
    db.executemany(
        "UPDATE deliveries SET payload = ? WHERE id = ?",
        [(db.seals.text(PAYLOAD, row["id"], _impersonal(fields_of(db.seals, row))), row["id"]) for row in rows],
    )


def _hand_bodies_on(db: Connection, among: str) -> None:
    """The body that one of these holds for others goes to the last of its batch that still needs it."""
    heirs = db.execute(
        """
        SELECT body_of, max(id) FROM events
        WHERE body_of IN (SELECT CAST(value AS INTEGER) FROM json_each(:among))
            AND id NOT IN (SELECT CAST(value AS INTEGER) FROM json_each(:among))
        GROUP BY body_of
        """,
        {"among": among},
    ).fetchall()
    for holder, heir in heirs:
        (body,) = db.execute("SELECT body FROM events WHERE id = ?", (holder,)).fetchone()
        # a sealed body opens nowhere but in its own row
        moved = db.seals.data(BODY, heir, db.seals.read_data(BODY, holder, body))
        db.execute("UPDATE events SET body = ?, body_of = NULL WHERE id = ?", (moved, heir))
        db.execute("UPDATE events SET body_of = ? WHERE body_of = ?", (heir, holder))


def _impersonal(payload: Mapping[str, Plain] | None) -> str:
    """The payload without what is personal; nothing at all of one that cannot be read."""
    if payload is None:
        return NOTHING
    return to_json({name: value for name, value in payload.items() if name not in _PERSONAL})


def _is_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False


def forget_keys(db: Connection, event_ids: Sequence[int]) -> int:
    """Take events out altogether, with their deliveries, claims and associations; how many."""
    (newest_event,) = db.execute("SELECT max(id) FROM events").fetchone()
    (newest_delivery,) = db.execute("SELECT coalesce(max(id), 0) FROM deliveries").fetchone()
    gone = 0
    for event_id in event_ids:
        deliveries = db.execute("SELECT id, claims FROM deliveries WHERE event_id = ?", (event_id,)).fetchall()
        if event_id == newest_event or any(row["id"] == newest_delivery for row in deliveries):
            continue
        for row in deliveries:
            _forget_delivery(db, row)
        clicks.forget(db, event_id)
        reversals.forget(db, [event_id])
        gone += db.execute("DELETE FROM events WHERE id = ?", (event_id,)).rowcount
    return gone


def _forget_delivery(db: Connection, row: Row) -> None:
    if _is_list(row["claims"]):
        db.execute(
            "DELETE FROM claims WHERE name IN (SELECT value FROM json_each(?)) AND delivery_id = ?",
            (row["claims"], row["id"]),
        )
    else:
        # a hand was here: its names are found the long way, rather than held for ever by nobody
        db.execute("DELETE FROM claims WHERE delivery_id = ?", (row["id"],))
    db.execute("DELETE FROM deliveries WHERE id = ?", (row["id"],))
