"""remap: what today's rules make of a stored event, by what became of each delivery; nothing counts twice."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from bridge.model import Conversion, Dead, Delivered, EventState, Meaning, Payload, RetryAt, Sent, Step
from bridge.store.base import DeliveryFilter
from bridge.store.lessons import Lesson
from bridge.store.reports import Remap, Remapped
from tests.contract.store_hand import START, Hand, S, a_conversion, a_lead, a_meaning, a_sale, an_event, an_outcome

UNMAPPED = EventState.UNMAPPED


def sale(name: str, *claims: str, customer: str = "cus_1", **changes: Any) -> Conversion:
    return a_conversion(a_sale(name, customer, **changes), claims=claims or ("in_1",))


def event(*conversions: Conversion | Payload, key: str = "evt", **changes: Any) -> Meaning:
    return a_meaning(*conversions, key=key, **changes)


async def remap(hand: Hand, meaning: Meaning, event_id: int = 1, *, rehearse: bool = False) -> Remapped:
    remapped = await hand.store.remap(event_id, meaning, now=hand.now, rehearse=rehearse)
    assert remapped is not None
    return remapped


def kinds(remapped: Remapped) -> list[Remap]:
    return [change.what for change in remapped.changes]


async def die(hand: Hand, *, sent: Sent = Sent.YES) -> None:
    await hand.end(await hand.claim_one(), Dead(reason="422: no"), an_outcome(422, sent=sent, started_at=hand.now))


# ── nothing came of it before ────────────────────────────────────────────────────────────────────────────────────


async def test_an_unmapped_event_gets_what_todays_rules_make_of_it(hand: Hand) -> None:
    await hand.record(event(state=UNMAPPED, reason="cannot map: amount"))
    new = an_event("evt", source_id="evt", type="paid", occurred_at=START, account="acct_1", revision="r2")
    steps = (Step(rule="mended", result="matched"),)

    remapped = await remap(hand, event(sale("a"), event=new, steps=steps))

    assert (UNMAPPED, EventState.ACCEPTED, [Remap.ADDED]) == (remapped.before, remapped.after, kinds(remapped))
    (stored,) = await hand.store.find_events("evt")
    assert (new, EventState.ACCEPTED, "", steps) == (stored.event, stored.state, stored.reason, stored.steps)
    assert ["a"] == await hand.claim()


async def test_an_event_keeps_its_key_whatever_the_rules_now_read(hand: Hand) -> None:
    await hand.record(event(state=UNMAPPED, key="sha256:1"))

    await remap(hand, event(sale("a"), key="evt_read_now"))

    (stored,) = await hand.store.find_events("1")
    assert ("sha256:1", "evt_read_now") == (stored.event.key, stored.event.source_id)
    assert [stored] == await hand.store.find_events("evt_read_now")


async def test_an_ignored_event_may_be_wanted_today_and_an_accepted_one_no_more(hand: Hand) -> None:
    await hand.record(event(state=EventState.IGNORED, reason="no rule"))

    await remap(hand, event(sale("a")))
    remapped = await remap(hand, event(state=EventState.IGNORED, reason="no rule"))

    assert (EventState.IGNORED, "no rule", [Remap.WITHDRAWN]) == (remapped.after, remapped.reason, kinds(remapped))
    assert [S.DISMISSED] == await hand.states("a")
    assert [] == await hand.claim()


async def test_the_conversion_of_a_good_rule_is_not_made_again(hand: Hand) -> None:
    await hand.record(event(sale("good"), state=UNMAPPED, reason="cannot map: the other rule"))
    await hand.end(await hand.claim_one(), Delivered())

    remapped = await remap(hand, event(sale("good"), sale("mended", "in_2")))

    assert [Remap.SAME, Remap.ADDED] == kinds(remapped)
    assert [S.DELIVERED, S.PENDING] == await hand.states("good", "mended")


async def test_an_event_that_is_not_there_cannot_be_remapped(hand: Hand) -> None:
    assert await hand.store.remap(7, event(sale("a")), now=hand.now) is None


async def test_an_event_that_retention_took_cannot_be_remapped(hand: Hand) -> None:
    await hand.record(event(state=EventState.IGNORED))
    await hand.store.prune(bodies_before=START + timedelta(days=1), keys_before=START - timedelta(days=1))

    assert await hand.store.remap(1, event(sale("a")), now=hand.now) is None


# ── never attempted: replaced ────────────────────────────────────────────────────────────────────────────────────


async def test_what_was_never_attempted_is_replaced_and_keeps_its_number_and_time(hand: Hand) -> None:
    await hand.record(event(sale("wrong", amount=499900)))
    hand.later(hours=1)

    remapped = await remap(hand, event(sale("right", amount=4999)))

    (change,) = remapped.changes
    assert change.before is not None
    assert change.now is not None
    assert (Remap.REPLACED, "wrong", 4999, 1) == (
        change.what,
        change.before.payload.event_name,
        change.now.payload.amount,  # type: ignore[union-attr]  # a sale
        change.now.id,
    )
    right = await hand.one("right")
    assert (1, START, S.PENDING) == (right.id, right.created_at, right.state)
    assert ["right"] == await hand.claim()
    assert [] == await hand.claim()


async def test_a_replaced_one_keeps_its_place_in_its_lane(hand: Hand) -> None:
    await hand.trust()
    for number in range(3):
        await hand.record(event(sale(f"s{number}", f"in_{number}"), key=f"e{number}"))

    await remap(hand, event(sale("mended", "in_0")), 2)
    await remap(hand, event(sale("s3", "in_1")), 3)

    for name in ("mended", "s3", "s2"):
        delivery = await hand.claim_one()
        assert name == delivery.payload.event_name
        await hand.end(delivery, Delivered())


@pytest.mark.parametrize("first", [0, 1])
async def test_another_customer_is_another_lane_and_each_lane_sends_one_at_a_time(hand: Hand, first: int) -> None:
    await hand.trust()
    for number in range(2):
        await hand.record(event(sale(f"a{number}", f"a_{number}", customer="cus_a"), key=f"a{number}"))
        await hand.record(event(sale(f"b{number}", f"b_{number}", customer="cus_b"), key=f"b{number}"))

    await remap(hand, event(sale("moved", f"a_{first}", customer="cus_b")), 2 + 2 * first)

    rest = f"a{1 - first}"
    assert sorted([rest, "moved" if first == 0 else "b0"]) == sorted(await hand.claim())


async def test_many_moved_into_one_lane_go_one_after_the_other(hand: Hand) -> None:
    await hand.trust()
    await hand.record(event(*(sale(f"s{n}", f"in_{n}", customer=f"cus_{n}") for n in range(4))))

    await remap(hand, event(*(sale(f"t{n}", f"in_{n}", customer="cus_9") for n in range(4))), 2)

    for name in ("t0", "t1", "t2", "t3"):
        (delivery,) = (await hand.ask()).deliveries
        assert name == delivery.payload.event_name
        await hand.end(delivery, Delivered())


async def test_what_is_waiting_behind_an_attempted_one_is_replaced_the_attempted_one_is_shown(hand: Hand) -> None:
    await hand.record(event(sale("tried", "in_1"), sale("behind", "in_2")))
    await hand.end(await hand.claim_one(), RetryAt(at=START + timedelta(hours=1), reason="busy"))

    remapped = await remap(hand, event(sale("tried", "in_1", amount=1), sale("behind", "in_2", amount=2)))

    assert [Remap.LEFT, Remap.REPLACED] == kinds(remapped)
    assert "it was attempted already" == remapped.changes[0].why
    amounts = [one.payload.amount for one in (await hand.all()).values()]  # type: ignore[union-attr]  # sales
    assert [4999, 2] == sorted(amounts, reverse=True)


async def test_what_no_rule_makes_any_more_is_withdrawn_and_frees_its_key(hand: Hand) -> None:
    await hand.record(event(sale("wrong", "in_1")))
    await hand.record(event(sale("twin", "in_1"), key="other"))

    remapped = await remap(hand, event(state=EventState.IGNORED))
    (new,) = await hand.record(event(sale("new", "in_2"), key="new"))
    await remap(hand, event(state=EventState.IGNORED), new.event_id)
    (again,) = await hand.record(event(sale("again", "in_2"), key="again"))

    assert [Remap.WITHDRAWN] == kinds(remapped)
    assert [S.DISMISSED, S.PENDING, S.DISMISSED, S.PENDING] == await hand.states("wrong", "twin", "new", "again")
    assert 1 == again.due


async def test_nothing_is_withdrawn_while_a_rule_fails(hand: Hand) -> None:
    await hand.record(event(sale("a", "in_1"), sale("b", "in_2")))

    remapped = await remap(hand, event(sale("a", "in_1"), state=UNMAPPED, reason="cannot map: b"))

    assert [Remap.SAME, Remap.LEFT] == kinds(remapped)
    assert [S.PENDING, S.PENDING] == await hand.states("a", "b")


async def test_a_click_id_that_is_no_more_takes_its_association_along(hand: Hand) -> None:
    click = a_conversion(a_sale("click", click_id="c"), claims=["in_1"], association_namespace="stripe")
    await hand.record(event(click))
    none = a_conversion(a_sale("click"), claims=["in_1"], association_namespace="stripe")

    await remap(hand, event(none))

    lead = a_conversion(a_lead("lead"), needs_association=True, association_namespace="stripe")
    (recorded,) = await hand.record(a_meaning(lead))
    assert "no click id" == recorded.reason


async def test_a_lead_without_a_known_click_id_is_not_made_and_is_when_it_is_known(hand: Hand) -> None:
    lead = a_conversion(a_lead("lead"), needs_association=True, association_namespace="stripe")
    await hand.record(event(state=UNMAPPED))

    without = await remap(hand, event(lead))
    click = a_conversion(a_sale("click", click_id="c"), claims=["in_1"], association_namespace="stripe")
    await hand.record(event(click, key="other"))
    with_click = await remap(hand, event(lead))

    assert (EventState.IGNORED, "no click id", []) == (without.after, without.reason, kinds(without))
    assert (EventState.ACCEPTED, [Remap.ADDED]) == (with_click.after, kinds(with_click))


# ── dead: succeeded ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_dead_letter_is_succeeded_by_a_new_delivery_that_has_its_key(hand: Hand) -> None:
    await hand.record(event(sale("wrong", "in_1", "pi_1")))
    await die(hand)

    remapped = await remap(hand, event(sale("right", "in_1")))

    assert [Remap.RENEWED] == kinds(remapped)
    wrong, right = await hand.one("wrong"), await hand.one("right")
    assert (S.DISMISSED, "remapped: delivery 2 stands for it") == (wrong.state, wrong.reason)
    assert (2, S.PENDING, False) == (right.id, right.state, right.unsure)
    assert 1 == len(await hand.store.attempts(1))
    (known,) = await hand.record(event(sale("later", "pi_1"), key="later"))
    assert 0 == known.due
    (back,) = await hand.store.replay([1], now=hand.now)
    assert not back.done


async def test_a_dead_letter_that_is_the_same_today_stays_for_replay(hand: Hand) -> None:
    await hand.record(event(sale("a")))
    await die(hand)

    remapped = await remap(hand, event(sale("a")))

    assert [Remap.SAME] == kinds(remapped)
    assert [S.DEAD] == await hand.states("a")


async def test_a_dead_letter_that_no_rule_makes_stays_for_a_person(hand: Hand) -> None:
    await hand.record(event(sale("a")))
    await die(hand)

    remapped = await remap(hand, event(state=EventState.IGNORED, reason="no rule"))

    assert [Remap.LEFT] == kinds(remapped)
    assert "no rule makes it any more; it stays dead until somebody dismisses it" == remapped.changes[0].why
    assert [S.DEAD] == await hand.states("a")


async def test_the_successor_of_one_that_may_have_arrived_goes_under_its_invoice_id(hand: Hand) -> None:
    await hand.record(event(sale("wrong", "in_1", invoice_id="first")))
    await die(hand, sent=Sent.MAYBE)

    await remap(hand, event(sale("right", "in_1", invoice_id="second")))

    right = await hand.one("right")
    assert ("first", True) == (right.payload.invoice_id, right.unsure)  # type: ignore[union-attr]  # a sale


async def test_one_that_may_have_arrived_and_must_not_be_repeated_is_only_shown(hand: Hand) -> None:
    held = a_conversion(a_lead("wrong"), claims=["l1"], when_unsure="hold")
    await hand.record(event(held))
    await die(hand, sent=Sent.MAYBE)

    remapped = await remap(hand, event(a_conversion(a_lead("right"), claims=["l1"], when_unsure="hold")))

    assert [Remap.LEFT] == kinds(remapped)
    assert "its outcome is unknown, and its rule says hold" == remapped.changes[0].why
    assert [S.DEAD] == await hand.states("wrong")


async def test_a_dead_letter_whose_payment_was_told_by_another_stays_told_once(hand: Hand) -> None:
    await hand.record(event(sale("dead", "in_1")))
    await die(hand)
    await hand.record(event(sale("heir", "in_1"), key="other"))

    remapped = await remap(hand, event(sale("mended", "in_1")))

    assert [Remap.RENEWED] == kinds(remapped)
    assert [S.DISMISSED, S.PENDING, S.DUPLICATE] == await hand.states("dead", "heir", "mended")
    assert ["heir"] == await hand.claim()


async def test_a_new_one_goes_to_the_end_of_its_lane(hand: Hand) -> None:
    await hand.trust()
    await hand.record(event(sale("dead", "in_1")))
    await die(hand)
    await hand.record(event(sale("other", "in_2"), key="other"))

    await remap(hand, event(sale("mended", "in_1")), 2)

    assert ["other"] == await hand.claim()


# ── attempted, delivered, given up: shown ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", [S.DELIVERED, S.SENDING, S.DISMISSED, S.DRY_RUN], ids=lambda state: state.value)
async def test_what_is_delivered_on_its_way_or_given_up_is_only_shown(hand: Hand, state: S) -> None:
    await hand.record(event(sale("a", amount=1)), dry_run=state is S.DRY_RUN)
    match state:
        case S.DELIVERED:
            await hand.end(await hand.claim_one(), Delivered())
        case S.SENDING:
            await hand.claim_one()
        case S.DISMISSED:
            await hand.store.dismiss([1], only=False, now=hand.now)
        case _:
            pass

    remapped = await remap(hand, event(sale("a", amount=2)))

    (change,) = remapped.changes
    assert change.after is not None
    assert (Remap.LEFT, 2, False) == (change.what, change.after.amount, remapped.is_change)  # type: ignore[union-attr]  # a sale
    assert change.why
    stored = await hand.one("a")
    assert (state, 1) == (stored.state, stored.payload.amount)  # type: ignore[union-attr]  # a sale


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (sale("a", "other key"), Remap.SAME),
        (sale("another name", "other key"), Remap.LEFT),
        (sale("a", "other key", customer="cus_2"), Remap.LEFT),
    ],
    ids=["key", "name", "customer"],
)
async def test_what_is_delivered_is_not_sent_again_under_another_key(
    hand: Hand, changed: Conversion, what: Remap
) -> None:
    await hand.record(event(sale("a")))
    await hand.end(await hand.claim_one(), Delivered())

    remapped = await remap(hand, event(changed))

    assert [what] == kinds(remapped)
    assert 1 == len(await hand.all())


async def test_an_heir_of_one_that_may_have_arrived_is_not_replaced(hand: Hand) -> None:
    """It carries the invoice id first sent, without which the tracker could count twice."""
    await hand.record(event(sale("first", "in_1", invoice_id="first"), key="first"))
    await hand.record(event(sale("heir", "in_1", invoice_id="second"), key="heir"))
    await die(hand, sent=Sent.MAYBE)

    remapped = await remap(hand, event(sale("mended", "in_1", invoice_id="second")), 2)

    assert [Remap.LEFT] == kinds(remapped)
    assert "first" == (await hand.one("heir")).payload.invoice_id  # type: ignore[union-attr]  # a sale


# ── claims ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_key_that_another_event_holds_makes_a_duplicate(hand: Hand) -> None:
    await hand.record(event(sale("holder", "in_1", amount=1), key="other"))
    await hand.record(event(state=UNMAPPED))

    remapped = await remap(hand, event(sale("mended", "in_1")), 2)

    mended = await hand.one("mended")
    assert ([Remap.ADDED], S.DUPLICATE, 1) == (kinds(remapped), mended.state, mended.duplicate_of)
    assert ("amount differs",) == mended.flags


async def test_a_pending_one_whose_new_key_is_taken_becomes_a_duplicate_with_its_own_duplicates(hand: Hand) -> None:
    await hand.record(event(sale("holder", "in_1"), key="other"))
    await hand.record(event(sale("wrong", "in_2")))
    await hand.record(event(sale("twin", "in_2"), key="twin"))

    await remap(hand, event(sale("mended", "in_1", "in_2")), 2)
    (late,) = await hand.record(event(sale("late", "in_2"), key="late"))

    found = await hand.all()
    assert [1, 1, 1] == [found[name].duplicate_of for name in ("mended", "twin", "late")]
    assert 0 == late.due


async def test_a_duplicate_by_mistake_is_sent_once_its_key_is_mended(hand: Hand) -> None:
    for number in range(3):
        await hand.record(event(sale(f"s{number}", "a constant", customer=f"cus_{number}"), key=f"e{number}"))
    await hand.end(await hand.claim_one(), Delivered(), cautious=False)

    for number in (1, 2):
        await remap(hand, event(sale(f"s{number}", f"in_{number}", customer=f"cus_{number}")), number + 1)

    assert [S.DELIVERED, S.PENDING, S.PENDING] == await hand.states("s0", "s1", "s2")
    assert ["s1", "s2"] == await hand.claim()


async def test_a_holder_by_mistake_lets_its_duplicates_go_when_its_key_is_mended(hand: Hand) -> None:
    for number, names in enumerate((["x", "a"], ["x", "b"], ["b"], ["a"], ["x", "c"])):
        await hand.record(event(sale(f"s{number}", *names, customer=f"cus_{number}"), key=f"e{number}"))
    assert [S.PENDING, *[S.DUPLICATE] * 4] == await hand.states(*(f"s{number}" for number in range(5)))

    await remap(hand, event(sale("s0", "a", customer="cus_0")))

    found = await hand.all()
    assert [None, None, 2, 1, 2] == [found[f"s{number}"].duplicate_of for number in range(5)]
    assert [S.PENDING, S.PENDING] == await hand.states("s0", "s1")
    for name, due in (("a", 0), ("b", 0), ("c", 0), ("x", 0), ("free", 1)):
        (recorded,) = await hand.record(event(sale(f"new {name}", name), key=f"new {name}"))
        assert due == recorded.due


async def test_a_duplicate_let_go_goes_to_whoever_else_has_its_other_key(hand: Hand) -> None:
    await hand.record(event(sale("mistaken", "x"), key="mistaken"))
    await hand.record(event(sale("rival", "b"), key="rival"))
    await hand.record(event(sale("both", "x", "b"), key="both"))

    await remap(hand, event(sale("mistaken", "a")))

    found = await hand.all()
    assert 2 == found["both"].duplicate_of
    (recorded,) = await hand.record(event(sale("late", "x"), key="late"))
    assert 0 == recorded.due


async def test_a_key_that_a_dead_letter_of_the_customer_answers_for_stays_taken(hand: Hand) -> None:
    await hand.record(event(sale("dead", "in_1", "pi_1"), key="dead"))
    await die(hand)
    await hand.record(event(sale("heir", "in_1"), key="heir"))

    await remap(hand, event(sale("heir", "in_1", amount=1)), 2)
    await remap(hand, event(sale("heir", "in_9", amount=1)), 2)

    for name in ("pi_1", "in_1"):
        (recorded,) = await hand.record(event(sale(f"late {name}", name), key=f"late {name}"))
        assert 0 == recorded.due


# ── again, in between, rehearsed ─────────────────────────────────────────────────────────────────────────────────


async def snapshot(hand: Hand) -> tuple[object, ...]:
    events = [(one.id, one.state, one.reason, one.event.revision) for one in await hand.store.find_events("1")]
    claims = [one.claims for story in await hand.store.stories("1") for one in story.told.values()]
    return await hand.all(), events, claims, await hand.store.newest()


HISTORIES: dict[str, Sequence[str]] = {
    "unmapped": (),
    "pending": ("a",),
    "dead": ("a", "die"),
    "duplicate": ("twin", "a"),
    "with duplicates": ("a", "twin"),
}


async def given(hand: Hand, history: Sequence[str]) -> int:
    """Record and let die as told; the number of the event that is remapped."""
    await hand.trust()
    event_id = 0
    for step in history or ("unmapped",):
        match step:
            case "die":
                await die(hand)
            case "unmapped":
                (recorded,) = await hand.record(event(state=UNMAPPED))
                event_id = recorded.event_id
            case _:
                (recorded,) = await hand.record(event(sale(step, "in_1", "pi_1"), key=step))
                event_id = recorded.event_id if step == "a" else event_id
    return event_id


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
async def test_the_same_remap_again_changes_nothing(hand: Hand, history: Sequence[str]) -> None:
    event_id = await given(hand, history)
    mended = event(sale("mended", "in_1"), sale("added", "in_2"))
    first = await remap(hand, mended, event_id)
    before = await snapshot(hand)

    second = await remap(hand, mended, event_id)

    assert first.is_change
    assert {Remap.SAME} == set(kinds(second))
    assert not second.is_change
    assert before == await snapshot(hand)


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
async def test_a_rehearsal_tells_what_the_remap_then_does_and_changes_nothing(
    hand: Hand, history: Sequence[str]
) -> None:
    event_id = await given(hand, history)
    before = await snapshot(hand)
    mended = event(sale("mended", "in_1"), sale("added", "in_2"))

    rehearsed = await remap(hand, mended, event_id, rehearse=True)

    assert before == await snapshot(hand)
    assert rehearsed == await remap(hand, mended, event_id)


async def test_every_payment_of_a_remapped_batch_goes_out_once(hand: Hand) -> None:
    """Wrong keys, duplicates by mistake and dead letters, all mended: each payment is delivered exactly once."""
    await hand.trust()
    for number in range(12):
        await hand.record(event(sale(f"s{number}", f"k{number % 4}", customer=f"cus_{number % 3}"), key=f"e{number}"))
    for delivery in (await hand.ask(limit=2)).deliveries:
        await hand.end(delivery, Dead(reason="no"))

    for number in range(12):
        mended = sale(f"m{number}", f"in_{number}", customer=f"cus_{number % 3}")
        await remap(hand, event(mended, key=f"e{number}"), number + 2)
    told = []
    while claimed := (await hand.ask()).deliveries:
        told += [delivery.payload.event_name for delivery in claimed]
        for delivery in claimed:
            await hand.end(delivery, Delivered())

    assert sorted(f"m{number}" for number in range(12)) == sorted(told)
    assert [] == await hand.store.deliveries(DeliveryFilter(states=(S.DEAD, S.PENDING, S.WAITING)))


# ── what its sender was asked for ────────────────────────────────────────────────────────────────────────────────


async def test_what_was_learnt_of_the_sender_survives_a_replacement(hand: Hand) -> None:
    await hand.trust()
    await hand.record(event(sale("wrong", "in_1")))
    delivery = await hand.claim_one()
    await hand.store.park([delivery.id], until=hand.now, asked=True, now=hand.now)
    await hand.store.learn(Lesson(delivery_id=delivery.id, names=("pi_1",), click_id="c_1"), now=hand.now)

    await remap(hand, event(sale("right", "in_1")), 2)

    right = await hand.one("right")
    assert ("c_1", True) == (right.payload.click_id, right.is_looked_up)
    (late,) = await hand.record(event(sale("late", "pi_1"), key="late"))
    assert 0 == late.due
    assert not (await remap(hand, event(sale("right", "in_1")), 2)).is_change


async def test_a_click_id_of_todays_rules_goes_before_a_learnt_one(hand: Hand) -> None:
    await hand.trust()
    await hand.record(event(sale("a", "in_1")))
    delivery = await hand.claim_one()
    await hand.store.park([delivery.id], until=hand.now, asked=True, now=hand.now)
    await hand.store.learn(Lesson(delivery_id=delivery.id, click_id="asked"), now=hand.now)

    await remap(hand, event(sale("a", "in_1", click_id="own")), 2)

    assert "own" == (await hand.one("a")).payload.click_id


async def test_the_click_id_that_another_webhook_of_the_payment_brought_stays(hand: Hand) -> None:
    await hand.record(event(sale("wrong", "in_1")))
    await hand.record(event(sale("twin", "in_1", click_id="c_1"), key="twin"))
    before = await hand.one("wrong")

    await remap(hand, event(sale("right", "in_1")))

    right = await hand.one("right")
    assert ("c_1", "c_1") == (before.payload.click_id, right.payload.click_id)
    assert before.flags == right.flags != ()
    assert not (await remap(hand, event(sale("right", "in_1")))).is_change
    await remap(hand, event(sale("right", "in_1", click_id="own")))
    assert ("own", ()) == ((await hand.one("right")).payload.click_id, (await hand.one("right")).flags)


async def test_a_duplicate_follows_the_one_of_its_event_that_now_answers_for_it(hand: Hand) -> None:
    """It was the first one's duplicate by way of the second, which parts from the first."""

    def one(name: str, *claims: str) -> Conversion:
        return a_conversion(a_sale(name), claims=claims)

    await hand.record(a_meaning(one("first", "a"), one("second", "a", "b", "c"), key="e1"))
    await hand.record(a_meaning(one("both", "a", "b"), one("last", "c"), key="e2"))
    today = a_meaning(one("first now", "a"), one("second now", "b", "c"), key="e1")

    assert (await hand.store.remap(1, today, now=hand.now)) is not None

    assert (await hand.one("second now")).id == (await hand.one("last")).duplicate_of
    assert (await hand.one("first now")).id == (await hand.one("both")).duplicate_of
    again = await hand.store.remap(1, today, now=hand.now)
    assert again is not None
    assert not again.is_change
