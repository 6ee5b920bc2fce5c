"""replay and dismiss: what an operator decides about single deliveries, each with its reason when it cannot be.

Claims follow: a replayed delivery takes them back from whoever gave way, or becomes the duplicate of whoever did not.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from bridge.store.database import Connection
from bridge.store.holding import held_by, holders, inherit, names_of, pass_on, take_over
from bridge.store.lanes import rehead
from bridge.store.persons import FORGOTTEN
from bridge.store.reports import Changed

_ALIVE: Final = ("pending", "waiting", "sending", "delivered")

_NO_REPLAY: Final = {
    "pending": "it is on its way already",
    "waiting": "it is on its way already",
    "sending": "it is being sent right now",
    "delivered": "already delivered",
    "dry_run": "it was recorded in a dry run and is never sent",
}

_ODD: Final = "this version does not know its state"

_NO_DISMISSAL: Final = {
    "sending": "it is being sent right now; try again when it has come back",
    "delivered": "already delivered",
    "dismissed": "already dismissed",
}


def replay(db: Connection, delivery_ids: Iterable[int], now_ms: int, *, again: bool = False) -> list[Changed]:
    """Send again, with a fresh budget, what is dead or dismissed; `again`: what is delivered, too."""
    return [_replay_one(db, delivery_id, now_ms, again=again) for delivery_id in delivery_ids]


def _replay_one(db: Connection, delivery_id: int, now_ms: int, *, again: bool) -> Changed:
    row = db.execute(
        """
        SELECT d.state, d.lane, d.duplicate_of, e.forgotten
        FROM deliveries AS d JOIN events AS e ON e.id = d.event_id WHERE d.id = ?
        """,
        (delivery_id,),
    ).fetchone()
    if row is None:
        return _unknown(delivery_id)
    if row["state"] == "duplicate":
        why = f"it is a duplicate of delivery {row['duplicate_of']}: replay that one"
        return Changed(delivery_id=delivery_id, done=False, why=why)
    is_again = again and row["state"] == "delivered"
    if row["state"] not in ("dead", "dismissed") and not is_again:
        return Changed(delivery_id=delivery_id, done=False, why=_NO_REPLAY.get(row["state"], _ODD))
    if row["forgotten"] or row["lane"] == FORGOTTEN:
        return Changed(delivery_id=delivery_id, done=False, why="its payload is past retention")
    if is_again:
        return _send_again(db, delivery_id, row["lane"], now_ms)
    others = holders(db, names_of(db, delivery_id), besides=delivery_id)
    alive = next((other for other in others if other.state in _ALIVE), None)
    if alive is not None:
        return _yield(db, delivery_id, alive.id)
    inherit(db, delivery_id)
    # what was recorded in a dry run, or lost its names to retention, claims them like any newcomer
    db.executemany(
        "INSERT INTO claims (name, delivery_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(name, delivery_id) for name in names_of(db, delivery_id)],
    )
    db.execute(
        """
        UPDATE deliveries SET
            state = 'pending', due_at = ?, attempts = 0, budget_from = NULL, refusals = 0, first_refused_at = NULL,
            waits = 0, waiting_since = NULL, failing_since = NULL, duplicate_of = NULL, reason = 'replayed'
        WHERE id = ?
        """,
        (now_ms, delivery_id),
    )
    rehead(db, row["lane"])
    return Changed(delivery_id=delivery_id, done=True)


def _send_again(db: Connection, delivery_id: int, lane: str, now_ms: int) -> Changed:
    """The tracker has it, and will be told once more.

    Whatever comes of that, it counts as told: its duplicates stay where they are, and what is unknown is not repeated.
    """
    db.execute(
        """
        UPDATE deliveries SET
            state = 'pending', due_at = ?, attempts = 0, budget_from = NULL, refusals = 0, first_refused_at = NULL,
            waits = 0, waiting_since = NULL, failing_since = NULL, unsure = 1, when_unsure = 'hold',
            reason = 'replayed though delivered'
        WHERE id = ?
        """,
        (now_ms, delivery_id),
    )
    rehead(db, lane)
    return Changed(delivery_id=delivery_id, done=True, why="though delivered")


def _yield(db: Connection, delivery_id: int, holder: int) -> Changed:
    """Somebody else has the claim and is on the way or there: sending this too would count it twice."""
    if held_by(db, delivery_id):  # a remap may have left it some
        take_over(db, holder, delivery_id)
    why = f"delivery {holder} has its claim: it is a duplicate of that one now"
    db.execute(
        "UPDATE deliveries SET state = 'duplicate', duplicate_of = ?, reason = ? WHERE id = ?",
        (holder, f"delivery {holder} has its claim", delivery_id),
    )
    return Changed(delivery_id=delivery_id, done=False, why=why)


def dismiss(db: Connection, delivery_ids: Iterable[int], now_ms: int, *, only: bool) -> list[Changed]:
    """Give deliveries up; their duplicates go with them, or with `only` the oldest takes the place."""
    asked = list(dict.fromkeys(delivery_ids))
    return [_dismiss_one(db, delivery_id, asked, now_ms, only=only) for delivery_id in asked]


def _dismiss_one(db: Connection, delivery_id: int, asked: Sequence[int], now_ms: int, *, only: bool) -> Changed:
    row = db.execute("SELECT state, lane, duplicate_of FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    if row is None:
        return _unknown(delivery_id)
    if row["state"] == "dismissed" and row["duplicate_of"] in asked:
        return Changed(delivery_id=delivery_id, done=True, why=f"with delivery {row['duplicate_of']}")
    if row["state"] in _NO_DISMISSAL:
        return Changed(delivery_id=delivery_id, done=False, why=_NO_DISMISSAL[row["state"]])
    db.execute("UPDATE deliveries SET state = 'dismissed', head = 0, reason = 'dismissed' WHERE id = ?", (delivery_id,))
    if row["state"] == "pending":
        rehead(db, row["lane"])
    if only:
        heir = pass_on(db, delivery_id, now_ms)
        return Changed(delivery_id=delivery_id, done=True, why=f"delivery {heir} takes its place" if heir else "")
    gone = db.execute(
        "UPDATE deliveries SET state = 'dismissed', reason = ? WHERE duplicate_of = ? AND state = 'duplicate'",
        (f"dismissed with delivery {delivery_id}", delivery_id),
    ).rowcount
    return Changed(delivery_id=delivery_id, done=True, why=_with_it(gone))


def _with_it(gone: int) -> str:
    return (
        ""
        if gone == 0
        else "its duplicate was dismissed with it"
        if gone == 1
        else (f"its {gone} duplicates were dismissed with it")
    )


def _unknown(delivery_id: int) -> Changed:
    return Changed(delivery_id=delivery_id, done=False, why="there is no such delivery")
