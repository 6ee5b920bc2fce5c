"""The end of the write-ahead log, damaged after kill -9: every commit before the damage survives, whole.

What is promised. SQLite chains a checksum through the log, so it takes every commit up to the first byte that is
not as it was written, and nothing behind it. What a crash or a power loss leaves behind the last commit (half a
page, old pages, zeros) costs nothing. Damage *within* a commit that the disk had said was safe is the disk's broken
word: that commit and what came after it are gone, each as a whole, and the senders' repeats are taken in anew.
"""

import asyncio
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.faults.load import Link, Load
from tests.faults.report import Finding, Promises
from tests.faults.world import end, start
from tests.support import BridgeProcess, bridge_process

_HEADER, _FRAME = 32, 24
_MOST_RESENT = 40


@dataclass(frozen=True, kw_only=True)
class Log:
    """A write-ahead log's bytes, and where its commits end."""

    data: bytes
    page: int
    ends: tuple[int, ...]

    @property
    def last(self) -> int:
        """Where the last commit ends."""
        return self.ends[-1]

    @property
    def before_last(self) -> int:
        """Where the one before it ends."""
        return self.ends[-2]


def read_log(data: bytes) -> Log:
    """Find the commits: frames of this log's salts, of which the last of each commit holds the database's size."""
    page, salts = struct.unpack(">I", data[8:12])[0], data[16:24]
    ends, at = [], _HEADER
    while at + _FRAME + page <= len(data) and data[at + 8 : at + 16] == salts:
        is_commit = data[at + 4 : at + 8] != b"\0\0\0\0"
        at += _FRAME + page
        ends += [at] if is_commit else []
    return Log(data=data, page=page, ends=tuple(ends))


def _garbled(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


#: What is done to the log, and up to which commit all must survive.
_DAMAGE: dict[str, tuple[Callable[[Log], bytes], Callable[[Log], int]]] = {
    "as the kill left it": (lambda log: log.data, lambda log: log.last),
    "half a frame behind": (lambda log: log.data[: log.last] + log.data[_HEADER : _HEADER + 999], lambda log: log.last),
    "old frames behind": (
        lambda log: log.data[: log.last] + log.data[_HEADER : _HEADER + 2 * (_FRAME + log.page)],
        lambda log: log.last,
    ),
    "zeros behind": (lambda log: log.data[: log.last] + bytes(9_000), lambda log: log.last),
    "noise behind": (lambda log: log.data[: log.last] + bytes(range(256)) * 40, lambda log: log.last),
    "last frame cut in half": (lambda log: log.data[: log.last - log.page // 2], lambda log: log.before_last),
    "last byte missing": (lambda log: log.data[: log.last - 1], lambda log: log.before_last),
    "a byte of the last page changed": (lambda log: _garbled(log.data, log.last - 77), lambda log: log.before_last),
    "a byte of the last frame's head changed": (
        lambda log: _garbled(log.data, log.last - log.page - 5),
        lambda log: log.before_last,
    ),
    "last commit zeroed": (
        lambda log: log.data[: log.before_last] + bytes(log.last - log.before_last),
        lambda log: log.before_last,
    ),
    "a byte in the middle changed": (
        lambda log: _garbled(log.data, log.ends[len(log.ends) // 2] - 99),
        lambda log: log.ends[len(log.ends) // 2 - 1],
    ),
}


async def damaged(folder: Path) -> list[Finding]:
    """Kill -9 with a long log, then start once for every kind of damage to it."""
    origin = folder / "origin"
    origin.mkdir()
    with bridge_process(origin, CMS_BEARER_TOKEN="") as bridge:
        await start(bridge)
        load = Load(bridge, "w")
        pouring = asyncio.create_task(load.pour(clients=6))
        await load.until(400)
        bridge.kill()
        load.stopped = True
        await pouring
    log = read_log((origin / "trackbridge.db-wal").read_bytes())
    promises, lost = Promises(), 0
    gone = len(_survivors(folder, origin, log.data) - _survivors(folder, origin, log.data[: log.before_last]))
    for number, (name, (damage, until)) in enumerate(_DAMAGE.items()):
        expected = _survivors(folder, origin, log.data[: until(log)])
        place = _copied(folder / str(number), origin, damage(log))
        with bridge_process(place, CMS_BEARER_TOKEN="") as bridge:
            found = await _started(bridge, name, load.acknowledged, promises)
        lost += len((expected & load.acknowledged) - found)
        promises.hold(f"{name}: no commit survives in part", when=found == expected)
    return [
        Finding(
            fault="write-ahead log damaged after kill -9",
            times=len(_DAMAGE),
            acknowledged=len(load.acknowledged),
            lost=lost,
            broken=promises.broken,
            detail=f"lost = acknowledged before the damaged commit; a damaged last commit itself held {gone} webhooks",
        )
    ]


def _copied(place: Path, origin: Path, log: bytes) -> Path:
    place.mkdir()
    shutil.copy(origin / "trackbridge.db", place)
    (place / "trackbridge.db-wal").write_bytes(log)
    return place


def _survivors(folder: Path, origin: Path, log: bytes) -> set[str]:
    """What SQLite itself finds with the log cut at the end of a commit."""
    place = _copied(folder / "cut", origin, log)
    try:
        return _invoices(place / "trackbridge.db")
    finally:
        shutil.rmtree(place)


def _invoices(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as db:
        return {row[0] for row in db.execute("SELECT json_extract(payload, '$.invoice_id') FROM deliveries")}


async def _started(bridge: BridgeProcess, name: str, acknowledged: set[str], promises: Promises) -> set[str]:
    """Start on a damaged log: which of the acknowledged are there, and does it work."""
    file = bridge.folder / "trackbridge.db"
    await start(bridge)
    found = _invoices(file)
    load, link = Load(bridge, "again"), Link(bridge.port)
    gone = sorted(acknowledged - found)[:_MOST_RESENT]
    for name_of in ("new", *(invoice.removeprefix("pi_") for invoice in gone)):
        await load.one(link, name_of)
    link.close()
    promises.hold(f"{name}: it takes webhooks in", when={200} == set(load.statuses))
    promises.hold(f"{name}: what the sender repeats is taken in", when=set(gone) <= _invoices(file))
    promises.hold(f"{name}: an orderly end", when=await end(bridge) == 0)
    with closing(sqlite3.connect(file)) as db:
        promises.hold(f"{name}: a sound file", when=db.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    return found
