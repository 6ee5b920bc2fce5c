"""settle and rescue: every try is kept, its consequence follows in the same commit, repeating it is safe."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bridge.model import (
    Attempt,
    Dead,
    Decision,
    Delivered,
    Delivery,
    Outcome,
    Pause,
    RetryAt,
    Sent,
    Tracker,
    Wait,
)
from bridge.store.base import Settlement
from tests.contract.store_hand import START, Hand, S, a_conversion, a_lead, a_meaning, a_sale, an_outcome

SOON = START + timedelta(seconds=30)


@pytest.fixture
async def leased(hand: Hand) -> Delivery:
    """The one delivery of a store that is past its first success, in a worker's hands."""
    await hand.trust()
    await hand.record(a_sale("a"))
    return await hand.claim_one()


@pytest.mark.parametrize(
    ("decision", "expected", "attempt"),
    [
        (
            Delivered(flags=("already there",)),
            {"state": S.DELIVERED, "attempts": 1, "flags": ("already there",), "reason": "", "due_at": START},
            ("delivered", "already there", True),
        ),
        (
            RetryAt(at=SOON, reason="busy"),
            {"state": S.PENDING, "attempts": 1, "due_at": SOON, "reason": "busy", "failing_since": START},
            ("retry", "busy", True),
        ),
        (
            RetryAt(at=SOON, reason="busy", steps_aside=True),
            {"state": S.WAITING, "attempts": 1, "due_at": SOON, "waits": 0, "waiting_since": None},
            ("retry", "busy", True),
        ),
        (
            Wait(until=SOON, reason="not yet"),
            {"state": S.WAITING, "attempts": 0, "waits": 1, "waiting_since": START, "due_at": SOON},
            ("wait", "not yet", False),
        ),
        (
            Dead(reason="no amount"),
            {"state": S.DEAD, "attempts": 1, "reason": "no amount"},
            ("dead", "no amount", True),
        ),
        (
            Pause(reason="401"),
            {"state": S.PENDING, "attempts": 0, "due_at": START, "refusals": 1, "last_refused_at": START},
            ("pause", "401", False),
        ),
        (
            Pause(reason="outage", counted=True, retry_at=SOON),
            {"state": S.PENDING, "attempts": 1, "due_at": SOON, "failing_since": START},
            ("pause", "outage", True),
        ),
    ],
    ids=["delivered", "retry", "steps aside", "wait", "dead", "pause", "outage"],
)
async def test_a_decision_is_written_with_its_attempt(
    hand: Hand, leased: Delivery, decision: Decision, expected: dict[str, Any], attempt: tuple[str, str, bool]
) -> None:
    outcome = an_outcome(401, text="answer\0", sent=Sent.YES)

    settled = await hand.end(leased, decision, outcome)
    delivery = await hand.one("a")

    assert {**expected, "tries": 1} == {name: getattr(delivery, name) for name in (*expected, "tries")}
    assert (leased, decision, outcome) == (replace(settled.delivery, state=S.SENDING), settled.decision, outcome)
    word, reason, counted = attempt
    assert [
        Attempt(
            number=1,
            started_at=START,
            duration_ms=12.5,
            sent=Sent.YES,
            status=401,
            verdict=word,
            reason=reason,
            answer="answer\ufffd",
            counted=counted,
        )
    ] == await hand.store.attempts(delivery.id)


async def test_the_judge_sees_the_row_as_it_is_and_its_tracker_is_kept(hand: Hand, leased: Delivery) -> None:
    await hand.end(leased, RetryAt(at=START, reason="busy"), failures=1)
    hand.later(seconds=9)
    seen: list[tuple[Delivery, Tracker]] = []

    def judge(delivery: Delivery, _: Outcome, tracker: Tracker, __: datetime) -> tuple[Decision, Tracker]:
        seen.append((delivery, tracker))
        return Delivered(), replace(tracker, failures=tracker.failures + 1)

    again = await hand.claim_one()
    await hand.store.settle([Settlement(delivery=again, outcome=an_outcome(started_at=hand.now))], judge, now=hand.now)

    ((delivery, tracker),) = seen
    assert (1, 1, 9.0, 1) == (delivery.tries, delivery.attempts, delivery.age_seconds, tracker.failures)
    assert 2 == (await hand.store.tracker()).failures


async def test_tries_settled_together_see_each_others_tracker(hand: Hand) -> None:
    await hand.trust()
    await hand.record(*(a_sale(f"s{number}", f"cus_{number}") for number in range(5)))
    tries = [Settlement(delivery=one, outcome=an_outcome(500)) for one in (await hand.ask()).deliveries]

    def judge(_: Delivery, __: Outcome, tracker: Tracker, ___: datetime) -> tuple[Decision, Tracker]:
        return RetryAt(at=SOON, reason="busy"), replace(tracker, failures=tracker.failures + 1)

    settled = await hand.store.settle(tries, judge, now=START)

    assert [1, 2, 3, 4, 5] == [one.tracker.failures for one in settled]
    assert 5 == (await hand.store.tracker()).failures


async def test_a_judge_that_fails_changes_nothing_and_its_error_comes_back(hand: Hand, leased: Delivery) -> None:
    def judge(_: Delivery, __: Outcome, ___: Tracker, ____: datetime) -> tuple[Decision, Tracker]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await hand.store.settle([Settlement(delivery=leased, outcome=an_outcome())], judge, now=START)

    assert [S.SENDING] == await hand.states("a")
    assert [] == await hand.store.attempts(leased.id)


async def test_repeating_a_settlement_adds_nothing(hand: Hand, leased: Delivery) -> None:
    """A commit whose answer got lost is settled again, by a worker that does not know better."""
    await hand.end(leased, RetryAt(at=SOON, reason="busy"), failures=1)
    before = await hand.one("a"), await hand.store.tracker()

    settled = await hand.end(leased, RetryAt(at=START, reason="busy"), failures=7)

    assert before == (await hand.one("a"), await hand.store.tracker())
    assert 1 == len(await hand.store.attempts(leased.id))
    assert RetryAt(at=START, reason="busy") == settled.decision


async def test_tries_are_numbered_and_refused_ones_count_against_no_budget(hand: Hand, leased: Delivery) -> None:
    await hand.end(leased, Pause(reason="401", until=None), an_outcome(401))
    await hand.store.resume(now=START)
    hand.later(seconds=1)
    await hand.end(await hand.claim_one(), RetryAt(at=START, reason="busy"))
    delivery = await hand.one("a")

    assert (2, 1) == (delivery.tries, delivery.attempts)
    assert [1, 2] == [attempt.number for attempt in await hand.store.attempts(delivery.id)]


@pytest.mark.parametrize(("status", "refusals"), [(401, 2), (302, 2), (429, 1), (503, 1), (500, 1), (None, 1)], ids=str)
async def test_only_what_speaks_of_us_is_a_refusal_of_this_delivery(
    hand: Hand, leased: Delivery, status: int | None, refusals: int
) -> None:
    """An outage or a plea for patience says nothing about the token, and must not add up to a dead letter."""
    await hand.end(leased, Pause(reason="401"), an_outcome(401), last_success_at=START + timedelta(milliseconds=500))
    hand.later(seconds=1)

    await hand.end(await hand.claim_one(), Pause(reason="again"), an_outcome(status, started_at=hand.now))

    delivery = await hand.one("a")
    assert (refusals, hand.now if refusals == 2 else START) == (delivery.refusals, delivery.last_refused_at)


@pytest.mark.parametrize(
    "decision",
    [RetryAt(at=START, reason="busy"), Wait(until=START, reason="not yet"), Dead(reason="x"), Delivered()],
    ids=lambda one: type(one).__name__,
)
async def test_any_other_outcome_ends_a_row_of_refusals(hand: Hand, leased: Delivery, decision: Decision) -> None:
    await hand.end(leased, Pause(reason="401"), an_outcome(401))
    hand.later(seconds=1)

    await hand.end(await hand.claim_one(), decision)

    delivery = await hand.one("a")
    assert (0, None) == (delivery.refusals, delivery.last_refused_at)


async def test_waiting_is_counted_and_remembers_its_beginning(hand: Hand, leased: Delivery) -> None:
    await hand.end(leased, Wait(until=SOON, reason="not yet"))
    hand.later(minutes=1)
    await hand.end(await hand.claim_one(), Wait(until=hand.now, reason="not yet"))

    delivery = await hand.one("a")
    assert (2, START) == (delivery.waits, delivery.waiting_since)


async def test_once_unsure_always_unsure(hand: Hand, leased: Delivery) -> None:
    await hand.end(leased, RetryAt(at=START, reason="timeout"), an_outcome(None, sent=Sent.MAYBE))
    hand.later(seconds=1)
    again = await hand.claim_one()
    assert again.unsure

    await hand.end(again, RetryAt(at=START, reason="refused"), an_outcome(None, sent=Sent.NO, started_at=hand.now))
    assert (await hand.one("a")).unsure


async def test_a_delivered_lead_makes_what_waits_in_its_lane_due_at_once(hand: Hand) -> None:
    await hand.trust()
    await hand.record(a_sale("early"), a_sale("other", "cus_2"), a_lead("lead"))
    for delivery in (await hand.ask()).deliveries:
        await hand.end(delivery, Wait(until=START + timedelta(hours=1), reason="not yet"))

    await hand.end(await hand.claim_one(), Delivered())

    assert ["early"] == await hand.claim()


async def test_a_delivered_sale_wakes_nobody(hand: Hand) -> None:
    await hand.trust()
    await hand.record(a_sale("early"), a_sale("sale"))
    await hand.end(await hand.claim_one(), Wait(until=START + timedelta(hours=1), reason="not yet"))

    await hand.end(await hand.claim_one(), Delivered())

    assert [] == await hand.claim()


async def test_a_dead_letter_frees_its_lane(hand: Hand, leased: Delivery) -> None:
    await hand.record(a_sale("b"))

    await hand.end(leased, Dead(reason="no amount"))

    assert ["b"] == await hand.claim()


# ── when the lease was lost meanwhile ────────────────────────────────────────────────────────────────────────────


def late(minutes: int = 1) -> Outcome:
    return an_outcome(started_at=START + timedelta(minutes=minutes))


async def test_a_late_try_is_kept_and_changes_nothing(hand: Hand, leased: Delivery) -> None:
    await hand.rescue()
    again = await hand.claim_one()

    await hand.end(leased, Dead(reason="late"), late())

    assert [S.SENDING] == await hand.states("a")
    assert ["interrupted", "dead"] == [one.verdict for one in await hand.store.attempts(leased.id)]
    await hand.end(again, Delivered(), late(2))
    assert [S.DELIVERED, 3] == [(await hand.one("a")).state, (await hand.one("a")).tries]


Given = Callable[[Hand, Delivery], Any]


async def rescued(hand: Hand, _: Delivery) -> None:
    await hand.rescue()


async def dismissed(hand: Hand, delivery: Delivery) -> None:
    await hand.rescue()
    await hand.store.dismiss([delivery.id], only=False, now=hand.now)


@pytest.mark.parametrize("given", [rescued, dismissed], ids=["rescued", "dismissed"])
async def test_a_late_success_is_a_success_whatever_happened(hand: Hand, leased: Delivery, given: Given) -> None:
    await given(hand, leased)

    await hand.end(leased, Delivered(flags=("late",)), late())

    delivery = await hand.one("a")
    assert (S.DELIVERED, ("late",)) == (delivery.state, delivery.flags)
    await hand.record(a_sale("b"))
    assert ["b"] == await hand.claim()


async def test_a_late_success_makes_who_came_after_a_duplicate(hand: Hand) -> None:
    await hand.trust()
    await hand.record(a_meaning(a_conversion(a_sale("a"), claims=["in_1"])))
    first = await hand.claim_one()
    await hand.rescue()
    second = await hand.claim_one()
    await hand.end(second, Dead(reason="no amount"), late())
    await hand.record(a_meaning(a_conversion(a_sale("b"), claims=["in_1"])))
    assert [S.DEAD, S.PENDING] == await hand.states("a", "b")

    await hand.end(first, Delivered(), late(2))

    assert [S.DELIVERED, S.DUPLICATE] == await hand.states("a", "b")
    assert first.id == (await hand.one("b")).duplicate_of
    assert [] == await hand.claim()


async def test_a_delivery_that_is_gone_is_settled_without_a_trace(hand: Hand, leased: Delivery) -> None:
    settled = await hand.end(replace(leased, id=4711), Delivered(), failures=9)

    assert Delivered() == settled.decision
    assert 0 == (await hand.store.tracker()).failures


# ── rescue ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_rescue_returns_every_lease_as_an_unsure_try(hand: Hand, leased: Delivery) -> None:
    await hand.record(a_sale("behind"), a_sale("other", "cus_2"))
    await hand.claim_one()
    hand.later(minutes=10)

    assert 2 == await hand.store.rescue(now=hand.now)

    delivery = await hand.one("a")
    (attempt,) = await hand.store.attempts(leased.id)
    assert (S.PENDING, True, 1, 1, hand.now) == (
        delivery.state,
        delivery.unsure,
        delivery.attempts,
        delivery.tries,
        delivery.due_at,
    )
    assert ("interrupted", Sent.MAYBE, START, True) == (
        attempt.verdict,
        attempt.sent,
        attempt.started_at,
        attempt.counted,
    )
    assert ["a", "other"] == sorted(await hand.claim())


async def test_rescue_holds_what_its_rule_says_not_to_repeat(hand: Hand) -> None:
    await hand.record(a_meaning(a_conversion(a_lead("a"), when_unsure="hold")), a_lead("b"))
    await hand.claim_one()

    await hand.rescue()

    delivery = await hand.one("a")
    assert (S.DEAD, "outcome unknown; rule says hold", True) == (delivery.state, delivery.reason, delivery.unsure)
    assert ["b"] == await hand.claim()


async def test_rescue_with_nothing_to_rescue_does_nothing(hand: Hand) -> None:
    await hand.record(a_sale("a"))

    assert 0 == await hand.rescue()
    assert 0 == (await hand.one("a")).tries
