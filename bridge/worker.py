"""Use case two: claim → deliver → settle, and the drain at the end.

Guarantees: at least once to the tracker; a repeat only when the answer was unknown. A delivery is leased on disk
before its request leaves, and its outcome is on disk before anything else is claimed: an outcome that cannot be
written stays in memory and nothing new is sent until it is. Reads and writes the store alone; intake wakes it.

Beside other replicas: it asks every second, for a commit elsewhere wakes nobody here, and one that was frozen sends
nothing that others may have taken up meanwhile.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from bridge import logs, notices, retry, telling
from bridge.errors import StoreError
from bridge.judging import Judging
from bridge.metrics import Metrics
from bridge.model import Delivery, Outcome, Payload, Sent, Tracker
from bridge.notices import Notice
from bridge.rate import Pace
from bridge.store.base import LEASE, Claimed, Settlement, Store
from bridge.telling import Teller

_log = logs.get("bridge.worker")

#: What another process did to the database (a replay, a resume) is noticed this soon.
POLL_SECONDS = 1.0
#: Tries that end within this time of each other share a commit.
GATHER_SECONDS = 0.002
#: A lease lasts as long as a try may take, and so much longer, so that its outcome can be written.
SETTLED_WITHIN = timedelta(seconds=15)
#: What was claimed longer ago is not sent where others may free its lease: the answer could come after its end.
START_WITHIN_SECONDS = 10.0

Send = Callable[[Payload], Awaitable[Outcome]]


class Lookups(Protocol):
    """Asks about deliveries before they are sent for the first time."""

    #: says that something is due
    wake: Callable[[], None]

    def wants(self, delivery: Delivery) -> bool:
        """Whether this one is to be asked about first."""
        ...

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Give their leases back and ask; they come again. Raises StoreError."""
        ...


class Worker:
    """Sends what is due, within pace and caution, until it is stopped."""

    def __init__(
        self,
        *,
        store: Store,
        send: Send,
        pace: Pace,
        metrics: Metrics,
        clock: Callable[[], datetime],
        policy: retry.Policy | None = None,
        lease: timedelta = LEASE,
        slots: int = 32,
        jitter: Callable[[], float] = random.random,
        poll_seconds: float = POLL_SECONDS,
        tell: Callable[[Notice], None] = notices.nobody,
        lookups: Lookups | None = None,
        may_send: Callable[[], bool] = lambda: True,
        line: Callable[[], str] = str,
    ) -> None:
        self._store = store
        self._send = send
        self._pace = pace
        self._lease = lease
        self._may_send = may_send
        self._clock = clock
        self._judging = Judging(policy=policy or retry.Policy(), jitter=jitter, line=line)
        self._slots = slots
        self._poll_seconds = poll_seconds
        self._teller = Teller(metrics=metrics, clock=clock, notify=tell)
        self._wake = asyncio.Event()
        self._lookups: Lookups | None = None
        self.ask_with(lookups)
        self._sending: set[asyncio.Task[None]] = set()
        self._unsettled: list[Settlement] = []
        #: leased, since when, and to be handed to the look-ups
        self._unasked: list[tuple[Delivery, float]] = []
        self._tracker = Tracker()
        self._has_resumed = False
        self._stopping = False
        self._store_failing = False

    def wake(self) -> None:
        """Say that something may be due. Cheap; called from the loop."""
        self._wake.set()

    def retune(self, *, pace: Pace, lease: timedelta) -> None:
        """Claim at this rate and for so long from now on."""
        self._pace, self._lease = pace, lease

    def ask_with(self, lookups: Lookups | None) -> None:
        """Have these asked from now on before a delivery is sent for the first time, or nobody."""
        self._lookups = lookups
        if lookups is not None:
            lookups.wake = self.wake

    async def run(self) -> None:
        """Deliver until `stop` was called and all in flight is settled. A bug costs a pause, never the worker."""
        while True:
            try:
                if await self._turn():
                    return
            except Exception as error:  # noqa: BLE001 - a dead worker would acknowledge for ever and deliver nothing
                logs.event(_log, logging.ERROR, "bug", exception=error, where="worker")
                await asyncio.sleep(self._poll_seconds)

    async def _turn(self) -> bool:
        """Settle what has ended, claim what is due, rest; true when there is nothing left to do for ever."""
        settled = await self._settle() and await self._hand_over()
        if self._stopping and not (self._sending or self._unsettled or self._unasked):
            return True
        await self._tell_left()
        claimed = await self._claim() if settled and not self._stopping and self._may_send() else None
        await self._tell_left()
        await self._rest(claimed, settled=settled)
        return False

    async def stop(self, *, within_seconds: float) -> None:
        """Claim nothing more; give what is in flight this long, then call its outcome unknown and settle that."""
        self._stopping = True
        self.wake()
        deadline = asyncio.get_running_loop().time() + within_seconds
        while self._sending and asyncio.get_running_loop().time() < deadline:
            left = deadline - asyncio.get_running_loop().time()
            await asyncio.wait(self._sending, timeout=max(left, 0.0))
        for task in self._sending:
            task.cancel()
        self.wake()

    async def _settle(self) -> bool:
        """Write every finished try; False when the store could not and they are still to be written."""
        batch = list(self._unsettled)
        if not batch:
            return True
        try:
            settled = await self._store.settle(batch, self._judging, now=self._clock())
        except StoreError as error:
            self._store_trouble("settle", error)
            return False
        del self._unsettled[: len(batch)]
        self._store_failing = False
        for one in settled:
            self._teller.tried(one)
            self._see(one.tracker)
        return True

    async def _claim(self) -> Claimed | None:
        free = self._slots - len(self._sending) - len(self._unsettled)
        if free <= 0:
            return None
        asked_at, lease = asyncio.get_running_loop().time(), self._lease
        try:
            claimed = await self._store.claim(limit=free, pace=self._pace, clock=self._clock, lease=lease)
        except StoreError as error:
            self._store_trouble("claim", error)
            return None
        self._store_failing = False
        self._see(claimed.tracker)
        # a reload may have come meanwhile: what may take longer now than it is leased could be sent by two
        if self._stopping or self._lease > lease:
            await self._release(claimed)
            return None
        for delivery in claimed.deliveries:
            if self._lookups is not None and self._lookups.wants(delivery):
                self._unasked.append((delivery, asked_at))
            else:
                self._start(delivery, asked_at)
        await self._hand_over()
        return claimed

    def _start(self, delivery: Delivery, asked_at: float) -> None:
        task = asyncio.create_task(self._deliver(delivery, asked_at))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _hand_over(self) -> bool:
        """Hand to the look-ups what must be asked about first; False when the store could not give its leases back."""
        batch, lookups = list(self._unasked), self._lookups
        wanted = [delivery for delivery, asked_at in batch if lookups is not None and not self._is_too_late(asked_at)]
        try:
            if lookups is not None and wanted:
                await lookups.take(wanted)
        except StoreError as error:
            self._store_trouble("park", error)
            return False
        except Exception as error:  # noqa: BLE001 - what cannot be asked about is sent as it is, and stops nobody
            logs.event(_log, logging.ERROR, "bug", exception=error, where="lookups")
            wanted = []
        handed = {delivery.id for delivery in wanted}
        for delivery, asked_at in batch:
            if delivery.id not in handed:
                self._start(delivery, asked_at)
        del self._unasked[: len(batch)]
        return True

    async def _release(self, claimed: Claimed) -> None:
        """Give back what was claimed while stopping; what cannot be given back is rescued at the next start."""
        try:
            await self._store.release([delivery.id for delivery in claimed.deliveries], now=self._clock())
        except StoreError as error:
            self._store_trouble("release", error)

    async def _deliver(self, delivery: Delivery, asked_at: float) -> None:
        """Make one request. The one broad guard of the worker: whatever happens, the try has an outcome."""
        started_at = self._clock()
        unknown = partial(Outcome, sent=Sent.MAYBE, started_at=started_at, duration_ms=0.0)
        try:
            if self._is_too_late(asked_at):
                outcome = Outcome(sent=Sent.NO, started_at=started_at, duration_ms=0.0, error=retry.LATE)
            else:
                outcome = await self._send(delivery.payload)
        except asyncio.CancelledError:
            outcome = unknown(error=retry.INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - a bug in one delivery must neither lose it nor stop the others
            logs.event(_log, logging.ERROR, "bug", exception=error, delivery_id=delivery.id)
            outcome = unknown(error=retry.BUG, message=type(error).__name__)
        self._unsettled.append(Settlement(delivery=delivery, outcome=outcome))
        self.wake()

    def _is_too_late(self, asked_at: float) -> bool:
        """Whether this process stood still for so long that another replica may have taken up what it claimed."""
        return self._store.is_shared and asyncio.get_running_loop().time() - asked_at > START_WITHIN_SECONDS

    async def _rest(self, claimed: Claimed | None, *, settled: bool) -> None:
        """Sleep until something ends, something is due, or another process may have done something."""
        now = self._clock()
        ask_at = now + timedelta(seconds=self._poll_seconds)
        if claimed and claimed.ask_again_at:
            ask_at = min(ask_at, claimed.ask_again_at)
        if settled:
            await self._woken((ask_at - now).total_seconds())
        else:
            await asyncio.sleep(self._poll_seconds / 4)
        if self._sending:
            await asyncio.sleep(GATHER_SECONDS)
        self._wake.clear()

    async def _woken(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0.001)):
                await self._wake.wait()
        except TimeoutError:
            return

    def _see(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._has_resumed |= self._teller.tracker(tracker)

    async def _tell_left(self) -> None:
        """Once a pause has ended: how much there is to do now."""
        if not self._has_resumed:
            return
        self._has_resumed = False
        try:
            telling.left(await self._store.backlog(now=self._clock()), self._tracker, self._pace)
        except StoreError as error:
            self._store_trouble("backlog", error)

    def _store_trouble(self, verb: str, error: StoreError) -> None:
        if not self._store_failing:
            logs.event(_log, logging.ERROR, "store.unavailable", verb=verb, why=str(error))
        self._store_failing = True
