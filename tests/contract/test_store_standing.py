"""What is on its way and what holds it up: counted lane by lane, so that an estimate is honest."""

from datetime import timedelta

from bridge.model import Backlog, Dead, Delivered, RetryAt, Wait
from bridge.rate import Pace, pace_of
from tests.contract.store_hand import START, Hand, a_lead, a_sale


async def standing(hand: Hand) -> Backlog:
    return await hand.store.backlog(now=hand.now)


async def ended(hand: Hand, **decisions: Dead | Delivered | RetryAt | Wait) -> None:
    """Claim what is due and end each as said by its name; others stay leased."""
    for delivery in (await hand.ask()).deliveries:
        name = delivery.payload.event_name
        if name in decisions:
            await hand.end(delivery, decisions[name])


async def test_an_empty_store_has_nothing_on_its_way(hand: Hand) -> None:
    assert Backlog() == await standing(hand)


async def test_all_that_is_pending_behind_a_front_that_may_go_is_due(hand: Hand) -> None:
    await hand.record(*(a_sale(f"s{number}", f"cus_{number % 3}") for number in range(10)))

    assert Backlog(due=10) == await standing(hand)


async def test_what_stands_behind_one_that_is_being_sent_is_due(hand: Hand) -> None:
    await hand.trust()
    await hand.record(a_sale("a"), a_sale("b"), a_sale("c"))
    await hand.claim_one()

    assert Backlog(due=2) == await standing(hand)


async def test_a_front_that_is_tried_again_later_holds_its_lane_and_only_that(hand: Hand) -> None:
    await hand.trust()
    await hand.record(a_sale("a"), a_sale("b"), a_sale("c"), a_sale("x", "cus_2"), a_sale("y", "cus_2"))
    await hand.record(a_sale("other", "cus_3"))
    soon, later = START + timedelta(minutes=4), START + timedelta(minutes=9)
    await ended(hand, a=RetryAt(at=later, reason="timeout"), x=RetryAt(at=soon, reason="timeout"), other=Delivered())
    await hand.record(a_sale("more", "cus_3"))

    assert Backlog(due=1, held=5, held_lanes=2, held_by=(("timeout", 2),), next_at=soon) == await standing(hand)
    hand.now = soon
    assert Backlog(due=3, held=3, held_lanes=1, held_by=(("timeout", 1),), next_at=later) == await standing(hand)


async def test_what_waits_and_what_is_dead_is_told_with_how_many_customers_it_is(hand: Hand) -> None:
    await hand.trust()
    await hand.record(a_sale("w1"), a_sale("w2"), a_sale("d1", "cus_2"), a_sale("d2", "cus_2"), a_sale("d3", "cus_3"))
    not_yet = Wait(until=START + timedelta(minutes=1), reason="the tracker does not know them yet: 404")
    for _ in range(2):
        await ended(hand, w1=not_yet, w2=not_yet, d1=Dead(reason="no"), d2=Dead(reason="no"), d3=Dead(reason="no"))

    assert Backlog(
        waiting=2, waiting_lanes=1, waiting_for=((not_yet.reason, 2),), dead=3, dead_lanes=2
    ) == await standing(hand)


async def test_few_reasons_are_told_the_most_frequent_first(hand: Hand) -> None:
    await hand.trust()
    await hand.record(*(a_lead(f"l{number}", f"cus_{number}") for number in range(12)))
    reasons = ["timeout", "timeout", "500", "500", "500", "a", "b", "c", "d", "e", "f", "g"]
    again = START + timedelta(hours=1)
    await ended(hand, **{f"l{number}": RetryAt(at=again, reason=reason) for number, reason in enumerate(reasons)})
    found = await standing(hand)

    assert 5 == len(found.held_by)
    assert (("500", 3), ("timeout", 2)) == found.held_by[:2]


async def test_the_rate_that_was_told_at_the_start_is_kept(hand: Hand) -> None:
    assert pace_of(await hand.store.tracker()) is None
    await hand.store.greet("fingerprint", now=hand.now, pace=Pace(n=10, seconds=1.0))
    await hand.store.greet("fingerprint", now=hand.now)

    assert Pace(n=10, seconds=1.0) == pace_of(await hand.store.tracker())
