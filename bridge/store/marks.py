"""Marks: what a database says of itself — that it is moving away, has moved, came from elsewhere, or is a backup.

A marked database is not served: `refuse` says what to do instead. Addresses in marks never hold a password.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final

from bridge.errors import ConfigError, Place, Problem
from bridge.store.database import Connection
from bridge.store.encoding import to_json

VARIABLE: Final = "TRACKBRIDGE_DATABASE_URL"


class Mark(Enum):
    """What a database may say of itself."""

    MOVING = "moving"  # a move away from here has begun, and may have arrived
    MOVED = "moved"  # everything is elsewhere now
    ARRIVED = "arrived"  # everything came from elsewhere: this one is served
    BACKUP = "backup"  # others may have sent since what stands here as unsent


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """One mark: since when, which move, and where the other end is."""

    at_ms: int
    move: str = ""
    place: str = ""


def read(db: Connection) -> Mapping[Mark, Marked]:
    """Everything that a database says of itself; marks of a newer version are left alone."""
    known = {mark.value: mark for mark in Mark}
    found = {}
    for name, text, at_ms in db.execute("SELECT name, text, set_at FROM marks").fetchall():
        if name in known:
            told = json.loads(text)
            found[known[name]] = Marked(at_ms=at_ms, move=told["move"], place=told["place"])
    return found


def put(db: Connection, mark: Mark, marked: Marked) -> None:
    """Let a database say this of itself."""
    take(db, mark)
    told = to_json({"move": marked.move, "place": marked.place})
    db.execute("INSERT INTO marks (name, text, set_at) VALUES (?, ?, ?)", (mark.value, told, marked.at_ms))


def take(db: Connection, *marks: Mark) -> None:
    """Let a database say this no more."""
    db.executemany("DELETE FROM marks WHERE name = ?", [(mark.value,) for mark in marks])


def refuse(db: Connection, *, serves: bool) -> None:
    """Raise ConfigError when this database is not to be used: moved ones by nobody, backups not by serve."""
    refuse_moved(db)
    found = read(db)
    if moving := found.get(Mark.MOVING):
        raise problem(
            "database-moving",
            f"a move of this database to {moving.place} began on {_day(moving)} and did not end",
            why="it is not known whether everything arrived there",
            fix="run the same `trackbridge migrate-store` again: it ends the move, or begins anew. To stay: --undo",
        )
    if serves and (backup := found.get(Mark.BACKUP)):
        raise problem(
            "database-unchecked",
            f"this database stands as it was on {_day(backup)}",
            why="what it has as unsent may have been sent since: it would be sent twice",
            fix="run `trackbridge restore-check` first",
        )


def refuse_moved(db: Connection) -> None:
    """Raise ConfigError when everything that stood here is elsewhere."""
    if moved := read(db).get(Mark.MOVED):
        raise problem(
            "database-moved",
            f"this database was moved to {moved.place} on {_day(moved)}",
            why="what stands here is old: it would be sent twice, and what came since is not here",
            fix=f"set {VARIABLE} to the new one; to come back, see `trackbridge migrate-store --undo`",
        )


def problem(code: str, what: str, *, why: str = "", fix: str = "", place: str = VARIABLE) -> ConfigError:
    """One thing for the operator to mend."""
    return ConfigError([Problem(code=code, what=what, place=Place(file=place), why=why, fix=fix)])


def _day(marked: Marked) -> str:
    return datetime.fromtimestamp(marked.at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
