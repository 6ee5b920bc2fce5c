"""A copy of a SQLite database beside a running serve, which knows that it is a copy.

Taken in one read transaction, so it is one moment of the database; read through once, on disk, and readable by its
owner alone before it gets its name. PostgreSQL has its own programs for this.
"""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bridge.errors import StoreError
from bridge.store import marks
from bridge.store.marks import problem
from bridge.store.restored import mark_backup
from bridge.store.sqlite.connection import REFUSALS, as_store_error, connect
from bridge.store.sqlite.opening import check_folder, locate


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A backup that was taken."""

    file: Path
    bytes: int
    events: int


def back_up(url: str, to: Path, *, now: datetime) -> Copy:
    """Copy the database that serve uses into a new file. Raises ConfigError, and StoreError when it broke off."""
    if url.startswith(("postgresql:", "postgres:")):
        raise problem(
            "backup-postgresql",
            "PostgreSQL's own programs back it up",
            fix="pg_dump --format=custom --file=trackbridge.dump, or a base backup; docs/operations.md says how",
        )
    path = Path(os.path.realpath(locate(url)))
    check_folder(path, create=False)
    if to.exists():
        raise problem("backup-exists", f"{to} is there already", fix="name a new file", place=str(to))
    if not to.absolute().parent.is_dir():
        raise problem("backup-folder", f"there is no folder {to.absolute().parent}", fix="make it first", place=str(to))
    partial = to.with_name(f"{to.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        events = _copied(path, partial, now)
        _sync(partial)
        partial.rename(to)
        _sync(to.absolute().parent)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise StoreError(f"{to} cannot be written: {error.strerror}") from error
        if isinstance(error, REFUSALS):
            raise as_store_error(error) from error
        raise
    return Copy(file=to, bytes=to.stat().st_size, events=events)


def _copied(path: Path, partial: Path, now: datetime) -> int:
    """Fill the new file, let it know what it is, read it through; how many events are in it."""
    with closing(connect(path)) as db:
        marks.refuse_moved(db)
        db.execute("VACUUM INTO ?", (str(partial),))
    with closing(connect(partial)) as copy:
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError("the copy is damaged")
        copy.execute("BEGIN")
        mark_backup(copy, now)
        copy.execute("COMMIT")
        (events,) = copy.execute("SELECT count(*) FROM events").fetchone()
    return int(events)


def _sync(path: Path) -> None:
    """Have a file, or a folder's names, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
