"""Bring a database to the newest schema, one numbered SQL file after the other.

A step and the record of it are one transaction, so a crash leaves either both or none. A released file is
never edited: a change is a new file, named by a verb, that the code before it can live with.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

_RECORDS = """
    CREATE TABLE IF NOT EXISTS migrations (
        number     INTEGER PRIMARY KEY,
        name       TEXT NOT NULL,
        applied_at INTEGER NOT NULL
    ) STRICT
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One numbered change of the schema."""

    number: int
    name: str
    sql: str


def shipped(dialect: str) -> tuple[Step, ...]:
    """The steps inside this package for one kind of database, in order, without a gap."""
    folder = files("bridge.store").joinpath("schema", dialect)
    steps = []
    for file in folder.iterdir():
        match = _FILE_NAME.fullmatch(file.name)
        if match:
            steps.append(Step(number=int(match[1]), name=match[2], sql=file.read_text(encoding="utf-8")))
    steps.sort(key=lambda step: step.number)
    if not steps or steps[0].number != 1 or any(b.number != a.number + 1 for a, b in pairwise(steps)):
        raise AssertionError(f"schema/{dialect} must count from 0001 without a gap")
    return tuple(steps)


def version(db: sqlite3.Connection) -> int:
    """The number of the last applied step; 0 for a database without any."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'").fetchone():
        return 0
    return int(db.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0])


def migrate(db: sqlite3.Connection, steps: Sequence[Step], *, now_ms: int) -> list[Step]:
    """Apply what is pending and return it; nothing is locked when nothing is. Raises sqlite3.Error."""
    applied = []
    while version(db) < steps[-1].number:
        step = _apply_next(db, steps, now_ms)
        if step:
            applied.append(step)
    return applied


def _apply_next(db: sqlite3.Connection, steps: Sequence[Step], now_ms: int) -> Step | None:
    db.execute("BEGIN IMMEDIATE")
    try:
        # another program may have been quicker while we waited for the lock
        done = version(db)
        step = next((step for step in steps if step.number > done), None)
        if step:
            db.execute(_RECORDS)
            for statement in _statements(step.sql):
                db.execute(statement)
            db.execute("INSERT INTO migrations VALUES (?, ?, ?)", (step.number, step.name, now_ms))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return step


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
