"""A database put back from a backup: what it has as unsent is not sent as if nothing had been."""

import pytest

from bridge.errors import ConfigError
from bridge.model import Dead, DeliveryState, RetryAt, Wait
from bridge.retry import Policy, judge
from bridge.store import Store, open_store
from bridge.store.restored import MAYBE, UNKNOWN
from tests.contract.store_hand import START, Hand, a_conversion, a_lead, a_meaning, a_sale, an_outcome

S = DeliveryState


async def a_backlog(hand: Hand) -> None:
    """A sale and a lead in each state that a backup may find them in, each of a customer of its own."""
    await hand.trust()
    for kind, made in (("sale", a_sale), ("lead", a_lead)):
        await hand.record(made(f"{kind} waiting", f"cus_{kind}_w"))
        refused = Wait(until=hand.now.replace(year=2027), reason="not yet")
        await hand.end(await hand.claim_one(), refused, an_outcome(404, started_at=hand.now))
    for kind, made in (("sale", a_sale), ("lead", a_lead)):
        await hand.record(made(f"{kind} sending", f"cus_{kind}_s"))
        assert [f"{kind} sending"] == await hand.claim()
    for kind, made in (("sale", a_sale), ("lead", a_lead)):
        hand.later(minutes=10)
        await hand.record(made(f"{kind} pending", f"cus_{kind}_p"))


async def test_what_is_in_question_is_counted_by_kind_and_state_and_nothing_changes(hand: Hand, store: Store) -> None:
    await a_backlog(hand)

    found = await store.restored()

    counted = [(one.kind, one.state, one.count) for one in found.questions]
    assert [(kind, state, 1) for kind in ("sale", "lead") for state in ("pending", "sending", "waiting")] == counted
    assert (START.replace(minute=10), None, 0) == (found.questions[0].oldest_at, found.backup_at, found.dead)
    assert found.as_of is not None
    assert found.as_of >= START
    assert 6 == sum(one.count for one in (await store.restored()).questions)


async def test_sales_go_again_flagged_under_their_invoice_ids_and_leads_are_held(hand: Hand, store: Store) -> None:
    await a_backlog(hand)
    before = await hand.all()

    done = await store.doubt(now=hand.now, send_leads=False)

    assert (3, 0, 3) == (done.repeated, done.leads, done.held)
    after = await hand.all()
    for state in ("waiting", "sending", "pending"):
        sale, lead = after[f"sale {state}"], after[f"lead {state}"]
        assert (S.WAITING if state == "waiting" else S.PENDING, True) == (sale.state, sale.unsure)
        assert MAYBE in sale.flags
        assert before[sale.payload.event_name].payload == sale.payload
        assert (S.DEAD, UNKNOWN) == (lead.state, lead.reason)
    assert {"sale sending", "sale pending"} == set(await hand.claim())


async def test_leads_go_again_when_a_person_says_so_but_not_those_whose_rule_says_hold(
    hand: Hand, store: Store
) -> None:
    await hand.trust()
    careful = a_conversion(a_lead("careful", "cus_c"), when_unsure="hold")
    await hand.record(a_meaning(careful), a_meaning(a_lead("free", "cus_f")))
    costly = a_conversion(a_sale("costly", "cus_d"), when_unsure="hold")
    await hand.record(a_meaning(costly))

    done = await store.doubt(now=hand.now, send_leads=True)

    assert (0, 1, 2) == (done.repeated, done.leads, done.held)
    assert [S.DEAD, S.PENDING, S.DEAD] == await hand.states("careful", "free", "costly")
    assert (await hand.one("free")).unsure


async def test_a_rehearsal_says_the_same_and_changes_nothing(hand: Hand, store: Store) -> None:
    await a_backlog(hand)
    before = await hand.all()

    rehearsed = await store.doubt(now=hand.now, send_leads=False, rehearse=True)

    assert before == await hand.all()
    assert rehearsed == await store.doubt(now=hand.now, send_leads=False)


async def test_a_held_leads_duplicate_is_not_sent_in_its_place_and_its_lane_goes_on(hand: Hand, store: Store) -> None:
    await hand.trust()
    first = a_conversion(a_lead("signed up"), claims=["one"])
    second = a_conversion(a_lead("signed up as well"), claims=["one"])
    await hand.record(a_meaning(first), a_meaning(second, key="again"))
    await hand.record(a_sale("bought"))

    await store.doubt(now=hand.now, send_leads=False)

    assert [S.DEAD, S.DUPLICATE, S.PENDING] == await hand.states("signed up", "signed up as well", "bought")
    assert ["bought"] == await hand.claim()


async def test_a_held_lead_can_be_replayed(hand: Hand, store: Store) -> None:
    await hand.trust()
    await hand.record(a_lead("signed up"))
    await store.doubt(now=hand.now, send_leads=False)

    (changed,) = await store.replay([(await hand.one("signed up")).id], now=hand.now)

    assert changed.done
    assert ["signed up"] == await hand.claim()


async def test_the_trackers_409_to_a_sale_in_question_is_what_was_expected(hand: Hand, store: Store) -> None:
    await hand.trust()
    await hand.record(a_sale("bought"))
    await store.doubt(now=hand.now, send_leads=False)
    delivery = await hand.claim_one()

    decision, _ = judge(delivery, an_outcome(409), await store.tracker(), now=hand.now, jitter=0.5, policy=Policy())
    await hand.end(delivery, decision, an_outcome(409, started_at=hand.now))

    sold = await hand.one("bought")
    assert (S.DELIVERED, (MAYBE,)) == (sold.state, sold.flags)


async def test_what_is_settled_stays_as_it_is(hand: Hand, store: Store) -> None:
    await hand.trust()
    await hand.record(a_sale("refused"))
    await hand.end(await hand.claim_one(), Dead(reason="422"), an_outcome(422, started_at=hand.now))
    before = await hand.all()

    done = await store.doubt(now=hand.now, send_leads=False)

    assert (1, 0, 0) == (done.dead, done.repeated, done.held)
    assert before == await hand.all()


async def test_a_sale_that_was_tried_keeps_its_budget(hand: Hand, store: Store) -> None:
    await hand.trust()
    await hand.record(a_sale("bought"))
    again = RetryAt(at=hand.now, reason="500")
    await hand.end(await hand.claim_one(), again, an_outcome(500, started_at=hand.now))

    await store.doubt(now=hand.now, send_leads=False)

    sold = await hand.one("bought")
    assert (1, 1, S.PENDING) == (sold.attempts, sold.tries, sold.state)


async def test_a_backup_is_served_only_once_it_was_checked(store: Store, url: str, hand: Hand) -> None:
    await hand.record(a_sale("bought"))
    await store.mark_backup(now=hand.now)
    await store.close()

    with pytest.raises(ConfigError, match="restore-check"):
        await open_store(url, exclusive=True)

    looking = await open_store(url, exclusive=False)
    assert hand.now == (await looking.restored()).backup_at
    await looking.close()
    checking = await open_store(url, exclusive=True, unchecked=True)
    await checking.doubt(now=hand.now, send_leads=False)
    await checking.close()
    await (await open_store(url, exclusive=True)).close()


async def test_a_backup_that_is_the_newest_there_is_is_served_as_it_is(store: Store, url: str, hand: Hand) -> None:
    await hand.record(a_lead("signed up"))
    await store.mark_backup(now=hand.now)

    await store.trust()

    assert (S.PENDING, False) == ((await hand.one("signed up")).state, (await hand.one("signed up")).unsure)
    await store.close()
    await (await open_store(url, exclusive=True)).close()
