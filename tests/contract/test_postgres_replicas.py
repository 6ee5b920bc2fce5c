"""Two stores on one PostgreSQL database: whoever comes first, each thing happens once, and in order."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bridge.errors import StoreError
from bridge.model import Delivered, Delivery
from bridge.rate import Pace
from bridge.store.base import LEASE, EventFilter
from bridge.store.database_store import DatabaseStore
from tests.contract.databases import opened, raw
from tests.contract.store_hand import START, Hand, S, a_conversion, a_meaning, a_sale

Hands = tuple[Hand, Hand]


@pytest.fixture
async def two(postgres_url: str) -> AsyncIterator[Hands]:
    hands = Hand(await opened(postgres_url)), Hand(await opened(postgres_url))
    await hands[0].trust()
    yield hands
    for hand in hands:
        await hand.store.close()


async def test_an_event_that_comes_to_both_at_once_is_one(two: Hands) -> None:
    calls = (hand.record(a_sale(f"s{number}", f"cus_{number}")) for number in range(100) for hand in two)
    recorded = [one for (one,) in await asyncio.gather(*calls)]

    assert 100 == len([one for one in recorded if not one.known])
    assert 100 == len({one.event_id for one in recorded})
    assert 101 == len(await two[0].store.events(EventFilter(limit=1000)))


async def test_a_payment_that_comes_to_both_at_once_is_sent_once(two: Hands) -> None:
    def told(number: int, by: str) -> object:
        sale = a_conversion(a_sale(f"{by}{number}", f"cus_{number}"), claims=[f"in_{number}", f"pi_{by}{number}"])
        return a_meaning(sale, key=f"{by}{number}")

    calls = (hand.record(told(number, by)) for number in range(60) for by, hand in zip("ab", two, strict=True))  # type: ignore[arg-type]
    await asyncio.gather(*calls)

    found = await two[0].all()
    states = [sorted(found[f"{by}{number}"].state.value for by in "ab") for number in range(60)]
    assert [["duplicate", "pending"]] * 60 == states


async def test_a_customer_is_sent_to_in_order_and_one_at_a_time_by_whoever_claims(two: Hands) -> None:
    await two[0].record(*(a_sale(f"s{number:02}", "cus_1") for number in range(20)))
    sent: list[str] = []

    async def work(hand: Hand) -> None:
        while len(sent) < 20:
            for delivery in (await hand.ask(limit=3)).deliveries:
                assert 1 == len(await in_the_air(hand))
                sent.append(delivery.payload.event_name)
                await hand.end(delivery, Delivered())

    await asyncio.gather(*(work(hand) for hand in two))

    assert [f"s{number:02}" for number in range(20)] == sent


async def in_the_air(hand: Hand) -> list[Delivery]:
    return [one for one in (await hand.all()).values() if one.state is S.SENDING]


async def test_nothing_is_claimed_twice(two: Hands) -> None:
    await two[0].record(*(a_sale(f"s{number}", f"cus_{number}") for number in range(100)))

    claims = await asyncio.gather(*(hand.claim(limit=7) for _ in range(10) for hand in two))

    names = [name for claimed in claims for name in claimed]
    assert 100 == len(names) == len(set(names))


async def test_the_rate_is_one_for_both(two: Hands) -> None:
    pace = Pace(n=60)
    moments: list[datetime] = []
    await two[0].set(tokens=0.0, tokens_at=START)
    await two[0].record(*(a_sale(f"s{number}", f"cus_{number}") for number in range(400)))

    for second in range(180):
        for hand in two:
            hand.now = START + timedelta(seconds=second)
        for claimed in await asyncio.gather(*(hand.claim(pace=pace) for hand in two)):
            moments += [START + timedelta(seconds=second)] * len(claimed)

    assert 100 < len(moments) <= 180
    for number in range(len(moments) - 60):
        assert moments[number + 60] - moments[number] >= timedelta(seconds=60)


async def test_only_leases_that_have_ended_are_rescued(two: Hands) -> None:
    first, second = two
    await first.record(a_sale("old", "cus_1"), a_sale("new", "cus_2"))
    (old,) = (await first.ask(limit=1)).deliveries
    first.later(seconds=10)
    await first.ask(limit=1)
    second.now = START + LEASE

    assert 1 == await second.store.rescue(now=second.now)

    assert [S.PENDING, S.SENDING] == await second.states("old", "new")
    assert (1, True) == ((await second.one("old")).tries, (await second.one("old")).unsure)
    assert old.id == (await second.claim_one()).id


async def test_who_has_lost_a_lease_gives_nobody_elses_back(two: Hands) -> None:
    """A replica froze; another has the delivery in the air when it wakes up and wants to give back what it had."""
    first, second = two
    await first.record(a_sale("a"))
    lost = await first.claim_one()
    second.now = START + LEASE
    await second.store.rescue(now=second.now)
    await second.claim_one()

    await first.store.release([lost.id], now=first.now)
    await first.store.park([lost.id], until=first.now, asked=False, now=first.now)

    assert [S.SENDING] == await second.states("a")
    assert [] == await first.claim()


async def test_a_claim_that_nobody_got_an_answer_to_frees_only_its_own(two: Hands, postgres_url: str) -> None:
    """Its connection broke before the commit; another has the delivery in the air when it claims again."""
    first, second = two
    await first.record(a_sale("a"))
    store = first.store
    assert isinstance(store, DatabaseStore)

    def break_off() -> datetime:
        raw(
            postgres_url,
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted",
        )
        return first.now

    with pytest.raises(StoreError, match="the database is being stopped or started"):
        await store.claim(limit=1, pace=Pace(n=0), clock=break_off)
    second.later(seconds=1)
    await second.claim_one()

    assert [] == await first.claim()
    assert [S.SENDING] == await second.states("a")
