"""Who is told what happens: the outlet of the settings, and those of the mappings in force.

What every replica notices is told by the one that says first that it will.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from bridge.assembly.clock import utcnow
from bridge.config import Settings
from bridge.errors import StoreError
from bridge.library import Library
from bridge.metrics import Metrics
from bridge.notices import Notice, Outlet, outlet
from bridge.notify import Notifier

#: How long what is still to be told may take at the end.
FAREWELL_SECONDS = 1.0
#: The same for a command that has nothing else to do.
_PATIENCE_SECONDS = 15.0


class Board(Protocol):
    """Where replicas see what another one tells for all."""

    @property
    def is_shared(self) -> bool:
        """Whether there may be others."""
        ...

    async def announce(self, name: str, *, holds: timedelta, now: datetime) -> bool:
        """Whether nobody else tells it."""
        ...


class Alarms:
    """Tells whoever is to be told, by the mappings in force at that moment."""

    def __init__(self, settings: Settings, library: Library, metrics: Metrics, board: Board) -> None:
        self._own = _of_settings(settings)
        self._board = board
        self._asking: set[asyncio.Task[None]] = set()
        #: the set in force
        self.library: Callable[[], Library] = lambda: library
        count = metrics.notifications.labels
        self._notifier = Notifier(self._outlets, clock=utcnow, count=lambda result: count(result).inc())

    def use(self, settings: Settings) -> None:
        """Tell the outlet of these settings from now on."""
        self._own = _of_settings(settings)

    def tell(self, notice: Notice) -> None:
        """Put a notice on its way; never raises, never waits."""
        if not (notice.once and self._board.is_shared and any(outlet.wants(notice) for outlet in self._outlets())):
            self._notifier.tell(notice)
            return
        task = asyncio.create_task(self._tell_first(notice))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def aclose(self) -> None:
        """Tell what is still to be told, for a moment."""
        if self._asking:
            await asyncio.wait(self._asking, timeout=FAREWELL_SECONDS)
        await self._notifier.aclose(within_seconds=FAREWELL_SECONDS)

    async def _tell_first(self, notice: Notice) -> None:
        """Tell it unless another replica does; without the database rather twice than never."""
        try:
            is_ours = await self._board.announce(notice.once, holds=notice.holds, now=notice.at)
        except StoreError:
            is_ours = True
        if is_ours:
            self._notifier.tell(notice)

    def _outlets(self) -> list[Outlet]:
        return _all(self._own, self.library())


async def told(settings: Settings, library: Library, notice: Notice) -> None:
    """Tell one thing and wait until it is told: for a command, which ends afterwards."""
    outlets = _all(_of_settings(settings), library)
    notifier = Notifier(lambda: outlets, clock=utcnow)
    notifier.tell(notice)
    await notifier.aclose(within_seconds=_PATIENCE_SECONDS)


def everybody(settings: Settings, library: Library) -> list[Outlet]:
    """All who are told of anything."""
    return _all(_of_settings(settings), library)


async def tried(outlets: Sequence[Outlet], notice: Notice) -> list[str]:
    """Tell each of them this, at the same time: why it did not work, empty where it did."""
    notifier = Notifier(lambda: outlets, clock=utcnow)
    try:
        return await asyncio.gather(*(notifier.try_out(outlet, notice) for outlet in outlets))
    finally:
        await notifier.aclose(within_seconds=0)


def _of_settings(settings: Settings) -> Outlet | None:
    if settings.notify_url is None:
        return None
    secret = settings.notify_secret.reveal() if settings.notify_secret else ""
    return outlet("TRACKBRIDGE_NOTIFY_URL", settings.notify_url.reveal(), secret)


def _all(own: Outlet | None, library: Library) -> list[Outlet]:
    """Everybody's outlets; one that the settings name anyway is told once."""
    theirs = [source.outlet for source in library.sources.values() if source.outlet is not None]
    return [*([own] if own else []), *(one for one in theirs if own is None or one.url != own.url)]
