"""Rows that a hand or a newer version spoiled: one of them stops nobody, and is shown as what it is."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bridge.model import Delivered, EventState, Sent
from bridge.store.base import DeliveryFilter, EventFilter
from tests.contract.databases import raw
from tests.contract.store_hand import START, Hand, S, a_conversion, a_meaning, a_sale

Spoil = Callable[[str], None]
HUGE = 2**62


@pytest.fixture
def spoil(url: str) -> Spoil:
    """Change rows behind the store's back."""

    def change(sql: str) -> None:
        assert [(0,)] != raw(url, sql)

    return change


@pytest.fixture
async def two(hand: Hand) -> Hand:
    """Two delivered sales."""
    await hand.trust()
    for name in "ab":
        await hand.record(a_meaning(a_conversion(a_sale(name), claims=[f"in_{name}"]), key=f"e_{name}"))
        await hand.end(await hand.claim_one(), Delivered())
    return hand


@pytest.mark.parametrize(
    "column", ["sent = 'perhaps'", f"started_at = {HUGE}", f"started_at = -{HUGE}"], ids=lambda text: text[:20]
)
async def test_a_spoiled_attempt_is_shown_as_such(two: Hand, spoil: Spoil, column: str) -> None:
    spoil(f"UPDATE attempts SET {column}, reason = '' WHERE delivery_id = 2")

    (attempt,) = await two.store.attempts(2)

    assert "its row cannot be read by this version" == attempt.reason
    assert attempt.sent in (Sent.YES, Sent.MAYBE)
    assert 1 == len((await two.store.stories("e_a"))[0].told[2].attempts)


@pytest.mark.parametrize(
    "column",
    [
        "payload = 'x'",
        "payload = '[]'",
        "payload = '5'",
        "payload = '{}'",
        "payload = '{\"timestamp\":1e300}'",
        "flags = '{'",
        "flags = '5'",
        "claims = 'x'",
        "claims = '5'",
        "state = 'lost'",
        "kind = 'gift'",
        f"due_at = {HUGE}",
        f"waiting_since = {HUGE}",
    ],
    ids=lambda text: text[:30],
)
async def test_a_spoiled_delivery_is_listed_searched_told_and_pruned(two: Hand, spoil: Spoil, column: str) -> None:
    spoil(f"UPDATE deliveries SET {column} WHERE id = 2")

    listed = (await two.store.page_of_deliveries(DeliveryFilter(grep="cus_1"))).rows
    (told,) = await two.store.stories("e_a")
    await two.store.replay([2], now=two.now)
    await two.store.dismiss([2], only=False, now=two.now)
    later = START + timedelta(days=1)
    pruned = await two.store.prune(bodies_before=later, keys_before=later)

    assert [3, 2] == [delivery.id for delivery in listed]
    assert [2] == [delivery.id for delivery in told.stored.deliveries]
    assert pruned >= 3


@pytest.mark.parametrize(
    "column",
    [
        "headers = 'x'",
        "headers = '[1]'",
        "steps = 'x'",
        "state = 'lost'",
        f"received_at = {HUGE}",
        f"occurred_at = {HUGE}",
    ],
    ids=lambda text: text[:30],
)
async def test_a_spoiled_event_is_listed_and_told(two: Hand, spoil: Spoil, column: str) -> None:
    spoil(f"UPDATE events SET {column} WHERE id = 2")

    listed = await two.store.events(EventFilter())
    (told,) = await two.store.stories("e_a")

    assert [3, 2, 1] == [one.id for one in listed]
    assert told.stored.state in EventState
    assert ["a"] == [delivery.payload.event_name for delivery in told.stored.deliveries]


async def test_a_duplicate_whose_claims_are_spoiled_does_not_keep_its_original_alive(hand: Hand, spoil: Spoil) -> None:
    for name in "ab":
        await hand.record(a_meaning(a_conversion(a_sale(name), claims=["in_1"]), key=f"e_{name}"))
    spoil("UPDATE deliveries SET claims = 'x' WHERE id = 2")

    await hand.store.dismiss([1], only=True, now=hand.now)

    assert [S.DISMISSED, S.PENDING] == await hand.states("a", "b")


async def test_the_claims_of_a_spoiled_delivery_go_with_its_keys(two: Hand, spoil: Spoil) -> None:
    spoil("UPDATE deliveries SET claims = 'x' WHERE id = 2")
    later = START + timedelta(days=1)
    await two.store.prune(bodies_before=later, keys_before=later)

    (again,) = await two.record(a_meaning(a_conversion(a_sale("again"), claims=["in_a"])))

    assert 1 == again.due
