"""A tracker that is away for a day while webhooks keep coming: the real store and the real worker, on simulated time.

Every event is delivered, once unless an answer stayed unknown, in order per customer and within the rate; a day of
outage costs no delivery an attempt, and is drained in the time that was told. In the middle of it the bridge is killed.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bridge import backlog
from bridge.metrics import Metrics
from bridge.model import (
    Attempt,
    Conversion,
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
)
from bridge.rate import Pace
from bridge.retry import REPEATED
from bridge.store import Store
from bridge.store.base import DeliveryFilter
from bridge.worker import Worker
from tests.simulation import SimulatedLoop, open_simulated, simulate

START = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
HOUR = 3600.0
GOES, COMES_BACK, ENDS = 0.5 * HOUR, 24.5 * HOUR, 26 * HOUR
#: three webhooks in two minutes
EVERY_SECONDS = 40.0
CUSTOMERS = 300
PACE = Pace(n=60)


def name_of(payload: Payload) -> str:
    return payload.event_name


class Tracker:
    """What the tracker hears and takes. `trouble` is how it fails while it is away."""

    def __init__(self, loop: SimulatedLoop, trouble: Callable[["Tracker", Payload], Awaitable[Outcome]]) -> None:
        self.loop = loop
        self.trouble = trouble
        self.heard: list[tuple[datetime, Payload]] = []
        #: in the order of arrival
        self.accepted: list[Payload] = []
        self.back_at: datetime | None = None
        self.was_back = asyncio.Event()

    @property
    def is_away(self) -> bool:
        return GOES <= self.loop.time() < COMES_BACK

    async def send(self, payload: Payload) -> Outcome:
        started = self.loop.now()
        self.heard.append((started, payload))
        if self.is_away:
            return await self.trouble(self, payload)
        await asyncio.sleep(0.08)
        self.accepted.append(payload)
        if self.loop.time() > COMES_BACK and self.back_at is None:
            self.back_at = self.loop.now()
            self.was_back.set()
        return answer(started, 200)


def answer(started: datetime, status: int, *, retry_after: float | None = None) -> Outcome:
    return Outcome(
        sent=Sent.YES,
        started_at=started,
        duration_ms=80.0,
        status=status,
        is_json=True,
        retry_after_seconds=retry_after,
    )


async def refuses(tracker: Tracker, _: Payload) -> Outcome:
    """The connection is refused: nothing was sent."""
    return Outcome(sent=Sent.NO, started_at=tracker.loop.now(), duration_ms=1.0, error="refused")


async def asks_for_patience(tracker: Tracker, _: Payload) -> Outcome:
    """503, sometimes with an hour to wait, sometimes without a word."""
    started = tracker.loop.now()
    await asyncio.sleep(0.05)
    return answer(started, 503, retry_after=HOUR if len(tracker.heard) % 3 else None)


async def knows_no_token(tracker: Tracker, _: Payload) -> Outcome:
    """401 for everybody."""
    started = tracker.loop.now()
    await asyncio.sleep(0.05)
    return answer(started, 401)


async def takes_half_and_hangs(tracker: Tracker, payload: Payload) -> Outcome:
    """Every second request is accepted, and none is ever answered."""
    started = tracker.loop.now()
    if len(tracker.heard) % 2:
        tracker.accepted.append(payload)
    await asyncio.sleep(10)
    return Outcome(sent=Sent.MAYBE, started_at=started, duration_ms=10_000.0, error="timeout")


def a_meaning(number: int, customer: str, *, is_first: bool, now: datetime) -> Meaning:
    """Webhook number so and so: a customer's first is a lead, later ones are sales."""
    name = f"n{number}"
    payload: Payload
    if is_first:
        payload = Lead(event_name=name, customer_external_id=customer, click_id="c", timestamp=now)
    else:
        payload = Sale(
            event_name=name,
            customer_external_id=customer,
            invoice_id=name,
            amount=100,
            currency="USD",
            timestamp=now,
        )
    event = Event(
        source="stripe", key=name, source_id=name, received_at=now, body=b"{}", verified_by="signature 1", revision="r"
    )
    conversion = Conversion(item=0, rule="r", payload=payload, claims=(name,))
    return Meaning(event=event, state=EventState.ACCEPTED, conversions=(conversion,))


@dataclass
class Day:
    """What is left of it for a test to look at."""

    tracker: Tracker
    recorded: int
    deliveries: list[Delivery]
    #: of those whose answer once stayed unknown
    attempts: dict[int, list[Attempt]]
    #: seconds that were told when the tracker was back, and seconds it took until all of these were delivered
    told: float
    took: float
    dead_while_away: int


class World:
    """A bridge without its web: webhooks come in, the worker sends."""

    def __init__(self, loop: SimulatedLoop, store: Store, tracker: Tracker) -> None:
        self.loop, self.store, self.tracker = loop, store, tracker
        self.recorded = 0
        self._random = random.Random(5)
        self._known: set[str] = set()

    async def start(self) -> None:
        """A new process on the same database."""
        await self.store.rescue(now=self.loop.now())
        await self.store.greet("fingerprint", now=self.loop.now(), pace=PACE)
        self.worker = Worker(
            store=self.store,
            send=self.tracker.send,
            pace=PACE,
            metrics=Metrics("test"),
            clock=self.loop.now,
            jitter=self._random.random,
            poll_seconds=60,
        )
        self.running = asyncio.create_task(self.worker.run())

    async def kill(self) -> None:
        """No farewell: whatever is under way is never settled."""
        others = asyncio.all_tasks() - {asyncio.current_task()} - self._ours
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def webhooks(self) -> None:
        """They keep coming, whatever the tracker does."""
        while self.loop.time() < ENDS:
            await asyncio.sleep(self._random.uniform(0.2, 1.8) * EVERY_SECONDS)
            customer = f"cus_{self._random.randrange(CUSTOMERS)}"
            now = self.loop.now()
            meaning = a_meaning(self.recorded, customer, is_first=customer not in self._known, now=now)
            self._known.add(customer)
            self.recorded += 1
            await self.store.record([meaning], now=now)
            self.worker.wake()

    async def day(self) -> Day:
        """From half an hour before the outage until everything is drained."""
        webhooks = asyncio.create_task(self.webhooks())
        back = asyncio.create_task(self._measure())
        self._ours = {webhooks, back}
        await self.start()
        await asyncio.sleep(12 * HOUR + 7)
        await self.kill()
        await self.start()
        await asyncio.sleep(COMES_BACK - self.loop.time() - 1)
        dead = (await self.store.counts()).deliveries[DeliveryState.DEAD]
        told, took = await back
        await webhooks
        await self._until(lambda open_ones: not open_ones)
        await self.worker.stop(within_seconds=1)
        await self.running
        deliveries = await self.store.deliveries(DeliveryFilter(limit=100_000))
        attempts = {one.id: await self.store.attempts(one.id) for one in deliveries if one.unsure}
        return Day(
            tracker=self.tracker,
            recorded=self.recorded,
            deliveries=sorted(deliveries, key=lambda one: one.id),
            attempts=attempts,
            told=told,
            took=took,
            dead_while_away=dead,
        )

    async def _measure(self) -> tuple[float, float]:
        """What is told when the tracker is back, and how long all that waited then takes."""
        await self.tracker.was_back.wait()
        begun = self.loop.time()
        left = await self.store.backlog(now=self.loop.now())
        told = backlog.seconds(left, PACE)
        assert told is not None
        newest = max(one.id for one in await self.store.deliveries(DeliveryFilter(limit=1)))
        await self._until(lambda open_ones: all(one.id > newest for one in open_ones), seconds=1)
        return told, self.loop.time() - begun

    async def _until(self, condition: Callable[[list[Delivery]], bool], *, seconds: float = 20) -> None:
        wanted = DeliveryFilter(
            states=(DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.WAITING), after=0, limit=1
        )
        while not condition(await self.store.deliveries(wanted)):  # noqa: ASYNC110 - by the simulated clock
            await asyncio.sleep(seconds)


def a_day(folder: Path, trouble: Callable[[Tracker, Payload], Awaitable[Outcome]]) -> Day:
    async def work(loop: SimulatedLoop) -> Day:
        store = await open_simulated(folder)
        try:
            return await World(loop, store, Tracker(loop, trouble)).day()
        finally:
            await store.close()

    return simulate(work, start=START)


def check_what_always_holds(day: Day) -> None:
    """Everything arrived, in order, within the rate; nothing died; the time it took was told."""
    assert day.recorded == len(day.deliveries) > 2_000
    assert {DeliveryState.DELIVERED} == {one.state for one in day.deliveries}
    assert 0 == day.dead_while_away
    first_seen = list(dict.fromkeys(name_of(payload) for payload in day.tracker.accepted))
    assert day.recorded == len(first_seen)
    lanes: dict[str, list[int]] = {}
    for payload in day.tracker.accepted:
        lanes.setdefault(payload.customer_external_id, []).append(int(name_of(payload)[1:]))
    for numbers in lanes.values():
        assert sorted(numbers) == numbers
    times = [at for at, _ in day.tracker.heard]
    closest = min(later - earlier for earlier, later in zip(times, times[PACE.n :], strict=False))
    assert closest >= timedelta(seconds=60)
    assert pytest.approx(day.told, rel=0.02) == day.took


def repeats(day: Day) -> Counter[str]:
    """What the tracker accepted more than once, and how often more."""
    accepted = Counter(name_of(payload) for payload in day.tracker.accepted)
    return Counter({name: times - 1 for name, times in accepted.items() if times > 1})


def tries_while_away(day: Day) -> int:
    went, back = (START + timedelta(seconds=at) for at in (GOES, COMES_BACK))
    return sum(went <= at < back for at, _ in day.tracker.heard)


def budget_spent(day: Day) -> int:
    """Attempts that counted beyond the one that succeeded."""
    return sum(one.attempts - 1 for one in day.deliveries)


def test_a_day_of_refused_connections(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="bridge.worker"):
        day = a_day(tmp_path, refuses)
    check_what_always_holds(day)

    assert not repeats(day)
    # three failures of two customers are an outage; from then on a try is a probe
    assert 3 <= budget_spent(day) <= 8
    assert tries_while_away(day) <= 24 * 60 / 5 + 20
    told = [vars(record)["facts"] for record in caplog.records if record.message == "backlog"]
    assert [str(told[-1]["due"])] == str(told[-1]["about"]).split()[:1]
    assert str(told[-1]["about"]).endswith("at 60/min")


def test_a_day_of_503s_that_ask_for_patience(tmp_path: Path) -> None:
    day = a_day(tmp_path, asks_for_patience)
    check_what_always_holds(day)

    assert not repeats(day)
    assert 0 == budget_spent(day)
    away = [at for at, _ in day.tracker.heard if timedelta(seconds=GOES) <= at - START < timedelta(seconds=COMES_BACK)]
    asked = [timedelta(hours=1) if number % 3 else timedelta() for number in _numbers(day, away)]
    assert all(later - earlier >= patience for (earlier, later), patience in zip(pairwise(away), asked, strict=False))


def _numbers(day: Day, away: list[datetime]) -> range:
    """How many requests the tracker had heard with each of these."""
    first = [at for at, _ in day.tracker.heard].index(away[0]) + 1
    return range(first, first + len(away))


def test_a_day_without_a_token_that_is_known(tmp_path: Path) -> None:
    day = a_day(tmp_path, knows_no_token)
    check_what_always_holds(day)

    assert not repeats(day)
    assert 0 == budget_spent(day)
    assert tries_while_away(day) <= 24 * 60 / 5 + 20


def test_a_day_of_answers_that_never_come(tmp_path: Path) -> None:
    """Half of what was tried was accepted: that, and nothing else, is repeated, and flagged."""
    day = a_day(tmp_path, takes_half_and_hangs)
    check_what_always_holds(day)

    by_name = {name_of(one.payload): one for one in day.deliveries}
    repeated = repeats(day)
    assert 100 < sum(repeated.values()) <= tries_while_away(day)
    for name in repeated:
        assert REPEATED in by_name[name].flags
        assert Sent.MAYBE in [attempt.sent for attempt in day.attempts[by_name[name].id]]
    assert {one.id for one in day.deliveries if REPEATED in one.flags} == day.attempts.keys()
    # it is sales that were tried, whose invoice ids tell the tracker, and they took turns
    assert max(repeated.values()) <= 8
    leads = [name for name in repeated if isinstance(by_name[name].payload, Lead)]
    assert len(leads) <= 3
    assert budget_spent(day) <= 8
