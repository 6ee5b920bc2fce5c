"""What was deleted, out of PostgreSQL's tables: so that its place can be written over, or by writing them anew.

Old row versions stay in a table's file until then, and elsewhere longer: in the write-ahead log, on standbys and in
backups, which are the server's and its operator's.
"""

import time
from typing import Final

from bridge.store.postgres.connection import Connection

#: How long others may keep us from writing the tables anew.
PATIENCE_SECONDS: Final = 10.0
#: Those that hold anything of a person's.
TABLES: Final = (
    "events",
    "deliveries",
    "claims",
    "attempts",
    "associations",
    "reversals",
    "reversal_names",
    "tracker",
    "secrets",
)


#: Somebody's transaction that began before this one is about to look, and may still see what was deleted.
_OLDER: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL
        AND xact_start < clock_timestamp() - interval '1 second'
"""


def vacuum(db: Connection) -> bool:
    """Free the place of what was deleted; False when an older transaction, as of a backup, kept some of it."""
    try:
        (older,) = _first(db, _OLDER)
        for table in TABLES:
            db.execute(f"VACUUM {table}")
    finally:
        db.close()
    return not older


def rewrite(db: Connection, most: int) -> bool:
    """Write the tables anew; False when they are larger than `most` bytes, or somebody reads all the time.

    Whoever comes would wait behind one who waits for a reader, so nobody is waited for.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        (large,) = _first(db, f"SELECT {' + '.join(f'pg_total_relation_size({name!r})' for name in TABLES)}")
        if large > most:
            return False
        for table in TABLES:
            before = _file(db, table)
            while _file(db, table) == before:
                if time.monotonic() > deadline:
                    return False
                db.execute(f"VACUUM (FULL, SKIP_LOCKED) {table}")
                time.sleep(0.02)
    finally:
        db.close()
    return True


def _file(db: Connection, table: str) -> tuple[int, ...]:
    """What a table is kept in: another one after it was written anew."""
    return _first(db, f"SELECT pg_relation_filenode({table!r})")


def _first(db: Connection, sql: str) -> tuple[int, ...]:
    return tuple(db.execute(sql).fetchone() or ())
