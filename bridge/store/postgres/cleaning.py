"""What was deleted, out of PostgreSQL's tables: so that its place can be written over, or by writing them anew.

Old row versions stay in a table's file until then, and elsewhere longer: in the write-ahead log, on standbys and in
backups, which are the server's and its operator's.
"""

from typing import Final

from bridge.store.postgres.connection import Connection

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


def vacuum(db: Connection) -> bool:
    """Free the place of what was deleted; what somebody's older transaction still sees stays, and then False."""
    try:
        for table in TABLES:
            db.execute(f"VACUUM {table}")
        (dead,) = _first(db, "SELECT coalesce(sum(n_dead_tup), 0)::bigint FROM pg_stat_user_tables")
    finally:
        db.close()
    return not dead


def rewrite(db: Connection, most: int) -> bool:
    """Write the tables anew; False when they are larger than `most` bytes."""
    try:
        (large,) = _first(db, f"SELECT {' + '.join(f'pg_total_relation_size({name!r})' for name in TABLES)}")
        if large > most:
            return False
        for table in TABLES:
            db.execute(f"VACUUM (FULL) {table}")
    finally:
        db.close()
    return True


def _first(db: Connection, sql: str) -> tuple[int, ...]:
    return tuple(db.execute(sql).fetchone() or ())
