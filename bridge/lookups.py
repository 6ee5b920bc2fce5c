"""Use case beside the worker: what a sale does not say, Stripe is asked before the sale is sent for the first time.

The worker hands over what it has claimed; its lease is given back at once and its lane waits, so a crash finds it as it
was, never tried. Once a delivery is asked about, found or not, it goes. Stripe being down or busy delays it for a
quarter of an hour at most; what the key may not read is left out, and noted.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from bridge import families, logs
from bridge.asking import Asker
from bridge.errors import StoreError
from bridge.inquiry import Inquiry
from bridge.library import Library
from bridge.mapping.claims import alike
from bridge.metrics import Metrics
from bridge.model import Delivery, Json, Sale
from bridge.store.lessons import Learnt, Lesson, Matter
from bridge.stripe_api import StripeTrouble

_log = logs.get("bridge.lookups")

#: After this long without an answer a sale goes as it is.
LONGEST_WAIT: Final = timedelta(minutes=15)
#: A parked delivery is due again, and asked about again, after this long; no look-up takes longer.
PARKED_FOR: Final = timedelta(seconds=30)
_LONGEST_LOOKUP_SECONDS: Final = 25.0
#: More do not wait here for a slot; they come again.
_MOST_WAITING: Final = 100

GAVE_UP: Final = "Stripe could not be asked"


class Memory(Protocol):
    """What a look-up asks of the store."""

    async def park(self, delivery_ids: Sequence[int], *, until: datetime, asked: bool, now: datetime) -> None:
        """Give leases back for a while."""
        ...

    async def matter(self, delivery_id: int) -> Matter | None:
        """What a question about a delivery begins with."""
        ...

    async def learn(self, lesson: Lesson, *, now: datetime) -> Learnt:
        """Write what was learnt, once."""
        ...


class Lookups:
    """Asks about sales without a click id, and about all sales where payments and invoices are both told."""

    def __init__(
        self,
        *,
        memory: Memory,
        asker: Asker,
        library: Callable[[], Library],
        metrics: Metrics,
        clock: Callable[[], datetime],
    ) -> None:
        self._memory = memory
        self._asker = asker
        self._library = library
        self._metrics = metrics
        self._clock = clock
        self._asking: dict[int, asyncio.Task[None]] = {}
        self._joined: tuple[Library | None, frozenset[str]] = (None, frozenset())
        #: says that something became due; the worker's
        self.wake: Callable[[], None] = lambda: None

    def wants(self, delivery: Delivery) -> bool:
        """Whether Stripe should be asked about this one first. Never raises."""
        if delivery.tries or delivery.is_looked_up or not isinstance(delivery.payload, Sale):
            return False
        source = self._library().sources.get(delivery.source)
        if source is None or not families.is_stripe(source.mapping):
            return False
        return delivery.payload.click_id is None or self._is_joined(delivery)

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Park what was claimed, and have it asked about. Raises StoreError: then some of it is leased still."""
        now, room = self._clock(), max(_MOST_WAITING - len(self._asking), 0)
        for some, asked in ((deliveries[:room], True), (deliveries[room:], False)):
            if some:
                await self._memory.park([one.id for one in some], until=now + PARKED_FOR, asked=asked, now=now)
        for delivery in deliveries[:room]:
            if delivery.id not in self._asking:
                self._asking[delivery.id] = asyncio.create_task(self._guarded(delivery, delivery.asked_at or now))
        self.wake()

    async def aclose(self) -> None:
        """Ask no more. What was not answered is asked again after the next start."""
        tasks = [*self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _guarded(self, delivery: Delivery, since: datetime) -> None:
        """Whatever happens, the delivery comes back by itself."""
        try:
            await self._look_up(delivery, since)
        except StoreError as error:
            logs.event(_log, logging.ERROR, "store.unavailable", verb="learn", why=str(error))
        except Exception as error:  # noqa: BLE001 - a bug in one must not stop the others
            logs.event(_log, logging.ERROR, "bug", exception=error, delivery_id=delivery.id)
        finally:
            self._asking.pop(delivery.id, None)

    async def _look_up(self, delivery: Delivery, since: datetime) -> None:
        """Ask and learn; or go on without, once there was time enough."""
        if self._clock() - since >= LONGEST_WAIT:
            await self._learn(delivery, Lesson(delivery_id=delivery.id, notes=(GAVE_UP,)), "gave up")
            return
        async with self._asker.slots:
            if self._asker.is_resting:
                return
            try:
                async with asyncio.timeout(_LONGEST_LOOKUP_SECONDS):
                    lesson = await self._asked(delivery)
            except (StripeTrouble, TimeoutError) as error:
                self._asker.rest(str(error) or "Stripe does not answer in time")
                return
        if lesson is not None:
            await self._learn(delivery, lesson, "nothing" if lesson.click_id is None else "found")

    async def hasten(self, delivery: Delivery) -> bool:
        """Ask about one that waits for a click id: one that Stripe knows ends its wait. False: nobody can be asked now.

        What the key may not read might know another click id, so only a whole answer counts. Raises StoreError.
        """
        async with self._asker.slots:
            if self._asker.is_resting:
                return False
            try:
                async with asyncio.timeout(_LONGEST_LOOKUP_SECONDS):
                    lesson = await self._asked(delivery)
            except (StripeTrouble, TimeoutError) as error:
                self._asker.rest(str(error) or "Stripe does not answer in time")
                return False
        if lesson is not None and lesson.click_id is not None and lesson.is_whole:
            await self._learn(delivery, lesson, "found")
        return True

    async def _asked(self, delivery: Delivery) -> Lesson | None:
        """Everything Stripe says about it; None when it is no longer what it was. Raises StripeTrouble."""
        matter = await self._memory.matter(delivery.id)
        if matter is None:
            return None
        wants_click = delivery.payload.click_id is None
        found = Inquiry(
            _document(matter.body),
            account=matter.account or "",
            wants_click=wants_click,
            wants_names=self._is_joined(delivery),
        )
        while (question := found.next()) is not None:
            answer = await self._asker.answer(question)
            if answer is None:
                found.forbidden(question)
            else:
                found.answered(question, answer)
        base = next((name for name in matter.names if name.startswith('["sale",')), "")
        return Lesson(
            delivery_id=delivery.id,
            names=tuple(alike(base, name) for name in found.names) if base else (),
            click_id=found.click_id,
            notes=_notes(found, wants_click=wants_click),
            is_whole=not found.refused,
        )

    async def _learn(self, delivery: Delivery, lesson: Lesson, result: str) -> None:
        learnt = await self._memory.learn(lesson, now=self._clock())
        result = result if learnt == "due" else learnt
        self._metrics.lookups.labels(result).inc()
        logs.event(
            _log,
            logging.INFO,
            "delivery.looked_up",
            source=delivery.source,
            event_id=delivery.event_id,
            delivery_id=delivery.id,
            result=result,
            names=len(lesson.names),
            notes=lesson.notes,
        )
        self.wake()

    def _is_joined(self, delivery: Delivery) -> bool:
        """Whether payments and invoices are both told where this sale's names are."""
        library = self._library()
        if self._joined[0] is not library:
            told = families.joined(source.mapping for source in library.sources.values() if source.is_on)
            self._joined = (library, told)
        source = library.sources.get(delivery.source)
        return source is not None and any(rule.namespace in self._joined[1] for rule in source.mapping.rules)


def _document(body: bytes) -> Json:
    try:
        document: Json = json.loads(body)
    except (ValueError, RecursionError):
        return None  # nothing to ask about
    return document


def _notes(found: Inquiry, *, wants_click: bool) -> tuple[str, ...]:
    """What a person should know about it."""
    unread = ", ".join(thing.value for thing in dict.fromkeys(found.refused))
    notes = [f"not readable at Stripe: {unread}"] if unread else []
    if found.origin is not None:
        notes.insert(0, f"click id from Stripe's {found.origin.value}")
    elif wants_click:
        notes.insert(0, "no click id at Stripe")
    return tuple(notes)
