"""The verdict table of the tracker, row by row, and the tracker's row that follows it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import (
    Dead,
    Decision,
    Delivered,
    Delivery,
    DeliveryState,
    Lead,
    Outcome,
    Pause,
    RetryAt,
    Sent,
    Tracker,
    Wait,
)
from bridge.retry import REPEATED, Policy, judge, probe_delay, resumed

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
POLICY = Policy()


def a_delivery(lane: str = "cus_1", **changes: object) -> Delivery:
    lead = Lead(event_name="signup", customer_external_id=lane, timestamp=NOW)
    base = Delivery(
        id=1,
        event_id=1,
        source="stripe",
        rule="r",
        lane=lane,
        payload=lead,
        state=DeliveryState.SENDING,
        due_at=NOW,
        created_at=NOW,
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # a factory takes any field


def an_answer(status: int, **changes: object) -> Outcome:
    base = Outcome(sent=Sent.YES, started_at=NOW, duration_ms=1.0, status=status, is_json=True)
    return replace(base, **changes)  # type: ignore[arg-type]


def a_failure(error: str = "timeout", sent: Sent = Sent.MAYBE) -> Outcome:
    return Outcome(sent=sent, started_at=NOW, duration_ms=1.0, error=error)


def verdict(
    outcome: Outcome, delivery: Delivery | None = None, tracker: Tracker | None = None, jitter: float = 0.5
) -> tuple[Decision, Tracker]:
    return judge(delivery or a_delivery(), outcome, tracker or Tracker(), now=NOW, jitter=jitter, policy=POLICY)


TABLE = [
    ("200", an_answer(200), Delivered()),
    ("201 with any body", an_answer(201, is_json=False, text="thanks"), Delivered()),
    ("204", an_answer(204, is_json=False), Delivered()),
    ("200 status false", an_answer(200, says_false=True), Delivered(flags=("the tracker's answer says false",))),
    ("409", an_answer(409), Delivered(flags=("already there",))),
    (
        "400",
        an_answer(400, message="amount must be positive"),
        Dead(reason="the tracker refused it: 400 amount must be positive"),
    ),
    ("413", an_answer(413), Dead(reason="the tracker refused it: 413")),
    ("422", an_answer(422, message="clickId unknown"), Dead(reason="the tracker refused it: 422 clickId unknown")),
    ("418", an_answer(418), Dead(reason="the tracker refused it: 418")),
    ("410", an_answer(410), Dead(reason="the tracker refused it: 410")),
]


@pytest.mark.parametrize(("outcome", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_an_answer_about_this_delivery_decides_this_delivery(outcome: Outcome, expected: Decision) -> None:
    decision, _ = verdict(outcome)

    assert expected == decision


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 401, 402, 403, 405])
def test_an_answer_about_us_pauses_the_tracker_and_spends_nothing(status: int) -> None:
    decision, tracker = verdict(an_answer(status))

    assert isinstance(decision, Pause)
    assert decision.until is None
    assert not decision.counted
    assert NOW == tracker.paused_since
    assert NOW + timedelta(seconds=5) == tracker.probe_at
    assert tracker.cautious


def test_a_404_that_is_not_json_pauses_because_the_host_is_wrong() -> None:
    decision, tracker = verdict(an_answer(404, is_json=False, is_html=True))

    assert isinstance(decision, Pause)
    assert "CMS_BASE_URL" in tracker.pause_reason


def test_a_web_page_with_status_200_pauses_and_is_not_a_success() -> None:
    decision, tracker = verdict(an_answer(200, is_json=False, is_html=True))

    assert isinstance(decision, Pause)
    assert not tracker.proven
    assert tracker.last_success_at is None


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(1.0, 1.0), (3600.0, 3600.0), (9_999_999.0, 86_400.0), (None, 5.0), (0.0, 5.0)],
    ids=["a second", "an hour", "capped at a day", "not said", "past"],
)
def test_patience_is_kept_in_full_by_all(status: int, asked: float | None, seconds: float) -> None:
    decision, tracker = verdict(an_answer(status, retry_after_seconds=asked))

    expected = NOW + timedelta(seconds=seconds)
    assert isinstance(decision, Pause)
    assert expected == decision.until == tracker.paused_until
    assert tracker.probe_at is None


def test_patience_without_a_number_doubles_up_to_five_minutes() -> None:
    waits = []
    tracker = Tracker()
    for _ in range(9):
        decision, tracker = verdict(an_answer(429), tracker=tracker)
        assert isinstance(decision, Pause)
        assert decision.until is not None
        waits.append((decision.until - NOW).total_seconds())
        tracker = resumed(tracker, NOW)

    assert [5, 10, 20, 40, 80, 160, 300, 300, 300] == waits


def test_not_yet_waits_a_minute_doubling_to_an_hour() -> None:
    waits = []
    for number in range(9):
        decision, _ = verdict(an_answer(404), a_delivery(waits=number), Tracker(proven=True))
        assert isinstance(decision, Wait)
        waits.append((decision.until - NOW).total_seconds() / 60)

    assert [1, 2, 4, 8, 16, 32, 60, 60, 60] == waits


def test_not_yet_for_a_day_is_dead_and_says_unattributed() -> None:
    waiting = a_delivery(waits=30, waiting_since=NOW - timedelta(hours=24))

    decision, _ = verdict(an_answer(404, message="no such click"), waiting, Tracker(proven=True))

    assert Dead(reason="unattributed: 404 no such click", alarms=False) == decision


def test_five_unknown_customers_before_any_success_mean_a_wrong_host() -> None:
    tracker = Tracker()
    decisions = []
    for number in range(5):
        decision, tracker = verdict(an_answer(404), a_delivery(lane=f"cus_{number}"), tracker)
        decisions.append(type(decision))

    assert [Wait, Wait, Wait, Wait, Pause] == decisions
    assert tracker.is_paused


def test_unknown_customers_after_a_success_are_just_unknown() -> None:
    _, tracker = verdict(an_answer(200))
    for number in range(9):
        decision, tracker = verdict(an_answer(404), a_delivery(lane=f"cus_{number}"), tracker)
        assert isinstance(decision, Wait)

    assert not tracker.is_paused


FAILURES = [an_answer(408), an_answer(425), an_answer(500), an_answer(502), an_answer(504), an_answer(599)]
FAILURES += [a_failure(word) for word in ("timeout", "reset", "unreadable")]
FAILURES += [a_failure(word, Sent.NO) for word in ("refused", "dns", "tls")]


@pytest.mark.parametrize("outcome", FAILURES, ids=[str(o.status or o.error) for o in FAILURES])
def test_a_passing_failure_is_tried_again_with_full_jitter(outcome: Outcome) -> None:
    ceilings = []
    for attempts in range(12):
        decision, _ = verdict(outcome, a_delivery(attempts=attempts), jitter=0.5)
        assert isinstance(decision, RetryAt)
        ceilings.append((decision.at - NOW).total_seconds() * 2)

    assert [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600] == ceilings


@pytest.mark.parametrize(
    ("days", "attempts", "expected"),
    [(2.9, 50, RetryAt), (3.1, 8, RetryAt), (3.1, 9, Dead), (30, 9, Dead)],
    ids=["within time", "time is up but only nine tries", "both are up", "long past"],
)
def test_the_budget_is_three_days_and_at_least_ten_attempts(
    days: float, attempts: int, expected: type[Decision]
) -> None:
    tired = a_delivery(attempts=attempts, age_seconds=days * 86_400)

    decision, _ = verdict(a_failure(), tired)

    assert isinstance(decision, expected)


def test_what_can_never_be_sent_is_dead_at_once_and_says_nothing_of_the_tracker() -> None:
    unsendable = replace(a_failure("unsendable", Sent.NO), message="no minor unit is known for this currency")

    decision, tracker = verdict(unsendable)

    assert Dead(reason="it cannot be sent: no minor unit is known for this currency") == decision
    assert 0 == tracker.failures


def test_three_failures_of_two_customers_are_an_outage_that_all_wait_out() -> None:
    tracker = Tracker(proven=True)
    decisions = []
    for lane in ("cus_1", "cus_1", "cus_2"):
        decision, tracker = verdict(a_failure(), a_delivery(lane=lane), tracker)
        decisions.append(decision)

    assert [RetryAt, RetryAt, Pause] == [type(decision) for decision in decisions]
    assert isinstance(decisions[2], Pause)
    assert decisions[2].counted
    assert "outage: timeout" == tracker.pause_reason


def test_one_customer_failing_alone_is_no_outage() -> None:
    tracker = Tracker(proven=True)
    for _ in range(20):
        decision, tracker = verdict(a_failure(), a_delivery(lane="cus_1"), tracker)
        assert isinstance(decision, RetryAt)

    assert not tracker.is_paused


def test_those_that_fail_while_others_pass_make_no_outage() -> None:
    """Otherwise two bad customers would pause everybody whenever nobody else has anything to send."""
    others_pass = Tracker(proven=True, cautious=False, last_success_at=NOW - timedelta(minutes=1))
    tracker = others_pass
    for number in range(20):
        stuck = a_delivery(lane=f"cus_{number}", attempts=4, failing_since=NOW - timedelta(minutes=10))
        decision, tracker = verdict(an_answer(500), stuck, tracker)
        assert isinstance(decision, RetryAt)

    assert others_pass == tracker


def test_those_that_began_to_fail_since_the_last_success_make_an_outage() -> None:
    tracker = Tracker(proven=True, last_success_at=NOW - timedelta(minutes=10))
    for number in range(3):
        failing = a_delivery(lane=f"cus_{number}", attempts=1, failing_since=NOW - timedelta(minutes=1))
        _, tracker = verdict(an_answer(500), failing, tracker)

    assert tracker.is_paused


def test_a_success_between_failures_starts_the_count_again() -> None:
    tracker = Tracker(proven=True)
    for lane in ("cus_1", "cus_2"):
        _, tracker = verdict(a_failure(), a_delivery(lane=lane), tracker)
    _, tracker = verdict(an_answer(200), a_delivery(lane="cus_3"), tracker)

    decision, tracker = verdict(a_failure(), a_delivery(lane="cus_4"), tracker)

    assert isinstance(decision, RetryAt)
    assert not tracker.is_paused


def test_failing_while_paused_spends_no_budget() -> None:
    paused = Tracker(paused_since=NOW - timedelta(minutes=1), pause_reason="outage: timeout")

    decision, tracker = verdict(a_failure(), a_delivery(lane="cus_9"), paused)

    assert Pause(reason="outage: timeout", said="timeout") == decision
    assert "cus_9" == tracker.probed_lane


@pytest.mark.parametrize("status", [200, 409, 422, 400])
def test_a_proper_answer_to_a_later_request_lifts_the_pause_and_gives_the_time_back(status: int) -> None:
    paused = Tracker(paused_since=NOW - timedelta(minutes=10), pause_reason="401", probes=3)

    _, tracker = verdict(an_answer(status), tracker=paused)

    assert not tracker.is_paused
    assert 600 == tracker.paused_seconds


def test_a_success_of_an_older_request_does_not_lift_a_pause() -> None:
    paused = Tracker(paused_since=NOW, pause_reason="401")

    _, tracker = verdict(an_answer(200, started_at=NOW - timedelta(seconds=1)), tracker=paused)

    assert tracker.is_paused


def test_a_success_of_the_very_millisecond_in_which_a_pause_began_does_not_lift_it() -> None:
    """The store keeps whole milliseconds: the request may have been the older one."""
    paused = Tracker(paused_since=NOW, pause_reason="the tracker asks for patience (429)")

    _, tracker = verdict(an_answer(200, started_at=NOW + timedelta(microseconds=900)), tracker=paused)

    assert tracker.is_paused


def test_an_operators_pause_is_lifted_by_nobody_else() -> None:
    paused = Tracker(paused_since=NOW - timedelta(hours=1), paused_by_operator=True, pause_reason="maintenance")

    _, after_success = verdict(an_answer(200), tracker=paused)
    _, after_refusal = verdict(an_answer(401), tracker=paused)

    assert after_success.is_paused
    assert "maintenance" == after_refusal.pause_reason


def test_a_delivery_refused_alone_three_times_while_others_pass_is_dead() -> None:
    refused = a_delivery(refusals=2, last_refused_at=NOW - timedelta(hours=1))
    others_pass = Tracker(proven=True, last_success_at=NOW - timedelta(minutes=5))

    decision, tracker = verdict(an_answer(403, message="no"), refused, others_pass)

    assert Dead(reason="refused 3 times while others pass: the token may not do this (403 no)") == decision
    assert not tracker.is_paused


def test_a_delivery_refused_with_everybody_else_lives_on() -> None:
    refused = a_delivery(refusals=40, last_refused_at=NOW - timedelta(hours=1))
    nobody_passes = Tracker(proven=True, last_success_at=NOW - timedelta(hours=2))

    decision, _ = verdict(an_answer(401), refused, nobody_passes)

    assert isinstance(decision, Pause)


def test_a_rule_that_says_hold_does_not_repeat_what_is_unknown() -> None:
    careful = a_delivery(when_unsure="hold")

    unknown, _ = verdict(a_failure("timeout", Sent.MAYBE), careful)
    not_sent, _ = verdict(a_failure("refused", Sent.NO), careful)

    assert Dead(reason="outcome unknown (timeout) and its rule says hold") == unknown
    assert isinstance(not_sent, RetryAt)


@pytest.mark.parametrize(
    ("status", "decision"),
    [(500, Dead), (502, Dead), (504, Dead), (524, Dead), (501, RetryAt), (408, RetryAt), (425, RetryAt), (503, Pause)],
)
def test_a_failure_within_the_tracker_leaves_it_as_unknown_as_no_answer(
    status: int, decision: type[Dead] | type[RetryAt] | type[Pause]
) -> None:
    came_to, _ = verdict(an_answer(status), a_delivery(when_unsure="hold"))

    assert isinstance(came_to, decision)


def test_a_success_after_an_unknown_answer_is_flagged() -> None:
    repeated, _ = verdict(an_answer(200, says_false=True), a_delivery(unsure=True))
    first, _ = verdict(an_answer(200), a_delivery(attempts=3))

    assert Delivered(flags=("the tracker's answer says false", REPEATED)) == repeated
    assert Delivered() == first


def test_409_is_not_flagged_when_an_earlier_try_may_have_arrived() -> None:
    decision, _ = verdict(an_answer(409), a_delivery(unsure=True))

    assert Delivered() == decision


def test_a_head_that_fails_for_an_hour_while_others_pass_steps_aside() -> None:
    stuck = a_delivery(attempts=9, failing_since=NOW - timedelta(minutes=61))
    others = Tracker(proven=True, last_success_at=NOW - timedelta(minutes=1))

    aside, _ = verdict(a_failure(), stuck, others)
    alone, _ = verdict(a_failure(), stuck, replace(others, last_success_at=NOW - timedelta(hours=5)))

    assert isinstance(aside, RetryAt)
    assert aside.steps_aside
    assert isinstance(alone, RetryAt)
    assert not alone.steps_aside


def test_an_hour_of_failing_stands_still_while_the_tracker_is_paused() -> None:
    stuck = a_delivery(attempts=9, failing_since=NOW - timedelta(hours=3, minutes=59))
    others = Tracker(proven=True, paused_seconds=3 * 3600.0, last_success_at=NOW - timedelta(minutes=1))

    before, _ = verdict(a_failure(), stuck, others)
    after, _ = verdict(a_failure(), replace(stuck, failing_since=NOW - timedelta(hours=4, minutes=1)), others)

    assert isinstance(before, RetryAt)
    assert not before.steps_aside
    assert isinstance(after, RetryAt)
    assert after.steps_aside


def test_probes_double_from_five_seconds_to_five_minutes() -> None:
    assert [5, 10, 20, 40, 80, 160, 300, 300] == [probe_delay(number, POLICY) for number in range(8)]


OUTCOMES = st.builds(
    Outcome,
    sent=st.sampled_from(Sent),
    started_at=st.just(NOW),
    duration_ms=st.just(1.0),
    status=st.none() | st.integers(200, 599),
    is_json=st.booleans(),
    is_html=st.booleans(),
    says_false=st.booleans(),
    retry_after_seconds=st.none() | st.floats(0, 1e9),
)


@given(st.lists(st.tuples(OUTCOMES, st.sampled_from("abcde")), max_size=30))
def test_whatever_the_tracker_says_there_is_a_verdict_and_no_hot_loop(
    history: list[tuple[Outcome, str]],
) -> None:
    """Every answer has exactly one verdict, and everything to be tried again has a delay or a pause."""
    tracker = Tracker()
    for outcome, lane in history:
        decision, tracker = verdict(outcome, a_delivery(lane=lane), tracker)
        if isinstance(decision, Pause):
            assert tracker.paused_until or tracker.probe_at
        if isinstance(decision, Wait):
            assert decision.until > NOW


def test_a_day_of_waiting_stands_still_while_the_tracker_is_paused() -> None:
    waiting = a_delivery(waits=30, waiting_since=NOW - timedelta(hours=30))
    weekend = Tracker(proven=True, paused_seconds=7 * 3600.0)

    before, _ = verdict(an_answer(404), waiting, weekend)
    after, _ = verdict(an_answer(404), waiting, replace(weekend, paused_seconds=6 * 3600.0))

    assert isinstance(before, Wait)
    assert isinstance(after, Dead)


@pytest.mark.parametrize("error", ["interrupted by shutdown", "bug"])
def test_what_we_did_ourselves_says_nothing_of_the_tracker(error: str) -> None:
    nearly = Tracker(proven=True, cautious=False, failures=2, failing_lanes=("cus_2", "cus_3"))

    decision, tracker = verdict(a_failure(error), tracker=nearly)

    assert isinstance(decision, RetryAt)
    assert nearly == tracker
