"""The store in one SQLite file: one process serves from it, and commands write beside it for an instant at a time."""

import os
from datetime import UTC, datetime
from pathlib import Path

from bridge.store.encoding import to_ms
from bridge.store.sealing import Seals
from bridge.store.sqlite.backend import SQLite
from bridge.store.sqlite.connection import Connected
from bridge.store.sqlite.opening import check_folder, locate, open_file, take_lock
from bridge.store.steps import shipped

__all__ = ["SQLite", "open_backend"]


def open_backend(url: str, *, exclusive: bool, seals: Seals) -> tuple[SQLite, Connected]:
    """The file that a URL names, at this version's schema, with a connection for the writer. Raises ConfigError."""
    # one file has one lock, by whatever name it is reached
    path = Path(os.path.realpath(locate(url)))
    check_folder(path, create=exclusive)
    lock = take_lock(path) if exclusive else None
    try:
        now_ms = to_ms(datetime.now(UTC))
        db = open_file(path, shipped("sqlite"), create=exclusive, now_ms=now_ms, seals=seals)
    except BaseException:
        if lock is not None:
            lock.release()
        raise
    return SQLite(path, seals, lock), db
