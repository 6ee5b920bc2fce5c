"""This replica among the others: says every few seconds that it lives and by what it works, and looks who else does.

Guarantees: what is done once for all (`leads`) is done by the oldest replica that offers it, by one at a time as long
as clocks run evenly, and by another within a minute after it died or was cut off. Mappings and settings that differ for
longer than a rolling upgrade takes are told, once; before that this replica reads its own files again, so that a change
of which only one of them was told reaches all who share the files.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Final, Protocol

from bridge import logs, notices
from bridge.agreement import Difference, differences
from bridge.errors import StoreError
from bridge.metrics import Metrics
from bridge.model import Replica, Seen
from bridge.notices import Notice

_log = logs.get("bridge.replicas")

BEAT_SECONDS: Final = 10.0
#: After so long without a beat that was written it leads no more; shorter than the others wait for it (`fleet.LIVE`).
LEADS_SECONDS: Final = 25.0
#: Replicas may differ for so long, while one after the other is upgraded.
GRACE_SECONDS: Final = 60.0
#: How long the row's end may take at the end.
_FAREWELL_SECONDS: Final = 1.0


class Rows(Protocol):
    """What this asks of the store."""

    async def beat(self, replica: Replica, *, now: datetime) -> tuple[Seen, ...]:
        """Say that this replica lives; who else does."""
        ...

    async def leave(self, replica_id: str) -> None:
        """Take this replica's row away."""
        ...


class Membership:
    """One replica's place among all. `describe` says what it is now; `reread` has it read its files again."""

    def __init__(
        self,
        *,
        rows: Rows,
        describe: Callable[[], Replica],
        metrics: Metrics,
        clock: Callable[[], datetime],
        tell: Callable[[Notice], None] = notices.nobody,
        reread: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = monotonic,
        beat_seconds: float = BEAT_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._rows = rows
        self._describe = describe
        self._metrics = metrics
        self._clock = clock
        self._tell = tell
        self._reread = reread
        self._monotonic = monotonic
        self._beat_seconds = beat_seconds
        self._grace_seconds = grace_seconds
        described = describe()
        self._id = described.id
        #: how people tell it from the others
        self.name = described.name
        #: who lives, as of the last beat, the oldest first
        self.live: tuple[Seen, ...] = ()
        #: in what they differ, for longer than the grace
        self.differing: tuple[Difference, ...] = ()
        #: names of sources that another replica ever took in while this one was here
        self.sources: frozenset[str] = frozenset()
        self._beaten_at: float | None = None
        #: since when each difference is known
        self._since: dict[str, float] = {}
        self._is_failing = False
        self._is_new = asyncio.Event()
        self._has_beaten = asyncio.Event()

    def changed(self) -> None:
        """Say at once by what this replica works now."""
        self._is_new.set()

    def leads(self, duty: str) -> bool:
        """Whether this replica is the one that does this for all, now."""
        if self._beaten_at is None or self._monotonic() - self._beaten_at > LEADS_SECONDS:
            return False
        first = next((seen.replica.id for seen in self.live if duty in seen.replica.duties), "")
        return first == self._id

    async def turn(self, duty: str) -> None:
        """Wait until this replica is the one that does this for all."""
        while not self.leads(duty):
            await self._has_beaten.wait()

    async def run(self) -> None:
        """Beat until cancelled; a failing database, or a bug of ours, costs a beat."""
        while True:
            try:
                async with asyncio.timeout(self._beat_seconds):
                    await self._is_new.wait()
            except TimeoutError:
                pass
            self._is_new.clear()
            try:
                await self.beat()
            except StoreError as error:
                self._failed(error)
            except Exception as error:  # noqa: BLE001 - see the docstring
                logs.event(_log, logging.ERROR, "bug", exception=error, where="replicas")

    async def beat(self) -> None:
        """Say that this replica lives, and look who else does. Raises StoreError."""
        began = self._monotonic()
        self.live = await self._rows.beat(self._describe(), now=self._clock())
        self._beaten_at = began
        self._is_failing = False
        others = [seen.replica for seen in self.live if seen.replica.id != self._id]
        self.sources |= {name for other in others for name in other.sources}
        self._compare(began)
        self._metrics.replicas.set(len(self.live))
        # whoever waits looks once and waits for the next one
        self._has_beaten.set()
        self._has_beaten = asyncio.Event()

    @property
    def has_company(self) -> bool:
        """Whether another replica lives."""
        return len(self.live) > 1

    async def leave(self) -> None:
        """Take the row away, so that another one leads at once; a moment, no longer."""
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._rows.leave(self._id)
        except (StoreError, TimeoutError) as error:
            logs.event(_log, logging.WARNING, "replica.left_behind", why=str(error) or "the database does not answer")

    def _failed(self, error: StoreError) -> None:
        if not self._is_failing:
            logs.event(_log, logging.ERROR, "store.unavailable", verb="beat", why=str(error))
        self._is_failing = True

    def _compare(self, now: float) -> None:
        found = differences([seen.replica for seen in self.live])
        is_new = any(one.key not in self._since for one in found)
        self._since = {one.key: self._since.get(one.key, now) for one in found}
        if is_new:
            self._reread()
        before = {one.key for one in self.differing}
        self.differing = tuple(one for one in found if now - self._since[one.key] >= self._grace_seconds)
        self._metrics.replicas_differ.set(bool(self.differing))
        self._tell_changes(before)

    def _tell_changes(self, before: set[str]) -> None:
        fresh = [one for one in self.differing if one.key not in before]
        for one in fresh:
            logs.event(_log, logging.WARNING, "replicas.differ", what=one.what, how=str(one))
        if fresh:
            self._tell(notices.differ(self._clock(), _whats(fresh), key=" ".join(one.key for one in fresh)))
        if before and not self.differing:
            logs.event(_log, logging.INFO, "replicas.agree", replicas=len(self.live))
            self._tell(notices.agree(self._clock()))


def _whats(found: Sequence[Difference]) -> list[str]:
    return [one.what for one in found]
