"""What pages and commands see: filters, orders, counts."""

from datetime import timedelta

import pytest

from bridge.model import Dead, Delivered, DeliveryState, EventState
from bridge.store.base import DeliveryFilter, EventFilter
from tests.contract.store_hand import START, Hand, S, a_meaning, a_sale, an_event


@pytest.fixture
async def full(hand: Hand) -> Hand:
    """Four events of two sources, a minute apart: e1 and e2 of cus_1, e3 of cus_2, e4 unmapped."""
    for number, (source, customer) in enumerate([("stripe", "cus_1"), ("shopify", "cus_1"), ("stripe", "cus_2")], 1):
        event = an_event(f"e{number}", source=source, received_at=hand.now)
        await hand.record(a_meaning(a_sale(f"s{number}", customer), event=event))
        hand.later(minutes=1)
    event = an_event("e4", source_id="77", received_at=hand.now)
    await hand.record(a_meaning(event=event, state=EventState.UNMAPPED, reason="no amount"))
    return hand


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        (EventFilter(), "e4 e3 e2 e1"),
        (EventFilter(limit=2), "e4 e3"),
        (EventFilter(source="stripe"), "e4 e3 e1"),
        (EventFilter(state=EventState.UNMAPPED), "e4"),
        (EventFilter(customer="cus_1"), "e2 e1"),
        (EventFilter(customer="cus_1", source="shopify"), "e2"),
        (EventFilter(since=START + timedelta(minutes=2)), "e4 e3"),
        (EventFilter(since=START + timedelta(hours=1)), ""),
        (EventFilter(after=2), "e3 e4"),
        (EventFilter(after=1, limit=1), "e2"),
        (EventFilter(source="nobody"), ""),
        (EventFilter(limit=0), ""),
    ],
    ids=str,
)
async def test_events_come_as_filtered(full: Hand, wanted: EventFilter, keys: str) -> None:
    assert keys.split() == [one.event.key for one in await full.store.events(wanted)]


async def test_an_event_that_was_late_is_found_by_its_time(full: Hand) -> None:
    await full.record(a_meaning(a_sale("late"), event=an_event("late", received_at=START - timedelta(days=1))))

    assert ["e4"] == [one.event.key for one in await full.store.events(EventFilter(since=START + timedelta(minutes=3)))]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (DeliveryFilter(), "s3 s2 s1"),
        (DeliveryFilter(limit=1), "s3"),
        (DeliveryFilter(states=(S.DELIVERED, S.DEAD)), "s2 s1"),
        (DeliveryFilter(states=(S.DELIVERED, S.DEAD), limit=1), "s2"),
        (DeliveryFilter(states=(S.PENDING,)), "s3"),
        (DeliveryFilter(source="stripe"), "s3 s1"),
        (DeliveryFilter(customer="cus_1"), "s2 s1"),
        (DeliveryFilter(customer="cus_1", states=(S.DEAD,)), "s2"),
        (DeliveryFilter(since=START + timedelta(minutes=1)), "s3 s2"),
        (DeliveryFilter(limit=0), ""),
    ],
    ids=str,
)
async def test_deliveries_come_as_filtered(full: Hand, wanted: DeliveryFilter, names: str) -> None:
    await full.end(await full.claim_one(), Delivered())
    await full.end(await full.claim_one(), Dead(reason="no amount"))

    assert names.split() == [one.payload.event_name for one in await full.store.deliveries(wanted)]


@pytest.mark.parametrize(
    ("reference", "keys"), [("e2", "e2"), ("1", "e1"), ("77", "e4"), ("nothing", ""), ("9" * 30, ""), ("١", "")]
)
async def test_events_are_found_by_internal_id_key_or_the_sources_id(full: Hand, reference: str, keys: str) -> None:
    assert keys.split() == [one.event.key for one in await full.store.find_events(reference)]


async def test_an_id_that_means_two_events_finds_both(full: Hand) -> None:
    await full.record(a_meaning(event=an_event("1"), state=EventState.IGNORED))

    assert ["1", "e1"] == [one.event.key for one in await full.store.find_events("1")]


async def test_counts_cover_every_state_and_the_oldest_that_is_pending(full: Hand) -> None:
    await full.end(await full.claim_one(), Delivered())

    counts = await full.store.counts()

    assert {EventState.ACCEPTED: 3, EventState.UNMAPPED: 1, EventState.IGNORED: 0} == counts.events
    assert {S.PENDING: 2, S.DELIVERED: 1} == {state: n for state, n in counts.deliveries.items() if n}
    assert set(DeliveryState) == set(counts.deliveries)
    assert START + timedelta(minutes=1) == counts.oldest_pending_at


async def test_an_empty_store_has_nothing_to_show(hand: Hand) -> None:
    counts = await hand.store.counts()

    assert ([], [], frozenset(), []) == (
        await hand.store.events(EventFilter()),
        await hand.store.deliveries(DeliveryFilter()),
        await hand.store.sources_seen(),
        await hand.store.attempts(1),
    )
    assert (0, None) == (sum(counts.deliveries.values()), counts.oldest_pending_at)


async def test_sources_seen_are_those_that_had_an_event(full: Hand) -> None:
    assert {"stripe", "shopify"} == await full.store.sources_seen()
