"""What Stripe is asked about while nothing waits for the answer in its lane: beside the worker, never in a request.

Sales that wait for a click id: one that Stripe knows ends the wait. And money that went back of a sale whose names its
event does not tell: since API version 2025-03-31 a refund names a payment that its invoice does not name. Stripe being
down costs time alone: what could not be asked about is asked about again, for three days.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

from bridge import families, logs
from bridge.asking import Asker
from bridge.errors import StoreError
from bridge.inquiry import invoices_of
from bridge.library import Library
from bridge.lookups import GAVE_UP, Lookups
from bridge.mapping.claims import alike
from bridge.metrics import Metrics
from bridge.model import Delivery, DeliveryState
from bridge.store.lessons import Link, Unlinked
from bridge.store.wanted import DeliveryFilter
from bridge.stripe_api import StripeTrouble

_log = logs.get("bridge.errands")

LOOK_SECONDS: Final = 10.0
#: A wait is left alone for this long: the webhook that ends it is mostly on its way.
GRACE: Final = timedelta(seconds=20)
#: So many are asked about in one look.
_MOST: Final = 50
_LONGEST_SECONDS: Final = 25.0
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=30), timedelta(hours=1)
#: The last of them is some three days after the first.
_MOST_TRIES: Final = 80

FORBIDDEN: Final = "the API key may not read invoice payments"
NO_INVOICE: Final = "Stripe knows no invoice of it"


class Memory(Protocol):
    """What the errands ask of the store."""

    async def deliveries(self, wanted: DeliveryFilter) -> list[Delivery]:
        """Deliveries, as filtered."""
        ...

    async def unlinked(self, *, limit: int, now: datetime) -> list[Unlinked]:
        """Money that went back, about whose sale Stripe is to be asked now."""
        ...

    async def link(self, learnt: Link, *, now: datetime) -> int | None:
        """Keep what was learnt of it; the delivery that is its sale, if one is known."""
        ...


class Errands:
    """Looks every few seconds for what is to be asked."""

    def __init__(
        self,
        *,
        memory: Memory,
        asker: Asker,
        lookups: Lookups,
        library: Callable[[], Library],
        metrics: Metrics,
        clock: Callable[[], datetime],
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._memory = memory
        self._asker = asker
        self._lookups = lookups
        self._library = library
        self._metrics = metrics
        self._clock = clock
        self._look_seconds = look_seconds
        #: what waits was asked about up to this one
        self._asked_to = 0

    async def run(self) -> None:
        """Look until cancelled; a failing database, or a bug of ours, costs one look."""
        while True:
            try:
                await self.look()
            except StoreError as error:
                logs.event(_log, logging.ERROR, "store.unavailable", verb="link", why=str(error))
            except Exception as error:  # noqa: BLE001 - see the docstring
                logs.event(_log, logging.ERROR, "bug", exception=error, where="errands")
            await asyncio.sleep(self._look_seconds)

    async def look(self) -> None:
        """Ask about what is to be asked about now. Raises StoreError."""
        if not self._asker.is_resting:
            await self._hasten()
            await self._link()

    async def _hasten(self) -> None:
        """Ask once about each sale that has waited for a click id for a moment."""
        wanted = DeliveryFilter(states=(DeliveryState.WAITING,), after=self._asked_to, limit=_MOST)
        found = await self._memory.deliveries(wanted)
        ripe = [one for one in found if one.created_at <= self._clock() - GRACE]
        asked = await asyncio.gather(*(self._hastened(one) for one in ripe))
        # those behind one that could not be asked about are asked about once more with it
        for delivery, done in zip(ripe, asked, strict=True):
            if not done:
                return
            self._asked_to = delivery.id

    async def _hastened(self, delivery: Delivery) -> bool:
        return not self._lookups.wants(delivery) or await self._lookups.hasten(delivery)

    async def _link(self) -> None:
        """Ask about what went back; stop when Stripe is in trouble."""
        for one in await self._memory.unlinked(limit=_MOST, now=self._clock()):
            learnt = await self._asked(one)
            sale = await self._memory.link(learnt, now=self._clock())
            if learnt.note:
                self._tell(one, learnt, sale)
            if self._asker.is_resting:
                return

    async def _asked(self, one: Unlinked) -> Link:
        """What there is to know about it now."""
        nothing = Link(reversal_id=one.reversal_id, event_id=one.event_id)
        source = self._library().sources.get(one.source)
        if source is None:
            return self._again(one, "")
        question = invoices_of([json.loads(claim)[-1] for claim in one.sale], account=one.account)
        if one.is_known or question is None or not families.is_stripe(source.mapping):
            return nothing
        async with self._asker.slots:
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    answer = await self._asker.answer(question)
            except (StripeTrouble, TimeoutError) as error:
                self._asker.rest(str(error) or "Stripe does not answer in time")
                return self._again(one, GAVE_UP)
        if answer is None:
            return self._again(one, FORBIDDEN)
        return Link(
            reversal_id=one.reversal_id,
            event_id=one.event_id,
            names=tuple(alike(one.sale[0], name) for name in answer.invoices),
            note=f"Stripe names {', '.join(answer.invoices)}" if answer.invoices else NO_INVOICE,
        )

    def _again(self, one: Unlinked, note: str) -> Link:
        pause = min(_FIRST_RETRY * 2 ** min(one.tries, 20), _LONGEST_RETRY)
        again_at = self._clock() + pause if one.tries < _MOST_TRIES else None
        return Link(reversal_id=one.reversal_id, event_id=one.event_id, note=note, again_at=again_at)

    def _tell(self, one: Unlinked, learnt: Link, sale: int | None) -> None:
        result = "linked" if sale is not None else "nothing" if learnt.again_at is None else "failed"
        if result != "failed":  # whose trouble it was has been told
            self._metrics.lookups.labels(result).inc()
            logs.event(
                _log,
                logging.INFO,
                "reversal.looked_up",
                source=one.source,
                event_id=one.event_id,
                result=result,
                delivery_id=sale,
                note=learnt.note,
            )
