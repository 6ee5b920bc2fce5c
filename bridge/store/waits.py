"""What waits for a click id: outside its lane, until one comes or its time is up. Not to be confused with what waits
for the tracker, which has no `click_by`.

The time is by the clock, whether or not the tracker is paused: it is webhooks that are waited for.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Final

from bridge.model import Sale
from bridge.store.clicks import Question, answered, questions
from bridge.store.database import Connection, Row
from bridge.store.decoding import stored_payload_of, texts_of
from bridge.store.encoding import names_json, to_ms
from bridge.store.lanes import rehead

#: Nothing waits longer than this, unless the clock was set back meanwhile.
LONGEST: Final = timedelta(days=7)

_WORDS: Final = ((86_400, "day"), (3600, "h"), (60, "min"), (1, "s"))


def why_waiting(wait_ms: int) -> str:
    """The reason of what waits, for people."""
    return f"waits for a click id, at most {_in_words(wait_ms)}"


def wake_addresses(db: Connection, hashes: Iterable[str], now_ms: int) -> None:
    """Let what waits for a click of these addresses look again: one was told of."""
    db.execute(
        """
        UPDATE deliveries SET due_at = :now
        WHERE click_email IN (SELECT value FROM json_each(:hashes)) AND state = 'waiting' AND due_at > :now
        """,
        {"hashes": names_json(hashes), "now": now_ms},
    )


def end_waits(
    db: Connection, now_ms: int, *, limit: int, unheld: Callable[[Connection, Sequence[int]], list[int]]
) -> bool:
    """Let those go on for whom a click is known, or whose time is up; whether there may be more of them."""
    rows = db.execute(
        """
        SELECT id, event_id, kind, lane, namespace, fill, click_by, created_at, click_email, flags, payload
        FROM deliveries
        WHERE state = 'waiting' AND click_by IS NOT NULL AND due_at <= ? ORDER BY due_at, id LIMIT ?
        """,
        (now_ms, limit),
    ).fetchall()
    if not rows:
        return False
    free = set(unheld(db, [row["id"] for row in rows]))
    asked = {row["id"]: _questions(db, row) for row in rows if row["id"] in free}
    known = answered(db, [question for several in asked.values() for question in several])
    for row in rows:
        if row["id"] not in free:
            continue
        if any(question in known for question in asked[row["id"]]):
            _go(db, row, texts_of(row["flags"]))
        elif now_ms < row["click_by"]:
            db.execute("UPDATE deliveries SET due_at = click_by WHERE id = ?", (row["id"],))
        elif row["kind"] == "sale":
            _go(db, row, [*texts_of(row["flags"]), _in_vain(row)])
        else:
            _give_up(db, row)
    return len(rows) == limit


def _questions(db: Connection, row: Row) -> list[Question]:
    payload = stored_payload_of(db.seals, row)
    if isinstance(payload, Sale):
        return questions(row["fill"], row["namespace"], row["lane"], row["click_email"], to_ms(payload.timestamp))
    return [Question(row["namespace"], row["lane"], None)] if row["namespace"] else []


def _go(db: Connection, row: Row, flags: Sequence[str]) -> None:
    db.execute(
        """
        UPDATE deliveries SET state = 'pending', click_by = NULL, click_email = NULL, reason = '', flags = ?
        WHERE id = ?
        """,
        (names_json(flags), row["id"]),
    )
    rehead(db, row["lane"])


def _give_up(db: Connection, row: Row) -> None:
    """A lead that nobody clicked for is not sent, nor are its duplicates. Its claims are free for one with a click."""
    db.execute(
        "UPDATE deliveries SET state = 'dismissed', click_email = NULL, reason = ? WHERE id = ?",
        (_in_vain(row), row["id"]),
    )
    db.execute(
        "UPDATE deliveries SET state = 'dismissed', reason = ? WHERE duplicate_of = ? AND state = 'duplicate'",
        (f"dismissed with delivery {row['id']}", row["id"]),
    )
    (names,) = db.execute("SELECT claims FROM deliveries WHERE id = ?", (row["id"],)).fetchone()
    db.execute(
        "DELETE FROM claims WHERE delivery_id = ? AND name IN (SELECT value FROM json_each(?))", (row["id"], names)
    )


def _in_vain(row: Row) -> str:
    return f"no click id came within {_in_words(row['click_by'] - row['created_at'])}"


def _in_words(wait_ms: int) -> str:
    """A span as people say it, in the largest unit that it is a whole number of."""
    seconds = max(wait_ms // 1000, 1)
    size, word = next((size, word) for size, word in _WORDS if seconds % size == 0)
    count = seconds // size
    return f"{count} {word}{'s' if word == 'day' and count > 1 else ''}"
