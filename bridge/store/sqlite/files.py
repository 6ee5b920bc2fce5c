"""The database's own files: folding the log into the file, looking at raw bytes, writing the file anew.

What was deleted is overwritten with zeros (`secure_delete`), but the write-ahead log keeps old pages until it is folded
in, and a page may keep a shadow of what was moved off it. Who must be sure looks, and has the file written anew.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bridge.store.sqlite.connection import connect

#: How long others may keep us from emptying the log.
_PATIENCE_SECONDS: Final = 10.0
_BLOCK: Final = 1 << 20
_MOST_IN_MEMORY: Final = 256 << 20


def fold(path: Path) -> bool:
    """Put the log into the file and empty it; False when others kept us from it all the time."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    db = connect(path)
    try:
        while True:
            busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
    finally:
        db.close()


def rewrite(path: Path, most: int) -> bool:
    """Write the whole file anew, without anything that is not in its tables; False when it is larger than `most`."""
    large = path.stat().st_size
    if large > most:
        return False
    db = connect(path)
    try:
        if large > _MOST_IN_MEMORY:
            # its copy on the way is as large as the database
            db.execute("PRAGMA temp_store = FILE")
        db.execute("VACUUM")
    finally:
        db.close()
    return True


def count(path: Path, texts: Sequence[bytes]) -> int:
    """How often any of these texts, in small letters, stands in the file or its log, in whatever case."""
    return sum(_count_in(file, texts) for file in (path, path.with_name(path.name + "-wal")) if file.exists())


def _count_in(file: Path, texts: Sequence[bytes]) -> int:
    longest = max(map(len, texts), default=1)
    found, rest = 0, b""
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            window = rest + block.lower()
            # what ends within the rest was counted before
            found += sum(window.count(text) - rest.count(text) for text in texts)
            rest = window[-(longest - 1) :] if longest > 1 else b""
    return found
