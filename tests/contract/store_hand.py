"""Nouns with defaults, and a hand that plays intake, worker and operator against a store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.model import (
    Conversion,
    Decision,
    Delivered,
    Delivery,
    DeliveryState,
    Event,
    EventState,
    Lead,
    Meaning,
    Outcome,
    Payload,
    Sale,
    Sent,
    Tracker,
)
from bridge.rate import Pace
from bridge.store import Store
from bridge.store.base import LEASE, Claimed, DeliveryFilter, Recorded, Settled, Settlement

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FREE = Pace(n=0)
S = DeliveryState


def a_sale(name: str = "sale", customer: str = "cus_1", **changes: Any) -> Sale:
    fields = {
        "event_name": name,
        "customer_external_id": customer,
        "invoice_id": name,
        "amount": 4999,
        "currency": "USD",
        "timestamp": START,
    }
    return Sale(**{**fields, **changes})


def a_lead(name: str = "lead", customer: str = "cus_1", **changes: Any) -> Lead:
    return Lead(**{"event_name": name, "customer_external_id": customer, "timestamp": START, **changes})


def a_conversion(payload: Payload, *, claims: Sequence[str] = (), **changes: Any) -> Conversion:
    names = tuple(claims) or (f"stripe:{payload.event_name}:{payload.customer_external_id}",)
    return Conversion(**{"item": 0, "rule": "a rule", "payload": payload, "claims": names, **changes})


def an_event(key: str = "evt_1", **changes: Any) -> Event:
    fields = {"source": "stripe", "key": key, "source_id": key, "received_at": START, "body": b"{}"}
    return Event(**{**fields, "verified_by": "signature 1", "revision": "r1", **changes})


def a_meaning(*conversions: Conversion | Payload, key: str = "", **changes: Any) -> Meaning:
    """An accepted event, known by its first payload's name unless a key is given."""
    made = tuple(one if isinstance(one, Conversion) else a_conversion(one) for one in conversions)
    name = key or (f"evt_{made[0].payload.event_name}_{made[0].payload.customer_external_id}" if made else "evt_1")
    fields = {"event": an_event(name), "state": EventState.ACCEPTED, "conversions": made}
    return Meaning(**{**fields, **changes})


def an_outcome(status: int | None = 200, **changes: Any) -> Outcome:
    fields = {"sent": Sent.YES, "started_at": START, "duration_ms": 12.5, "status": status}
    return Outcome(**{**fields, **changes})


class Hand:
    """Does to a store what the bridge does, with a clock that moves when told."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = START
        self._by_hand = 0

    def later(self, **amount: float) -> None:
        self.now += timedelta(**amount)

    async def record(self, *meanings: Meaning | Payload, dry_run: bool = False) -> list[Recorded]:
        made = [one if isinstance(one, Meaning) else a_meaning(one) for one in meanings]
        return await self.store.record(made, now=self.now, dry_run=dry_run)

    async def trust(self) -> None:
        """End caution, as a first success does."""
        await self.record(a_lead("warm-up", "cus_warm"))
        await self.end(await self.claim_one(), Delivered(), cautious=False)

    async def ask(self, *, limit: int = 32, pace: Pace = FREE) -> Claimed:
        return await self.store.claim(limit=limit, pace=pace, clock=lambda: self.now)

    async def claim(self, *, limit: int = 32, pace: Pace = FREE) -> list[str]:
        """Lease what is due; the names, in the order given out."""
        return [delivery.payload.event_name for delivery in (await self.ask(limit=limit, pace=pace)).deliveries]

    async def claim_one(self) -> Delivery:
        (delivery,) = (await self.ask()).deliveries
        return delivery

    async def sent(self, name: str) -> Delivery:
        """Lease the delivery of that name, and it alone; what stands in its way is delivered first."""
        while deliveries := (await self.ask()).deliveries:
            named = [one for one in deliveries if one.payload.event_name == name]
            others = [one for one in deliveries if one not in named]
            if named:
                await self.store.release([one.id for one in others], now=self.now)
                return named[0]
            for other in others:
                await self.end(other, Delivered())
        raise AssertionError(f"{name} is not due")

    async def end(self, delivery: Delivery, decision: Decision, outcome: Outcome | None = None, **row: Any) -> Settled:
        """Settle one try with a verdict; `row` changes the tracker."""

        def judge(_: Delivery, __: Outcome, tracker: Tracker, ___: datetime) -> tuple[Decision, Tracker]:
            return decision, replace(tracker, **row)

        tried = outcome or an_outcome(started_at=self.now)
        (settled,) = await self.store.settle([Settlement(delivery=delivery, outcome=tried)], judge, now=self.now)
        return settled

    async def rescue(self) -> int:
        """Be told that whoever leased is dead: by then the leases have ended."""
        self.now += LEASE
        return await self.store.rescue(now=self.now)

    async def set(self, **row: Any) -> None:
        """Change the tracker's row, through a try of a delivery of its own."""
        before = await self.store.tracker()
        await self.store.resume(now=self.now)
        self._by_hand += 1
        await self.record(a_lead(f"by hand {self._by_hand}", "cus_by_hand"))
        claimed = (await self.ask(limit=1)).deliveries
        assert ["cus_by_hand"] == [delivery.lane for delivery in claimed], "set the row while nothing is due"
        paused = {"paused_since": before.paused_since, "paused_seconds": before.paused_seconds}
        await self.end(claimed[0], Delivered(), **{**paused, "cautious": False, **row})

    async def all(self) -> dict[str, Delivery]:
        """Every delivery by its event name, without its age, which is by the real clock."""
        found = await self.store.deliveries(DeliveryFilter(limit=100_000))
        return {delivery.payload.event_name: replace(delivery, age_seconds=0.0) for delivery in found}

    async def one(self, name: str) -> Delivery:
        return (await self.all())[name]

    async def states(self, *names: str) -> list[DeliveryState]:
        found = await self.all()
        return [found[name].state for name in names]
