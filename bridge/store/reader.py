"""Reads, off the loop and beside the writer: both go on, and each read sees one moment of the database.

Owns its connection and its thread alone; a connection that fails is replaced at the next read.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from bridge.errors import StoreError
from bridge.store.backend import Backend
from bridge.store.database import Connection
from bridge.store.writer import LAST_SECONDS

R = TypeVar("R")

#: A server that says nothing to a question for so long is asked on another connection; one at work has its own limit.
GIVEN_UP_SECONDS: Final = 75.0


class Reader:
    """Answers one question at a time."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._db: Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trackbridge-reader")
        self._is_closed = False
        self.given_up_seconds = GIVEN_UP_SECONDS
        #: when the question that is being asked was begun
        self._begun = 0.0
        self._unanswered = 0
        self._watch: asyncio.TimerHandle | None = None

    async def read(self, question: Callable[[Connection], R]) -> R:
        """Ask the database. Raises StoreError when it cannot answer."""
        if self._is_closed:
            raise StoreError("the store is closed")
        asked = asyncio.get_running_loop().run_in_executor(self._thread, self._ask, question)
        if self._backend.is_shared:
            self._unanswered += 1
            self._wait(self.given_up_seconds)
            asked.add_done_callback(self._answered)
        return await asked

    def _answered(self, _: "asyncio.Future[R]") -> None:
        self._unanswered -= 1
        if self._unanswered == 0 and self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _wait(self, seconds: float) -> None:
        if self._watch is None:
            self._watch = asyncio.get_running_loop().call_later(seconds, self._look_after)

    def _look_after(self) -> None:
        """Cut a connection on which nothing comes back: a pooler between may wait for a server that is gone."""
        self._watch = None
        left = self._begun + self.given_up_seconds - time.monotonic()
        if left <= 0 and self._db is not None:
            self._backend.abandon(self._db)
        self._wait(left if left > 0 else self.given_up_seconds)

    async def apart(self, work: Callable[[], R]) -> R:
        """Do something with the database itself, while nobody reads in it here. Raises StoreError."""
        if self._is_closed:
            raise StoreError("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    async def close(self) -> None:
        """Answer what was asked, then let go of the database."""
        if self._is_closed:
            return
        self._is_closed = True
        closed = asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        done, _ = await asyncio.wait([closed], timeout=LAST_SECONDS)
        if not done and self._db is not None:
            self._backend.abandon(self._db)
        await closed
        self._thread.shutdown()

    def _ask(self, question: Callable[[Connection], R]) -> R:
        self._begun = time.monotonic()
        try:
            db = self._begin()
            try:
                return question(db)
            finally:
                db.execute("ROLLBACK")
        except self._backend.refusals as error:
            self._disconnect()
            raise self._backend.as_store_error(error) from error

    def _begin(self) -> Connection:
        """A moment of the database, on the connection there is; when that was lost meanwhile, on a new one."""
        if self._db is not None:
            try:
                self._backend.look(self._db)
            except self._backend.refusals as error:
                if self._is_closed or not self._backend.is_lost(error):
                    raise
                self._disconnect()
            else:
                return self._db
        self._db = self._backend.connect_to_read()
        self._backend.look(self._db)
        return self._db

    def _do(self, work: Callable[[], R]) -> R:
        self._disconnect()
        try:
            return work()
        except self._backend.refusals as error:
            raise self._backend.as_store_error(error) from error

    def _disconnect(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(Exception):
                db.close()
