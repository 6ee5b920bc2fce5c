"""Lanes: one customer's deliveries, oldest first, at most one of them claimable or being sent.

`head = 1` marks the claimable one; every change of a delivery's state is followed by `rehead` of its lane, once
per change, so each costs two look-ups however many stand behind.
"""

from collections.abc import Callable, Iterable, Sequence

from bridge.store.database import Connection
from bridge.store.encoding import names_json


def rehead(db: Connection, lane: str) -> None:
    """Make the oldest pending delivery of a lane its head, unless one is being sent.

    Call it after a single delivery joined or left: an old head that is no longer first is now second.
    """
    front = db.execute(
        "SELECT id, head FROM deliveries WHERE lane = ? AND state = 'pending' ORDER BY id LIMIT 2", (lane,)
    ).fetchall()
    if len(front) == 2 and front[1]["head"]:
        db.execute("UPDATE deliveries SET head = 0 WHERE id = ?", (front[1]["id"],))
    if front and not front[0]["head"] and not _is_sending(db, lane):
        db.execute("UPDATE deliveries SET head = 1 WHERE id = ?", (front[0]["id"],))


def _is_sending(db: Connection, lane: str) -> bool:
    return db.execute("SELECT 1 FROM deliveries WHERE lane = ? AND state = 'sending'", (lane,)).fetchone() is not None


def wake(db: Connection, lanes: Iterable[str], now_ms: int) -> None:
    """Make what waits in these lanes due at once: a lead or an association of that customer has arrived."""
    db.execute(
        """
        UPDATE deliveries INDEXED BY deliveries_lane SET due_at = :now
        WHERE lane IN (SELECT value FROM json_each(:lanes)) AND state = 'waiting' AND due_at > :now
        """,
        {"lanes": names_json(lanes), "now": now_ms},
    )


def readmit(
    db: Connection, now_ms: int, *, limit: int, unheld: Callable[[Connection, Sequence[int]], list[int]]
) -> bool:
    """Let deliveries that waited for the tracker back into their lanes; whether there may be more of them."""
    over = db.execute(
        """
        SELECT id, lane FROM deliveries
        WHERE state = 'waiting' AND click_by IS NULL AND due_at <= ? ORDER BY due_at, id LIMIT ?
        """,
        (now_ms, limit),
    ).fetchall()
    lanes = dict(map(tuple, over))
    for delivery_id in unheld(db, list(lanes)) if lanes else ():
        db.execute("UPDATE deliveries SET state = 'pending' WHERE id = ?", (delivery_id,))
        rehead(db, lanes[delivery_id])
    return len(over) == limit
