"""A bridge without its network: real mapping, real store, the worker's judge, a tracker that is a function.

Time stands still until a story moves it. A crash closes the store with whatever was leased and not settled, and
opens it again, as a start after kill -9 does.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bridge import retry
from bridge.intake import understand
from bridge.mapping import Mapping
from bridge.model import Decision, Delivery, DeliveryState, Lead, Outcome, Payload, Sent, Tracker, went_back
from bridge.rate import Pace
from bridge.store import Store, open_store
from bridge.store.base import Claimed, DeliveryFilter, EventFilter, Recorded, Settlement
from tests.contract.tellings import verified

#: In memory where there is such a place: what fsync is worth, other tests prove.
SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None
START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
FREE = Pace(n=0)
T = TypeVar("T")

#: What the tracker does with a request: its status, or a word for a connection that broke.
Answer = int | str
LOST = "connection lost"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the tracker saw it."""

    payload: Payload
    answer: Answer

    @property
    def is_taken(self) -> bool:
        """Whether the tracker certainly has it now."""
        return self.answer in (200, 409)

    def __str__(self) -> str:
        return said(self.payload) + ("" if self.answer == 200 else f" → {self.answer}")


def said(payload: Payload) -> str:
    """A call in a line: what it tells, of whose click."""
    click = payload.click_id or "no click"
    if isinstance(payload, Lead):
        deferred = "deferred " if payload.deferred else ""
        return f"{deferred}lead {payload.event_name} {payload.customer_external_id} {click}"
    return f"sale {payload.event_name} {payload.amount} {payload.currency} {payload.invoice_id} {click}"


def outcome_of(answer: Answer, now: datetime) -> Outcome:
    if isinstance(answer, str):
        return Outcome(sent=Sent.MAYBE, started_at=now, duration_ms=1.0, error=answer)
    return Outcome(sent=Sent.YES, started_at=now, duration_ms=1.0, status=answer, is_json=True)


@dataclass(slots=True)
class Bridge:
    """Takes bodies in and sends what is due."""

    folder: Path
    mapping: Mapping
    store: Store
    now: datetime = START
    calls: list[Call] = field(default_factory=list)
    #: when the store says that something may be due again
    ask_again_at: datetime | None = None
    _runner: asyncio.Runner = field(default_factory=asyncio.Runner)

    def run(self, verb: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(verb)

    def take(self, *bodies: bytes) -> list[Recorded]:
        """Receive proven webhooks, one after the other."""
        return [self._taken(body) for body in bodies]

    def _taken(self, body: bytes) -> Recorded:
        proven = verified(body, self.mapping.source)
        (recorded,) = self.run(self.store.record(understand(self.mapping, proven), now=self.now))
        return recorded

    def later(self, **amount: float) -> None:
        self.now += timedelta(**amount)

    def claim(self) -> Sequence[Delivery]:
        claimed: Claimed = self.run(self.store.claim(limit=32, pace=FREE, clock=lambda: self.now))
        self.ask_again_at = claimed.ask_again_at
        return claimed.deliveries

    def send(self, delivery: Delivery, answer: Answer) -> Settlement:
        """Make one request; what came of it is not written yet."""
        self.calls.append(Call(delivery.payload, answer))
        return Settlement(delivery=delivery, outcome=outcome_of(answer, self.now))

    def settle(self, *settlements: Settlement) -> None:
        self.run(self.store.settle(list(settlements), self._judge, now=self.now))

    def _judge(self, delivery: Delivery, outcome: Outcome, tracker: Tracker, now: datetime) -> tuple[Decision, Tracker]:
        return retry.judge(delivery, outcome, tracker, now=now, jitter=0.5, policy=retry.Policy())

    def work(self, tracker: Callable[[Payload], Answer] = lambda _: 200) -> None:
        """Send what is due now, and what becomes due by that."""
        while deliveries := self.claim():
            self.settle(*[self.send(delivery, tracker(delivery.payload)) for delivery in deliveries])

    def crash(self) -> None:
        """Die, and start again."""
        self.run(self.store.close())
        self.store = self.run(_opened(self.folder, self.now))

    def finish(self) -> None:
        """A tracker that takes everything, and time enough: until nothing more is to come."""
        self.work()
        while self.ask_again_at is not None:
            self.now = max(self.now, self.ask_again_at)
            self.work()

    def states(self, *wanted: DeliveryState) -> list[Delivery]:
        return self.run(self.store.deliveries(DeliveryFilter(states=wanted, limit=10_000)))

    def reasons(self) -> list[str]:
        """Why nothing came of an event, oldest first."""
        found = self.run(self.store.events(EventFilter(limit=10_000)))
        return [one.reason for one in reversed(found) if not one.deliveries]

    def returned(self, delivery: Delivery) -> dict[tuple[str, str], int]:
        """What went back of a sale, by kind and currency."""
        return went_back(self.run(self.store.reversals(deliveries=[delivery.id])))

    def close(self) -> None:
        self.run(self.store.close())
        self._runner.close()


def a_bridge(folder: Path, mapping: Mapping) -> Bridge:
    """A bridge with a new database in this folder."""
    runner = asyncio.Runner()
    return Bridge(folder, mapping, runner.run(_opened(folder, START)), _runner=runner)


async def _opened(folder: Path, now: datetime) -> Store:
    store = await open_store(f"sqlite:///{folder / 'bridge.db'}", exclusive=True)
    await store.rescue(now=now)
    await store.greet("the same tracker", now=now)
    return store


@contextmanager
def a_folder() -> Iterator[Path]:
    """A folder for a database that need not survive the power."""
    folder = Path(tempfile.mkdtemp(dir=SCRATCH))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def type_of(body: bytes) -> str:
    told: str = json.loads(body)["type"]
    return told
