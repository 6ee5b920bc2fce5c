"""Connections to the tracker: at most `slots` at once, each a transport of its own, handed out last in, first out.

httpx's shared pool looks at all its connections for every request, so its cost grows with their number; one
transport per connection costs the same whatever the number. Last in, first out keeps few of them warm; what rests
longer than KEEPALIVE_SECONDS is closed. Belongs to one event loop, so there is no lock.
"""

import asyncio
import ssl
from collections import deque

import httpx

#: Below the 5 s after which common servers close an idle connection: better ours first than a request lost in between.
KEEPALIVE_SECONDS = 3.0


class Stopped(Exception):
    """These connections were closed for good."""


class Connections:
    """Lends transports of one connection each."""

    def __init__(self, *, slots: int, tls: ssl.SSLContext) -> None:
        self._slots = slots
        self._tls = tls
        self._limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_SECONDS)
        self._free = asyncio.Semaphore(slots)
        #: transports at rest and since when, by the loop's clock; the newest right
        self._resting: deque[tuple[httpx.AsyncHTTPTransport, float]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    async def take(self) -> httpx.AsyncHTTPTransport:
        """Lend a transport, the one used last if any; waits while all slots are taken. Raises Stopped."""
        await self._free.acquire()
        if self._is_stopped:
            self._free.release()
            raise Stopped
        return self._resting.pop()[0] if self._resting else self._new()

    async def give_back(self, transport: httpx.AsyncHTTPTransport, *, is_reusable: bool) -> None:
        """Take a transport back; one that may be in a strange state is closed and forgotten."""
        try:
            if is_reusable and not self._is_stopped:
                self._rest(transport)
            else:
                await transport.aclose()
        finally:
            self._free.release()

    async def aclose(self) -> None:
        """Close what rests, and wait for what is lent: nothing is lent any more."""
        if self._is_stopped:
            return
        self._is_stopped = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        while self._resting:
            await self._resting.pop()[0].aclose()
        for _ in range(self._slots):
            await self._free.acquire()
        self._free.release()  # whoever comes later finds out that it is over
        await asyncio.gather(*self._closing)

    def _new(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, limits=self._limits, retries=0)

    def _rest(self, transport: httpx.AsyncHTTPTransport) -> None:
        loop = asyncio.get_running_loop()
        self._resting.append((transport, loop.time()))
        if self._sweeper is None:
            self._sweeper = loop.call_later(KEEPALIVE_SECONDS, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what has rested too long; one timer for all, and none while nothing rests."""
        self._sweeper = None
        old = loop.time() - KEEPALIVE_SECONDS
        while self._resting and self._resting[0][1] <= old:
            closing = loop.create_task(self._resting.popleft()[0].aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        if self._resting:
            self._sweeper = loop.call_at(self._resting[0][1] + KEEPALIVE_SECONDS, self._sweep, loop)
