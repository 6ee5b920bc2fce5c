"""record: one event id is one event, what it means is in the same commit, and nobody else pays for a bad row."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bridge.errors import StoreError
from bridge.model import Conversion, EventState, Meaning, Step, Wait
from bridge.store import Store
from bridge.store.base import EventFilter
from tests.contract.store_hand import START, Hand, S, a_conversion, a_lead, a_meaning, a_sale, an_event


async def test_an_event_comes_back_as_it_was_recorded(hand: Hand) -> None:
    event = an_event(
        type="checkout.session.completed",
        occurred_at=START - timedelta(seconds=3),
        account="acct_1",
        headers=(("x-topic", "orders/paid"), ("x-topic", "again")),
        query="a=1&b=ü",
        body=b'{"raw": "\xff\x00 bytes"}',
    )
    sale = a_sale(amount=10**21, currency="KWD", customer_name="Ada Büyer 😀", click_id="c1", customer_avatar="a.png")
    steps = (Step(rule="one", result="skipped", why="type"), Step(rule="two", result="matched"))

    await hand.record(a_meaning(sale, event=event, steps=steps))
    (stored,) = await hand.store.find_events("evt_1")

    assert event == stored.event
    assert steps == stored.steps
    assert [sale] == [delivery.payload for delivery in stored.deliveries]
    assert (EventState.ACCEPTED, "") == (stored.state, stored.reason)


async def test_a_lead_keeps_every_field(hand: Hand) -> None:
    lead = a_lead(click_id="c", customer_name="n", customer_email="e@example.com", deferred=True)

    await hand.record(lead)

    assert lead == (await hand.one("lead")).payload


async def test_a_new_delivery_is_due_at_once(hand: Hand) -> None:
    (recorded,) = await hand.record(a_meaning(a_sale("a"), a_sale("b", "cus_2")))
    delivery = await hand.one("a")

    assert (False, EventState.ACCEPTED, 2) == (recorded.known, recorded.state, recorded.due)
    assert (S.PENDING, START, "cus_1", "stripe", "a rule") == (
        delivery.state,
        delivery.due_at,
        delivery.lane,
        delivery.source,
        delivery.rule,
    )
    assert recorded.event_id == delivery.event_id


async def test_a_known_event_changes_nothing(hand: Hand) -> None:
    (first,) = await hand.record(a_meaning(a_sale("a"), key="evt_1"))

    (again,) = await hand.record(a_meaning(a_sale("other"), key="evt_1", state=EventState.UNMAPPED, reason="no"))

    assert (first.event_id, True, EventState.ACCEPTED, 0, "") == (
        again.event_id,
        again.known,
        again.state,
        again.due,
        again.reason,
    )
    assert {"a"} == set(await hand.all())


async def test_the_same_event_twice_in_one_call_is_one_event(hand: Hand) -> None:
    meaning = a_meaning(a_sale("a"))

    first, second = await hand.record(meaning, meaning)

    assert [False, True] == [first.known, second.known]
    assert first.event_id == second.event_id
    assert 1 == len(await hand.store.events(EventFilter()))


async def test_the_same_id_from_two_sources_is_two_events(hand: Hand) -> None:
    here = a_meaning(a_sale("a"), event=an_event("1"))
    there = a_meaning(a_sale("b"), event=an_event("1", source="shopify"))

    records = await hand.record(here, there)

    assert [False, False] == [record.known for record in records]
    assert {"stripe", "shopify"} == await hand.store.sources_seen()


async def test_sixty_four_callers_at_once_get_each_its_own_answer(store: Store) -> None:
    meanings = [
        a_meaning(a_sale(f"s{number % 40}", f"cus_{number % 7}"), key=f"evt_{number % 40}") for number in range(64)
    ]

    answers = await asyncio.gather(*(store.record([meaning], now=START) for meaning in meanings))

    assert [number >= 40 for number in range(64)] == [answer.known for (answer,) in answers]
    assert [answers[number][0].event_id for number in range(24)] == [
        answers[number][0].event_id for number in range(40, 64)
    ]
    assert 40 == len(await store.events(EventFilter(limit=100)))


@pytest.mark.parametrize(
    ("state", "due"), [(EventState.ACCEPTED, 1), (EventState.UNMAPPED, 1), (EventState.IGNORED, 0)], ids=str
)
async def test_conversions_go_unless_the_event_is_ignored(hand: Hand, state: EventState, due: int) -> None:
    (recorded,) = await hand.record(a_meaning(a_sale(), state=state, reason="why"))

    assert (due, state, "why") == (recorded.due, recorded.state, recorded.reason)
    assert due == len(await hand.all())


async def test_a_dry_run_records_and_sends_nothing_claims_nothing_associates_nothing(hand: Hand) -> None:
    sale = a_conversion(a_sale("dry", click_id="c"), claims=["in_1"], association_namespace="stripe")

    (recorded,) = await hand.record(a_meaning(sale), dry_run=True)
    assert (0, EventState.ACCEPTED) == (recorded.due, recorded.state)
    assert [S.DRY_RUN] == await hand.states("dry")
    assert [] == await hand.claim()

    lead = a_conversion(a_lead("unseen"), needs_association=True, association_namespace="stripe")
    _, ignored = await hand.record(a_meaning(a_conversion(a_sale("live"), claims=["in_1"])), a_meaning(lead))
    assert [S.PENDING] == await hand.states("live")
    assert "no click id" == ignored.reason


# ── what a database refuses ──────────────────────────────────────────────────────────────────────────────────────


async def test_nul_and_lone_surrogates_are_replaced_wherever_text_is_kept(hand: Hand) -> None:
    odd = "a\0b\ud800c😀"
    mended = "a\ufffdb\ufffdc😀"
    event = an_event(
        odd, source=odd, source_id=odd, type=odd, account=odd, headers=((odd, odd),), query=odd, verified_by=odd
    )
    sale = a_sale(odd, odd, invoice_id=odd, currency=odd, customer_name=odd, customer_email=odd, click_id=odd)
    conversion = a_conversion(sale, claims=[odd], rule=odd, association_namespace=odd)

    await hand.record(a_meaning(conversion, event=event, reason=odd, steps=(Step(rule=odd, result="note", why=odd),)))
    (stored,) = await hand.store.find_events(odd)
    (delivery,) = stored.deliveries

    assert {mended} == {
        stored.event.source,
        stored.event.key,
        stored.event.type,
        stored.event.account,
        *stored.event.headers[0],
        stored.event.query,
        stored.event.verified_by,
        stored.reason,
        stored.steps[0].rule,
        stored.steps[0].why,
        delivery.rule,
        delivery.lane,
        delivery.payload.event_name,
        delivery.payload.customer_external_id,
        delivery.payload.customer_name,
        delivery.payload.click_id,
    }
    assert {mended} == await hand.store.sources_seen()
    assert [mended] == await hand.claim()


async def test_one_bad_row_costs_nobody_else(store: Store) -> None:
    """A number that no column takes gets past the encoding: the batch fails, and is tried row by row."""
    good = [a_meaning(a_sale(f"good {number}")) for number in range(5)]
    bad = a_meaning(a_conversion(a_sale("bad"), item=2**70))
    calls = [store.record([meaning], now=START) for meaning in [*good[:3], bad, *good[3:]]]

    answers = await asyncio.gather(*calls, return_exceptions=True)

    assert [False, False, False, True, False, False] == [isinstance(answer, BaseException) for answer in answers]
    assert 5 == len(await store.events(EventFilter()))
    assert [] == await store.find_events("evt_bad_cus_1")


async def test_an_error_for_people_holds_no_data(store: Store) -> None:
    bad = a_meaning(a_conversion(a_sale("secret name"), item=2**70))

    with pytest.raises(StoreError) as caught:
        await store.record([bad], now=START)

    assert "secret" not in str(caught.value)


# ── associations ─────────────────────────────────────────────────────────────────────────────────────────────────


def clicked(name: str = "click", customer: str = "cus_1", **changes: Any) -> Meaning:
    sale = a_sale(name, customer, **{"click_id": "c", **changes})
    return a_meaning(a_conversion(sale, association_namespace="stripe"))


def unclicked(name: str = "lead", customer: str = "cus_1", *, namespace: str = "stripe") -> Conversion:
    return a_conversion(a_lead(name, customer), needs_association=True, association_namespace=namespace, rule=name)


async def test_a_lead_without_click_id_of_an_unknown_customer_is_ignored_and_says_so(hand: Hand) -> None:
    (recorded,) = await hand.record(a_meaning(unclicked(), steps=(Step(rule="lead", result="matched"),)))
    (stored,) = await hand.store.events(EventFilter())

    assert (EventState.IGNORED, "no click id", 0) == (recorded.state, recorded.reason, recorded.due)
    assert (EventState.IGNORED, "no click id") == (stored.state, stored.reason)
    assert Step(rule="lead", result="note", why="no click id, and none is known for this customer") == stored.steps[-1]
    assert {} == await hand.all()


async def test_a_lead_without_click_id_goes_when_its_customer_clicked_before(hand: Hand) -> None:
    await hand.record(clicked())

    (recorded,) = await hand.record(a_meaning(unclicked()))

    assert (EventState.ACCEPTED, 1) == (recorded.state, recorded.due)


@pytest.mark.parametrize(
    "lead", [unclicked(customer="cus_2"), unclicked(namespace="crm")], ids=["another customer", "another namespace"]
)
async def test_a_click_counts_for_its_customer_and_namespace_only(hand: Hand, lead: Conversion) -> None:
    await hand.record(clicked())

    (recorded,) = await hand.record(a_meaning(lead))

    assert EventState.IGNORED is recorded.state


async def test_a_click_earlier_in_the_same_batch_counts_and_a_later_one_does_not(hand: Hand) -> None:
    early, _, late = await hand.record(a_meaning(unclicked("early")), clicked(), a_meaning(unclicked("late")))

    assert [EventState.IGNORED, EventState.ACCEPTED] == [early.state, late.state]


async def test_a_click_of_the_same_event_counts(hand: Hand) -> None:
    click = a_conversion(a_sale("click", click_id="c"), association_namespace="stripe")

    (recorded,) = await hand.record(a_meaning(click, unclicked()))

    assert 2 == recorded.due


async def test_what_else_the_event_means_still_goes(hand: Hand) -> None:
    (recorded,) = await hand.record(a_meaning(unclicked(), a_conversion(a_sale("sale"))))

    assert (EventState.ACCEPTED, 1, "") == (recorded.state, recorded.due, recorded.reason)
    assert {"sale"} == set(await hand.all())


async def test_an_unmapped_event_stays_unmapped_without_its_lead(hand: Hand) -> None:
    (recorded,) = await hand.record(a_meaning(unclicked(), state=EventState.UNMAPPED, reason="cannot map: x"))

    assert (EventState.UNMAPPED, "cannot map: x", 0) == (recorded.state, recorded.reason, recorded.due)


async def test_an_association_makes_what_waits_in_that_lane_due_at_once(hand: Hand) -> None:
    await hand.trust()
    await hand.record(a_sale("early"), a_sale("other", "cus_2"))
    for delivery in (await hand.ask()).deliveries:
        await hand.end(delivery, Wait(until=hand.now + timedelta(hours=1), reason="not yet"))

    await hand.record(clicked())

    assert ["early"] == await hand.claim()
    assert [S.WAITING] == await hand.states("other")


async def test_remembering_a_mapping_twice_changes_nothing(hand: Hand) -> None:
    await hand.store.remember_revision("r1", "stripe", "rules: []", now=START)
    await hand.store.remember_revision("r1", "stripe", "rules: []", now=START)
