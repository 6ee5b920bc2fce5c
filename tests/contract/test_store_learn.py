"""Parked while the sender is asked, then learnt once: lanes, claims, click ids, the rate and probes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.model import Dead, Delivered, Delivery, Meaning, RetryAt, Sale, Sent
from bridge.rate import Pace
from bridge.store.lessons import Learnt, Lesson
from tests.contract.store_hand import START, Hand, S, a_conversion, a_lead, a_meaning, a_sale, an_event, an_outcome

HALF_A_MINUTE = timedelta(seconds=30)


class Asking:
    """A hand that parks and learns."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand

    async def park(self, *deliveries: Delivery, asked: bool = True) -> None:
        ids = [delivery.id for delivery in deliveries]
        now = self.hand.now
        await self.hand.store.park(ids, until=now + HALF_A_MINUTE, asked=asked, now=now)

    async def parked(self, name: str = "sale", claims: tuple[str, ...] = ("pi_1",), customer: str = "cus_1") -> int:
        """Record a sale, claim it, park it."""
        await self.hand.record(self.meaning(name, claims, customer))
        delivery = await self.hand.claim_one()
        await self.park(delivery)
        return delivery.id

    def meaning(self, name: str, claims: tuple[str, ...], customer: str = "cus_1", **changes: object) -> Meaning:
        return a_meaning(a_conversion(a_sale(name, customer, **changes), claims=claims, association_namespace="stripe"))

    async def learn(self, delivery_id: int, **lesson: object) -> Learnt:
        return await self.hand.store.learn(Lesson(delivery_id=delivery_id, **lesson), now=self.hand.now)  # type: ignore[arg-type]

    async def click_of(self, name: str) -> str | None:
        return (await self.hand.one(name)).payload.click_id


@pytest.fixture
async def asking(hand: Hand) -> Asking:
    await hand.store.greet("fingerprint", now=hand.now)
    await hand.trust()
    return Asking(hand)


# ── parked ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_parked_keeps_its_lane_and_comes_back_by_itself(hand: Hand, asking: Asking) -> None:
    await asking.parked()
    await hand.record(a_lead("behind"), a_sale("other", "cus_2"))

    assert ["other"] == await hand.claim()
    assert [S.PENDING, S.PENDING] == await hand.states("sale", "behind")
    assert (await hand.ask()).ask_again_at == START + HALF_A_MINUTE
    hand.later(seconds=30)
    assert ["sale"] == await hand.claim()


async def test_a_parked_delivery_was_never_tried(hand: Hand, asking: Asking) -> None:
    number = await asking.parked()
    assert 0 == await hand.rescue()

    one = await hand.one("sale")
    assert (0, 0, False, []) == (one.attempts, one.tries, one.unsure, await hand.store.attempts(number))
    assert (START, False) == (one.asked_at, one.is_looked_up)


async def test_since_when_it_is_asked_is_remembered_of_the_first_time(hand: Hand, asking: Asking) -> None:
    await hand.record(a_sale())
    await asking.park(await hand.claim_one(), asked=False)
    assert None is (await hand.one("sale")).asked_at
    for _ in range(2):
        hand.later(minutes=1)
        await asking.park(await hand.claim_one())

    assert START + timedelta(minutes=1) == (await hand.one("sale")).asked_at


async def test_only_what_is_leased_can_be_parked(hand: Hand, asking: Asking) -> None:
    await hand.record(a_sale())
    leased = await hand.claim_one()
    await hand.end(leased, Delivered())
    await asking.park(leased)

    assert [S.DELIVERED] == await hand.states("sale")


async def test_parking_costs_nothing_of_the_rate(hand: Hand, asking: Asking) -> None:
    pace = Pace(n=2, seconds=60.0)
    hand.later(minutes=5)
    await hand.record(*(a_sale(f"s{number}", f"cus_{number}") for number in range(3)))
    (first,) = (await hand.ask(pace=pace)).deliveries
    await asking.park(first)

    assert ["s1"] == await hand.claim(pace=pace)
    assert [] == await hand.claim(pace=pace)


async def test_a_probe_that_was_parked_is_still_to_come(hand: Hand, asking: Asking) -> None:
    await hand.set(paused_since=START, pause_reason="the token is not accepted", probe_at=START, probes=3)
    await hand.record(a_sale())
    await asking.park(await hand.claim_one())

    tracker = await hand.store.tracker()
    assert (3, START + timedelta(seconds=5)) == (tracker.probes, tracker.probe_at)


async def test_a_question_begins_with_the_event_and_the_claims(hand: Hand, asking: Asking) -> None:
    event = an_event("evt_1", body=b'{"id": 1}', account="acct_1")
    conversion = a_conversion(a_sale(), claims=("in_1", "pi_1"))
    await hand.record(a_meaning(conversion, event=event))
    delivery = await hand.claim_one()
    await asking.park(delivery)
    matter = await hand.store.matter(delivery.id)

    assert matter is not None
    assert (b'{"id": 1}', "acct_1", ("in_1", "pi_1")) == (matter.body, matter.account, matter.names)
    assert None is await hand.store.matter(4711)


# ── learnt ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_click_id_goes_into_a_sale_without_one_and_is_remembered_of_the_customer(
    hand: Hand, asking: Asking
) -> None:
    number = await asking.parked()
    assert "due" == await asking.learn(number, click_id="c1", notes=("click id of the customer",))

    one = await hand.claim_one()
    assert ("c1", ("click id of the customer",), True) == (one.payload.click_id, one.flags, one.is_looked_up)
    await hand.end(one, Delivered())
    # a lead that needs an association finds it
    await hand.record(a_meaning(a_conversion(a_lead("l"), needs_association=True, association_namespace="stripe")))
    assert ["l"] == await hand.claim()


async def test_its_own_click_id_wins(hand: Hand, asking: Asking) -> None:
    await hand.record(asking.meaning("sale", ("pi_1",), click_id="own"))
    delivery = await hand.claim_one()
    await asking.park(delivery)
    await asking.learn(delivery.id, click_id="other")

    assert "own" == await asking.click_of("sale")


async def test_what_was_learnt_is_due_at_once_and_before_what_came_after(hand: Hand, asking: Asking) -> None:
    number = await asking.parked()
    hand.later(seconds=2)
    await hand.record(a_sale("later", "cus_2"))
    await asking.learn(number)

    assert ["sale", "later"] == await hand.claim()


async def test_a_delivery_learns_once(hand: Hand, asking: Asking) -> None:
    number = await asking.parked()
    await asking.learn(number)

    assert "too late" == await asking.learn(number, click_id="c1", names=("in_1",))
    assert None is await asking.click_of("sale")
    assert 1 == len(await hand.claim())


@pytest.mark.parametrize("after", ["a try", "a dismissal", "a lease"])
async def test_what_is_not_as_it_was_learns_nothing(hand: Hand, asking: Asking, after: str) -> None:
    number = await asking.parked()
    hand.later(minutes=1)
    if after == "a dismissal":
        await hand.store.dismiss([number], only=False, now=hand.now)
    else:
        leased = await hand.claim_one()
        if after == "a try":
            await hand.end(leased, RetryAt(at=hand.now, reason="timeout"), an_outcome(None, sent=Sent.MAYBE))
    before = await hand.one("sale")

    assert "too late" == await asking.learn(number, click_id="c1", names=("in_1",))
    assert before == await hand.one("sale")
    await hand.record(asking.meaning("invoice", ("in_1",), "cus_2"))
    assert [S.PENDING] == await hand.states("invoice")


async def test_a_learnt_name_is_claimed(hand: Hand, asking: Asking) -> None:
    number = await asking.parked()
    assert "due" == await asking.learn(number, names=("in_1", "in_1"))
    await hand.record(asking.meaning("invoice", ("in_1",)))

    assert [S.PENDING, S.DUPLICATE] == await hand.states("sale", "invoice")
    assert number == (await hand.one("invoice")).duplicate_of


async def test_a_name_that_another_holds_makes_a_duplicate_and_frees_the_lane(hand: Hand, asking: Asking) -> None:
    await hand.record(asking.meaning("invoice", ("in_1",), "cus_2", amount=4998))
    invoice = await hand.claim_one()
    number = await asking.parked()
    await hand.record(a_sale("behind"))

    assert "duplicate" == await asking.learn(number, names=("in_1",), notes=("x",))
    sale = await hand.one("sale")
    assert (S.DUPLICATE, invoice.id, ("x", "amount differs")) == (sale.state, sale.duplicate_of, sale.flags)
    assert ["behind"] == await hand.claim()
    # the other answers for this one's names as well
    await hand.record(asking.meaning("charge", ("pi_1",), "cus_3"))
    assert invoice.id == (await hand.one("charge")).duplicate_of


async def test_duplicates_follow_to_the_one_that_stands_for_all(hand: Hand, asking: Asking) -> None:
    number = await asking.parked()
    await hand.record(asking.meaning("charge", ("pi_1", "ch_1")))
    await hand.record(asking.meaning("invoice", ("in_1",), "cus_2"))
    await asking.learn(number, names=("in_1",))

    invoice = await hand.one("invoice")
    assert [invoice.id] * 2 == [(await hand.one(name)).duplicate_of for name in ("sale", "charge")]


async def test_when_that_one_dies_the_duplicate_is_sent_with_what_it_learnt(hand: Hand, asking: Asking) -> None:
    await hand.record(asking.meaning("invoice", ("in_1",), "cus_2"))
    invoice = await hand.claim_one()
    number = await asking.parked()
    await asking.learn(number, names=("in_1",), click_id="c1")
    await hand.end(invoice, Dead(reason="422"))

    one = await hand.claim_one()
    assert ("sale", "c1", True) == (one.payload.event_name, one.payload.click_id, one.is_looked_up)


@pytest.mark.parametrize("unsure", [False, True], ids=["never arrived", "may have arrived"])
async def test_a_dead_holder_gives_way(hand: Hand, asking: Asking, *, unsure: bool) -> None:
    await hand.record(asking.meaning("invoice", ("in_1", "cs_1"), "cus_2", invoice_id="in_1"))
    outcome = an_outcome(None, sent=Sent.MAYBE) if unsure else None
    await hand.end(await hand.claim_one(), Dead(reason="gave up"), outcome)
    number = await asking.parked()

    assert "due" == await asking.learn(number, names=("in_1",))
    one = await hand.claim_one()
    assert isinstance(one.payload, Sale)
    assert ("in_1" if unsure else "sale") == one.payload.invoice_id
    await hand.record(asking.meaning("session", ("cs_1",)))
    assert number == (await hand.one("session")).duplicate_of


async def test_what_a_third_one_holds_is_not_taken_along(hand: Hand, asking: Asking) -> None:
    await hand.record(asking.meaning("first", ("in_1",), "cus_2"))
    await hand.record(asking.meaning("second", ("in_2",), "cus_3"))
    first, second = (await hand.ask()).deliveries
    number = await asking.parked()
    await asking.learn(number, names=("in_1", "in_2"))
    await hand.end(first, Dead(reason="422"))

    # the sale is also the second's, which is alive: that one takes everything
    assert [S.DEAD, S.SENDING, S.DUPLICATE] == await hand.states("first", "second", "sale")
    assert second.id == (await hand.one("sale")).duplicate_of


async def test_both_of_one_payment_learn_and_one_is_sent(hand: Hand, asking: Asking) -> None:
    payment = await asking.parked("payment", ("pi_1",), "cus_1")
    invoice = await asking.parked("invoice", ("in_1",), "guest@example.com")
    assert "duplicate" == await asking.learn(payment, names=("in_1",))
    assert "due" == await asking.learn(invoice, names=("pi_1",))

    assert ["invoice"] == await hand.claim()


async def test_odd_text_is_stored_as_it_can_be(hand: Hand, asking: Asking) -> None:
    number = await asking.parked()
    await asking.learn(number, click_id="c\0\ud800", names=("in_\0",), notes=("\udfff",))

    one = replace(await hand.claim_one(), age_seconds=0.0)
    assert ("c\ufffd\ufffd", ("\ufffd",)) == (one.payload.click_id, one.flags)


# ── learnt while it waits for a click id ─────────────────────────────────────────────────────────────────────────


async def waiting(hand: Hand, asking: Asking) -> int:
    kept = asking.meaning("sale", ("in_1",))
    (conversion,) = kept.conversions
    await hand.record(replace(kept, conversions=(replace(conversion, wait=timedelta(minutes=10)),)))
    one = await hand.one("sale")
    assert S.WAITING is one.state
    return one.id


async def test_a_click_id_ends_the_wait_at_once(hand: Hand, asking: Asking) -> None:
    number = await waiting(hand, asking)
    hand.later(seconds=20)
    assert "due" == await asking.learn(number, click_id="c1", notes=("click id of the customer",))

    one = await hand.claim_one()
    assert ("c1", ("click id of the customer",), True) == (one.payload.click_id, one.flags, one.is_looked_up)


async def test_anything_else_leaves_it_waiting_and_is_asked_again(hand: Hand, asking: Asking) -> None:
    number = await waiting(hand, asking)
    assert "too late" == await asking.learn(number, names=('["sale","stripe","","pi_9"]',), notes=("no click id",))

    one = await hand.one("sale")
    assert (S.WAITING, (), False) == (one.state, one.flags, one.is_looked_up)
    hand.later(minutes=10)
    assert ["sale"] == await hand.claim()


async def test_one_that_waits_may_turn_out_to_be_a_duplicate(hand: Hand, asking: Asking) -> None:
    await hand.record(asking.meaning("first", ("pi_9",), "cus_9"))
    number = await waiting(hand, asking)
    assert "duplicate" == await asking.learn(number, click_id="c1", names=("pi_9",))

    assert "c1" == await asking.click_of("first")
    assert ["first"] == await hand.claim()
