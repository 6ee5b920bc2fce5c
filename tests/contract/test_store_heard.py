"""When a source, or a rule of it, last told anything by itself."""

from datetime import timedelta

import pytest

from bridge.model import EventState
from tests.contract.store_hand import START, Hand, a_conversion, a_meaning, a_sale, an_event

LATER = START + timedelta(minutes=7)


async def test_nothing_is_known_of_a_source_that_never_had_an_event(hand: Hand) -> None:
    heard = await hand.store.last_heard("stripe")

    assert (None, 0) == (heard.at, heard.after)


@pytest.mark.parametrize("state", EventState, ids=lambda state: state.value)
async def test_every_event_of_the_source_counts_whatever_became_of_it(hand: Hand, state: EventState) -> None:
    await hand.record(a_meaning(a_sale("first")))
    await hand.record(a_meaning(event=an_event("second", received_at=LATER), state=state))
    await hand.record(a_meaning(event=an_event("x", source="other", received_at=LATER + timedelta(hours=1))))

    assert LATER == (await hand.store.last_heard("stripe")).at


@pytest.mark.parametrize(
    "changes",
    [{"test": True}, {"verified_by": "fetched with an API key"}],
    ids=["test money", "fetched"],
)
async def test_what_goes_on_while_webhooks_are_broken_does_not_count(hand: Hand, changes: dict[str, object]) -> None:
    await hand.record(a_meaning(a_conversion(a_sale("first"), rule="paid")))
    event = an_event("second", received_at=LATER, **changes)
    await hand.record(a_meaning(a_conversion(a_sale("second"), rule="paid"), event=event))

    assert START == (await hand.store.last_heard("stripe")).at
    assert START == (await hand.store.last_heard("stripe", "paid")).at


async def test_a_rule_is_heard_by_what_it_made_duplicates_too(hand: Hand) -> None:
    await hand.record(a_meaning(a_conversion(a_sale("first"), rule="paid", claims=("in_1",))))
    hand.later(minutes=1)
    await hand.record(a_meaning(a_conversion(a_sale("again"), rule="paid", claims=("in_1",))))
    await hand.record(a_meaning(a_conversion(a_sale("other"), rule="renewed")))
    hand.later(minutes=1)
    await hand.record(a_meaning(event=an_event("none")))

    assert START + timedelta(minutes=1) == (await hand.store.last_heard("stripe", "paid")).at
    assert None is (await hand.store.last_heard("stripe", "refunded")).at
    assert None is (await hand.store.last_heard("other", "paid")).at


async def test_a_later_question_looks_only_at_what_is_newer(hand: Hand) -> None:
    await hand.record(a_meaning(a_conversion(a_sale("first"), rule="paid")))
    events = await hand.store.last_heard("stripe")
    rules = await hand.store.last_heard("stripe", "paid")
    assert None is (await hand.store.last_heard("stripe", after=events.after)).at
    assert None is (await hand.store.last_heard("stripe", "paid", after=rules.after)).at
    hand.later(minutes=5)
    event = an_event("second", received_at=hand.now)
    await hand.record(a_meaning(a_conversion(a_sale("second"), rule="paid"), event=event))

    assert hand.now == (await hand.store.last_heard("stripe", after=events.after)).at
    assert hand.now == (await hand.store.last_heard("stripe", "paid", after=rules.after)).at
