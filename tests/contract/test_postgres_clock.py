"""On PostgreSQL the database's clock decides: a replica an hour off sends nothing early and breaks no rate."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bridge import retry
from bridge.model import Decision, Delivered, Delivery, Outcome, RetryAt, Sent, Tracker
from bridge.rate import Pace
from bridge.store import Store, open_store
from bridge.store.base import Settlement
from tests.contract.databases import raw
from tests.contract.store_hand import FREE, START, Hand, S, a_sale, an_outcome

HOUR = timedelta(hours=1)
#: What a test on a slow machine may take between two looks at a clock.
SOON = timedelta(seconds=30)

OFF = pytest.mark.parametrize("off", [-HOUR, HOUR], ids=["an hour behind", "an hour ahead"])


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[Store]:
    store = await open_store(postgres_url, exclusive=True)
    yield store
    await store.close()


def on_time(store: Store, off: timedelta = timedelta()) -> Hand:
    """A replica whose clock is so far off."""
    hand = Hand(store)
    hand.now = datetime.now(UTC) + off
    return hand


@pytest.fixture
async def right(store: Store) -> Hand:
    hand = on_time(store)
    await hand.trust()
    return hand


@OFF
async def test_what_a_replica_records_is_due_at_once_whatever_its_clock_says(right: Hand, off: timedelta) -> None:
    wrong = on_time(right.store, off)

    await wrong.record(a_sale("a"))

    delivery = await right.one("a")
    assert abs(delivery.created_at - right.now) < SOON
    assert ["a"] == await right.claim()


@OFF
async def test_nothing_is_sent_before_it_is_due(right: Hand, off: timedelta) -> None:
    wrong = on_time(right.store, off)
    await right.record(a_sale("a"))
    await right.end(await right.claim_one(), RetryAt(at=right.now + timedelta(minutes=10), reason="busy"))

    claimed = await wrong.ask()

    assert () == claimed.deliveries
    assert claimed.ask_again_at is not None
    assert abs(claimed.ask_again_at - (wrong.now + timedelta(minutes=10))) < SOON, "by the clock of who asked"


@OFF
async def test_a_pause_is_as_long_as_the_tracker_asked_for(right: Hand, off: timedelta) -> None:
    """The judge is told the time, and by what clock the try was timed does not matter."""
    wrong = on_time(right.store, off)
    await wrong.record(a_sale("a"))
    seen: list[tuple[datetime, datetime]] = []

    def judge(delivery: Delivery, outcome: Outcome, tracker: Tracker, now: datetime) -> tuple[Decision, Tracker]:
        seen.append((outcome.started_at, now))
        return retry.judge(delivery, outcome, tracker, now=now, jitter=0.5, policy=retry.Policy())

    (delivery,) = (await wrong.ask()).deliveries
    tried = Outcome(sent=Sent.YES, started_at=wrong.now, duration_ms=1.0, status=429, retry_after_seconds=600)
    await wrong.store.settle([Settlement(delivery=delivery, outcome=tried)], judge, now=wrong.now)

    ((started_at, now),) = seen
    assert abs(now - right.now) < SOON
    assert abs(started_at - right.now) < SOON
    tracker = await right.store.tracker()
    assert tracker.paused_until is not None
    assert abs(tracker.paused_until - (right.now + timedelta(minutes=10))) < SOON


@OFF
async def test_a_success_lifts_a_pause_that_began_before_its_request(right: Hand, off: timedelta) -> None:
    wrong = on_time(right.store, off)
    await right.record(a_sale("a"), a_sale("b", "cus_2"))
    lost = (await right.ask(limit=1)).deliveries
    until = right.now + timedelta(seconds=-1)
    await right.end(lost[0], RetryAt(at=right.now, reason="busy"), paused_since=right.now - SOON, paused_until=until)

    def judge(delivery: Delivery, outcome: Outcome, tracker: Tracker, now: datetime) -> tuple[Decision, Tracker]:
        return retry.judge(delivery, outcome, tracker, now=now, jitter=0.5, policy=retry.Policy())

    (delivery,) = (await wrong.ask()).deliveries
    tried = an_outcome(started_at=wrong.now, is_json=True)
    await wrong.store.settle([Settlement(delivery=delivery, outcome=tried)], judge, now=wrong.now)

    tracker = await right.store.tracker()
    assert (False, False) == (tracker.is_paused, tracker.cautious)


async def test_a_clock_that_is_ahead_fills_no_bucket(right: Hand) -> None:
    pace = Pace(n=10, seconds=3600.0)
    wrong = on_time(right.store, HOUR)
    await right.store.greet("tracker", now=right.now, pace=pace)
    await right.set()
    await right.record(a_sale("a"), a_sale("b", "cus_2"))

    assert [] == await right.claim(pace=pace)
    assert [] == await wrong.claim(pace=pace)


async def test_a_clock_that_is_ahead_ends_nobodys_lease(right: Hand) -> None:
    wrong = on_time(right.store, HOUR)
    await right.record(a_sale("a"))
    delivery = await right.claim_one()

    assert 0 == await wrong.store.rescue(now=wrong.now)

    await right.end(delivery, Delivered())
    assert [S.DELIVERED] == await right.states("a")


@OFF
async def test_a_parked_delivery_comes_again_after_as_long_as_was_said(
    right: Hand, postgres_url: str, off: timedelta
) -> None:
    wrong = on_time(right.store, off)
    await right.record(a_sale("a"))
    (delivery,) = (await wrong.ask()).deliveries

    await wrong.store.park([delivery.id], until=wrong.now + timedelta(minutes=10), asked=True, now=wrong.now)

    parked = await right.one("a")
    assert abs(parked.due_at - (right.now + timedelta(minutes=10))) < SOON
    assert [(parked.id,)] == raw(postgres_url, "SELECT id FROM deliveries WHERE asked_at <= due_at")


async def test_a_test_may_have_its_own_clock_believed(postgres_url: str) -> None:
    store = await open_store(postgres_url, exclusive=True, believes_caller=True)
    hand = Hand(store)
    await hand.record(a_sale("a"))

    assert START == (await hand.one("a")).created_at
    (delivery,) = (await store.claim(limit=1, pace=FREE, clock=lambda: START)).deliveries
    assert START == delivery.due_at
    await store.close()
