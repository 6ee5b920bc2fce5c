"""prune: what is settled is forgotten, first what is personal, much later its keys; what is open never is."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bridge.model import Dead, Delivered, DeliveryState, Event, EventState, Step, Wait
from bridge.store.base import EventFilter
from bridge.store.prune import CHUNK
from tests.contract.store_hand import START, Hand, S, a_conversion, a_lead, a_meaning, a_sale, an_event, an_outcome

OLD = START - timedelta(days=40)
ANCIENT = START - timedelta(days=500)
BODIES = START - timedelta(days=30)
KEYS = START - timedelta(days=400)


async def prune(hand: Hand) -> int:
    return await hand.store.prune(bodies_before=BODIES, keys_before=KEYS)


@pytest.fixture
async def aged(hand: Hand) -> Hand:
    """A store past its first success, whose clock shows a day of 40 days ago."""
    hand.now = OLD
    await hand.trust()
    return hand


def received(name: str, at: datetime = OLD) -> Event:
    return an_event(name, received_at=at, body=b"personal", headers=(("x", "y"),), query="a=b", type="t")


async def test_an_old_delivered_event_loses_body_explanation_attempts_and_personal_fields(aged: Hand) -> None:
    person = {"click_id": "c", "customer_name": "n", "customer_email": "e", "customer_avatar": "a"}
    sale, lead = a_sale("sale", **person), a_lead("lead", **person)
    event = received("evt")
    steps = (Step(rule="r", result="matched"),)
    await aged.record(a_meaning(sale, lead, event=event, steps=steps))
    for _ in range(2):
        await aged.end(await aged.claim_one(), Delivered(), an_outcome(text="personal"))

    assert 1 == await prune(aged)

    (stored,) = await aged.store.find_events("evt")
    assert replace(event, body=b"", headers=(), query="") == stored.event
    assert () == stored.steps
    assert [a_sale("sale"), a_lead("lead")] == [one.payload for one in stored.deliveries]
    assert [[], []] == [await aged.store.attempts(one.id) for one in stored.deliveries]
    assert [S.DELIVERED, S.DELIVERED] == [one.state for one in stored.deliveries]


async def test_the_key_and_the_claim_of_a_forgotten_event_still_keep_others_out(aged: Hand) -> None:
    await aged.record(a_meaning(a_conversion(a_sale("a"), claims=["in_1"]), event=received("evt")))
    await aged.end(await aged.claim_one(), Delivered())
    await prune(aged)

    known, other = await aged.record(
        a_meaning(a_sale("b"), key="evt"), a_meaning(a_conversion(a_sale("c", amount=1), claims=["in_1"]))
    )

    assert (True, 0) == (known.known, other.due)
    assert ("amount differs",) == (await aged.one("c")).flags


async def test_events_without_deliveries_are_forgotten_too(aged: Hand) -> None:
    await aged.record(a_meaning(event=received("ignored"), state=EventState.IGNORED))

    await prune(aged)

    (stored,) = await aged.store.find_events("ignored")
    assert b"" == stored.event.body


@pytest.mark.parametrize("state", [S.PENDING, S.WAITING, S.SENDING, S.DEAD], ids=lambda state: state.value)
async def test_what_is_open_or_dead_is_never_forgotten(aged: Hand, state: DeliveryState) -> None:
    done = a_conversion(a_sale("done", "cus_1"))
    event = received("evt", ANCIENT)
    await aged.record(a_meaning(done, a_conversion(a_sale("open", "cus_2", click_id="c"), item=1), event=event))
    first, other = (await aged.ask()).deliveries
    await aged.end(first, Delivered())
    match state:
        case S.PENDING:
            await aged.store.release([other.id], now=aged.now)
        case S.WAITING:
            await aged.end(other, Wait(until=START, reason="not yet"))
        case S.DEAD:
            await aged.end(other, Dead(reason="no"))
        case _:
            pass

    await prune(aged)

    (stored,) = await aged.store.find_events("evt")
    assert event == stored.event
    assert state is stored.deliveries[1].state
    assert "c" == stored.deliveries[1].payload.click_id


async def test_what_is_young_is_not_forgotten(aged: Hand) -> None:
    event = received("evt", BODIES)
    await aged.record(a_meaning(a_sale("a"), event=event))
    await aged.end(await aged.claim_one(), Delivered())
    await prune(aged)

    (stored,) = await aged.store.find_events("evt")
    assert event == stored.event


async def test_keys_claims_and_associations_go_in_the_end(aged: Hand) -> None:
    click = a_conversion(a_sale("click", click_id="c"), claims=["in_1", "pi_1"], association_namespace="stripe")
    await aged.record(a_meaning(click, event=received("old", ANCIENT)))
    await aged.end(await aged.claim_one(), Delivered())
    await aged.record(a_meaning(a_sale("newest", "cus_2"), event=received("newest", ANCIENT)))

    await prune(aged)

    assert [] == await aged.store.find_events("old")
    lead = a_conversion(a_lead("lead"), needs_association=True, association_namespace="stripe")
    again = a_meaning(a_conversion(a_sale("again"), claims=["pi_1"]), key="old")
    no_click, recorded = await aged.record(a_meaning(lead), again)
    assert "no click id" == no_click.reason
    assert (False, 1) == (recorded.known, recorded.due)


async def test_an_association_renewed_since_stays(aged: Hand) -> None:
    for name, at in (("old", ANCIENT), ("new", OLD)):
        click = a_conversion(a_sale(name, click_id=name), association_namespace="stripe")
        await aged.record(a_meaning(click, event=received(name, at)))
        await aged.end(await aged.claim_one(), Delivered())
    await aged.record(a_sale("newest", "cus_2"))

    await prune(aged)

    lead = a_conversion(a_lead("lead"), needs_association=True, association_namespace="stripe")
    (recorded,) = await aged.record(a_meaning(lead))
    assert [] == await aged.store.find_events("old")
    assert 1 == recorded.due


async def test_the_newest_rows_stay_because_ids_are_counted_from_them(aged: Hand) -> None:
    await aged.record(a_meaning(a_sale("a"), event=received("with the newest delivery", ANCIENT)))
    await aged.end(await aged.claim_one(), Delivered())
    (last,) = await aged.record(
        a_meaning(event=received("the newest event", ANCIENT), state=EventState.IGNORED, reason="no rule")
    )

    await prune(aged)
    (new,) = await aged.record(a_sale("b"))

    assert 1 == len(await aged.store.find_events("with the newest delivery"))
    assert last.event_id + 1 == new.event_id


async def test_many_events_are_forgotten_in_several_commits_and_all_of_them(aged: Hand) -> None:
    count = 2 * CHUNK + 7
    await aged.record(
        *(a_meaning(event=received(f"e{n}", ANCIENT), state=EventState.IGNORED) for n in range(count)),
        a_meaning(event=received("newest", START), state=EventState.IGNORED),
    )

    assert 2 * count == await prune(aged)
    assert 2 == len(await aged.store.events(EventFilter(limit=1000)))
    assert 0 == await prune(aged)


async def test_what_is_past_retention_cannot_be_replayed(aged: Hand) -> None:
    await aged.record(a_meaning(a_sale("a"), event=received("evt")))
    (delivery_id,) = [(await aged.one("a")).id]
    await aged.store.dismiss([delivery_id], only=False, now=aged.now)
    await prune(aged)

    (changed,) = await aged.store.replay([delivery_id], now=aged.now)

    assert (False, "its payload is past retention") == (changed.done, changed.why)
