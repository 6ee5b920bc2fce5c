"""What pages and commands see: filters, orders, counts."""

from datetime import timedelta

import pytest

from bridge.model import Dead, Delivered, DeliveryState, EventState
from bridge.store import filters, queries
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
        (EventFilter(until=START + timedelta(minutes=1)), "e2 e1"),
        (EventFilter(until=START + timedelta(minutes=2), since=START + timedelta(minutes=1)), "e3 e2"),
        (EventFilter(until=START - timedelta(minutes=1)), ""),
        (EventFilter(before=3), "e2 e1"),
        (EventFilter(before=3, limit=1), "e2"),
        (EventFilter(grep="E3"), "e3"),
        (EventFilter(grep="NO amount"), "e4"),
        (EventFilter(grep="cus_1"), "e2 e1"),
        (EventFilter(grep="cus_1", limit=1), "e2"),
        (EventFilter(grep="cus_1", before=2), "e1"),
        (EventFilter(grep="cus_1", after=1), "e2"),
        (EventFilter(grep="s3", source="stripe"), "e3"),
        (EventFilter(grep="event_name"), ""),
        (EventFilter(grep="4999"), ""),
    ],
    ids=str,
)
async def test_events_come_as_filtered(full: Hand, wanted: EventFilter, keys: str) -> None:
    assert keys.split() == [one.event.key for one in await full.store.events(wanted)]
    if wanted.after is None:
        page = await full.store.page_of_events(wanted)
        assert keys.split() == [one.event.key for one in page.rows]


@pytest.mark.parametrize(
    ("wanted", "total"),
    [
        (EventFilter(limit=1), 4),
        (EventFilter(limit=4), 4),
        (EventFilter(limit=1, source="stripe"), 3),
        (EventFilter(limit=1, customer="cus_1"), 2),
        (EventFilter(limit=1, grep="cus_1"), 2),
        (EventFilter(limit=1, before=3), 2),
        (EventFilter(limit=1, since=START + timedelta(minutes=2)), 2),
        (EventFilter(limit=0), 4),
    ],
    ids=str,
)
async def test_a_page_says_how_many_there_are(full: Hand, wanted: EventFilter, total: int) -> None:
    page = await full.store.page_of_events(wanted)

    assert (total, False, None) == (page.total, page.is_more, page.searched_to)
    assert all(b"" == one.event.body for one in page.rows)


async def test_counting_and_searching_end_somewhere_and_say_so(full: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_COUNTED", 2)
    monkeypatch.setattr(filters, "MOST_SEARCHED", 3)

    counted = await full.store.page_of_events(EventFilter(limit=1))
    searched = await full.store.page_of_events(EventFilter(limit=1, grep="s1"))
    deliveries = await full.store.page_of_deliveries(DeliveryFilter(limit=1, grep="s1"))

    assert (2, True) == (counted.total, counted.is_more)
    assert ((), 0, 2) == (searched.rows, searched.total, searched.searched_to)
    assert (1, None) == (deliveries.total, deliveries.searched_to)


async def test_a_search_goes_on_over_chunks_of_rows(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "_CHUNK", 3)
    await hand.record(*(a_sale(f"s{number}", f"cus_{number % 5}") for number in range(20)))

    page = await hand.store.page_of_events(EventFilter(grep="cus_4", limit=3))

    assert ([20, 15, 10], 4) == ([one.id for one in page.rows], page.total)
    assert [20, 15] == [one.id for one in await hand.store.events(EventFilter(grep="cus_4", limit=2))]


async def test_a_text_is_found_whatever_its_case_and_script(hand: Hand) -> None:
    await hand.record(a_sale("a", customer_name="Zoë Ångström"), a_sale("b", customer_email="Ada@Example.com"))

    for text, name in (("zoË å", "a"), ("ada@EXAMPLE", "b")):
        (found,) = (await hand.store.page_of_deliveries(DeliveryFilter(grep=text))).rows
        assert name == found.payload.event_name


async def test_a_page_of_deliveries_says_how_many_there_are(full: Hand) -> None:
    page = await full.store.page_of_deliveries(DeliveryFilter(states=(S.PENDING,), limit=2))

    assert (["s3", "s2"], 3) == ([one.payload.event_name for one in page.rows], page.total)


async def test_deliveries_are_found_by_their_ids(full: Hand) -> None:
    found = await full.store.deliveries_by_id([3, 99, 1, 2**70, 3])

    assert [1, 3] == [one.id for one in found]


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
        (DeliveryFilter(until=START + timedelta(minutes=1)), "s2 s1"),
        (DeliveryFilter(before=2), "s1"),
        (DeliveryFilter(reason="NO AMOUNT"), "s2"),
        (DeliveryFilter(reason="no amount", grep="e1"), ""),
        (DeliveryFilter(grep="E1"), "s1"),
        (DeliveryFilter(grep="s3"), "s3"),
        (DeliveryFilter(grep="cus_", limit=2), "s3 s2"),
    ],
    ids=str,
)
async def test_deliveries_come_as_filtered(full: Hand, wanted: DeliveryFilter, names: str) -> None:
    await full.end(await full.claim_one(), Delivered())
    await full.end(await full.claim_one(), Dead(reason="no amount"))

    assert names.split() == [one.payload.event_name for one in await full.store.deliveries(wanted)]


@pytest.mark.parametrize(
    ("reference", "keys"),
    [
        ("e2", "e2"),
        ("1", "e1"),
        ("77", "e4"),
        ("nothing", ""),
        ("9" * 30, ""),
        ("١", ""),
        ("d2", "e2"),
        ("d9", ""),
        ("d", ""),
    ],
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
