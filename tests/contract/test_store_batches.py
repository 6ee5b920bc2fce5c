"""A webhook of many items: each an event of its own, their body kept once and as long as any of them needs it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.model import Dead, Delivered, Event, EventState, Meaning
from bridge.store import Store, open_store
from bridge.store.base import EventFilter
from bridge.store.sqlite.connection import connect
from bridge.store.sqlite.migrations import migrate
from bridge.store.steps import shipped
from tests.contract.databases import raw
from tests.contract.store_hand import START, Hand, S, a_lead, a_meaning, a_sale, an_event

OLD = START - timedelta(days=40)
ANCIENT = START - timedelta(days=500)
BODY = b'[{"id": 1}, {"id": 2}, "and so on"]'


def an_item(number: int, body: bytes = BODY, **changes: Any) -> Event:
    return an_event(**{"key": f"item {number}", "item": number, "body": body, **changes})


def a_batch(count: int = 3, **changes: Any) -> list[Meaning]:
    """One sale for each item, each of another customer."""
    return [a_meaning(a_sale(f"s{n}", f"cus_{n}"), event=an_item(n, **changes)) for n in range(count)]


async def kept(store: Store) -> dict[str, bytes]:
    """Every event's body by its key, asked for one by one and all together."""
    listed = {one.event.key: one.event.body for one in await store.events(EventFilter(limit=10_000))}
    for key, body in listed.items():
        (alone,) = await store.find_events(key)
        assert body == alone.event.body
    return listed


async def prune(hand: Hand) -> int:
    days = {"bodies_before": START - timedelta(days=30), "keys_before": START - timedelta(days=400)}
    return await hand.store.prune(**days)


async def test_every_item_comes_back_with_its_number_and_the_whole_body(hand: Hand) -> None:
    batch = a_batch()
    recorded = await hand.record(*batch)

    found = await hand.store.events(EventFilter())

    assert [(False, 1)] * 3 == [(one.known, one.due) for one in recorded]
    assert [meaning.event for meaning in batch] == [one.event for one in reversed(found)]
    assert [0, 1, 2] == [one.event.item for one in reversed(found)]
    assert [S.PENDING] * 3 == await hand.states("s0", "s1", "s2")


async def test_a_thousand_items_cost_one_body(hand: Hand, url: str) -> None:
    body = b"x" * 1_000_000

    await hand.record(*[a_meaning(event=an_item(n, body), state=EventState.IGNORED) for n in range(1000)])

    assert [(1, len(body))] == raw(url, "SELECT count(*), max(length(body)) FROM events WHERE length(body) > 0")
    assert [body] * 1000 == [one.event.body for one in await hand.store.events(EventFilter(limit=1000))]


async def test_a_batch_that_comes_again_with_more_items_keeps_both_bodies(hand: Hand) -> None:
    more = BODY + b" "
    await hand.record(*a_batch(2))

    again = await hand.record(*a_batch(4, body=more))

    assert [True, True, False, False] == [one.known for one in again]
    assert {"item 0": BODY, "item 1": BODY, "item 2": more, "item 3": more} == await kept(hand.store)


async def test_an_item_told_twice_in_one_batch_is_one_event(hand: Hand) -> None:
    first, second = await hand.record(*[a_meaning(a_sale("a"), event=an_item(n, key="k")) for n in (0, 1)])

    assert (False, True) == (first.known, second.known)
    assert {"k": BODY} == await kept(hand.store)


async def test_single_events_keep_their_own_bodies_however_alike(hand: Hand, url: str) -> None:
    await hand.record(*[a_meaning(a_sale(f"s{n}"), event=an_event(f"e{n}", body=BODY)) for n in range(3)])

    assert [BODY] * 3 == [row[0] for row in raw(url, "SELECT body FROM events")]


@pytest.fixture
async def aged(hand: Hand) -> Hand:
    hand.now = OLD
    await hand.trust()
    return hand


@pytest.mark.parametrize("open_item", [0, 1, 2])
async def test_a_body_stays_as_long_as_one_item_needs_it(aged: Hand, url: str, open_item: int) -> None:
    batch = a_batch(received_at=OLD)
    await aged.record(*batch)
    for delivery in (await aged.ask()).deliveries:
        is_open = delivery.payload.event_name == f"s{open_item}"
        await aged.end(delivery, Dead(reason="no") if is_open else Delivered())

    await prune(aged)

    expected = {f"item {n}": BODY if n == open_item else b"" for n in range(3)}
    assert expected == {key: body for key, body in (await kept(aged.store)).items() if key in expected}
    (stored,) = await aged.store.find_events(f"item {open_item}")
    assert batch[open_item].event == stored.event
    assert 1 == len(raw(url, "SELECT 1 FROM events WHERE length(body) = 35"))


async def test_the_last_one_takes_the_body_with_it(aged: Hand, url: str) -> None:
    await aged.record(*a_batch(received_at=OLD))
    last = None
    for delivery in (await aged.ask()).deliveries:
        if delivery.payload.event_name == "s1":
            last = delivery
        else:
            await aged.end(delivery, Delivered())
    assert last is not None
    await prune(aged)
    await aged.end(last, Delivered())
    await prune(aged)

    assert [] == raw(url, "SELECT 1 FROM events WHERE length(body) > 2 OR body_of IS NOT NULL")
    (stored,) = await aged.store.find_events("item 1")
    assert replace(an_item(1, received_at=OLD), body=b"") == stored.event


async def test_a_batch_larger_than_a_chunk_is_forgotten_whole_and_then_its_keys(aged: Hand, url: str) -> None:
    await aged.record(*[a_meaning(event=an_item(n, received_at=ANCIENT), state=EventState.IGNORED) for n in range(250)])
    await aged.record(a_sale("newest"))

    await prune(aged)

    assert [] == [key for key in await kept(aged.store) if key.startswith("item")]
    assert [] == raw(url, "SELECT 1 FROM events WHERE body_of IS NOT NULL")


async def test_an_items_dead_letter_can_be_replayed(hand: Hand) -> None:
    await hand.trust()
    await hand.record(*a_batch())
    for delivery in (await hand.ask()).deliveries:
        await hand.end(delivery, Dead(reason="no"))

    (changed,) = await hand.store.replay([(await hand.one("s2")).id], now=hand.now)

    assert changed.done
    assert ["s2"] == await hand.claim()


async def test_a_database_from_before_batches_goes_on_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    path.touch()
    db = connect(path)
    migrate(db, shipped("sqlite")[:1], now_ms=1)
    before = """
        INSERT INTO events (id, source, key, source_id, type, occurred_at, received_at, test, account, verified_by,
                            revision, headers, query, state, reason, steps, body)
        VALUES (?, 'stripe', ?, NULL, 't', NULL, ?, 0, NULL, 'signature 1', 'r1', '[]', '', ?, '', '[]', ?)
    """
    moment = int(START.timestamp() * 1000)
    db.execute(before, (1, "one", moment, "accepted", b"first"))
    db.execute(before, (2, "two", moment, "ignored", b"second" * 10_000))
    db.execute(
        "INSERT INTO deliveries (id, event_id, source, item, rule, kind, lane, state, head, due_at, created_at,"
        " when_unsure, claims, namespace, payload) VALUES (1, 1, 'stripe', 0, 'r', 'lead', 'cus_1', 'pending', 1, ?, ?,"
        " 'repeat', '[]', '', '{\"event_name\":\"lead\",\"timestamp\":0}')",
        (moment, moment),
    )
    db.close()

    store = await open_store(f"sqlite:///{path}", exclusive=True)
    hand = Hand(store)
    known, new = await hand.record(
        a_meaning(key="one", state=EventState.IGNORED), a_meaning(a_lead("new", "cus_2"), event=an_item(7))
    )

    assert (True, EventState.ACCEPTED) == (known.known, known.state)
    assert 3 == new.event_id
    assert {"one": b"first", "two": b"second" * 10_000, "item 7": BODY} == await kept(store)
    found = await store.events(EventFilter())
    assert [7, None, None] == [one.event.item for one in found]
    assert [S.PENDING, S.PENDING] == await hand.states("lead", "new")
    assert 2 == await store.prune(bodies_before=START.replace(year=2027), keys_before=START.replace(year=2027))
    await store.close()
