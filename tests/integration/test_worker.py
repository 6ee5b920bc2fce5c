"""The worker against a real database and a scripted tracker, with a clock that only moves when told."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge import retry
from bridge.metrics import Metrics
from bridge.model import (
    Conversion,
    Decision,
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
from bridge.model import Tracker as Row
from bridge.rate import Pace
from bridge.store import open_store
from bridge.store.base import DeliveryFilter, Store
from bridge.worker import Worker

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FREE = Pace(n=0)


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **amount: float) -> None:
        self.now += timedelta(**amount)


class Tracker:
    """A scripted tracker: `answer` decides each request; everything that was sent is kept in order."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.sent: list[tuple[datetime, Payload]] = []
        self.answer: Callable[[Payload], int | str] = lambda _: 200
        self.hold: asyncio.Event | None = None
        self.retry_after: float | None = None

    async def send(self, payload: Payload) -> Outcome:
        started = self.clock()
        self.sent.append((started, payload))
        if self.hold is not None:
            await self.hold.wait()
        said = self.answer(payload)
        if isinstance(said, str):
            return Outcome(sent=Sent.MAYBE, started_at=started, duration_ms=1.0, error=said)
        return Outcome(
            sent=Sent.YES,
            started_at=started,
            duration_ms=1.0,
            status=said,
            is_json=True,
            retry_after_seconds=self.retry_after,
        )

    @property
    def names(self) -> list[str]:
        return [payload.event_name for _, payload in self.sent]


def a_sale(name: str, customer: str = "cus_1") -> Sale:
    return Sale(
        event_name=name, customer_external_id=customer, invoice_id=name, amount=100, currency="USD", timestamp=START
    )


def a_meaning(payload: Payload, *, claims: Sequence[str] = ()) -> Meaning:
    key = f"evt_{payload.event_name}_{payload.customer_external_id}"
    event = Event(source="stripe", key=key, source_id=key, received_at=START, body=b"{}", verified_by="t", revision="r")
    names = tuple(claims) or (f"{key}",)
    conversion = Conversion(item=0, rule="r", payload=payload, claims=names)
    return Meaning(event=event, state=EventState.ACCEPTED, conversions=(conversion,))


class Bench:
    """A worker at work, with what a test turns and looks at."""

    def __init__(self, store: Store, clock: Clock, tracker: Tracker, worker: Worker) -> None:
        self.store = store
        self.clock = clock
        self.tracker = tracker
        self.worker = worker

    async def record(self, *payloads: Payload) -> None:
        for payload in payloads:
            await self.store.record([a_meaning(payload)], now=self.clock())
        self.worker.wake()

    async def states(self) -> dict[str, DeliveryState]:
        return {d.payload.event_name: d.state for d in await self.store.deliveries(DeliveryFilter(limit=1000))}

    async def until(self, condition: Callable[[], Awaitable[bool]] | Callable[[], bool], what: str = "it") -> None:
        async with asyncio.timeout(10):
            while True:
                held = condition()
                if held if isinstance(held, bool) else await held:
                    return
                await asyncio.sleep(0.005)

    async def until_states(self, **wanted: DeliveryState) -> None:
        async def reached() -> bool:
            states = await self.states()
            return all(states.get(name) is state for name, state in wanted.items())

        await self.until(reached)

    async def settled_again(self, sends: int) -> None:
        """Wait until the worker has sent this often and has nothing in its hands."""

        async def quiet() -> bool:
            sending = DeliveryState.SENDING in (await self.states()).values()
            return len(self.tracker.sent) >= sends and not sending

        await self.until(quiet)


@asynccontextmanager
async def bench(folder: Path, *, pace: Pace = FREE) -> AsyncIterator[Bench]:
    clock = Clock()
    tracker = Tracker(clock)
    store = await open_store(f"sqlite:///{folder / 'bridge.db'}", exclusive=True)
    try:
        await store.rescue(now=clock())
        await store.greet("fingerprint", now=clock())
        worker = Worker(
            store=store,
            send=tracker.send,
            pace=pace,
            metrics=Metrics("test"),
            clock=clock,
            jitter=lambda: 0.5,
            poll_seconds=0.02,
        )
        running = asyncio.create_task(worker.run())
        yield Bench(store, clock, tracker, worker)
        await worker.stop(within_seconds=1)
        await asyncio.wait_for(running, 5)
    finally:
        await store.close()


D = DeliveryState


async def test_what_is_due_is_delivered_in_order_per_customer(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.record(*(a_sale(f"s{number}", f"cus_{number % 3}") for number in range(30)))
        await b.until_states(**{f"s{number}": D.DELIVERED for number in range(30)})

        for lane in range(3):
            names = [p.event_name for _, p in b.tracker.sent if p.customer_external_id == f"cus_{lane}"]
            assert [f"s{number}" for number in range(lane, 30, 3)] == names


async def test_a_refused_token_pauses_all_spends_nothing_and_heals_by_itself(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.tracker.answer = lambda _: 401
        await b.record(a_sale("a", "cus_1"), a_sale("b", "cus_2"))
        await b.settled_again(1)
        await b.until(lambda: _paused(b.store))
        for seconds in (5, 10, 20, 40):
            before = len(b.tracker.sent)
            b.clock.advance(seconds=seconds)
            await b.settled_again(before + 1)
            assert before + 1 == len(b.tracker.sent)
        assert {"a", "b"} == set(b.tracker.names)
        b.tracker.answer = lambda _: 200
        b.clock.advance(seconds=80)
        await b.until_states(a=D.DELIVERED, b=D.DELIVERED)

        assert not (await b.store.tracker()).is_paused
        assert [0, 0] == [d.attempts - 1 for d in await b.store.deliveries(DeliveryFilter())]


async def _paused(store: Store) -> bool:
    return (await store.tracker()).is_paused


async def test_retry_after_is_kept_in_full_for_every_customer(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.tracker.answer = lambda _: 429
        b.tracker.retry_after = 3600.0
        await b.record(a_sale("a", "cus_1"))
        await b.until(lambda: _paused(b.store))
        await b.record(*(a_sale(f"x{number}", f"cus_{number}") for number in range(5)))
        b.clock.advance(seconds=3599)
        await asyncio.sleep(0.1)
        assert ["a"] == b.tracker.names
        b.tracker.answer = lambda _: 200
        b.clock.advance(seconds=2)
        await b.until_states(a=D.DELIVERED, x4=D.DELIVERED)

        assert START + timedelta(seconds=3601) == b.tracker.sent[1][0]


async def test_not_yet_lets_the_lane_pass_and_goes_when_the_lead_arrives(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.record(a_sale("warm-up", "cus_0"))
        await b.until_states(**{"warm-up": D.DELIVERED})
        known: set[str] = set()
        b.tracker.answer = lambda p: 200 if isinstance(p, Lead) or p.customer_external_id in known else 404
        await b.record(a_sale("early", "cus_1"))
        await b.until_states(early=D.WAITING)
        known.add("cus_1")
        await b.record(Lead(event_name="lead", customer_external_id="cus_1", click_id="c", timestamp=START))

        await b.until_states(lead=D.DELIVERED, early=D.DELIVERED)


async def test_a_dead_holder_hands_its_claim_to_the_oldest_duplicate(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.tracker.answer = lambda p: 422 if p.event_name == "first" else 200
        b.tracker.hold = asyncio.Event()
        await b.store.record([a_meaning(a_sale("first"), claims=["in_1"])], now=START)
        await b.store.record([a_meaning(a_sale("second"), claims=["in_1", "pi_1"])], now=START)
        b.worker.wake()
        await b.until_states(first=D.SENDING, second=D.DUPLICATE)
        b.tracker.hold.set()

        await b.until_states(first=D.DEAD, second=D.DELIVERED)
        assert ["first", "second"] == b.tracker.names


async def test_an_outcome_that_cannot_be_written_is_kept_and_nothing_new_is_sent(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.tracker.hold = asyncio.Event()
        await b.record(a_sale("first", "cus_1"), a_sale("second", "cus_2"))
        await b.until(lambda: len(b.tracker.sent) == 1)
        lock = sqlite3.connect(tmp_path / "bridge.db", isolation_level=None, timeout=30)
        lock.execute("BEGIN IMMEDIATE")
        b.tracker.hold.set()
        await asyncio.sleep(0.3)
        assert 1 == len(b.tracker.sent)
        lock.execute("ROLLBACK")
        lock.close()

        await b.until_states(first=D.DELIVERED, second=D.DELIVERED)
        assert ["first", "second"] == b.tracker.names


async def test_what_is_in_flight_at_the_end_is_unknown_and_repeated_after_the_start(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.tracker.hold = asyncio.Event()
        await b.record(a_sale("slow"))
        await b.until(lambda: len(b.tracker.sent) == 1)
    async with bench(tmp_path) as b:
        (delivery,) = await b.store.deliveries(DeliveryFilter())
        assert delivery.unsure
        b.clock.advance(hours=1)
        await b.until_states(slow=D.DELIVERED)

        attempts = await b.store.attempts(delivery.id)
        assert [Sent.MAYBE, Sent.YES] == [attempt.sent for attempt in attempts]


@pytest.mark.parametrize("pace", [Pace(n=60, seconds=60.0), Pace(n=10, seconds=1.0), Pace(n=1, seconds=60.0)], ids=str)
async def test_no_window_of_one_unit_ever_holds_more_than_the_rate(tmp_path: Path, pace: Pace) -> None:
    async with bench(tmp_path, pace=pace) as b:
        await b.record(*(a_sale(f"s{number}", f"cus_{number}") for number in range(40)))
        for _ in range(60):
            b.clock.advance(seconds=pace.seconds / max(pace.n, 10) * 1.7)
            await asyncio.sleep(0.03)
        times = [at for at, _ in b.tracker.sent]

        assert len(times) >= min(40, pace.n)
        for number, at in enumerate(times):
            window = [other for other in times[number:] if (other - at).total_seconds() < pace.seconds]
            assert len(window) <= pace.n


async def test_a_bug_in_one_delivery_neither_loses_it_nor_stops_the_others(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:

        def answer(payload: Payload) -> int:
            if payload.event_name == "odd":
                raise ZeroDivisionError
            return 200

        b.tracker.answer = answer
        await b.record(a_sale("odd", "cus_1"), a_sale("fine", "cus_2"))
        b.clock.advance(seconds=1)
        await b.until_states(odd=D.PENDING, fine=D.DELIVERED)
        b.tracker.answer = lambda _: 200
        b.clock.advance(hours=1)

        await b.until_states(odd=D.DELIVERED)


async def test_an_outcome_that_cannot_be_judged_is_a_dead_letter_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(delivery: Delivery, *given: Any, **more: Any) -> tuple[Decision, Row]:
        if delivery.payload.event_name == "odd":
            raise ZeroDivisionError
        return real(delivery, *given, **more)

    real = retry.judge
    monkeypatch.setattr(retry, "judge", judge)
    async with bench(tmp_path) as b:
        await b.record(a_sale("odd"), a_sale("behind"), a_sale("other", "cus_2"))

        await b.until_states(odd=D.DEAD, behind=D.DELIVERED, other=D.DELIVERED)


async def until_later(b: Bench, condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that takes the bridge a while, by its clock."""

    async def held() -> bool:
        b.clock.advance(seconds=60)
        return await condition()

    await b.until(held)


async def test_refusals_of_everybody_together_kill_nobody_when_one_passes(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.tracker.answer = lambda _: 401
        await b.record(a_sale("a", "cus_1"), a_sale("b", "cus_2"), a_sale("c", "cus_3"))

        async def sent_often() -> bool:
            return len(b.tracker.sent) >= wanted

        wanted = 12
        await until_later(b, sent_often)
        answers = iter([200])
        b.tracker.answer = lambda _: next(answers, 402)
        wanted = len(b.tracker.sent) + 6
        await until_later(b, sent_often)

        assert D.DEAD not in (await b.states()).values()


async def test_one_refused_three_times_with_a_success_in_between_each_time_is_dead(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.tracker.answer = lambda payload: 403 if payload.event_name == "odd" else 200
        await b.record(a_sale("odd"))
        for number in range(5):

            async def passed(name: str = f"s{number}") -> bool:
                return (await b.states())[name] is D.DELIVERED

            await b.record(a_sale(f"s{number}", f"cus_other_{number}"))
            await until_later(b, passed)

        assert D.DEAD is (await b.states())["odd"]
