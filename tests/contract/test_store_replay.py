"""Replay beyond dead letters: delivered ones on request, and rehearsals that change nothing."""

from bridge.model import Dead, Delivered
from bridge.store.base import DeliveryFilter, EventFilter
from tests.contract.store_hand import Hand, S, a_conversion, a_meaning, a_sale, an_outcome


async def delivered_with_a_duplicate(hand: Hand) -> None:
    """1 is delivered, 2 is its duplicate."""
    await hand.record(a_meaning(a_conversion(a_sale("a"), claims=["in_1"])))
    await hand.end(await hand.claim_one(), Delivered(), cautious=False)
    await hand.record(a_meaning(a_conversion(a_sale("b"), claims=["in_1"])))


async def test_a_delivered_one_goes_again_only_when_asked_and_as_it_was(hand: Hand) -> None:
    await delivered_with_a_duplicate(hand)
    before = await hand.one("a")
    (refused,) = await hand.store.replay([1], now=hand.now)
    assert (False, "already delivered") == (refused.done, refused.why)

    (changed,) = await hand.store.replay([1], now=hand.now, again=True)

    assert (True, "though delivered") == (changed.done, changed.why)
    delivery = await hand.claim_one()
    assert (before.payload, True, 0) == (delivery.payload, delivery.unsure, delivery.attempts)
    await hand.end(delivery, Delivered())
    assert [S.DELIVERED, S.DUPLICATE] == await hand.states("a", "b")
    assert [1, 2] == [one.number for one in await hand.store.attempts(1)]


async def test_nobody_takes_the_place_of_one_that_was_delivered_and_dies_of_going_again(hand: Hand) -> None:
    """It was counted the first time: its duplicate would be counted a second time."""
    await delivered_with_a_duplicate(hand)
    await hand.store.replay([1], now=hand.now, again=True)

    await hand.end(await hand.claim_one(), Dead(reason="422"), an_outcome(422))
    (new,) = await hand.record(a_meaning(a_conversion(a_sale("c"), claims=["in_1"])))

    assert [S.DEAD, S.DUPLICATE, S.DUPLICATE] == await hand.states("a", "b", "c")
    assert 0 == new.due


async def test_a_rehearsal_says_what_would_be_done_and_changes_nothing(hand: Hand) -> None:
    await hand.trust()
    for name in "ab":
        await hand.record(a_meaning(a_conversion(a_sale(name, f"cus_{name}"), claims=[f"in_{name}"])))
    for delivery in (await hand.ask()).deliveries:
        await hand.end(delivery, Dead(reason="no"))
    await hand.record(a_meaning(a_conversion(a_sale("c", "cus_c"), claims=["in_b"])))
    before = await hand.all()

    changes = await hand.store.replay([2, 3, 9], now=hand.now, rehearse=True)

    assert [(2, True), (3, False), (9, False)] == [(one.delivery_id, one.done) for one in changes]
    assert "delivery 4 has its claim: it is a duplicate of that one now" == changes[1].why
    assert before == await hand.all()
    assert changes == await hand.store.replay([2, 3, 9], now=hand.now)


async def test_ids_come_oldest_first_whatever_the_limit(hand: Hand) -> None:
    await hand.record(*(a_sale(f"s{number}", f"cus_{number % 3}") for number in range(9)))

    assert [3, 6, 9] == await hand.store.delivery_ids(DeliveryFilter(customer="cus_2", limit=1))
    assert [6, 9] == await hand.store.delivery_ids(DeliveryFilter(customer="cus_2", after=3, states=(S.PENDING,)))
    assert [3, 6] == await hand.store.delivery_ids(DeliveryFilter(grep="cus_2", before=9))
    assert [2, 5, 8] == await hand.store.event_ids(EventFilter(grep="cus_1"))
    assert [7, 8, 9] == await hand.store.event_ids(EventFilter(after=6, source="stripe"))
