"""An event loop on a thread of its own, for callers that have none: how the sync client gets total timeouts.

Started by the first call, ended by `close`, by garbage collection or by the end of the program, whichever comes
first. A forked child starts its own: the parent's thread does not exist there.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class _Closable(Protocol):
    async def aclose(self) -> None: ...


C = TypeVar("C", bound=_Closable)
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running(Generic[C]):
    pid: int
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    client: C


class LoopThread(Generic[C]):
    """Runs coroutines of one async client from any thread. Safe for many threads; holds its lock only to hand over."""

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._running: _Running[C] | None = None
        #: a parent's loop, kept in a forked child so that nothing there is tidied away with the parent's sockets
        self._inherited: list[_Running[C]] = []
        self._is_closed = False

    def run(self, call: Callable[[C], Coroutine[None, None, R]]) -> R:
        """Run a coroutine of the client to its end and return what it returned. Raises RuntimeError once closed."""
        with self._lock:
            running = self._started()
            future = asyncio.run_coroutine_threadsafe(call(running.client), running.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> threading.Thread | None:
        """Begin the end: calls under way finish, then the connections are closed. Returns the thread that does it."""
        with self._lock:
            self._is_closed = True
            running = self._running
            if running is None or running.pid != os.getpid():
                return None
            self._running = None
        running.loop.call_soon_threadsafe(running.loop.stop)
        return running.thread

    def close(self) -> None:
        """Stop, and wait until everything is closed."""
        thread = self.stop()
        if thread is not None:
            thread.join()

    def _started(self) -> _Running[C]:
        if self._is_closed:
            raise RuntimeError("this client is closed: make a new one")
        running = self._running
        if running is None or running.pid != os.getpid():
            self._inherited += [running] if running else []
            running = self._running = _start(self._make())
        return running


def _start(client: C) -> _Running[C]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_serve, args=(loop, client), name="cms-client", daemon=True)
    thread.start()
    return _Running(pid=os.getpid(), loop=loop, thread=thread, client=client)


def _serve(loop: asyncio.AbstractEventLoop, client: _Closable) -> None:
    try:
        loop.run_forever()
        loop.run_until_complete(_wind_up(client))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        # not shutdown_default_executor: it would wait for a name server that does not answer
        loop.close()


async def _wind_up(client: _Closable) -> None:
    await client.aclose()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)
