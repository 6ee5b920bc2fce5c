"""Who serves from this database: one row each, written every few seconds; and who was first to tell something."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from bridge.model import Replica, Seen
from bridge.store.database import Connection
from bridge.store.decoding import from_ms
from bridge.store.encoding import MILLISECOND, clean, to_json, to_ms
from bridge.store.fleet import KEPT, LIVE


def beat(db: Connection, replica: Replica, now: datetime, *, is_alone: bool) -> tuple[Seen, ...]:
    """Write a replica's row; the live ones, the oldest first."""
    now_ms = to_ms(now)
    db.execute("DELETE FROM replicas WHERE seen_at < ?", (now_ms - KEPT // MILLISECOND,))
    if is_alone:
        db.execute("DELETE FROM replicas WHERE id <> ?", (replica.id,))
    db.execute(
        """
        INSERT INTO replicas (id, started_at, seen_at, document) VALUES (?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, document = excluded.document
        """,
        (replica.id, now_ms, now_ms, _document(replica)),
    )
    return tuple(seen for seen in replicas(db, now) if seen.is_live)


def replicas(db: Connection, now: datetime) -> tuple[Seen, ...]:
    """Everybody whose row is there and can be read."""
    rows = db.execute("SELECT id, started_at, seen_at, document FROM replicas ORDER BY started_at, id").fetchall()
    return tuple(_readable(rows, to_ms(now - LIVE)))


def leave(db: Connection, replica_id: str) -> None:
    """Take a replica's row away."""
    db.execute("DELETE FROM replicas WHERE id = ?", (replica_id,))


def announce(db: Connection, name: str, holds: timedelta, now: datetime) -> bool:
    """Whether nobody has told this yet; then this caller has."""
    now_ms = to_ms(now)
    db.execute("DELETE FROM announcements WHERE until <= ?", (now_ms,))
    row = (clean(name), now_ms + holds // MILLISECOND)
    told = db.execute("INSERT INTO announcements (name, until) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", row)
    return told.rowcount == 1


def _document(replica: Replica) -> str:
    return to_json(
        {
            "host": replica.host,
            "version": replica.version,
            "sources": dict(sorted(replica.sources.items())),
            "settings": dict(sorted(replica.settings.items())),
            "duties": [*sorted(replica.duties)],
            "idle": replica.idle,
        }
    )


def _readable(rows: Iterable[Any], live_ms: int) -> Iterable[Seen]:
    """The rows as replicas; one that another version writes otherwise is one of which only little is known."""
    for row in rows:
        try:
            said = dict(json.loads(row["document"]))
        except (TypeError, ValueError):
            said = {}
        yield Seen(
            replica=Replica(
                id=row["id"],
                host=str(said.get("host", "")),
                version=str(said.get("version", "")),
                sources=_texts(said.get("sources")),
                settings=_texts(said.get("settings")),
                duties=frozenset(map(str, said.get("duties") or ())),
                idle=str(said.get("idle", "")),
            ),
            started_at=from_ms(row["started_at"]),
            seen_at=from_ms(row["seen_at"]),
            is_live=row["seen_at"] > live_ms,
        )


def _texts(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, dict) else {}
