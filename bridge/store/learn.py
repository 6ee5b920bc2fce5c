"""park, matter and learn: a delivery about which its sender is asked before it is sent for the first time.

Nobody waits for an answer with a lease in hand: a parked delivery is pending, the head of its lane still, and due again
at a time by which the answer should be there. What was learnt is written in one transaction before the first try: new
names are claimed, and a name that another delivery holds makes this one its duplicate.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bridge import retry
from bridge.model import Sale
from bridge.store.claim import Leases
from bridge.store.clicks import remember
from bridge.store.database import Connection, Row
from bridge.store.decoding import stored_payload_of, texts_of
from bridge.store.encoding import clean, names_json, to_ms
from bridge.store.giving import adopt, sealed_payload, unfill
from bridge.store.holding import add_names, carry_invoice, holders, take_over
from bridge.store.lanes import rehead, wake
from bridge.store.lessons import Learnt, Lesson, Matter
from bridge.store.opened import opened_payload
from bridge.store.sealing import BODY
from bridge.store.trackers import read_tracker, write_tracker

PARKED: Final = "its sender is asked about it first"
_PROBE: Final = timedelta(seconds=retry.Policy().first_probe_seconds)


def park(db: Connection, leases: Leases, *, until: datetime, asked: bool, now: datetime) -> None:
    """Give leases back as if nothing had been claimed, for a while; `asked`: somebody is being asked from now on."""
    lanes = []
    for delivery_id, leased_until in leases.items():
        row = db.execute(
            """
            UPDATE deliveries
            SET state = 'pending', lease_until = NULL, due_at = :until, reason = :reason,
                asked_at = CASE WHEN :asked = 1 THEN coalesce(asked_at, :now) ELSE asked_at END
            WHERE id = :id AND state = 'sending' AND coalesce(lease_until, 0) = coalesce(:leased, lease_until, 0)
            RETURNING lane
            """,
            {
                "id": delivery_id,
                "until": to_ms(until),
                "reason": PARKED,
                "asked": int(asked),
                "now": to_ms(now),
                "leased": leased_until,
            },
        ).fetchone()
        if row is not None:
            unfill(db, delivery_id)
            rehead(db, row["lane"])
            lanes.append(row["lane"])
    if lanes:
        _return_leave(db, lanes, now)


def _return_leave(db: Connection, lanes: Sequence[str], now: datetime) -> None:
    """No request was made: its share of the rate comes back, and a probe is still to come."""
    tracker = read_tracker(db)
    after = replace(tracker, tokens=tracker.tokens + len(lanes))
    if tracker.is_paused and tracker.probes and tracker.probed_lane in lanes:
        after = replace(after, probes=tracker.probes - 1, probe_at=now + _PROBE)
    write_tracker(db, after)


def matter(db: Connection, delivery_id: int) -> Matter | None:
    """What is known of a delivery that was never tried; None when there is none."""
    row = db.execute(
        """
        SELECT d.claims, e.account, coalesce(held.body, e.body) AS body, coalesce(held.id, e.id) AS holder
        FROM deliveries AS d JOIN events AS e ON e.id = d.event_id LEFT JOIN events AS held ON held.id = e.body_of
        WHERE d.id = ? AND d.tries = 0
        """,
        (delivery_id,),
    ).fetchone()
    if row is None:
        return None
    names = tuple(texts_of(row["claims"]))
    body = db.seals.read_data(BODY, row["holder"], row["body"])
    return Matter(delivery_id=delivery_id, account=row["account"], body=body, names=names)


def learn(db: Connection, lesson: Lesson, now: datetime) -> Learnt:
    """Write what was learnt, once, before the first try."""
    row = db.execute(
        """
        SELECT * FROM deliveries WHERE id = :id AND tries = 0 AND looked_at IS NULL
            AND (state = 'pending' OR (state = 'waiting' AND click_by IS NOT NULL AND :clicked = 1))
        """,
        {"id": lesson.delivery_id, "clicked": int(lesson.click_id is not None)},
    ).fetchone()
    if row is None:
        return "too late"
    notes = dict.fromkeys([*texts_of(row["flags"]), *map(clean, lesson.notes)])
    db.execute(
        """
        UPDATE deliveries
        SET looked_at = :now,
            due_at = CASE
                WHEN asked_at < due_at THEN asked_at WHEN asked_at IS NULL AND due_at > :now THEN :now ELSE due_at
            END,
            reason = '', flags = :flags, click_by = NULL, click_email = NULL
        WHERE id = :id
        """,
        {"id": row["id"], "now": to_ms(now), "flags": names_json(notes)},
    )
    if lesson.click_id is not None:
        _fill(db, row, clean(lesson.click_id), to_ms(now))
    holder = _claim(db, row["id"], [clean(name) for name in lesson.names], to_ms(now))
    if holder is None:
        return "due"
    _yield(db, row, holder)
    return "duplicate"


def _fill(db: Connection, row: Row, click_id: str, now_ms: int) -> None:
    """The click id goes into a payload that has none, and is remembered of the customer as of that event."""
    payload = json.loads(opened_payload(db.seals, row))
    if payload.get("click_id") is None:
        filled = sealed_payload(db, row["id"], {**payload, "click_id": click_id})
        db.execute("UPDATE deliveries SET payload = ? WHERE id = ?", (filled, row["id"]))
    if row["namespace"]:
        paid_at = payload["timestamp"] if row["kind"] == "sale" else None
        customer, event_id = (row["namespace"], row["lane"]), row["event_id"]
        remember(db, [(*customer, click_id, payload["timestamp"], event_id, event_id, paid_at)])
        wake(db, [row["lane"]], now_ms)


def _claim(db: Connection, delivery_id: int, names: Sequence[str], now_ms: int) -> int | None:
    """Claim what nobody holds, and what the dead hold; else who holds some of it, who then answers for all."""
    rivals = holders(db, names, besides=delivery_id)
    alive = next((rival.id for rival in rivals if not rival.gives_way), None)
    for rival in rivals:
        if rival.gives_way:
            take_over(db, alive or delivery_id, rival.id)
            carry_invoice(db, alive or delivery_id, rival.id)
            if alive is None:
                adopt(db, delivery_id, rival.id, now_ms)
    db.executemany(
        "INSERT INTO claims (name, delivery_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(name, alive or delivery_id) for name in names],
    )
    if alive is not None:
        take_over(db, alive, delivery_id)
        adopt(db, alive, delivery_id, now_ms)
        held = db.execute(
            """
            SELECT c.name FROM json_each(?) AS wanted CROSS JOIN claims AS c ON c.name = wanted.value
            WHERE c.delivery_id = ?
            """,
            (names_json(names), alive),
        ).fetchall()
        # what a third one holds stays out: whoever comes after this holder must not take it along
        add_names(db, alive, [name for (name,) in held])
    add_names(db, delivery_id, names)
    return alive


def _yield(db: Connection, row: Row, holder: int) -> None:
    """Step back behind the one that holds a name of this sale."""
    flags = texts_of(db.execute("SELECT flags FROM deliveries WHERE id = ?", (row["id"],)).fetchone()["flags"])
    first = db.execute("SELECT id, kind, lane, payload FROM deliveries WHERE id = ?", (holder,)).fetchone()
    one, other = stored_payload_of(db.seals, row), stored_payload_of(db.seals, first)
    if (
        isinstance(one, Sale)
        and isinstance(other, Sale)
        and (one.amount, one.currency) != (other.amount, other.currency)
    ):
        flags.append("amount differs")
    db.execute(
        """
        UPDATE deliveries SET state = 'duplicate', head = 0, duplicate_of = ?, flags = ?, reason = ? WHERE id = ?
        """,
        (holder, names_json(flags), f"delivery {holder} has its claim", row["id"]),
    )
    rehead(db, row["lane"])
