"""Bring a PostgreSQL database to the newest schema, one step after the other.

A step and the record of it are one transaction, so a crash leaves either both or none. One program at a time: the rest
wait for an advisory lock, which ends with the transaction, and find that it is done.
"""

from collections.abc import Sequence
from typing import Final

from bridge.store.postgres.connection import Connection, commit
from bridge.store.steps import Step

#: Beside the turn to write, so that a rolling upgrade waits for no webhook's turn.
_LOCK: Final = (0x7472_6163, 2)
#: A step may wait for a table that a backup reads, but not for ever: nobody else reads the table behind it.
_PATIENCE_MS: Final = 30_000

_RECORDS: Final = """
    CREATE TABLE IF NOT EXISTS migrations (
        number     BIGINT PRIMARY KEY,
        name       TEXT NOT NULL,
        applied_at BIGINT NOT NULL,
        -- since which step older code may still run; NULL: it was not said
        since      BIGINT
    )
"""


def tables(db: Connection) -> set[str]:
    """Every table and view in the schema in which ours are, or will be."""
    rows = db.raw.execute(
        """
        SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
            AND NOT EXISTS (SELECT 1 FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
        """
    )
    return {name for (name,) in rows}


def applied(db: Connection) -> list[tuple[int, int | None]]:
    """Every step that was taken, and since which one older code may run."""
    (count,) = db.raw.execute(
        """
        SELECT count(*) FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = 'migrations'
            AND column_name IN ('number', 'name', 'applied_at', 'since')
        """
    ).fetchone() or (0,)
    if count < 4:
        # nothing of ours: others call a table that, too
        return []
    return [(number, since) for number, since in db.raw.execute("SELECT number, since FROM migrations ORDER BY number")]


def migrate(db: Connection, steps: Sequence[Step], *, now_ms: int) -> list[Step]:
    """Apply what is pending and return it; nothing is locked when nothing is. Raises psycopg.Error."""
    done = []
    while max((number for number, _ in applied(db)), default=0) < steps[-1].number:
        step = _apply_next(db, steps, now_ms)
        if step:
            done.append(step)
    return done


def _apply_next(db: Connection, steps: Sequence[Step], now_ms: int) -> Step | None:
    raw = db.raw
    raw.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
    try:
        raw.execute("SET LOCAL synchronous_commit = on")
        raw.execute(f"SET LOCAL lock_timeout = {_PATIENCE_MS}".encode())
        raw.execute("SELECT pg_advisory_xact_lock(%s, %s)", _LOCK)
        # another program may have been quicker while we waited for the lock
        taken = max((number for number, _ in applied(db)), default=0)
        step = next((step for step in steps if step.number > taken), None)
        if step:
            raw.execute(_RECORDS.encode())
            raw.execute(step.sql.encode())
            row = (step.number, step.name, now_ms, step.since)
            raw.execute("INSERT INTO migrations (number, name, applied_at, since) VALUES (%s, %s, %s, %s)", row)
        commit(db)
    except BaseException:
        if not raw.closed and db.in_transaction:
            raw.execute("ROLLBACK")
        raise
    return step
