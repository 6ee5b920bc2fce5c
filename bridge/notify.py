"""Tells outlets what happened: one POST for each notice, from tasks of its own, in nobody's way.

Of a kind an outlet is told at once, and then again after a while, with the count of what was left out meanwhile: dead
letters once an hour, everything else once a minute. A receiver that hangs, fails or is gone costs three tries and a
line in the log. Redirects are not followed. Nothing here raises into whoever tells.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, TypeAlias
from uuid import uuid4

import httpx

from bridge import logs
from bridge.notices import Digest, Kind, Notice, Outlet, request

_log = logs.get("bridge.notify")

TIMEOUT_SECONDS: Final = 10.0
#: Waits before the second and the third try.
PAUSES: Final = (1.0, 5.0)
#: For so long after a notice others of its kind are only counted.
WINDOWS: Final[Mapping[Kind, float]] = {kind: 3600.0 if kind is Kind.DEAD else 60.0 for kind in Kind}
#: More than this does not wait for one receiver; the oldest goes.
MOST_WAITING: Final = 50
#: A digest names so many sources.
_MOST_NAMED: Final = 5
_PASSING: Final = frozenset({408, 425, 429})

_Send: TypeAlias = Callable[[Digest], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class _Window:
    """The time after a notice in which others of its kind are only counted."""

    since: datetime
    ends: float
    last: Notice | None = None
    left_out: int = 0
    sources: dict[str, None] = field(default_factory=dict)

    def leave_out(self, notice: Notice) -> None:
        self.last = notice
        self.left_out += 1
        if notice.source:
            self.sources[notice.source] = None

    def digest(self) -> Digest | None:
        """The last one left out, for all of them; None when nothing was."""
        if self.last is None:
            return None
        sources = tuple(self.sources) if len(self.sources) > 1 else ()
        named = (*sources[:_MOST_NAMED], "…") if len(sources) > _MOST_NAMED else sources
        return Digest(notice=self.last, left_out=self.left_out - 1, since=self.since, sources=named)


class Notifier:
    """Takes notices and sends them to the outlets in force. `count` is told of each end: sent, failed, dropped."""

    def __init__(
        self,
        outlets: Callable[[], Sequence[Outlet]],
        *,
        clock: Callable[[], datetime],
        count: Callable[[str], None] = lambda _: None,
        windows: Mapping[Kind, float] = WINDOWS,
        pauses: Sequence[float] = PAUSES,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._outlets = outlets
        self._clock = clock
        self._count = count
        self._windows = windows
        self._pauses = pauses
        self._timeout_seconds = timeout_seconds
        self._desks: dict[Outlet, _Desk] = {}
        self._client: httpx.AsyncClient | None = None
        self._is_closed = False

    def tell(self, notice: Notice) -> None:
        """Put a notice on its way. Quick; never raises."""
        try:
            if not self._is_closed:
                self._hand_out(notice)
        except Exception as error:  # noqa: BLE001 - whoever tells has better things to do
            logs.event(_log, logging.ERROR, "bug", exception=error, where="notify")

    async def try_out(self, to: Outlet, notice: Notice) -> str:
        """Tell one outlet this, once and now: empty when it took it, else why not."""
        why, _ = await self._tried(to, Digest(notice=notice), f"msg_{uuid4().hex}")
        return why

    async def aclose(self, *, within_seconds: float) -> None:
        """Send what waits, what was only counted too, but no longer than this; then take no more."""
        self._is_closed = True
        working = [task for desk in self._desks.values() if (task := desk.finish()) is not None]
        if working:
            _, late = await asyncio.wait(working, timeout=within_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def _hand_out(self, notice: Notice) -> None:
        outlets = self._outlets()
        for outlet in [outlet for outlet in outlets if outlet.wants(notice)]:
            desk = self._desks.get(outlet)
            if desk is None:
                # without those of outlets that a reload took away
                self._desks = {one: desk for one, desk in self._desks.items() if desk.is_busy or one in outlets}
                desk = self._desks[outlet] = _Desk(partial(self._send, outlet), self._count, self._windows)
            desk.take(notice)

    async def _send(self, to: Outlet, digest: Digest) -> None:
        """Tell one outlet, in three tries at most; every try has the same id."""
        id_, why = f"msg_{uuid4().hex}", ""
        for pause in (*self._pauses, None):
            why, is_passing = await self._tried(to, digest, id_)
            if not why:
                self._count("sent")
                return
            if pause is None or not is_passing or self._is_closed:
                break
            await asyncio.sleep(pause)
        self._count("failed")
        logs.event(_log, logging.WARNING, "notify.failed", to=to.name, about=digest.notice.kind, why=why)

    async def _tried(self, to: Outlet, digest: Digest, id_: str) -> tuple[str, bool]:
        """One POST: why it did not work, empty when it did, and whether another try may help."""
        if self._client is None:
            self._client = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=self._timeout_seconds)
        headers, body = request(to, digest, id=id_, now=self._clock())
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._client.stream("POST", to.url, headers=headers, content=body) as answer,
            ):
                status = answer.status_code  # the body is not read, however long it is
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            return type(error).__name__, True
        if 200 <= status <= 299:
            return "", False
        return str(status), status in _PASSING or status >= 500


class _Desk:
    """What waits for one outlet, and the task that sends it while there is anything."""

    def __init__(self, send: _Send, count: Callable[[str], None], lengths: Mapping[Kind, float]) -> None:
        self._send = send
        self._count = count
        self._lengths = lengths
        self._waiting: deque[Digest] = deque()
        self._windows: dict[Kind, _Window] = {}
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_finishing = False

    @property
    def is_busy(self) -> bool:
        """Whether anything is still to be sent."""
        return self._task is not None and not self._task.done()

    def take(self, notice: Notice) -> None:
        """Send it now, or count it until its kind's window ends."""
        now, window = asyncio.get_running_loop().time(), self._windows.get(notice.kind)
        if window is not None and (now < window.ends or window.last is not None):
            window.leave_out(notice)
        else:
            self._append(Digest(notice=notice), now)
        self._work()

    def finish(self) -> "asyncio.Task[None] | None":
        """Send at once what waits or was counted; the task that does, if there is anything."""
        self._is_finishing = True
        self._work()
        return self._task if self.is_busy else None

    def _append(self, digest: Digest, now: float) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._count("dropped")
        self._waiting.append(digest)
        kind = digest.notice.kind
        self._windows[kind] = _Window(since=digest.notice.at, ends=now + self._lengths[kind])

    def _work(self) -> None:
        self._news.set()
        if not self.is_busy:
            self._task = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        """Until nothing waits and nothing was left out."""
        while True:
            self._news.clear()
            rest = self._sum_up()
            if self._waiting:
                await self._guarded(self._waiting.popleft())
            elif rest is None:
                return
            else:
                # not wait_for: Python 3.11's forgets that it was cancelled when the event comes at that moment
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(rest):
                        await self._news.wait()

    async def _guarded(self, digest: Digest) -> None:
        try:
            await self._send(digest)
        except Exception as error:  # noqa: BLE001 - one notice must not keep the next from being sent
            logs.event(_log, logging.ERROR, "bug", exception=error, where="notify")

    def _sum_up(self) -> float | None:
        """Put what was left out in windows that have ended among what waits; seconds until the next one ends."""
        now = asyncio.get_running_loop().time()
        for window in list(self._windows.values()):
            digest = window.digest()
            if digest is not None and (now >= window.ends or self._is_finishing):
                self._append(digest, now)
        ends = [window.ends for window in self._windows.values() if window.last is not None]
        return max(min(ends) - now, 0.0) if ends else None
