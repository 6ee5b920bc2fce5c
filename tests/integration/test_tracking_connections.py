"""Connections: few, warm, closed in time, and never the reason why a delivery fails."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import uvloop

from bridge.demo.tracker import Act, Answer, FakeTracker
from bridge.model import Lead, Outcome, Sent
from bridge.tracking import Wire, connections

LEAD = Lead(
    event_name="signup", customer_external_id="user_42", click_id="c1", timestamp=datetime(2026, 4, 10, tzinfo=UTC)
)
LOOPS = pytest.mark.parametrize(
    "loop", [pytest.param(asyncio.new_event_loop, id="asyncio"), pytest.param(uvloop.new_event_loop, id="uvloop")]
)


@LOOPS
def test_an_idle_connection_that_the_tracker_closed_fails_no_delivery(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def scenario() -> None:
        async with FakeTracker() as tracker:
            wire = Wire(tracker.url, "tok")
            outcomes = [await wire.send(LEAD)]
            tracker.close_idle()
            await tracker.wait_until_quiet()
            outcomes.append(await wire.send(LEAD))
            await wire.aclose()

            assert [200, 200] == [outcome.status for outcome in outcomes]
            assert [1, 2] == [received.connection for received in tracker.requests]

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(scenario())


@LOOPS
def test_a_tracker_that_closes_after_every_answer_fails_no_delivery(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """It promised to keep the connection and closed it at once, five times."""

    async def scenario() -> None:
        async with FakeTracker(Answer(act=Act.LEAVE)) as tracker:
            wire = Wire(tracker.url, "tok")
            outcomes: list[Outcome] = []
            for count in range(1, 6):
                outcomes.append(await wire.send(LEAD))
                await tracker.wait_for(count)
            await wire.aclose()

            assert [200] * 5 == [outcome.status for outcome in outcomes]
            assert 5 == len(tracker.requests)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(scenario())


async def test_a_tracker_that_says_connection_close_is_believed() -> None:
    async with FakeTracker(Answer(act=Act.LEAVE, headers=(("Connection", "close"),))) as tracker:
        wire = Wire(tracker.url, "tok")
        outcomes = [await wire.send(LEAD) for _ in range(3)]
        await wire.aclose()

        assert [200] * 3 == [outcome.status for outcome in outcomes]
        assert 3 == tracker.connections


async def test_one_after_the_other_uses_one_connection() -> None:
    async with FakeTracker() as tracker:
        wire = Wire(tracker.url, "tok")
        for _ in range(10):
            await wire.send(LEAD)
        await wire.aclose()

        assert 1 == tracker.connections


async def test_after_a_burst_the_last_connection_is_used_first() -> None:
    async with FakeTracker(Answer(delay_seconds=0.02)) as tracker:
        wire = Wire(tracker.url, "tok", slots=8)
        await asyncio.gather(*[wire.send(LEAD) for _ in range(24)])
        burst = len(tracker.requests)
        for _ in range(5):
            await wire.send(LEAD)
        await wire.aclose()

        assert 24 == burst
        assert 8 == tracker.connections
        assert 1 == len({received.connection for received in tracker.requests[burst:]})


async def test_what_rests_too_long_is_closed_by_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quiet night must not leave dozens of half-closed sockets behind."""
    monkeypatch.setattr(connections, "KEEPALIVE_SECONDS", 0.05)
    async with FakeTracker() as tracker:
        wire = Wire(tracker.url, "tok")
        outcomes = await asyncio.gather(*[wire.send(LEAD) for _ in range(4)])
        await tracker.wait_until_quiet()
        outcomes.append(await wire.send(LEAD))
        await tracker.wait_until_quiet()
        await wire.aclose()

        assert [200] * 5 == [outcome.status for outcome in outcomes]


async def test_no_more_requests_than_slots_are_under_way() -> None:
    async with FakeTracker(Answer(delay_seconds=0.01)) as tracker:
        wire = Wire(tracker.url, "tok", slots=3)
        outcomes = await asyncio.gather(*[wire.send(LEAD) for _ in range(12)])
        await wire.aclose()

        assert 3 == tracker.connections
        assert [200] * 12 == [outcome.status for outcome in outcomes]


async def test_waiting_for_a_slot_counts_into_the_timeout_and_sends_nothing() -> None:
    async with FakeTracker() as tracker:
        wire = Wire(tracker.url, "tok", slots=1, timeout_seconds=0.2)
        taken = await wire._connections.take()
        outcome = await wire.send(LEAD)
        await wire._connections.give_back(taken, is_reusable=True)
        await wire.aclose()

        assert (Sent.NO, "timeout") == (outcome.sent, outcome.error)
        assert [] == tracker.requests


async def test_closing_waits_for_what_is_under_way_and_ends_what_comes_later() -> None:
    async with FakeTracker(Answer(delay_seconds=0.1)) as tracker:
        wire = Wire(tracker.url, "tok", slots=2)
        under_way = [asyncio.create_task(wire.send(LEAD)) for _ in range(2)]
        await tracker.wait_for(2)
        await wire.aclose()
        await wire.aclose()
        late = await asyncio.gather(*[wire.send(LEAD) for _ in range(3)])
        await tracker.wait_until_quiet()

        assert [True, True] == [task.done() and task.result().succeeded for task in under_way]
        assert [(Sent.NO, "stopped")] * 3 == [(outcome.sent, outcome.error) for outcome in late]
        assert 2 == len(tracker.requests)
