"""What stuck customers cost the others: `python -m benchmarks.probes.stuck TRACKER_URL DATABASE STUCK SECONDS`.

The real store, worker and tracking client. Of a thousand customers STUCK have a front that fails, is unknown or is
never answered. Of the others: how fast a backlog drains, and how long a delivery takes at a steady pace. Stuck fronts
are tried once a second, far more often than the bridge would: a second shows what an hour costs.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from bridge.metrics import Metrics
from bridge.model import Conversion, Event, EventState, Meaning, Outcome, Payload, Sale
from bridge.rate import Pace
from bridge.retry import Policy
from bridge.store import open_store
from bridge.store.base import Store
from bridge.tracking import Wire
from bridge.worker import Worker

_CUSTOMERS = 1_000
_BEHIND = 20
_KINDS = ("fails", "unknown", "hangs")
_IMPATIENT = Policy(
    first_retry_seconds=2.0, longest_retry_seconds=2.0, first_wait_seconds=1.0, longest_wait_seconds=1.0
)
_TIMEOUT_SECONDS = 2.0
#: at the steady pace, every so many seconds one
_EVERY = 0.004


def meaning(customer: str, name: str) -> Meaning:
    """An event with one sale."""
    now = datetime.now(UTC)
    sale = Sale(
        event_name="purchase_completed",
        customer_external_id=customer,
        invoice_id=name,
        amount=4999,
        currency="EUR",
        click_id=f"clk_{name}",
        timestamp=now,
    )
    event = Event(
        source="stripe", key=name, source_id=name, received_at=now, body=b"{}", verified_by="signature 1", revision="b"
    )
    conversion = Conversion(item=0, rule="sale", payload=sale, claims=(name,))
    return Meaning(event=event, state=EventState.ACCEPTED, conversions=(conversion,))


class Others:
    """Sends for the worker, and notes when each of the others' deliveries was answered."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.answered: dict[str, float] = {}
        self.tried: set[str] = set()
        self._left: set[str] = set()
        self._none_left = asyncio.Event()

    async def send(self, payload: Payload) -> Outcome:
        """One try."""
        outcome = await self._wire.send(payload)
        if isinstance(payload, Sale):
            self.tried.add(payload.invoice_id)
            if outcome.succeeded:
                self.answered[payload.invoice_id] = time.perf_counter()
                self._left.discard(payload.invoice_id)
            if not self._left:
                self._none_left.set()
        return outcome

    async def until(self, names: Iterable[str]) -> None:
        """Wait until all of these were answered."""
        self._left = set(names) - self.answered.keys()
        self._none_left.clear()
        if self._left:
            await asyncio.wait_for(self._none_left.wait(), 60)


class Measurement:
    """One database, one worker, and what they are asked to do."""

    def __init__(self, store: Store, worker: Worker, others: Others) -> None:
        self._store, self._worker, self._others = store, worker, others

    async def record(self, *pairs: tuple[str, str]) -> None:
        """Customers and the names of their sales, in as few commits as there may be."""
        for first in range(0, len(pairs), 256):
            made = [meaning(customer, name) for customer, name in pairs[first : first + 256]]
            await self._store.record(made, now=datetime.now(UTC))
        self._worker.wake()

    async def hold_up(self, stuck: int) -> None:
        """Let so many customers get stuck, among others who pass."""
        customers = [f"stuck-{_KINDS[number % len(_KINDS)]}-{number}" for number in range(stuck)]
        for customer in customers:
            await self.record((customer, f"{customer} front"), (f"well {customer}", f"well {customer}"))
            if "unknown" not in customer:  # those behind one that waits go, and wait as well
                await self.record(*((customer, f"{customer} {behind}") for behind in range(_BEHIND)))
            await self._others.until([f"well {customer}"])
        while not {f"{customer} front" for customer in customers} <= self._others.tried:
            await self.record(("well again", f"well {time.perf_counter()}"))
            await asyncio.sleep(0.05)

    async def drained(self, count: int) -> tuple[float, float]:
        """How many of a backlog are delivered per second, and how much CPU each takes."""
        names = [f"backlog {number} of {count}" for number in range(count)]
        begun, cpu = time.perf_counter(), time.process_time()
        await self.record(*((f"customer {number % _CUSTOMERS}", name) for number, name in enumerate(names)))
        await self._others.until(names)
        used = (time.process_time() - cpu) / count
        return count / (max(self._others.answered[name] for name in names) - begun), 1e6 * used

    async def steady(self, seconds: float) -> list[float]:
        """How long each delivery takes from its record to its answer, sorted."""
        begun: dict[str, float] = {}
        end = time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            name = f"steady {len(begun)}"
            begun[name] = now
            await self.record((f"customer {len(begun) % _CUSTOMERS}", name))
            await asyncio.sleep(max(0.0, _EVERY - (time.perf_counter() - now)))
        await self._others.until(begun)
        return sorted(self._others.answered[name] - at for name, at in begun.items())


async def main(url: str, path: Path, stuck: int, seconds: float) -> None:
    """Measure one new database."""
    logging.disable()
    store = await open_store(f"sqlite:///{path}", exclusive=True)
    await store.greet("benchmark", now=datetime.now(UTC), pace=Pace(n=0))
    wire = Wire(url, "benchmark", timeout_seconds=_TIMEOUT_SECONDS)
    others = Others(wire)
    worker = Worker(
        store=store,
        send=others.send,
        pace=Pace(n=0),
        metrics=Metrics("benchmark"),
        clock=lambda: datetime.now(UTC),
        policy=_IMPATIENT,
    )
    running = asyncio.create_task(worker.run())
    measurement = Measurement(store, worker, others)
    await measurement.hold_up(stuck)
    await measurement.drained(200)
    per_second, cpu_us = await measurement.drained(int(1_000 * seconds))
    took = await measurement.steady(seconds)
    left = await store.backlog(now=datetime.now(UTC))
    await worker.stop(within_seconds=0)
    await running
    await store.close()
    await wire.aclose()
    times = {"p50_ms": took[len(took) // 2] * 1e3, "p99_ms": took[len(took) * 99 // 100] * 1e3}
    # those that are being sent right now are neither held nor waiting
    print(
        json.dumps({"per_second": per_second, "cpu_us": cpu_us, **times, "open": left.due + left.held + left.waiting})
    )


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
