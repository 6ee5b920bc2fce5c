"""Hot reload: notice changed mappings, check the whole set, swap it at once — or keep the last good one and say so.

Watches by looking at the files' marks (time, size, inode), because that works on every filesystem and with every
way of replacing a file. A change counts once it has been still for one look: a file that is being written is not
read. A set with any problem never comes into force, not even in part. A webhook keeps the set it started with.
What else was read along with it (`then`) is told whether the set is sound.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

from bridge import logs, notices
from bridge.errors import ConfigError, Problem, StoreError
from bridge.library import Library, is_mapping
from bridge.metrics import Metrics
from bridge.notices import Notice

#: How often the files are looked at, and so how long a change must be still.
LOOK_SECONDS = 1.0

_log = logs.get("bridge.reload")

#: A file's path, time of change, size and inode.
Marks: TypeAlias = frozenset[tuple[str, int, int, int]]


class Memory(Protocol):
    """What a reload asks of the store."""

    async def remember_revision(self, revision: str, source: str, text: str, *, now: datetime) -> None:
        """Keep a mapping's text by its hash."""
        ...

    async def sources_seen(self) -> frozenset[str]:
        """Names that ever had an event."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why what is on disk is not in force."""

    since: datetime
    problems: tuple[Problem, ...]


def marks(folders: Iterable[Path]) -> Marks:
    """How every mapping file in these folders looks from outside; what is not there leaves no mark."""
    found = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                if is_mapping(path):
                    with contextlib.suppress(OSError):
                        stat = path.stat()
                        found.add((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return frozenset(found)


class Reloader:
    """Holds the set in force. `load` reads everything anew and raises ConfigError; it runs in a thread."""

    def __init__(
        self,
        *,
        library: Library,
        load: Callable[[], Library],
        look: Callable[[], Marks],
        seen: frozenset[str],
        marked: Marks,
        memory: Memory,
        metrics: Metrics,
        clock: Callable[[], datetime],
        look_seconds: float = LOOK_SECONDS,
        tell: Callable[[Notice], None] = notices.nobody,
    ) -> None:
        self.library = library
        #: names this database ever accepted: they are never answered 404
        self.seen = seen
        self.loaded_at = clock()
        self.failure: Failure | None = None
        self._load = load
        self._look = look
        self._memory = memory
        self._metrics = metrics
        self._clock = clock
        self._look_seconds = look_seconds
        self._tell = tell
        #: what follows a reload; it is told whether the set on disk is in force, and may raise StoreError
        self.then: Callable[[bool], Awaitable[None]] | None = None
        self._asked = asyncio.Event()
        self._why = ""
        #: the database could not take it: look again though nothing has changed
        self._is_due = False
        #: the files as they were when they were last read
        self._read = marked
        metrics.mappings_loaded.set(self.loaded_at.timestamp())

    def ask(self, why: str = "asked") -> None:
        """Reload now, whether or not a file has changed: what SIGHUP does."""
        self._why = why
        self._asked.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        last = self._read
        while True:
            # not wait_for: Python 3.11's forgets that it was cancelled when the event comes at that moment
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_seconds):
                    await self._asked.wait()
            now = await asyncio.to_thread(self._look)
            if self._asked.is_set():
                self._asked.clear()
                await self._guarded(now, why=self._why)
            elif self._is_due or (now != self._read and now == last):
                await self._guarded(now, why="changed")
            last = now

    async def _guarded(self, found: Marks, *, why: str) -> None:
        """On a bug of ours the set in force stays, and the next change is looked at all the same."""
        try:
            await self.reload(found, why=why)
        except Exception as error:  # noqa: BLE001 - see the docstring
            self._read = found
            logs.event(_log, logging.ERROR, "bug", exception=error, where="reload")

    async def reload(self, found: Marks, *, why: str) -> bool:
        """Read, check and swap, or keep what is in force; whether the new set is."""
        self._is_due = False
        try:
            return await self._reloaded(found, why)
        except StoreError as error:
            self._is_due = True
            logs.event(_log, logging.WARNING, "mappings.kept", why=str(error))
            return False

    async def _reloaded(self, found: Marks, why: str) -> bool:
        try:
            fresh = await asyncio.to_thread(self._load)
        except ConfigError as error:
            self._read = found
            self._keep(error.problems, why)
            if self.then is not None:
                await self.then(False)  # noqa: FBT003 - that it is not sound
            return False
        await self._remember(fresh)
        self._read = found
        self._swap(fresh, why)
        if self.then is not None:
            await self.then(True)  # noqa: FBT003 - that it is sound
        return True

    async def _remember(self, fresh: Library) -> None:
        """The texts first: an event must never name a revision nobody can look up."""
        known = {source.mapping.revision for source in self.library.sources.values()}
        for source in fresh.sources.values():
            mapping = source.mapping
            if mapping.revision not in known:
                await self._memory.remember_revision(mapping.revision, source.name, mapping.text, now=self._clock())
        self.seen = await self._memory.sources_seen()

    def _swap(self, fresh: Library, why: str) -> None:
        before, self.library = self.library, fresh
        self.loaded_at = self._clock()
        if self.failure is not None:
            self._tell(notices.mended(self.loaded_at))
        self.failure = None
        self._metrics.reloads.labels("ok").inc()
        self._metrics.mappings_stale.set(0)
        self._metrics.mappings_loaded.set(self.loaded_at.timestamp())
        for name, sources in differences(before, fresh).items():
            if sources:
                logs.event(_log, logging.INFO, f"source.{name}", sources=", ".join(sources))
        warned = set(before.problems)
        for problem in fresh.problems:
            if problem not in warned:
                logs.event(_log, logging.WARNING, "mapping.warning", where=str(problem.place), what=problem.what)
        logs.event(_log, logging.INFO, "mappings.reloaded", why=why, sources=len(fresh.sources))

    def _keep(self, problems: Iterable[Problem], why: str) -> None:
        is_first, since = self.failure is None, self.failure.since if self.failure else self._clock()
        self.failure = Failure(since=since, problems=tuple(problems))
        if is_first:  # the next ones are somebody at work on it
            self._tell(notices.stale(since, problems=len(self.failure.problems), digest=_digest(self.failure.problems)))
        self._metrics.reloads.labels("failed").inc()
        self._metrics.mappings_stale.set(1)
        for problem in self.failure.problems:
            logs.event(
                _log,
                logging.ERROR,
                "mapping.problem",
                where=str(problem.place),
                what=problem.what,
                why=problem.why,
                fix=problem.fix,
            )
        kept = "the mappings loaded before stay in force"
        logs.event(_log, logging.ERROR, "mappings.kept", why=why, problems=len(self.failure.problems), so=kept)


def _digest(problems: Sequence[Problem]) -> str:
    """The same for the same problems, without their texts."""
    return hashlib.sha256(
        "\0".join(problem.what for problem in problems).encode("utf-8", "backslashreplace")
    ).hexdigest()[:16]


def differences(before: Library, after: Library) -> dict[str, list[str]]:
    """Names of sources by what happened to them: added, removed, changed, on, off (one that is added may be off)."""
    old, new = before.sources, after.sources
    both = [name for name in new if name in old]
    return {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "changed": [name for name in both if old[name].mapping.revision != new[name].mapping.revision],
        "on": [name for name in both if new[name].is_on and not old[name].is_on],
        "off": [name for name in new if not new[name].is_on and (name not in old or old[name].is_on)],
    }
