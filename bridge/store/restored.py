"""What a restored database has as unsent may have been sent since: show it, and put it under the rules of an unknown
outcome.

A sale goes again under its invoice id, flagged, as after any answer that got lost. A lead, which a tracker may count
twice, and whatever its rule says to hold, becomes a dead letter for a person to look at.
"""

from datetime import datetime
from typing import Final

from bridge.store import marks
from bridge.store.database import Connection
from bridge.store.decoding import from_ms, maybe_from_ms, texts_of
from bridge.store.encoding import names_json, to_ms
from bridge.store.lanes import rehead
from bridge.store.marks import Mark
from bridge.store.reports import Question, Restored
from bridge.store.settle import rescue

#: The reason of a dead letter, and the flag of what goes again.
UNKNOWN: Final = "restored: outcome unknown"
MAYBE: Final = "restored: it may have been sent after the backup"


def look(db: Connection) -> Restored:
    """What is in question; nothing is changed."""
    (as_of,) = db.execute(
        """
        SELECT max(moment) FROM (
            SELECT max(received_at) AS moment FROM events
            UNION ALL
            SELECT max(started_at) AS moment FROM attempts
        ) AS moments
        """
    ).fetchone()
    rows = db.execute(
        """
        SELECT kind, state, count(*) AS number, min(created_at) AS oldest, max(created_at) AS newest FROM deliveries
        WHERE state IN ('pending', 'waiting', 'sending') GROUP BY kind, state ORDER BY kind DESC, state
        """
    )
    questions = tuple(
        Question(
            kind=row["kind"],
            state=row["state"],
            count=row["number"],
            oldest_at=from_ms(row["oldest"]),
            newest_at=from_ms(row["newest"]),
        )
        for row in rows
    )
    (dead,) = db.execute("SELECT count(*) FROM deliveries WHERE state = 'dead'").fetchone()
    backup = marks.read(db).get(Mark.BACKUP)
    return Restored(
        as_of=maybe_from_ms(as_of),
        backup_at=from_ms(backup.at_ms) if backup else None,
        questions=questions,
        dead=dead,
    )


def doubt(db: Connection, now: datetime, *, send_leads: bool) -> Restored:
    """Take everything that stands as unsent for something that may have arrived; serve takes the database then."""
    found = look(db)
    # whoever leased these is gone with the database that was
    rescue(db, now)
    rows = db.execute(
        """
        SELECT id, lane, kind, when_unsure, flags FROM deliveries WHERE state IN ('pending', 'waiting') ORDER BY id
        """
    ).fetchall()
    leads = repeated = 0
    for row in rows:
        if row["when_unsure"] == "hold" or (row["kind"] == "lead" and not send_leads):
            _hold(db, row["id"], row["lane"])
            continue
        flags = dict.fromkeys([*texts_of(row["flags"]), MAYBE])
        db.execute("UPDATE deliveries SET unsure = 1, flags = ? WHERE id = ?", (names_json(flags), row["id"]))
        leads += row["kind"] == "lead"
        repeated += row["kind"] != "lead"
    marks.take(db, Mark.BACKUP)
    held = sum(question.count for question in found.questions) - leads - repeated
    return Restored(
        as_of=found.as_of,
        backup_at=found.backup_at,
        questions=found.questions,
        dead=found.dead,
        repeated=repeated,
        leads=leads,
        held=held,
    )


def trust(db: Connection) -> Restored:
    """Somebody says that this database is the newest there is: nothing was sent since."""
    found = look(db)
    marks.take(db, Mark.BACKUP)
    return found


def _hold(db: Connection, delivery_id: int, lane: str) -> None:
    """A dead letter whose duplicates wait with it: sending one of them would be the very repeat."""
    db.execute(
        """
        UPDATE deliveries SET state = 'dead', head = 0, unsure = 1, when_unsure = 'hold', click_by = NULL, reason = ?
        WHERE id = ?
        """,
        (UNKNOWN, delivery_id),
    )
    rehead(db, lane)


def mark_backup(db: Connection, now: datetime) -> None:
    """Let a copy know that it is one, so that serve does not take it for the newest."""
    marks.put(db, Mark.BACKUP, marks.Marked(at_ms=to_ms(now)))
