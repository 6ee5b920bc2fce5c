"""unlinked and link: money that went back of a sale whose names no event told, until its sender has been asked.

Since API version 2025-03-31 Stripe's refunds name a payment and its invoices do not. What is learnt is kept with the
reversal as if its event had said it, so it does not matter whether the sale is there already.
"""

from datetime import datetime

from bridge.store.database import Connection
from bridge.store.decoding import from_ms, texts_of
from bridge.store.encoding import clean, maybe_ms, names_json, to_ms
from bridge.store.lessons import Link, Unlinked
from bridge.store.reversals import holder


def unlinked(db: Connection, now: datetime, limit: int) -> list[Unlinked]:
    """What is to be asked about now, longest due first."""
    rows = db.execute(
        """
        SELECT l.reversal_id, l.tries, r.event_id, r.source, r.sale, e.account, e.received_at
        FROM reversal_lookups AS l
        CROSS JOIN reversals AS r ON r.id = l.reversal_id
        CROSS JOIN events AS e ON e.id = r.event_id
        WHERE l.due_at <= ? ORDER BY l.due_at, l.reversal_id LIMIT ?
        """,
        (to_ms(now), limit),
    ).fetchall()
    return [
        Unlinked(
            reversal_id=row["reversal_id"],
            event_id=row["event_id"],
            source=row["source"],
            account=row["account"] or "",
            sale=tuple(texts_of(row["sale"])),
            is_known=holder(db, row["sale"]) is not None,
            tries=row["tries"],
            since=from_ms(row["received_at"]),
        )
        for row in rows
    ]


def link(db: Connection, learnt: Link) -> int | None:
    """Keep what was learnt of one; the delivery that is its sale, when it is known now."""
    row = db.execute(
        "SELECT sale, names FROM reversals WHERE id = ? AND event_id = ?", (learnt.reversal_id, learnt.event_id)
    ).fetchone()
    if row is None:  # remapped or forgotten meanwhile
        return None
    told = [*map(clean, learnt.names)]
    names = names_json(dict.fromkeys([*texts_of(row["sale"]), *told]))
    known = {*texts_of(row["sale"]), *texts_of(row["names"])}
    db.execute("UPDATE reversals SET sale = ? WHERE id = ?", (names, learnt.reversal_id))
    db.executemany(
        "INSERT INTO reversal_names VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(name, learnt.reversal_id) for name in dict.fromkeys(told) if name not in known],
    )
    db.execute(
        "UPDATE reversal_lookups SET due_at = ?, tries = tries + 1, note = ? WHERE reversal_id = ?",
        (maybe_ms(learnt.again_at), clean(learnt.note), learnt.reversal_id),
    )
    return holder(db, names)
