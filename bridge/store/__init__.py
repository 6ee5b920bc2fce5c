"""The store: the one place where trackbridge remembers, and the only SQL.

`base` says what every verb guarantees; `open_store` gives the backend that a URL names.
"""

import asyncio
import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bridge.encryption import NO_KEYS, EncryptionKeys
from bridge.store.base import Store
from bridge.store.connection import Connected
from bridge.store.encoding import to_ms
from bridge.store.marks import refuse
from bridge.store.migrations import shipped
from bridge.store.opening import Lock, check_folder, locate, open_file, take_lock
from bridge.store.sealing import Seals
from bridge.store.sqlite import SQLiteStore

__all__ = ["Store", "open_store"]


async def open_store(url: str, *, exclusive: bool, unchecked: bool = False, keys: EncryptionKeys = NO_KEYS) -> Store:
    """Open the database that a URL names, at this version's schema. Raises ConfigError.

    `exclusive` is for serve: it makes the file when there is none, and a second one is refused. Without it the
    file must be there; it may be in use. `unchecked` is for who checks a backup: serve does not take one. `keys`
    encrypt what is personal; those of what is encrypted already must be among them.
    """
    opening = partial(_open, locate(url), exclusive=exclusive, unchecked=unchecked, seals=Seals(keys))
    path, db, lock = await asyncio.to_thread(opening)
    return SQLiteStore(path, db, lock)


def _open(path: Path, *, exclusive: bool, unchecked: bool, seals: Seals) -> tuple[Path, Connected, Lock | None]:
    # one file has one lock, by whatever name it is reached
    path = Path(os.path.realpath(path))
    check_folder(path, create=exclusive)
    lock = take_lock(path) if exclusive else None
    try:
        db = open_file(path, shipped("sqlite"), create=exclusive, now_ms=to_ms(datetime.now(UTC)), seals=seals)
        try:
            refuse(db, serves=exclusive and not unchecked)
        except BaseException:
            db.close()
            raise
    except BaseException:
        if lock is not None:
            lock.release()
        raise
    return path, db, lock
