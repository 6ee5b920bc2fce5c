"""Refusals beside another replica that has another token, or this one before its token was changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge import retry
from bridge.judging import Judging
from bridge.model import Dead, Delivered, Delivery, DeliveryState, Lead, Outcome, Pause, Sent, Tracker

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def judging(line: str = "mine") -> Judging:
    return Judging(policy=retry.Policy(), jitter=lambda: 0.5, line=lambda: line)


def a_delivery() -> Delivery:
    """One that was refused twice, the last time an hour ago."""
    return Delivery(
        id=1,
        event_id=1,
        source="stripe",
        rule="r",
        lane="cus_1",
        payload=Lead(event_name="e", customer_external_id="cus_1", timestamp=NOW),
        state=DeliveryState.SENDING,
        created_at=NOW,
        due_at=NOW,
        refusals=2,
        last_refused_at=NOW - HOUR,
    )


def an_outcome(status: int) -> Outcome:
    return Outcome(sent=Sent.YES, started_at=NOW, duration_ms=1.0, status=status, is_json=True)


PASSED = Tracker(last_success_at=NOW - HOUR / 2, proven=True, cautious=False)


@pytest.mark.parametrize("line", ["mine", ""], ids=["with our token", "not known with which"])
def test_one_that_is_refused_while_others_pass_is_dead(line: str) -> None:
    decision, _ = judging()(a_delivery(), an_outcome(401), replace(PASSED, success_line=line), NOW)

    assert isinstance(decision, Dead)


def test_one_that_is_refused_while_others_pass_with_another_token_is_not_dead() -> None:
    decision, tracker = judging()(a_delivery(), an_outcome(401), replace(PASSED, success_line="theirs"), NOW)

    assert isinstance(decision, Pause)
    assert tracker.is_paused


def test_a_success_says_with_which_token_it_was() -> None:
    decision, tracker = judging()(a_delivery(), an_outcome(200), replace(PASSED, success_line="theirs"), NOW)

    assert isinstance(decision, Delivered)
    assert "mine" == tracker.success_line


def test_a_refusal_leaves_whose_success_was_the_last() -> None:
    _, tracker = judging()(a_delivery(), an_outcome(422), replace(PASSED, success_line="theirs"), NOW)

    assert "theirs" == tracker.success_line
