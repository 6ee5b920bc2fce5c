"""Answers that cost the database something, given to everybody who asks within a second."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

#: How long what the database said holds for everybody who asks.
HOLDS_SECONDS = 1.0


class Remembered(Generic[T]):
    """One question, asked at most once in a while; those who ask at the same time share the answer, or its failure."""

    def __init__(self, ask: Callable[[], Awaitable[T]], *, seconds: float = HOLDS_SECONDS) -> None:
        self._ask = ask
        self._seconds = seconds
        self._last: asyncio.Task[T] | None = None
        self._stale_at = 0.0

    async def get(self) -> T:
        """The last answer, or a new one."""
        last = self._last
        if last is None or (last.done() and asyncio.get_running_loop().time() >= self._stale_at):
            last = self._last = asyncio.create_task(self._asked())
            last.add_done_callback(_looked_at)
        return await asyncio.shield(last)

    async def _asked(self) -> T:
        try:
            return await self._ask()
        finally:
            self._stale_at = asyncio.get_running_loop().time() + self._seconds


def _looked_at(done: "asyncio.Task[T]") -> None:
    """Whoever asked may have gone: then a failure is nobody's."""
    if not done.cancelled():
        done.exception()
