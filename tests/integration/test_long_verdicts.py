"""What the verdict table says about hours and days, with the real store and worker on simulated time.

The rows that take seconds are played by real processes in `tests/e2e/test_verdicts.py`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

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
from bridge.notices import Kind, Notice
from bridge.rate import Pace
from bridge.store import Store
from bridge.store.base import DeliveryFilter
from bridge.worker import Worker
from tests.simulation import SimulatedLoop, open_simulated, simulate

START = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
D = DeliveryState


class Town:
    """A bridge, and a tracker that answers by the payload."""

    def __init__(self, loop: SimulatedLoop, store: Store) -> None:
        self.loop, self.store = loop, store
        self.heard: list[tuple[float, str]] = []
        self.notices: list[Notice] = []
        self.retry_after: float | None = None
        self.answer: Callable[[Payload], int] = lambda _: 200
        self.takes = 0.1
        self.worker = Worker(
            store=store,
            send=self._send,
            pace=Pace(n=0),
            metrics=Metrics("test"),
            clock=loop.now,
            jitter=lambda: 0.5,
            poll_seconds=60,
            tell=self.notices.append,
        )

    async def _send(self, payload: Payload) -> Outcome:
        started = self.loop.now()
        self.heard.append((self.loop.time(), payload.event_name))
        await asyncio.sleep(self.takes)
        return Outcome(
            sent=Sent.YES,
            started_at=started,
            duration_ms=100.0,
            status=self.answer(payload),
            is_json=True,
            retry_after_seconds=self.retry_after,
        )

    async def record(self, *payloads: Payload) -> None:
        for payload in payloads:
            key = f"{payload.event_name} {self.loop.time()}"
            event = Event(
                source="stripe",
                key=key,
                source_id=key,
                received_at=self.loop.now(),
                body=b"{}",
                verified_by="t",
                revision="r",
            )
            conversion = Conversion(item=0, rule="r", payload=payload, claims=(key,))
            meaning = Meaning(event=event, state=EventState.ACCEPTED, conversions=(conversion,))
            await self.store.record([meaning], now=self.loop.now())
        self.worker.wake()

    async def one(self, name: str) -> Delivery:
        found = await self.store.deliveries(DeliveryFilter(limit=100_000))
        (delivery,) = [one for one in found if one.payload.event_name == name]
        return delivery

    async def attempts(self, name: str) -> list[Attempt]:
        return await self.store.attempts((await self.one(name)).id)

    async def others_pass(self, *, every: float, until: float) -> None:
        """Somebody else's sale, again and again: the tracker is well."""
        number = 0
        while self.loop.time() < until:
            await self.record(a_sale(f"other {number}", f"cus_other_{number}"))
            number += 1
            await asyncio.sleep(every)

    def kinds(self) -> list[Kind]:
        return [notice.kind for notice in self.notices]


def a_sale(name: str, customer: str = "cus_1") -> Sale:
    return Sale(
        event_name=name, customer_external_id=customer, invoice_id=name, amount=100, currency="USD", timestamp=START
    )


def a_lead(name: str, customer: str = "cus_1") -> Lead:
    return Lead(event_name=name, customer_external_id=customer, click_id="c", timestamp=START)


@contextlib.asynccontextmanager
async def town(loop: SimulatedLoop, folder: Path) -> AsyncIterator[Town]:
    store = await open_simulated(folder)
    try:
        await store.greet("fingerprint", now=loop.now(), pace=Pace(n=0))
        made = Town(loop, store)
        running = asyncio.create_task(made.worker.run())
        yield made
        await made.worker.stop(within_seconds=1)
        await running
    finally:
        await store.close()


def live(folder: Path, life: Callable[[Town], Awaitable[None]]) -> None:
    async def work(loop: SimulatedLoop) -> None:
        async with town(loop, folder) as made:
            await life(made)

    simulate(work, start=START)


def test_a_delivery_that_only_fails_is_given_up_after_three_days(tmp_path: Path) -> None:
    async def life(town: Town) -> None:
        town.answer = lambda payload: 500 if payload.event_name == "bad" else 200
        await town.record(a_sale("bad"))
        await town.others_pass(every=20 * MINUTE, until=4 * DAY)
        bad, tries = await town.one("bad"), [at for at, name in town.heard if name == "bad"]

        assert (D.DEAD, True) == (bad.state, bad.reason.startswith("gave up after "))
        # an hour between two tries at most, half of it with this jitter
        assert 3 * DAY <= tries[-1] - tries[0] <= 3 * DAY + HOUR
        assert len(tries) == bad.attempts == len(await town.attempts("bad"))
        assert [Kind.DEAD] == town.kinds()

    live(tmp_path, life)


def test_the_three_days_stand_still_while_the_tracker_is_paused(tmp_path: Path) -> None:
    async def life(town: Town) -> None:
        town.answer = lambda payload: 500 if payload.event_name == "bad" else 200
        await town.record(a_sale("bad"))
        others = asyncio.create_task(town.others_pass(every=20 * MINUTE, until=7 * DAY))
        await asyncio.sleep(DAY)
        await town.store.pause("a weekend", now=town.loop.now())
        await asyncio.sleep(2 * DAY)
        await town.store.resume(now=town.loop.now())
        await others
        tries = [at for at, name in town.heard if name == "bad"]

        assert D.DEAD is (await town.one("bad")).state
        assert 5 * DAY <= tries[-1] - tries[0] <= 5 * DAY + HOUR
        assert not [at for at, _ in town.heard if DAY + 1 < at < 3 * DAY]

    live(tmp_path, life)


def test_a_delivery_is_given_up_after_ten_attempts_at_least(tmp_path: Path) -> None:
    """Paused for most of the time by others, so that three days bring few tries: the tenth is the last."""

    async def life(town: Town) -> None:
        town.answer = lambda payload: 500 if payload.event_name == "bad" else 200
        await town.record(a_sale("bad"))
        await town.others_pass(every=20 * MINUTE, until=2 * MINUTE)
        few = len([name for _, name in town.heard if name == "bad"])
        await town.worker.stop(within_seconds=1)
        assert few < 10
        await asyncio.sleep(4 * DAY)
        again = Town(town.loop, town.store)
        again.answer = town.answer
        running = asyncio.create_task(again.worker.run())
        await again.others_pass(every=20 * MINUTE, until=town.loop.time() + DAY)
        bad = await again.one("bad")
        await again.worker.stop(within_seconds=1)
        await running

        assert (D.DEAD, 10) == (bad.state, bad.attempts)

    live(tmp_path, life)


def test_who_is_unknown_for_a_day_is_dead_as_unattributed_and_nobody_is_woken(tmp_path: Path) -> None:
    async def life(town: Town) -> None:
        town.answer = lambda payload: 404 if payload.event_name == "organic" else 200
        await town.record(a_sale("well", "cus_0"))
        await asyncio.sleep(1)
        await town.record(a_sale("organic"))
        await asyncio.sleep(2 * DAY)
        tries = [at for at, name in town.heard if name == "organic"]
        waits = [round((later - earlier) / MINUTE) for earlier, later in pairwise(tries)]

        assert "unattributed: 404" == (await town.one("organic")).reason
        assert [1, 2, 4, 8, 16, 32, 60, 60] == waits[:8]
        assert DAY <= tries[-1] - tries[0] <= DAY + HOUR
        assert 0 == sum(attempt.counted for attempt in (await town.attempts("organic"))[:-1])
        assert [] == town.kinds()

    live(tmp_path, life)


def test_a_head_that_fails_for_an_hour_while_others_pass_lets_its_lane_go_on(tmp_path: Path) -> None:
    async def life(town: Town) -> None:
        town.answer = lambda payload: 500 if payload.event_name == "head" else 200
        await town.record(a_sale("head"), a_sale("behind"))
        others = asyncio.create_task(town.others_pass(every=10 * MINUTE, until=5 * HOUR))
        await asyncio.sleep(HOUR)
        assert D.PENDING is (await town.one("behind")).state
        held = await town.store.backlog(now=town.loop.now())
        assert (2, 1, (("500", 1),)) == (held.held, held.held_lanes, held.held_by)
        await asyncio.sleep(HOUR)

        assert D.DELIVERED is (await town.one("behind")).state
        assert D.WAITING is (await town.one("head")).state
        town.answer = lambda _: 200
        await others
        assert D.DELIVERED is (await town.one("head")).state

    live(tmp_path, life)


def test_a_head_that_fails_with_everybody_else_keeps_its_place(tmp_path: Path) -> None:
    async def life(town: Town) -> None:
        town.answer = lambda _: 500
        await town.record(a_sale("head"), a_sale("behind"), a_sale("other", "cus_2"), a_sale("third", "cus_3"))
        await asyncio.sleep(12 * HOUR)
        town.answer = lambda _: 200
        await asyncio.sleep(HOUR)
        order = [name for _, name in town.heard if name in ("head", "behind")]

        assert {"behind"} == set(order[order.index("behind") :])
        assert 4 == (await town.store.counts()).deliveries[D.DELIVERED]

    live(tmp_path, life)


def test_two_customers_whose_data_breaks_the_tracker_do_not_hold_up_a_third(tmp_path: Path) -> None:
    """Quiet hours: the two are all that is tried, and one after the other fails. That is no outage."""

    async def life(town: Town) -> None:
        bad = ("cus_1", "cus_2")
        town.answer = lambda payload: 500 if payload.customer_external_id in bad else 200
        await town.record(a_sale("well", "cus_0"))
        await asyncio.sleep(1)
        await town.record(a_sale("one", "cus_1"))
        await asyncio.sleep(1)
        await town.record(a_sale("well again", "cus_3"))
        await asyncio.sleep(1)
        await town.record(a_sale("two", "cus_2"))
        await asyncio.sleep(30 * MINUTE)
        late = []
        for number in range(20):
            await asyncio.sleep(19 * MINUTE)
            begun = town.loop.time()
            await town.record(a_sale(f"quiet {number}", f"cus_quiet_{number}"))
            await asyncio.sleep(1 * MINUTE)
            (at,) = [at for at, name in town.heard if name == f"quiet {number}"]
            late.append(at - begun)

        assert max(late) < 1
        assert len([name for _, name in town.heard if name in ("one", "two")]) > 20

    live(tmp_path, life)


def test_a_day_of_patience_is_kept_to_the_end(tmp_path: Path) -> None:
    async def life(town: Town) -> None:
        town.answer, town.retry_after = lambda _: 503, DAY
        await town.record(a_sale("first"), a_lead("second", "cus_2"))
        await asyncio.sleep(DAY - 1)
        assert [0.0] == [at for at, _ in town.heard]
        town.answer, town.retry_after = lambda _: 200, None
        await asyncio.sleep(2)

        assert 2 == (await town.store.counts()).deliveries[D.DELIVERED]
        assert DAY <= town.heard[1][0] <= DAY + 1
        assert [Kind.PAUSED, Kind.RESUMED] == town.kinds()

    live(tmp_path, life)


def test_a_pause_that_gets_another_reason_is_told_again(tmp_path: Path) -> None:
    """An outage needs nobody; a token that is not known does."""

    async def life(town: Town) -> None:
        town.answer = lambda _: 500
        await town.record(*(a_sale(f"s{number}", f"cus_{number}") for number in range(3)))
        await asyncio.sleep(HOUR)
        town.answer = lambda _: 401
        await asyncio.sleep(HOUR)
        whys = [notice.data["why"] for notice in town.notices]

        assert ["outage: 500", "the token is not accepted (401)"] == whys

    live(tmp_path, life)


def test_no_more_than_32_requests_are_under_way(tmp_path: Path) -> None:
    async def life(town: Town) -> None:
        await town.record(a_sale("well", "cus_0"))
        await asyncio.sleep(1)
        town.takes = 60.0
        await town.record(*(a_sale(f"s{number}", f"cus_{number}") for number in range(100)))
        await asyncio.sleep(30)
        assert 1 + 32 == len(town.heard)
        await asyncio.sleep(5 * MINUTE)

        assert 101 == (await town.store.counts()).deliveries[D.DELIVERED]

    live(tmp_path, life)


def test_a_replayed_delivery_has_three_days_of_its_own(tmp_path: Path) -> None:
    async def life(town: Town) -> None:
        town.answer = lambda payload: 500 if payload.event_name == "bad" else 200
        await town.record(a_sale("bad"))
        await town.others_pass(every=20 * MINUTE, until=4 * DAY)
        first = await town.one("bad")
        await town.store.replay([first.id], now=town.loop.now())
        town.worker.wake()
        replayed_at = town.loop.time()
        await town.others_pass(every=20 * MINUTE, until=town.loop.time() + 4 * DAY)
        tries = [at for at, name in town.heard if name == "bad" and at >= replayed_at]

        assert D.DEAD is (await town.one("bad")).state
        assert 3 * DAY <= tries[-1] - tries[0] <= 3 * DAY + HOUR

    live(tmp_path, life)
