"""Claims: one payment is one sale, whoever dies, is replayed or dismissed on the way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.model import Dead, Delivered, Delivery, EventState, Meaning, Outcome, RetryAt, Sale, Sent
from bridge.store.base import Changed
from tests.contract.store_hand import START, Hand, S, a_conversion, a_lead, a_meaning, a_sale, an_outcome


def claiming(name: str, *names: str, amount: int = 4999, currency: str = "USD", customer: str = "") -> Meaning:
    """A sale under these names, of a customer of its own."""
    sale = a_sale(name, customer or f"cus_{name}", amount=amount, currency=currency)
    return a_meaning(a_conversion(sale, claims=names))


@pytest.fixture
async def trusted(hand: Hand) -> Hand:
    await hand.trust()
    return hand


async def claimed(hand: Hand, name: str) -> Delivery:
    """Lease what is due, and give back all but one."""
    deliveries = (await hand.ask()).deliveries
    await hand.store.release([one.id for one in deliveries if one.payload.event_name != name], now=hand.now)
    return next(one for one in deliveries if one.payload.event_name == name)


async def dies(hand: Hand, name: str) -> int | None:
    settled = await hand.end(await claimed(hand, name), Dead(reason="no amount"))
    return settled.promoted


async def succeeds(hand: Hand, name: str) -> None:
    await hand.end(await claimed(hand, name), Delivered())


async def ids(hand: Hand, *names: str) -> list[int]:
    found = await hand.all()
    return [found[name].id for name in names]


# ── at record ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in two"])
async def test_any_known_name_makes_a_duplicate(trusted: Hand, *, together: bool) -> None:
    first, second = claiming("a", "in_1", "pi_1"), claiming("b", "pi_1", "ch_1")
    records = (
        await trusted.record(first, second)
        if together
        else [
            *await trusted.record(first),
            *await trusted.record(second),
        ]
    )

    assert [(EventState.ACCEPTED, 1), (EventState.ACCEPTED, 0)] == [(one.state, one.due) for one in records]
    holder, duplicate = await trusted.one("a"), await trusted.one("b")
    assert (S.DUPLICATE, holder.id, ()) == (duplicate.state, duplicate.duplicate_of, duplicate.flags)
    assert ["a"] == await trusted.claim()


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in three"])
async def test_a_chain_of_names_is_one_sale(trusted: Hand, *, together: bool) -> None:
    chain = [claiming("a", "in_1"), claiming("b", "in_1", "pi_1"), claiming("c", "pi_1")]
    if together:
        await trusted.record(*chain)
    else:
        for meaning in chain:
            await trusted.record(meaning)

    (first,) = await ids(trusted, "a")
    assert [None, first, first] == [(await trusted.one(name)).duplicate_of for name in "abc"]


async def test_two_conversions_of_one_event_may_be_one_sale(trusted: Hand) -> None:
    twice = a_meaning(
        a_conversion(a_sale("a"), claims=["in_1"]), a_conversion(a_sale("b"), claims=["in_1"], item=1), key="evt"
    )

    (recorded,) = await trusted.record(twice)

    assert 1 == recorded.due
    assert [S.PENDING, S.DUPLICATE] == await trusted.states("a", "b")


@pytest.mark.parametrize(
    ("changes", "flags"),
    [({}, ()), ({"amount": 1}, ("amount differs",)), ({"currency": "EUR"}, ("amount differs",))],
    ids=["same", "another amount", "another currency"],
)
@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in two"])
async def test_the_first_amount_wins_and_a_different_one_is_flagged(
    trusted: Hand, changes: dict[str, str | int], flags: tuple[str, ...], *, together: bool
) -> None:
    first, second = claiming("a", "in_1"), claiming("b", "in_1", **changes)  # type: ignore[arg-type]
    if together:
        await trusted.record(first, second)
    else:
        await trusted.record(first)
        await trusted.record(second)

    assert flags == (await trusted.one("b")).flags
    assert 4999 == (await trusted.one("a")).payload.amount  # type: ignore[union-attr]


async def test_a_lead_under_a_sales_name_is_a_duplicate_without_a_flag(trusted: Hand) -> None:
    lead = a_meaning(a_conversion(a_lead("b"), claims=["in_1"]))

    await trusted.record(claiming("a", "in_1"))
    await trusted.record(lead)

    assert (S.DUPLICATE, ()) == ((await trusted.one("b")).state, (await trusted.one("b")).flags)


@pytest.mark.parametrize("sent", [True, False], ids=["delivered", "dismissed"])
async def test_a_delivered_and_a_dismissed_holder_keep_their_claims(trusted: Hand, *, sent: bool) -> None:
    await trusted.record(claiming("a", "in_1"))
    if sent:
        await succeeds(trusted, "a")
    else:
        await trusted.store.dismiss(await ids(trusted, "a"), only=False, now=START)

    await trusted.record(claiming("b", "in_1"))

    assert [S.DUPLICATE] == await trusted.states("b")
    assert await ids(trusted, "a") == [(await trusted.one("b")).duplicate_of]


async def test_after_a_dead_holder_the_next_one_goes_and_takes_all_its_names(trusted: Hand) -> None:
    await trusted.record(claiming("a", "in_1", "pi_1"))
    await dies(trusted, "a")

    await trusted.record(claiming("b", "in_1"))
    await trusted.record(claiming("c", "pi_1"))

    assert [S.DEAD, S.PENDING, S.DUPLICATE] == await trusted.states("a", "b", "c")
    assert await ids(trusted, "b") == [(await trusted.one("c")).duplicate_of]


async def test_in_one_batch_too_the_next_one_after_a_dead_holder_takes_all_its_names(trusted: Hand) -> None:
    await trusted.record(claiming("a", "in_1", "pi_1"))
    await dies(trusted, "a")

    await trusted.record(claiming("b", "in_1"), claiming("c", "pi_1"), claiming("d", "in_1"))

    assert [S.PENDING, S.DUPLICATE, S.DUPLICATE] == await trusted.states("b", "c", "d")


async def test_names_are_inherited_from_one_dead_holder_to_the_next(trusted: Hand) -> None:
    await trusted.record(claiming("a", "in_1", "pi_1"))
    await dies(trusted, "a")
    await trusted.record(claiming("b", "in_1"))
    await dies(trusted, "b")
    await trusted.record(claiming("c", "in_1"))

    await trusted.record(claiming("d", "pi_1"))

    assert await ids(trusted, "c") == [(await trusted.one("d")).duplicate_of]


async def test_a_duplicate_that_also_names_a_dead_sale_shows_that_the_two_are_one(trusted: Hand) -> None:
    await trusted.record(claiming("dead", "in_1"), claiming("alive", "pi_1"))
    await dies(trusted, "dead")

    await trusted.record(claiming("both", "in_1", "pi_1"))
    await trusted.record(claiming("late", "in_1"))

    alive, dead = await ids(trusted, "alive", "dead")
    assert [alive, alive] == [(await trusted.one(name)).duplicate_of for name in ("both", "late")]
    (changed,) = await trusted.store.replay([dead], now=START)
    assert (False, S.DUPLICATE) == (changed.done, (await trusted.one("dead")).state)


# ── when the holder dies ─────────────────────────────────────────────────────────────────────────────────────────


async def test_the_oldest_duplicate_takes_a_dead_holders_place(trusted: Hand) -> None:
    await trusted.record(claiming("a", "in_1"), claiming("b", "in_1", "pi_1"), claiming("c", "pi_1"))

    promoted = await dies(trusted, "a")

    (b,) = await ids(trusted, "b")
    assert b == promoted
    assert [S.DEAD, S.PENDING, S.DUPLICATE] == await trusted.states("a", "b", "c")
    assert (None, b) == ((await trusted.one("b")).duplicate_of, (await trusted.one("c")).duplicate_of)
    assert ["b"] == await trusted.claim()
    await trusted.record(claiming("d", "in_1"))
    assert b == (await trusted.one("d")).duplicate_of


async def test_promotion_goes_on_until_nobody_is_left(trusted: Hand) -> None:
    await trusted.record(*(claiming(name, "in_1") for name in "abc"))
    b, c = await ids(trusted, "b", "c")

    assert [b, c, None] == [await dies(trusted, name) for name in "abc"]
    assert [S.DEAD] * 3 == await trusted.states(*"abc")


async def test_a_promoted_delivery_joins_its_lane_as_the_older_one(trusted: Hand) -> None:
    await trusted.record(claiming("a", "in_1", customer="cus_1"), claiming("b", "in_1", customer="cus_2"))
    await trusted.record(claiming("young", "in_9", customer="cus_2"))

    await dies(trusted, "a")

    assert ["b"] == await trusted.claim()


async def test_nobody_is_promoted_when_the_same_sale_is_with_another_holder(trusted: Hand) -> None:
    """c says that in_1 and pi_1 are one sale: once b has it, a's death must not send it again."""
    await trusted.record(claiming("a", "in_1"), claiming("b", "pi_1"), claiming("c", "in_1", "pi_1"))

    assert None is await dies(trusted, "a")

    (b,) = await ids(trusted, "b")
    assert (S.DUPLICATE, b) == ((await trusted.one("c")).state, (await trusted.one("c")).duplicate_of)
    await trusted.record(claiming("d", "in_1"))
    assert b == (await trusted.one("d")).duplicate_of


async def test_a_promoted_delivery_takes_over_from_every_dead_holder(trusted: Hand) -> None:
    await trusted.record(claiming("a", "in_1"), claiming("b", "pi_1"), claiming("c", "in_1", "pi_1"))
    await dies(trusted, "b")

    await dies(trusted, "a")
    await trusted.record(claiming("d", "pi_1"))

    (c,) = await ids(trusted, "c")
    assert [S.PENDING, S.DUPLICATE] == await trusted.states("c", "d")
    assert c == (await trusted.one("d")).duplicate_of


async def test_what_must_not_be_repeated_is_not_sent_as_its_duplicate_either(trusted: Hand) -> None:
    hold = a_conversion(a_lead("a"), claims=["lead_1"], when_unsure="hold")
    await trusted.record(a_meaning(hold), claiming("b", "lead_1"))
    unknown = an_outcome(None, sent=Sent.MAYBE)

    settled = await trusted.end(await claimed(trusted, "a"), Dead(reason="outcome unknown"), unknown)
    await trusted.record(claiming("c", "lead_1"))

    assert None is settled.promoted
    assert [S.DEAD, S.DUPLICATE, S.DUPLICATE] == await trusted.states("a", "b", "c")
    assert [Changed(delivery_id=settled.delivery.id, done=True)] == await trusted.store.replay(
        [settled.delivery.id], now=START
    )


# ── replay ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_replay_sends_a_dead_letter_again_with_a_fresh_budget(trusted: Hand) -> None:
    await trusted.record(a_sale("a"))
    first = await trusted.claim_one()
    await trusted.end(first, RetryAt(at=START, reason="busy"), an_outcome(None, sent=Sent.MAYBE))
    trusted.later(days=4)
    await trusted.end(await trusted.claim_one(), Dead(reason="gave up"))

    assert [Changed(delivery_id=first.id, done=True)] == await trusted.store.replay([first.id], now=trusted.now)

    again = await trusted.claim_one()
    assert (0, 0.0, 0, 0, None, None) == (
        again.attempts,
        again.age_seconds,
        again.refusals,
        again.waits,
        again.waiting_since,
        again.failing_since,
    )
    assert (2, True) == (again.tries, again.unsure)


async def test_a_replayed_delivery_goes_before_younger_ones_of_its_lane(trusted: Hand) -> None:
    await trusted.record(a_sale("a"), a_sale("b"), a_sale("c"))
    await dies(trusted, "a")
    await trusted.store.replay(await ids(trusted, "a"), now=START)

    assert ["a"] == await trusted.claim()


async def test_a_replayed_delivery_does_not_overtake_one_that_is_being_sent(trusted: Hand) -> None:
    await trusted.record(a_sale("a"), a_sale("b"))
    await dies(trusted, "a")
    sending = await trusted.claim_one()

    await trusted.store.replay(await ids(trusted, "a"), now=START)

    assert [] == await trusted.claim()
    await trusted.end(sending, Delivered())
    assert ["a"] == await trusted.claim()


@pytest.mark.parametrize("state", ["pending", "sending", "delivered"])
async def test_one_whose_claim_is_held_stays_a_duplicate(trusted: Hand, state: str) -> None:
    await trusted.record(claiming("a", "in_1"))
    await dies(trusted, "a")
    await trusted.record(claiming("b", "in_1"))
    if state != "pending":
        holder = await claimed(trusted, "b")
        if state == "delivered":
            await trusted.end(holder, Delivered())

    (changed,) = await trusted.store.replay(await ids(trusted, "a"), now=START)

    (b,) = await ids(trusted, "b")
    assert (False, f"delivery {b} has its claim: it is a duplicate of that one now") == (changed.done, changed.why)
    assert (S.DUPLICATE, b) == ((await trusted.one("a")).state, (await trusted.one("a")).duplicate_of)


async def test_replay_takes_the_claim_back_from_the_dead(trusted: Hand) -> None:
    await trusted.record(claiming("a", "in_1"))
    await dies(trusted, "a")
    await trusted.record(claiming("b", "in_1"))
    await dies(trusted, "b")

    await trusted.store.replay(await ids(trusted, "a"), now=START)
    await trusted.record(claiming("c", "in_1"))

    (a,) = await ids(trusted, "a")
    assert [S.PENDING, S.DEAD, S.DUPLICATE] == await trusted.states("a", "b", "c")
    assert a == (await trusted.one("c")).duplicate_of


async def test_a_dismissed_duplicate_may_be_replayed_instead_of_its_holder(trusted: Hand) -> None:
    await trusted.record(claiming("a", "in_1"), claiming("b", "in_1"))
    a, b = await ids(trusted, "a", "b")
    await trusted.store.dismiss([a], only=False, now=START)
    await trusted.record(claiming("c", "in_1"))

    (changed,) = await trusted.store.replay([b], now=START)

    assert changed.done
    assert [S.DISMISSED, S.PENDING, S.DUPLICATE] == await trusted.states("a", "b", "c")
    assert (None, b) == ((await trusted.one("b")).duplicate_of, (await trusted.one("c")).duplicate_of)
    (changed,) = await trusted.store.replay([a], now=START)
    assert (False, S.DUPLICATE) == (changed.done, (await trusted.one("a")).state)


async def test_replay_says_why_not(trusted: Hand) -> None:
    await trusted.record(claiming("delivered", "1"))
    await succeeds(trusted, "delivered")
    await trusted.record(claiming("dry", "2"), dry_run=True)
    await trusted.record(claiming("sending", "3"))
    await trusted.claim_one()
    await trusted.record(claiming("pending", "4"), claiming("duplicate", "4"))
    names = ["delivered", "dry", "sending", "pending", "duplicate"]
    numbers = await ids(trusted, *names)
    before = await trusted.all()

    changes = await trusted.store.replay([*numbers, 4711], now=START)

    assert [
        "already delivered",
        "it was recorded in a dry run and is never sent",
        "it is being sent right now",
        "it is on its way already",
        f"it is a duplicate of delivery {numbers[3]}: replay that one",
        "there is no such delivery",
    ] == [change.why for change in changes]
    assert [*numbers, 4711] == [change.delivery_id for change in changes]
    assert not any(change.done for change in changes)
    assert before == await trusted.all()


# ── dismiss ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_dismissing_takes_duplicates_along_and_moves_the_lane_on(trusted: Hand) -> None:
    await trusted.record(claiming("a", "in_1", customer="x"), claiming("b", "in_1"), claiming("c", "in_1"))
    await trusted.record(claiming("behind", "in_2", customer="x"))
    a, b = await ids(trusted, "a", "b")

    changes = await trusted.store.dismiss([a, b], only=False, now=START)

    assert [
        Changed(delivery_id=a, done=True, why="its 2 duplicates were dismissed with it"),
        Changed(delivery_id=b, done=True, why=f"with delivery {a}"),
    ] == changes
    assert [S.DISMISSED] * 3 == await trusted.states(*"abc")
    assert f"dismissed with delivery {a}" == (await trusted.one("c")).reason
    assert ["behind"] == await trusted.claim()


async def test_dismissing_only_one_lets_its_oldest_duplicate_take_the_place(trusted: Hand) -> None:
    await trusted.record(*(claiming(name, "in_1") for name in "abc"))
    a, b = await ids(trusted, "a", "b")

    changes = await trusted.store.dismiss([a], only=True, now=START)

    assert [Changed(delivery_id=a, done=True, why=f"delivery {b} takes its place")] == changes
    assert [S.DISMISSED, S.PENDING, S.DUPLICATE] == await trusted.states(*"abc")
    assert b == (await trusted.one("c")).duplicate_of


async def test_a_dismissed_duplicate_leaves_its_holder_alone(trusted: Hand) -> None:
    await trusted.record(*(claiming(name, "in_1") for name in "abc"))

    await trusted.store.dismiss(await ids(trusted, "b"), only=False, now=START)
    await dies(trusted, "a")

    assert [S.DISMISSED, S.PENDING] == await trusted.states("b", "c")


async def test_dead_waiting_and_dry_ones_can_be_dismissed(trusted: Hand) -> None:
    await trusted.record(claiming("dead", "1"))
    await dies(trusted, "dead")
    await trusted.record(claiming("dry", "2"), dry_run=True)
    await trusted.record(claiming("waiting", "3"))
    aside = RetryAt(at=START + timedelta(hours=1), reason="busy", steps_aside=True)
    await trusted.end(await trusted.claim_one(), aside)

    changes = await trusted.store.dismiss(await ids(trusted, "dead", "dry", "waiting"), only=False, now=START)

    assert [True] * 3 == [change.done for change in changes]
    trusted.later(hours=2)
    assert [] == await trusted.claim()


async def test_dismiss_says_why_not(trusted: Hand) -> None:
    await trusted.record(claiming("delivered", "1"))
    await succeeds(trusted, "delivered")
    await trusted.record(claiming("dismissed", "2"))
    numbers = await ids(trusted, "delivered", "dismissed")
    await trusted.store.dismiss(numbers[1:], only=False, now=START)
    await trusted.record(claiming("sending", "3"))
    await trusted.claim_one()
    numbers += await ids(trusted, "sending")

    changes = await trusted.store.dismiss([*numbers, 4711], only=False, now=START)

    assert [
        "already delivered",
        "already dismissed",
        "it is being sent right now; try again when it has come back",
        "there is no such delivery",
    ] == [change.why for change in changes]
    assert not any(change.done for change in changes)
    assert [S.DELIVERED, S.DISMISSED, S.SENDING] == await trusted.states("delivered", "dismissed", "sending")


async def test_an_heir_takes_nothing_from_one_that_is_delivered(trusted: Hand) -> None:
    await trusted.record(claiming("a", "in_a"), claiming("b", "in_b"), claiming("link", "in_a", "in_b"))
    await trusted.record(claiming("d", "in_a"))
    await trusted.store.dismiss(await ids(trusted, "link"), only=True, now=trusted.now)
    deliveries = {one.payload.event_name: one for one in (await trusted.ask()).deliveries}
    await trusted.end(deliveries["b"], Delivered())
    await trusted.end(deliveries["a"], Dead(reason="422"))
    await trusted.end((await trusted.ask()).deliveries[0], Dead(reason="422"))

    await trusted.record(claiming("again", "in_b"))

    assert [S.DELIVERED, S.DUPLICATE] == await trusted.states("b", "again")


async def test_what_a_dry_run_recorded_claims_its_names_when_it_is_replayed(trusted: Hand) -> None:
    await trusted.record(claiming("dry", "in_1"), dry_run=True)
    (dry,) = await ids(trusted, "dry")
    await trusted.store.dismiss([dry], only=False, now=trusted.now)

    (changed,) = await trusted.store.replay([dry], now=trusted.now)
    await trusted.record(claiming("real", "in_1"))

    assert changed.done
    assert [S.PENDING, S.DUPLICATE] == await trusted.states("dry", "real")


async def test_what_a_dry_run_recorded_is_a_duplicate_when_the_real_one_was_quicker(trusted: Hand) -> None:
    await trusted.record(claiming("dry", "in_1"), dry_run=True)
    (dry,) = await ids(trusted, "dry")
    await trusted.store.dismiss([dry], only=False, now=trusted.now)
    await trusted.record(claiming("real", "in_1"))

    (changed,) = await trusted.store.replay([dry], now=trusted.now)

    assert not changed.done
    assert [S.DUPLICATE, S.PENDING] == await trusted.states("dry", "real")


# ── the invoice id first sent ────────────────────────────────────────────────────────────────────────────────────


#: What a try may come to, and whether the tracker may have the sale after it.
TRIES = {
    "no answer": (an_outcome(None, sent=Sent.MAYBE, error="timeout"), True),
    "not sent": (an_outcome(None, sent=Sent.NO, error="refused"), False),
    "500": (an_outcome(500), True),
    "504": (an_outcome(504), True),
    "501": (an_outcome(501), False),
    "503": (an_outcome(503), False),
    "429": (an_outcome(429), False),
}


async def tried_and_refused(hand: Hand, name: str, tried: Outcome) -> None:
    """It comes to that, and to 422 at the next try."""
    now = replace(tried, started_at=hand.now)
    await hand.end(await claimed(hand, name), RetryAt(at=hand.now, reason="again"), now)
    hand.later(seconds=1)
    await hand.end(await claimed(hand, name), Dead(reason="422"), an_outcome(422, started_at=hand.now))


@pytest.mark.parametrize(("tried", "maybe"), TRIES.values(), ids=TRIES)
@pytest.mark.parametrize("early", [True, False], ids=["promoted", "newcomer"])
async def test_the_heir_of_one_that_may_have_arrived_carries_its_invoice_id(
    trusted: Hand, *, tried: Outcome, maybe: bool, early: bool
) -> None:
    await trusted.record(claiming("pi_1", "x", "y"))
    if early:
        await trusted.record(claiming("in_1", "y"))
    await tried_and_refused(trusted, "pi_1", tried)
    if not early:
        await trusted.record(claiming("in_1", "y"))

    heir = await claimed(trusted, "in_1")

    assert isinstance(heir.payload, Sale)
    assert ("pi_1" if maybe else "in_1") == heir.payload.invoice_id
    assert (("carries the invoice id first sent",) if maybe else ()) == heir.flags
    assert maybe is heir.unsure


@pytest.mark.parametrize("early", [True, False], ids=["told before it died", "told after"])
async def test_who_turns_out_to_be_the_same_sale_carries_it_too(trusted: Hand, *, early: bool) -> None:
    """c says that x and y are one sale: y's holder is on its way already, and takes the place of x's."""
    await trusted.record(claiming("a", "x"), claiming("b", "y"))
    if early:
        await trusted.record(claiming("c", "x", "y"))
    await tried_and_refused(trusted, "a", TRIES["500"][0])
    if not early:
        await trusted.record(claiming("c", "x", "y"))

    heir = await trusted.one("b")
    assert isinstance(heir.payload, Sale)
    assert (S.PENDING, "a", True) == (heir.state, heir.payload.invoice_id, heir.unsure)


async def test_an_heir_that_was_tried_itself_keeps_its_own(trusted: Hand) -> None:
    await trusted.record(claiming("a", "x"), claiming("b", "y"))
    await tried_and_refused(trusted, "a", TRIES["500"][0])
    await trusted.end(await claimed(trusted, "b"), RetryAt(at=trusted.now, reason="again"), an_outcome(429))
    await trusted.record(claiming("c", "x", "y"))

    heir = await trusted.one("b")
    assert isinstance(heir.payload, Sale)
    assert ("b", True) == (heir.payload.invoice_id, heir.unsure)
