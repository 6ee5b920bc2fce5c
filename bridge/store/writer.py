"""The one writer of a process: what waits while a commit runs is committed together, next.

Verbs are collected on the loop and handed to a single thread as one transaction; all futures are
resolved by one call back to the loop. Guarantees: a future that has a result is on disk, whatever was raised (no
memory included); a batch that fails is rolled back and tried verb by verb, so that one bad row costs nobody else;
after a COMMIT of unknown outcome everybody gets StoreError and the connection is a new one. Owns its connection
alone, so it needs no lock.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar, cast

from bridge.errors import StoreError
from bridge.store.backend import Backend
from bridge.store.database import Connection
from bridge.store.keyring import witness

A = TypeVar("A")
R = TypeVar("R")

#: Does one verb for many callers inside a transaction: a result for each argument, in order.
Work: TypeAlias = Callable[[Connection, Sequence[A]], Sequence[R]]

#: A commit waits for no more callers than this.
MOST_TOGETHER = 256
#: Who may ask again waits no longer than this for a commit: a stalled disk, a server that answers nobody.
PATIENCE_SECONDS: Final = 10.0
#: A server is asked anew on another connection after so long: a pooler between may wait for one that is gone.
GIVEN_UP_SECONDS: Final = 30.0
#: At the end a server is given so long for what it is at; then the connection is cut. A disk is waited for.
LAST_SECONDS: Final = 2.0
#: What the database ended in favour of somebody else is begun anew so often.
_MOST_REPEATS: Final = 5


@dataclass(slots=True, eq=False)
class _Wish(Generic[A, R]):
    """One caller's part of a batch. Filled in by the thread, answered on the loop."""

    work: Work[A, R]
    argument: A
    future: "asyncio.Future[R]"
    result: R | None = None
    error: Exception | None = None
    #: somebody outside waits for it, and will ask again
    is_hasty: bool = False
    #: its commit returned: only then is there a result
    is_on_disk: bool = False

    def answer(self) -> None:
        if self.future.done():
            return
        if self.is_on_disk:
            self.future.set_result(cast("R", self.result))
        else:
            self.future.set_exception(self.error or StoreError("it is not known whether this was written"))


def rehearsed(verb: Callable[[Connection], R]) -> Callable[[Connection], R]:
    """The verb that says what it would do, and leaves the database as it is."""

    def rehearsal(db: Connection) -> R:
        db.execute("SAVEPOINT rehearsal")
        try:
            return verb(db)
        finally:
            db.execute("ROLLBACK TO rehearsal")
            db.execute("RELEASE rehearsal")

    return rehearsal


class Writer:
    """Commits verbs in groups. Use it from one loop only."""

    def __init__(self, backend: Backend, db: Connection) -> None:
        self._backend = backend
        self._db: Connection | None = db
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trackbridge-writer")
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Wish[object, object]] = []
        self.patience_seconds = PATIENCE_SECONDS
        self.given_up_seconds = GIVEN_UP_SECONDS
        self._is_busy = False
        self._is_silent = False
        self._is_closed = False
        self._is_over = False
        self._idle = asyncio.Event()
        self._idle.set()

    def together(self, work: Work[A, R], argument: A, *, hasty: bool = False) -> "asyncio.Future[R]":
        """Do `work` in the next commit; those that ask for the same work there are done in one call of it.

        Who is hasty gets StoreError when the database has been silent for long, and at once while it goes on being so.
        """
        future: asyncio.Future[R] = self._loop.create_future()
        if self._is_closed:
            future.set_exception(StoreError("the store is closed"))
            return future
        if hasty and self._is_silent:
            future.set_exception(StoreError("the database does not answer"))
            return future
        self._waiting.append(cast("_Wish[object, object]", _Wish(work, argument, future, is_hasty=hasty)))
        if not self._is_busy:
            self._is_busy = True
            self._idle.clear()
            # once this turn of the loop has collected whoever else comes
            self._loop.call_soon(self._hand_over)
        return future

    def alone(self, verb: Callable[[Connection], R], *, hasty: bool = False) -> "asyncio.Future[R]":
        """Do `verb` in the next commit."""

        def work(db: Connection, _: Sequence[None]) -> Sequence[R]:
            return [verb(db)]

        return self.together(work, None, hasty=hasty)

    async def close(self) -> None:
        """Commit what waits, then let go of the database. Later callers get StoreError."""
        if self._is_closed:
            return
        self._is_closed = True
        # nobody waits for these any more, and a locked database would be waited for once more for them
        self._waiting = [wish for wish in self._waiting if not wish.future.done()]
        try:
            async with asyncio.timeout(LAST_SECONDS if self._backend.is_shared else None):
                await self._idle.wait()
        except TimeoutError:
            self._abandon()
            await self._idle.wait()
        await self._loop.run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    def _abandon(self) -> None:
        """Wait for no answer any more: what was being written is not known, and what waits is not written."""
        self._is_over = True
        waiting, self._waiting = self._waiting, []
        for wish in waiting:
            wish.error = StoreError("the store is closed")
            wish.answer()
        self._cut()

    def _cut(self) -> None:
        if self._db is not None:
            self._backend.abandon(self._db)

    def _hand_over(self) -> None:
        batch = self._waiting[:MOST_TOGETHER]
        del self._waiting[:MOST_TOGETHER]
        limit = self._loop.call_later(self.patience_seconds, self._lose_patience, batch)
        written = self._loop.run_in_executor(self._thread, self._write, batch)
        written.add_done_callback(lambda _: limit.cancel())
        if self._backend.is_shared:
            end = self._loop.call_later(self.given_up_seconds, self._cut)
            written.add_done_callback(lambda _: end.cancel())
        written.add_done_callback(lambda written: self._answer(batch, written))

    def _lose_patience(self, batch: list[_Wish[object, object]]) -> None:
        """Tell everybody who will ask again, so that neither they nor what they hold pile up behind one commit."""
        self._is_silent = True
        for wish in (*batch, *self._waiting):
            if wish.is_hasty and not wish.future.done():
                wish.future.set_exception(StoreError("the database does not answer; it is not known what was written"))
        self._waiting = [wish for wish in self._waiting if not wish.future.done()]

    def _answer(self, batch: list[_Wish[object, object]], written: "asyncio.Future[None]") -> None:
        if not written.cancelled():
            # looked at, so that nobody complains: whoever has no result and no error of its own gets StoreError
            written.exception()
        self._is_silent = False
        for wish in batch:
            wish.answer()
        if self._waiting:
            # after the callers that were just answered had their turn: what they ask next may come along
            self._loop.call_soon(self._hand_over)
        else:
            self._is_busy = False
            self._idle.set()

    # ── below: in the thread ─────────────────────────────────────────────────────────────────────────────────

    def _write(self, batch: Sequence[_Wish[object, object]]) -> None:
        trouble = self._commit(batch)
        if trouble is None:
            return
        if len(batch) == 1 or self._backend.concerns_everybody(trouble):
            self._fail(batch, trouble)
            return
        for number, wish in enumerate(batch):
            trouble = self._commit([wish])
            if trouble is not None and self._backend.concerns_everybody(trouble):
                self._fail(batch[number:], trouble)
                return
            if trouble is not None:
                self._fail([wish], trouble)

    def _commit(self, batch: Sequence[_Wish[object, object]]) -> Exception | None:
        """One transaction: None when it is on disk or everybody was told otherwise, else why a verb failed."""
        trouble = self._try(batch)
        for _ in range(_MOST_REPEATS):
            if trouble is None or not self._backend.is_passing(trouble):
                break
            trouble = self._try(batch)
        return trouble

    def _try(self, batch: Sequence[_Wish[object, object]]) -> Exception | None:
        try:
            db = self._begin()
        except Exception as error:  # noqa: BLE001 - no memory is no error of a database; nobody may take it for done
            self._give_up(batch, error)
            return None
        try:
            _do(db, batch)
            witness(db)
        except Exception as error:  # noqa: BLE001 - whatever a verb raises is its caller's, not the thread's
            self._roll_back(db)
            if self._backend.is_lost(error):
                self._disconnect()
            return error
        try:
            self._backend.commit(db)
        except Exception as error:  # noqa: BLE001 - it may be on disk or not: everybody asks again
            self._give_up(batch, error)
            return None
        for wish in batch:
            wish.is_on_disk = True
        return None

    def _begin(self) -> Connection:
        """A transaction on the connection there is; when that was lost meanwhile, on a new one."""
        if self._db is not None:
            try:
                self._backend.begin(self._db)
            except Exception as error:
                if self._is_over or not self._backend.is_lost(error):
                    raise
                self._disconnect()
            else:
                return self._db
        self._db = self._backend.connect()
        self._backend.begin(self._db)
        return self._db

    def _give_up(self, batch: Sequence[_Wish[object, object]], error: Exception) -> None:
        """No result for anybody, and a new connection for the next: this one may be in any state."""
        self._disconnect()
        self._fail(batch, self._backend.as_store_error(error))

    def _roll_back(self, db: Connection) -> None:
        """Leave the transaction; a connection that cannot even do that is given up."""
        try:
            if db.in_transaction:
                db.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - closing it ends the transaction as well
            self._disconnect()

    def _disconnect(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(Exception):
                db.close()

    def _fail(self, batch: Sequence[_Wish[object, object]], error: Exception) -> None:
        told = self._backend.as_store_error(error) if isinstance(error, self._backend.refusals) else error
        for wish in batch:
            wish.error = told


def _do(db: Connection, batch: Sequence[_Wish[object, object]]) -> None:
    groups: dict[Work[object, object], list[_Wish[object, object]]] = {}
    for wish in batch:
        groups.setdefault(wish.work, []).append(wish)
    for work, wishes in groups.items():
        results = work(db, [wish.argument for wish in wishes])
        for wish, result in zip(wishes, results, strict=True):
            wish.result = result
