"""From a database URL to an open file: everything that can be wrong with it, told as Problems.

serve takes `<file>.lock` with flock, so that a second one on the same file ends at once instead of sending
everything twice; commands open the same file beside it.
"""

import fcntl
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.errors import ConfigError
from bridge.store.keyring import check_keys
from bridge.store.marks import VARIABLE, problem
from bridge.store.sealing import UNSEALED, Seals
from bridge.store.sqlite.connection import Connected, as_store_error, connect
from bridge.store.sqlite.migrations import applied, migrate
from bridge.store.steps import Step, check_newer

#: STRICT tables, RETURNING, upserts.
_LEAST_SQLITE: Final = (3, 37, 0)


def locate(url: str) -> Path:
    """The file that a URL names. Raises ConfigError; the URL itself is never shown, it may hold a password."""
    _, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if host or not slash or not path.strip("/") or "?" in path or "\0" in path:
        raise problem(
            "database-url",
            "expected a file's path after sqlite:///, without host or options",
            why="three slashes and a relative path, or four and an absolute one",
            fix="write sqlite:///trackbridge.db or sqlite:////var/lib/trackbridge/trackbridge.db",
        )
    return Path(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The right to serve from a file. It ends with `release` or with the process."""

    descriptor: int

    def release(self) -> None:
        """Let the next serve have it. The file stays: removing it would let two have it at once."""
        os.close(self.descriptor)


def take_lock(path: Path) -> Lock:
    """Take the right to serve from this file. Raises ConfigError when another serve has it."""
    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise problem(
            "database-folder",
            f"cannot write {lock}: {error.strerror}",
            fix=f"let this user write to {path.absolute().parent}, or set {VARIABLE} to another place",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise problem(
            "database-in-use",
            f"another serve uses {path}" + (f" (process {owner})" if owner.isdigit() else ""),
            why="one serve per file: two would send the same deliveries twice",
            fix=f"stop the other one, or set {VARIABLE} to another file",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return Lock(descriptor=descriptor)


def check_folder(path: Path, *, create: bool) -> None:
    """See that there can be a database at this path. Raises ConfigError."""
    if sqlite3.sqlite_version_info < _LEAST_SQLITE:
        raise problem(
            "sqlite-version",
            f"SQLite {sqlite3.sqlite_version} is too old: 3.37 or newer is needed",
            fix="use a newer Python build or system library",
        )
    folder = path.absolute().parent
    if not folder.is_dir():
        raise problem("database-folder", f"there is no folder {folder}", fix=f"mkdir -p {folder}")
    if path.is_dir():
        raise problem("database-file", f"{path} is a folder, not a file", fix=f"set {VARIABLE} to a file in it")
    if not create and not path.exists():
        raise problem(
            "database-missing",
            f"there is no database at {path.absolute()} yet",
            why="`trackbridge serve` makes it when it first starts",
            fix=f"run this in the folder where serve runs, or set {VARIABLE} as it is set there",
        )


def open_file(
    path: Path, steps: tuple[Step, ...], *, create: bool, now_ms: int, seals: Seals | None = None
) -> Connected:
    """Open the database and bring it to this version's schema. Raises ConfigError.

    `seals` must open all that is sealed; None is for who copies rows as they are.
    """
    db = None
    try:
        if create and not path.exists():
            # it will hold personal data: for its owner only, unless the operator says otherwise
            path.touch(mode=0o600)
        db = connect(path, seals or UNSEALED)
        _check_ours(db, path, steps)
        _use_wal(db, path)
        migrate(db, steps, now_ms=now_ms)
        if seals is not None:
            check_keys(db)
    except BaseException as error:
        if db is not None:
            db.close()
        if isinstance(error, sqlite3.Error | OSError):
            raise _unreadable(path, error) from error
        raise
    return db


def _check_ours(db: sqlite3.Connection, path: Path, steps: tuple[Step, ...]) -> None:
    found = applied(db)
    check_newer(str(path), steps, found)
    if not found and db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise problem(
            "database-foreign",
            f"{path} is another program's database",
            why="trackbridge keeps its tables in a file of its own",
            fix=f"set {VARIABLE} to a new file",
        )


def _use_wal(db: sqlite3.Connection, path: Path) -> None:
    (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise problem(
            "database-wal",
            f"{path} cannot be used with a write-ahead log",
            why="its file system does not share memory between processes (a network file system?)",
            fix=f"set {VARIABLE} to a file on a local disk",
        )


def _unreadable(path: Path, error: sqlite3.Error | OSError) -> ConfigError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return problem(
            "database-damaged",
            f"{path} is not a database, or it is damaged",
            fix=f"restore a copy, or set {VARIABLE} to a new file",
        )
    return problem(
        "database-file",
        f"cannot open {path}: {error.strerror if isinstance(error, OSError) else as_store_error(error)}",
        fix=f"let this user read and write {path.name} and its folder, or set {VARIABLE} to another place",
    )
