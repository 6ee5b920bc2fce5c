"""Days in seconds: an event loop whose time jumps to the next timer, and which does threads' work at once.

Whoever sleeps, or waits with a timeout, does so on this loop's time, unchanged; so does the real store, whose verbs
happen between two moments. One seed, one history.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bridge.store import open_store
from bridge.store.database_store import DatabaseStore

T = TypeVar("T")


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits for time to pass."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._seconds = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self._seconds

    def now(self) -> datetime:
        """The wall clock that goes with it."""
        return self._start + timedelta(seconds=self._seconds)

    def jump(self, seconds: float) -> None:
        """Nothing is left to do at this moment: go to the next."""
        self._seconds += seconds

    def run_in_executor(  # type: ignore[override]  # any function is done the same way
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """Do it now."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is its caller's
            done.set_exception(error)
        return done


class _Selector(selectors.DefaultSelector):
    """Time that would be waited for is jumped over."""

    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found and timeout != 0:
            assert timeout is not None, "everybody waits, and for nothing that will ever come"
            self._loop.jump(timeout)
        return found


async def open_simulated(folder: Path) -> DatabaseStore:
    """The real store in a file. No power is lost in a simulation: thousands of commits need not wait for a disk."""
    store = await open_store(f"sqlite:///{folder / 'bridge.db'}", exclusive=True)
    assert isinstance(store, DatabaseStore)
    assert store._writer._db is not None
    store._writer._db.execute("PRAGMA synchronous = OFF")
    return store


def simulate(work: Callable[[SimulatedLoop], Awaitable[T]], *, start: datetime) -> T:
    """Run this on a loop of its own."""
    with asyncio.Runner(loop_factory=lambda: SimulatedLoop(start)) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, SimulatedLoop)

        async def main() -> T:
            return await work(loop)

        return runner.run(main())
