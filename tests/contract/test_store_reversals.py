"""Money that went back: remembered, found from either side, counted once, and never sent."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bridge.model import Dead, Delivered, EventState, Meaning, Reversal, StoredReversal, went_back
from bridge.store.base import EventFilter
from bridge.store.lessons import Link, Unlinked
from tests.contract.store_hand import START, Hand, S, a_conversion, a_meaning, a_sale, an_event


@pytest.fixture
async def trusted(hand: Hand) -> Hand:
    await hand.trust()
    return hand


def a_reversal(*of: str, amount: int = 500, **changes: Any) -> Reversal:
    fields = {
        "item": 0,
        "rule": "refund",
        "kind": "refund",
        "of": of or ("in_1",),
        "sale": tuple(_claim(name) for name in of or ("in_1",)),
        "claims": ('["event","stripe","evt",0,"refund"]',),
        "amount": amount,
        "currency": "USD",
        "timestamp": START,
    }
    return Reversal(**{**fields, **changes})


def _claim(name: str) -> str:
    return f'["sale","stripe","","{name}"]'


def refunding(key: str, *reversals: Reversal, **changes: Any) -> Meaning:
    """An event that only says what went back; each reversal is once per event unless it says otherwise."""
    fields = {"state": EventState.IGNORED, "reason": "refund", "reversals": reversals, **changes}
    return a_meaning(event=an_event(key), **fields)


def once(key: str) -> tuple[str, ...]:
    return (f'["refund","stripe","","{key}"]',)


def paying(name: str, *names: str, customer: str = "cus_1") -> Meaning:
    return a_meaning(a_conversion(a_sale(name, customer), claims=[_claim(one) for one in names or (name,)]))


async def of_sale(hand: Hand, name: str) -> list[StoredReversal]:
    return await hand.store.reversals(deliveries=[(await hand.one(name)).id])


async def test_a_refund_is_remembered_with_its_event_and_makes_no_delivery(trusted: Hand) -> None:
    at = START - timedelta(hours=3)
    (recorded,) = await trusted.record(refunding("re_1", a_reversal("in_1", "pi_1", timestamp=at)))

    (event,) = await trusted.store.find_events("re_1")
    (refund,) = event.reversals

    assert (EventState.IGNORED, "refund", 0, ()) == (recorded.state, recorded.reason, recorded.due, event.deliveries)
    assert ("refund", ("in_1", "pi_1"), 500, "USD", at) == (
        refund.kind,
        refund.of,
        refund.amount,
        refund.currency,
        refund.happened_at,
    )
    assert (event.id, "stripe", "refund", None, True) == (
        refund.event_id,
        refund.source,
        refund.rule,
        refund.sale,
        refund.counts,
    )


@pytest.mark.parametrize("refund_first", [True, False], ids=["before its sale", "after its sale"])
@pytest.mark.parametrize("name", ["in_1", "pi_1"])
async def test_a_refund_and_its_sale_find_each_other_by_any_name_whichever_comes_first(
    trusted: Hand, *, refund_first: bool, name: str
) -> None:
    both = [refunding("re_1", a_reversal("nothing", name)), paying("sale", "in_1", "pi_1")]
    for meaning in both if refund_first else reversed(both):
        await trusted.record(meaning)
    sale = await trusted.one("sale")

    (refund,) = await of_sale(trusted, "sale")
    (event,) = await trusted.store.find_events("evt_sale_cus_1")
    (told,) = await trusted.store.find_events("re_1")

    assert sale.id == refund.sale
    assert ((refund,), ()) == (event.returned, event.reversals)
    assert ((refund,), ()) == (told.reversals, told.returned)


async def test_a_sale_that_was_refunded_before_it_was_sent_is_sent_all_the_same(trusted: Hand) -> None:
    await trusted.record(paying("sale"), refunding("re_1", a_reversal("sale", amount=4999)))

    assert ["sale"] == await trusted.claim()


async def test_a_refund_is_of_whoever_holds_the_sale_now(trusted: Hand) -> None:
    await trusted.record(paying("a", "in_1"), paying("b", "in_1", customer="cus_2"), refunding("re_1", a_reversal()))

    await trusted.end(await trusted.sent("a"), Dead(reason="no"))

    (refund,) = await of_sale(trusted, "b")
    assert (await trusted.one("b")).id == refund.sale
    assert [refund] == await of_sale(trusted, "a")


async def test_each_part_counts(trusted: Hand) -> None:
    await trusted.record(
        paying("in_1"),
        refunding("re_1", a_reversal(amount=500, claims=once("re_1"))),
        refunding("re_2", a_reversal(amount=300, claims=once("re_2"))),
        refunding("dp_1", a_reversal(amount=4199, kind="dispute", claims=once("dp_1"))),
        refunding("re_3", a_reversal(amount=7, currency="EUR", claims=once("re_3"))),
    )

    assert {("refund", "USD"): 800, ("dispute", "USD"): 4199, ("refund", "EUR"): 7} == went_back(
        await of_sale(trusted, "in_1")
    )


@pytest.mark.parametrize("amounts", [(500, 1200, 1200), (1200, 500, 900)], ids=str)
async def test_of_a_growing_sum_the_largest_counts_in_whatever_order_it_is_told(
    trusted: Hand, amounts: tuple[int, ...]
) -> None:
    await trusted.record(paying("in_1"))
    for number, amount in enumerate(amounts):
        await trusted.record(refunding(f"e{number}", a_reversal(amount=amount, claims=once("ch_1"))))

    told = await of_sale(trusted, "in_1")

    assert [*amounts] == [one.amount for one in told]
    assert 1 == sum(one.counts for one in told)
    assert {("refund", "USD"): 1200} == went_back(told)


async def test_names_in_common_make_a_chain_of_refunds_one(trusted: Hand) -> None:
    for number, names in enumerate([["a"], ["b"], ["a", "b"], ["c"]]):
        claims = tuple(claim for name in names for claim in once(name))
        await trusted.record(refunding(f"e{number}", a_reversal(amount=100 + number, claims=claims)))

    told = await trusted.store.reversals(events=[event.id for event in await trusted.store.events(EventFilter())])

    assert {("refund", "USD"): 102 + 103} == went_back(told)


async def test_a_known_event_refunds_nothing_again(trusted: Hand) -> None:
    for _ in range(2):
        await trusted.record(refunding("re_1", a_reversal()))

    assert {("stripe", "refund"): 1} == (await trusted.store.counts()).reversals


async def test_an_event_may_be_a_sale_and_a_refund_of_another(trusted: Hand) -> None:
    await trusted.record(paying("in_1"))
    sale = a_conversion(a_sale("exchange"), claims=[_claim("in_2")])
    (recorded,) = await trusted.record(a_meaning(sale, reversals=(a_reversal(),)))

    assert (EventState.ACCEPTED, 1) == (recorded.state, recorded.due)
    assert 1 == len(await of_sale(trusted, "in_1"))


async def test_an_amount_may_have_any_number_of_digits_and_a_name_any_letters(trusted: Hand) -> None:
    odd = a_reversal("a\0b\ud800c😀", amount=10**30, rule="\ud800", currency="KWD\0")

    await trusted.record(refunding("re_1", odd))

    (event,) = await trusted.store.find_events("re_1")
    assert 10**30 == event.reversals[0].amount
    assert ("a\ufffdb\ufffdc😀",) == event.reversals[0].of


async def test_counts_are_by_source_and_kind_and_do_not_fall_when_retention_forgets(trusted: Hand) -> None:
    old = START - timedelta(days=500)
    await trusted.record(
        a_meaning(
            event=an_event("old", received_at=old), state=EventState.IGNORED, reason="refund", reversals=(a_reversal(),)
        ),
        refunding("new", a_reversal(kind="dispute", claims=once("x")), a_reversal(claims=once("y"))),
    )

    await trusted.store.prune(bodies_before=START - timedelta(days=30), keys_before=START - timedelta(days=400))

    assert [] == await trusted.store.find_events("old")
    assert {("stripe", "refund"): 2, ("stripe", "dispute"): 1} == (await trusted.store.counts()).reversals
    await trusted.record(paying("in_1"))
    assert 2 == len(await of_sale(trusted, "in_1"))


async def test_what_retention_forgot_does_not_lend_its_number_to_others(trusted: Hand) -> None:
    """b is the same as a; once a is forgotten, a stranger must not be taken for the same as b."""
    old = START - timedelta(days=500)
    first = a_reversal(amount=100, claims=once("x"))
    await trusted.record(
        a_meaning(event=an_event("a", received_at=old), state=EventState.IGNORED, reversals=(first,)),
        refunding("b", a_reversal(amount=50, claims=once("x"))),
    )
    await trusted.store.prune(bodies_before=START - timedelta(days=30), keys_before=START - timedelta(days=400))

    await trusted.record(refunding("c", a_reversal(amount=70, claims=once("z"))), paying("in_1"))

    assert {("refund", "USD"): 120} == went_back(await of_sale(trusted, "in_1"))


async def test_a_delivered_sale_shows_what_went_back_too(trusted: Hand) -> None:
    await trusted.record(paying("in_1"))
    await trusted.end(await trusted.sent("in_1"), Delivered())

    await trusted.record(refunding("re_1", a_reversal()))

    assert [S.DELIVERED] == await trusted.states("in_1")
    assert 1 == len(await of_sale(trusted, "in_1"))


async def test_nothing_is_asked_nothing_is_told(trusted: Hand) -> None:
    assert [] == await trusted.store.reversals()
    assert [] == await trusted.store.reversals(events=[1], deliveries=[1, 99])


# ── whose sale it is, learnt afterwards ──────────────────────────────────────────────────────────────────────────


async def asks(hand: Hand) -> list[Unlinked]:
    return await hand.store.unlinked(limit=10, now=hand.now)


def learnt(one: Unlinked, *names: str, **changes: Any) -> Link:
    claims = tuple(_claim(name) for name in names)
    return Link(**{"reversal_id": one.reversal_id, "event_id": one.event_id, "names": claims, **changes})


async def test_whose_sale_it_is_can_be_learnt_before_and_after_the_sale(trusted: Hand) -> None:
    await trusted.record(refunding("re_1", a_reversal("pi_1")), refunding("re_2", a_reversal("pi_2")))
    await trusted.record(paying("in_1"))
    first, second = await asks(trusted)
    assert (("pi_1",), False, 0) == (tuple(json.loads(name)[-1] for name in first.sale), first.is_known, first.tries)

    sale = await trusted.store.link(learnt(first, "in_1", note="in_1"), now=trusted.now)
    assert None is await trusted.store.link(learnt(second, "in_2", note="in_2"), now=trusted.now)
    await trusted.record(paying("in_2", customer="cus_2"))

    assert (await trusted.one("in_1")).id == sale
    for name in ("in_1", "in_2"):
        (one,) = await of_sale(trusted, name)
        assert ((await trusted.one(name)).id, name, name) == (one.sale, one.of[-1], one.note)
    assert [] == await asks(trusted)


async def test_what_shares_a_name_with_its_sale_is_known(trusted: Hand) -> None:
    await trusted.record(paying("in_1"), refunding("re_1", a_reversal("in_1")))

    assert [True] == [one.is_known for one in await asks(trusted)]


async def test_what_is_to_be_asked_again_comes_again_then(trusted: Hand) -> None:
    await trusted.record(refunding("re_1", a_reversal("pi_1")))
    (one,) = await asks(trusted)
    again_at = trusted.now + timedelta(minutes=1)
    await trusted.store.link(learnt(one, note="down", again_at=again_at), now=trusted.now)

    assert [] == await asks(trusted)
    trusted.later(minutes=1)
    assert [1] == [one.tries for one in await asks(trusted)]


async def test_what_was_remapped_or_forgotten_meanwhile_learns_nothing(trusted: Hand) -> None:
    await trusted.record(refunding("re_1", a_reversal("pi_1")))
    (one,) = await asks(trusted)
    (event,) = await trusted.store.find_events("re_1")
    await trusted.store.remap(event.id, refunding("re_1"), now=trusted.now)

    assert [] == await asks(trusted)
    assert None is await trusted.store.link(learnt(one, "in_1"), now=trusted.now)
    await trusted.record(paying("in_1"))
    assert [] == await of_sale(trusted, "in_1")
    # another one under the same number is another one
    await trusted.record(refunding("re_2", a_reversal("pi_2")))
    assert [one.reversal_id] == [other.reversal_id for other in await asks(trusted)]
    assert None is await trusted.store.link(learnt(one, "in_1"), now=trusted.now)
    assert 1 == len(await asks(trusted))
