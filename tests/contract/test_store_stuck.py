"""Deliveries that keep failing: they go on trying, and the others do not pay for it."""

from datetime import timedelta

import pytest

from bridge.model import Conversion, Payload, RetryAt
from tests.contract.store_hand import START, Hand, a_conversion, a_lead, a_meaning, a_sale


@pytest.fixture
async def trusted(hand: Hand) -> Hand:
    """A store that is no longer cautious."""
    await hand.trust()
    return hand


async def failing(hand: Hand, *made: Payload | Conversion) -> None:
    """Record these and let each fail once; they are due again a second later."""
    await hand.record(*(a_meaning(one) for one in made))
    while claimed := (await hand.ask()).deliveries:
        for delivery in claimed:
            await hand.end(delivery, RetryAt(at=hand.now + timedelta(seconds=1), reason="timeout"))
    hand.later(seconds=1)


async def test_those_that_keep_failing_hold_a_quarter_of_the_slots_at_most(trusted: Hand) -> None:
    await failing(trusted, *(a_sale(f"bad{number}", f"cus_bad_{number}") for number in range(20)))
    await trusted.record(*(a_sale(f"good{number}", f"cus_{number}") for number in range(30)))

    claimed = await trusted.ask(limit=32)
    names = [delivery.payload.event_name for delivery in claimed.deliveries]

    assert [f"bad{number}" for number in range(8)] == names[:8]
    assert [f"good{number}" for number in range(24)] == names[8:]


async def test_what_is_passed_over_goes_when_one_of_its_kind_has_come_back(trusted: Hand) -> None:
    await failing(trusted, *(a_sale(f"bad{number}", f"cus_bad_{number}") for number in range(10)))
    first = await trusted.ask()
    assert 8 == len(first.deliveries)
    assert ((), None) == ((await trusted.ask()).deliveries, first.ask_again_at)

    again = trusted.now + timedelta(minutes=1)
    await trusted.end(first.deliveries[0], RetryAt(at=again, reason="timeout"))
    second = await trusted.ask()

    assert ["bad8"] == [delivery.payload.event_name for delivery in second.deliveries]
    assert again == second.ask_again_at


async def test_one_at_a_time_is_rather_one_that_has_not_been_failing(trusted: Hand) -> None:
    await failing(trusted, a_sale("bad", "cus_1"))
    await trusted.record(a_sale("good", "cus_2"))
    await trusted.store.greet("fingerprint", now=trusted.now)

    assert ["good"] == await trusted.claim()


async def test_one_at_a_time_is_one_that_has_been_failing_when_there_is_no_other(trusted: Hand) -> None:
    await failing(trusted, a_sale("bad", "cus_1"))
    await trusted.store.greet("fingerprint", now=trusted.now)

    assert ["bad"] == await trusted.claim()


@pytest.mark.parametrize(
    ("expected", "older", "younger"),
    [
        pytest.param(
            "may", a_conversion(a_sale("must not"), when_unsure="hold"), a_lead("may", "cus_2"), id="may be repeated"
        ),
        pytest.param("sale", a_lead("lead"), a_sale("sale", "cus_2"), id="known again by its invoice id"),
        pytest.param("older", a_sale("older"), a_sale("younger", "cus_2"), id="older"),
    ],
)
async def test_a_probe_is_rather_one_that(
    trusted: Hand, expected: str, older: Payload | Conversion, younger: Payload
) -> None:
    """Its answer is the one most likely to stay unknown."""
    await trusted.set(paused_since=START, pause_reason="outage", probe_at=START, probed_lane="cus_by_hand")
    await trusted.record(a_meaning(older), a_meaning(younger))

    assert [expected] == await trusted.claim()


async def test_a_probe_is_rather_one_that_has_not_been_failing(trusted: Hand) -> None:
    await failing(trusted, a_sale("bad", "cus_1"))
    trusted.later(minutes=-1)
    await trusted.set(paused_since=trusted.now, pause_reason="outage", probe_at=trusted.now, probed_lane="cus_by_hand")
    trusted.later(minutes=1)
    await trusted.record(a_lead("good", "cus_2"))

    assert ["good"] == await trusted.claim()
