"""What is on its way and what holds it up, lane by lane, through the indexes that heads and what waits have."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from bridge.model import Backlog
from bridge.store.database import Connection, Row
from bridge.store.decoding import maybe_from_ms
from bridge.store.encoding import to_ms
from bridge.store.sealing import REASON

#: So many reasons are told; the rest would be a list.
_MOST_REASONS: Final = 5


def backlog(db: Connection, now: datetime) -> Backlog:
    """How much may go now, and how many lanes have a front that may not."""
    (pending,) = db.execute("SELECT count(*) FROM deliveries WHERE state = 'pending'").fetchone()
    # a lane whose front is due later holds all that stands behind it; the front belongs to what it holds
    held = db.execute(
        """
        SELECT front.id, front.due_at, front.reason,
               (SELECT count(*) FROM deliveries WHERE lane = front.lane AND state = 'pending') AS pending
        FROM deliveries AS front WHERE front.head = 1 AND front.due_at > ?
        """,
        (to_ms(now),),
    ).fetchall()
    waiting = db.execute("SELECT id, lane, reason FROM deliveries WHERE state = 'waiting'").fetchall()
    dead = db.execute("SELECT count(*), count(DISTINCT lane) FROM deliveries WHERE state = 'dead'").fetchone()
    behind = sum(row["pending"] for row in held)
    return Backlog(
        due=pending - behind,
        held=behind,
        held_lanes=len(held),
        held_by=_most(db, held),
        next_at=maybe_from_ms(min((row["due_at"] for row in held), default=None)),
        waiting=len(waiting),
        waiting_lanes=len({row["lane"] for row in waiting}),
        waiting_for=_most(db, waiting),
        dead=dead[0],
        dead_lanes=dead[1],
    )


def _most(db: Connection, rows: Iterable[Row]) -> tuple[tuple[str, int], ...]:
    reasons = (db.seals.read(REASON, row["id"], row["reason"]) for row in rows)
    return tuple(Counter(reasons).most_common(_MOST_REASONS))
