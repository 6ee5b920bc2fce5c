"""One SQLite connection as the store wants it, and what its errors mean to people.

WAL with `synchronous=FULL`: a COMMIT that returned is on disk, and the command line reads while serve writes.
There are no foreign keys: rows are written by verbs that keep them together, and the contract suite proves it.
"""

import sqlite3
from pathlib import Path

from bridge.errors import StoreError
from bridge.store.sealing import UNSEALED, Seals

#: How long a BEGIN waits for another program's write lock. A request may arrive just behind such a wait and
#: then have its own, so a 503 takes twice as long at most.
BUSY_SECONDS = 2.5

#: The WAL is folded into the file every 16 MiB: fewer stalls than SQLite's 4 MiB, still a quick recovery.
_CHECKPOINT_PAGES = 4096

_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = OFF",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
    # what retention forgets is overwritten, not just unlinked
    "PRAGMA secure_delete = ON",
    f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}",
    "PRAGMA journal_size_limit = 67108864",
)

#: The beginning of SQLite's name for an error → what it means. SQLite's own texts are never passed on.
_MEANINGS = (
    ("SQLITE_BUSY", "another program holds the database's write lock"),
    ("SQLITE_LOCKED", "another program holds the database's write lock"),
    ("SQLITE_FULL", "there is no space left for the database"),
    ("SQLITE_READONLY", "the database cannot be written (read-only)"),
    ("SQLITE_PERM", "the database cannot be written (no permission)"),
    ("SQLITE_CANTOPEN", "the database file cannot be opened"),
    ("SQLITE_IOERR", "the disk under the database answers with an error"),
    ("SQLITE_NOTADB", "the database file is damaged"),
    ("SQLITE_CORRUPT", "the database file is damaged"),
    ("SQLITE_NOMEM", "there is no memory left for the database"),
)

#: How the database says no: the second is a number that no column takes, the third is how Python tells SQLITE_NOMEM.
REFUSALS = (sqlite3.Error, OverflowError, MemoryError)


class Connected(sqlite3.Connection):
    """A connection that knows what seals and opens the values that are personal."""

    seals: Seals = UNSEALED


def connect(path: Path, seals: Seals = UNSEALED) -> Connected:
    """Open the database; transactions are begun and ended by hand. Raises sqlite3.Error, also when there is no file."""
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=Connected,
    )
    try:
        db.seals = seals
        db.row_factory = sqlite3.Row
        for pragma in _PRAGMAS:
            db.execute(pragma)
    except BaseException:
        # a file that is no database shows itself at the first statement
        db.close()
        raise
    return db


def concerns_everybody(error: Exception) -> bool:
    """Whether the database as a whole is in trouble, so that trying row by row would help nobody."""
    return bool(_meaning(error))


def as_store_error(error: Exception) -> StoreError:
    """The same error in words for people, without any data."""
    meaning = _meaning(error) or "the database refuses this row"
    return StoreError(f"{meaning} ({_name(error) or type(error).__name__})")


def _name(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "SQLITE_NOMEM"
    return getattr(error, "sqlite_errorname", "") or ""


def _meaning(error: Exception) -> str:
    name = _name(error)
    return next((meaning for prefix, meaning in _MEANINGS if name.startswith(prefix)), "")
