"""Bodies as they arrive: bounded in size and time, the wanted ones and those that nobody wants.

One that drips is given up after its time, and soon once the bridge ends. Unfinished ones share a bounded memory,
however many they are: when it is used up, the one that has been at it the longest gives way.
"""

import asyncio

from starlette.types import Receive, Scope

#: How long a sender may take over one body.
BODY_SECONDS = 30.0
#: How much of a body that nobody wants is read before the answer, and for how long, so that the sender can hear it.
DRAIN_BYTES = 8 * 1024 * 1024
DRAIN_SECONDS = 5.0
#: How long a body that is on its way may still take once the bridge ends.
LAST_BODY_SECONDS = 0.5
#: How much of unfinished bodies is kept at once, of all connections together, and how many of the largest at least.
HELD_BYTES = 128 * 1024 * 1024
LEAST_HELD = 16


class TooLarge(Exception):
    """The body is larger than allowed."""


class TooSlow(Exception):
    """The body did not arrive in time."""


class Crowded(Exception):
    """Too much of too many bodies is here, and this one began before the others."""


class Gone(Exception):
    """The sender went away; nobody is there to answer."""


class Bodies:
    """Reads bodies, and knows which ones are being waited for."""

    def __init__(self, *, most_bytes: int, seconds: float = BODY_SECONDS, held_bytes: int = HELD_BYTES) -> None:
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._most_held = max(held_bytes, LEAST_HELD * most_bytes)
        self._held = 0
        #: how much of each unfinished body is kept, the oldest first
        self._holding: dict[asyncio.Timeout, int] = {}
        self._is_ending = False
        #: time limits of the bodies that are being waited for; shortened when the bridge ends
        self._waiting: set[asyncio.Timeout] = set()

    def hurry(self) -> None:
        """The bridge ends: what is not here in a moment is given up."""
        self._is_ending = True
        soon = asyncio.get_running_loop().time() + LAST_BODY_SECONDS
        for limit in self._waiting:
            if not limit.expired():
                limit.reschedule(min(soon, limit.when() or soon))

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body. Raises TooLarge (once it is drained), TooSlow, Crowded or Gone."""
        declared = next((value for key, value in scope["headers"] if key == b"content-length"), b"")
        too_large = declared.isdigit() and (len(declared) > 15 or int(declared) > self._most_bytes)
        chunks: list[bytes] = []
        size, more = 0, not too_large
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                self._waiting.add(limit)
                while more and not too_large:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise Gone
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    more = message.get("more_body", False)
                    too_large = size > self._most_bytes
                    if more:
                        self._hold(limit, len(chunks[-1]))
        except TimeoutError:
            gave_way = size > 0 and limit not in self._holding
            raise (Crowded if gave_way else TooSlow) from None
        finally:
            self._waiting.discard(limit)
            self._held -= self._holding.pop(limit, 0)
        if too_large:
            if more or not chunks:
                await self.drain(receive)
            raise TooLarge
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _hold(self, limit: asyncio.Timeout, size: int) -> None:
        """Count a piece of an unfinished body; whoever began first gives way for it where there is no room."""
        self._holding[limit] = self._holding.get(limit, 0) + size
        self._held += size
        while self._held > self._most_held:
            oldest = next(iter(self._holding))
            self._held -= self._holding.pop(oldest)
            if not oldest.expired():
                oldest.reschedule(asyncio.get_running_loop().time())

    async def drain(self, receive: Receive) -> None:
        """Read on, within bounds of size and time, so that the sender sees the answer instead of a reset."""
        size = 0
        limit = asyncio.timeout(LAST_BODY_SECONDS if self._is_ending else DRAIN_SECONDS)
        try:
            async with limit:
                self._waiting.add(limit)
                while size < DRAIN_BYTES:
                    message = await receive()
                    size += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return
        except TimeoutError:
            return
        finally:
            self._waiting.discard(limit)
