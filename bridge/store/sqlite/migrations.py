"""Bring a SQLite file to the newest schema, one step after the other.

A step and the record of it are one transaction, so a crash leaves either both or none.
"""

import sqlite3
from collections.abc import Iterator, Sequence

from bridge.store.steps import Step

_RECORDS = """
    CREATE TABLE IF NOT EXISTS migrations (
        number     INTEGER PRIMARY KEY,
        name       TEXT NOT NULL,
        applied_at INTEGER NOT NULL
    ) STRICT
"""


def applied(db: sqlite3.Connection) -> list[tuple[int, int | None]]:
    """Every step that was taken, and since which one older code may run; None where nobody said."""
    columns = _columns(db)
    if not {"number", "applied_at"} <= columns:
        # nothing of ours: others call a table that, too
        return []
    since = "since" if "since" in columns else "NULL"
    return [tuple(row) for row in db.execute(f"SELECT number, {since} FROM migrations ORDER BY number")]  # noqa: S608


def version(db: sqlite3.Connection) -> int:
    """The number of the last applied step; 0 for a database without any."""
    return max((number for number, _ in applied(db)), default=0)


def migrate(db: sqlite3.Connection, steps: Sequence[Step], *, now_ms: int) -> list[Step]:
    """Apply what is pending and return it; nothing is locked when nothing is. Raises sqlite3.Error."""
    done = []
    while version(db) < steps[-1].number:
        step = _apply_next(db, steps, now_ms)
        if step:
            done.append(step)
    return done


def _apply_next(db: sqlite3.Connection, steps: Sequence[Step], now_ms: int) -> Step | None:
    db.execute("BEGIN IMMEDIATE")
    try:
        # another program may have been quicker while we waited for the lock
        done = version(db)
        step = next((step for step in steps if step.number > done), None)
        if step:
            db.execute(_RECORDS)
            if "since" not in _columns(db):
                # files of the first versions have no such column
                db.execute("ALTER TABLE migrations ADD COLUMN since INTEGER")
            for statement in _statements(step.sql):
                db.execute(statement)
            row = (step.number, step.name, now_ms, step.since)
            db.execute("INSERT INTO migrations (number, name, applied_at, since) VALUES (?, ?, ?, ?)", row)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return step


def _columns(db: sqlite3.Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM pragma_table_info('migrations')")}


def _statements(sql: str) -> Iterator[str]:
    """Cut a file into statements: `executescript` would commit before it begins."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
