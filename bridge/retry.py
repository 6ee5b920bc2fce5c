"""The tracker's verdict decides: one try's outcome → what becomes of the delivery, and of the tracker's row.

The budget is time (3 days from the first attempt since queueing, standing still while paused) and at least ten
attempts. What says "not you" or "not now" pauses the tracker for everybody and spends nothing. Pure: `now` and
`jitter` are arguments. The store calls `judge` inside the transaction that settles, so replicas agree.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.model import Dead, Decision, Delivered, Delivery, Outcome, Pause, RetryAt, Tracker, Wait

#: Flag of a delivery that succeeded although an earlier try of it, or of whom it stands for, may have arrived.
REPEATED = "an earlier try may have arrived too"

#: Flag of a delivery that was answered 2xx with `{"status": false}` or `{"success": false}`.
SAYS_FALSE = "the tracker's answer says false"

#: The store keeps whole milliseconds: within one, nobody can say what came first.
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The numbers of the verdict table, in seconds unless they count something."""

    budget_seconds: float = 3 * 86_400.0
    least_attempts: int = 10
    first_retry_seconds: float = 5.0
    longest_retry_seconds: float = 3_600.0
    first_wait_seconds: float = 60.0
    longest_wait_seconds: float = 3_600.0
    wait_budget_seconds: float = 86_400.0
    first_probe_seconds: float = 5.0
    longest_probe_seconds: float = 300.0
    longest_retry_after_seconds: float = 86_400.0
    #: failures in a row, of at least `outage_lanes` customers, that make an outage
    outage_failures: int = 3
    outage_lanes: int = 2
    #: customers that are "not found" before anything worked: the host is wrong
    wrong_host_lanes: int = 5
    #: a delivery refused this often while others pass is dead
    refusals: int = 3
    #: a head that keeps failing lets its lane pass after this long
    steps_aside_seconds: float = 3_600.0


#: Ends of a try that are our own doing and say nothing of the tracker: the first word of an outcome's error.
INTERRUPTED = "interrupted by shutdown"
BUG = "bug"
LATE = "its turn was over before it began"

#: Statuses that speak of us (token, plan, host), not of this delivery.
_REFUSALS = {
    401: "the token is not accepted",
    402: "the plan does not allow it",
    403: "the token may not do this",
    405: "this host does not take tracking requests",
}
_THROTTLES = frozenset({429, 503})
_PASSING = frozenset({408, 425})


def judge(
    delivery: Delivery, outcome: Outcome, tracker: Tracker, *, now: datetime, jitter: float, policy: Policy
) -> tuple[Decision, Tracker]:
    """Decide what becomes of a delivery after a try, and what all replicas now know of the tracker.

    `jitter` is uniform in [0, 1).
    """
    seen = _observe(tracker, delivery, outcome, now)
    decision = decide(delivery, outcome, seen, now=now, jitter=jitter, policy=policy)
    if isinstance(decision, Pause):
        return decision, _paused(seen, delivery, decision, now, policy)
    return decision, _lifted(seen, outcome, now) if _proves_well(outcome, seen) else seen


def decide(
    delivery: Delivery, outcome: Outcome, tracker: Tracker, *, now: datetime, jitter: float, policy: Policy
) -> Decision:
    """The verdict table. `tracker` already counts this outcome."""
    status = outcome.status
    if status is None:
        return _failed(delivery, outcome, tracker, now, jitter, policy)
    if outcome.succeeded:
        return _accepted(delivery, outcome, tracker, policy)
    if status == 409:
        return Delivered(flags=() if delivery.unsure else ("already there",))
    if status == 404 and outcome.is_json:
        return _not_found(delivery, outcome, tracker, now, policy)
    if status in _THROTTLES:
        seconds = outcome.retry_after_seconds or _doubling(policy, tracker.throttles)
        until = now + timedelta(seconds=min(seconds, policy.longest_retry_after_seconds))
        return Pause(reason=f"the tracker asks for patience ({status})", until=until)
    if status in _REFUSALS or status == 404 or 300 <= status <= 399:
        return _refused(delivery, _refusal(outcome), tracker, policy)
    if status in _PASSING or not 400 <= status <= 499:
        return _failed(delivery, outcome, tracker, now, jitter, policy)
    return Dead(reason=f"the tracker refused it: {_said(outcome)}")


def _accepted(delivery: Delivery, outcome: Outcome, tracker: Tracker, policy: Policy) -> Decision:
    if outcome.is_html:
        return _refused(delivery, "the answer is a web page: CMS_BASE_URL names another host", tracker, policy)
    flags = (SAYS_FALSE,) if outcome.says_false else ()
    return Delivered(flags=(*flags, REPEATED) if delivery.unsure else flags)


def _not_found(delivery: Delivery, outcome: Outcome, tracker: Tracker, now: datetime, policy: Policy) -> Decision:
    if not tracker.proven and len(tracker.not_found_lanes) >= policy.wrong_host_lanes:
        count = len(tracker.not_found_lanes)
        return Pause(reason=f"{count} customers are unknown and nothing has worked yet: is CMS_BASE_URL right?")
    waited = unpaused(tracker, now) - (delivery.waiting_since or now)
    if delivery.waiting_since and waited.total_seconds() >= policy.wait_budget_seconds:
        return Dead(reason=f"unattributed: {_said(outcome)}", alarms=False)
    seconds = min(policy.first_wait_seconds * 2 ** min(delivery.waits, 20), policy.longest_wait_seconds)
    return Wait(until=now + timedelta(seconds=seconds), reason=f"the tracker does not know them yet: {_said(outcome)}")


def _refused(delivery: Delivery, reason: str, tracker: Tracker, policy: Policy) -> Decision:
    if others_passed(delivery, tracker) and delivery.refusals + 1 >= policy.refusals:
        return Dead(reason=f"refused {delivery.refusals + 1} times while others pass: {reason}")
    return Pause(reason=reason)


def others_passed(delivery: Delivery, tracker: Tracker) -> bool:
    """Whether somebody succeeded since this delivery was last refused: only then does another refusal count."""
    refused_at, success_at = delivery.last_refused_at, tracker.last_success_at
    return refused_at is not None and success_at is not None and success_at > refused_at


def _failed(
    delivery: Delivery, outcome: Outcome, tracker: Tracker, now: datetime, jitter: float, policy: Policy
) -> Decision:
    reason = _said(outcome)
    if outcome.error == "unsendable":
        return Dead(reason=f"it cannot be sent: {outcome.message or reason}")
    if outcome.leaves_open and delivery.when_unsure == "hold":
        return Dead(reason=f"outcome unknown ({reason}) and its rule says hold")
    if tracker.is_paused:
        return Pause(reason=tracker.pause_reason, said=reason)
    made = delivery.attempts + 1
    if delivery.age_seconds >= policy.budget_seconds and made >= policy.least_attempts:
        return Dead(reason=f"gave up after {made} attempts in {delivery.age_seconds / 86_400:.1f} days: {reason}")
    ceiling = min(policy.longest_retry_seconds, policy.first_retry_seconds * 2 ** min(delivery.attempts, 20))
    at = now + timedelta(seconds=jitter * ceiling)
    if is_ours(outcome):
        return RetryAt(at=at, reason=reason)
    if tracker.failures >= policy.outage_failures and len(tracker.failing_lanes) >= policy.outage_lanes:
        return Pause(reason=f"outage: {reason}", counted=True, retry_at=at)
    failing = unpaused(tracker, now) - delivery.failing_since if delivery.failing_since else timedelta()
    stuck = failing.total_seconds() >= policy.steps_aside_seconds
    return RetryAt(at=at, reason=reason, steps_aside=stuck and fails_alone(delivery, tracker))


def fails_alone(delivery: Delivery, tracker: Tracker) -> bool:
    """Whether somebody succeeded since this delivery began to fail: then its failures say nothing of the tracker."""
    since, success = delivery.failing_since, tracker.last_success_at
    # a pause since that success makes it look older than it is: then the tracker is suspected, not the delivery
    return since is not None and success is not None and success - timedelta(seconds=tracker.paused_seconds) > since


def _observe(tracker: Tracker, delivery: Delivery, outcome: Outcome, now: datetime) -> Tracker:
    """Count the outcome into what is known of the tracker."""
    status = outcome.status
    if (outcome.succeeded and not outcome.is_html) or status == 409:
        return replace(
            tracker,
            failures=0,
            failing_lanes=(),
            not_found_lanes=(),
            throttles=0,
            proven=True,
            cautious=False,
            last_success_at=now,
        )
    if status == 422:
        return replace(tracker, cautious=False, throttles=0)
    if status == 404 and outcome.is_json and not tracker.proven:
        return replace(tracker, not_found_lanes=_with(tracker.not_found_lanes, delivery.lane))
    if status in _THROTTLES:
        return replace(tracker, throttles=0 if outcome.retry_after_seconds else tracker.throttles + 1)
    if outcome.error == "unsendable" or is_ours(outcome) or fails_alone(delivery, tracker):
        return tracker
    if status is None or status in _PASSING or status >= 500:
        lanes = _with(tracker.failing_lanes, delivery.lane)
        return replace(tracker, failures=tracker.failures + 1, failing_lanes=lanes)
    return tracker


def is_ours(outcome: Outcome) -> bool:
    """Whether a try ended by our own doing."""
    return outcome.status is None and outcome.error in (INTERRUPTED, BUG, LATE)


def _proves_well(outcome: Outcome, tracker: Tracker) -> bool:
    """Whether this answer shows that the tracker takes our requests again."""
    if outcome.succeeded or outcome.status in (400, 409, 422):
        return not outcome.is_html
    return outcome.status == 404 and outcome.is_json and tracker.proven


def _lifted(tracker: Tracker, outcome: Outcome, now: datetime) -> Tracker:
    """End a pause that began before this request did; an operator's stays."""
    if tracker.paused_since is None or tracker.paused_by_operator:
        return tracker
    if outcome.started_at < tracker.paused_since + _MILLISECOND:
        return tracker
    return resumed(tracker, now)


def unpaused(tracker: Tracker, now: datetime) -> datetime:
    """A clock that stands still while the tracker is paused: budgets are measured on it."""
    until = tracker.paused_since if tracker.paused_since is not None else now
    return until - timedelta(seconds=tracker.paused_seconds)


def resumed(tracker: Tracker, now: datetime) -> Tracker:
    """The row after its pause has ended: the time is taken out of every budget."""
    if tracker.paused_since is None:
        return tracker
    spent = max(0.0, (now - tracker.paused_since).total_seconds())
    return replace(
        tracker,
        paused_since=None,
        pause_reason="",
        paused_until=None,
        paused_by_operator=False,
        probe_at=None,
        probes=0,
        probed_lane="",
        paused_seconds=tracker.paused_seconds + spent,
        failures=0,
        failing_lanes=(),
        not_found_lanes=(),
    )


def probe_delay(probes: int, policy: Policy) -> float:
    """Seconds until the next probe after this many: 5 s doubling to 5 min."""
    return _doubling(policy, probes + 1)


def _paused(tracker: Tracker, delivery: Delivery, pause: Pause, now: datetime, policy: Policy) -> Tracker:
    if tracker.paused_by_operator:
        # it stays the operator's, but what the tracker asks for holds when he resumes
        return replace(tracker, paused_until=_later(tracker.paused_until, pause.until))
    if not tracker.is_paused:
        probe_at = None if pause.until else now + timedelta(seconds=policy.first_probe_seconds)
        tracker = replace(tracker, paused_since=now, probes=0, probe_at=probe_at, paused_until=pause.until)
    elif pause.until:
        tracker = replace(tracker, paused_until=_later(tracker.paused_until, pause.until), probe_at=None)
    return replace(tracker, pause_reason=pause.reason, probed_lane=delivery.lane, cautious=True)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def _doubling(policy: Policy, step: int) -> float:
    return min(policy.longest_probe_seconds, policy.first_probe_seconds * 2.0 ** min(max(step - 1, 0), 20))


def _with(lanes: tuple[str, ...], lane: str) -> tuple[str, ...]:
    """Remember up to five different lanes; more would say nothing new."""
    return lanes if lane in lanes or len(lanes) >= 5 else (*lanes, lane)


def _said(outcome: Outcome) -> str:
    if outcome.status is None:
        return ": ".join(word for word in (outcome.error or "no answer", outcome.message) if word)
    return f"{outcome.status} {outcome.message}".strip()


def _refusal(outcome: Outcome) -> str:
    status = outcome.status or 0
    if 300 <= status <= 399:
        return f"the tracker redirects ({status}): CMS_BASE_URL names another host"
    if status == 404:
        return "404 without a JSON answer: CMS_BASE_URL names another host"
    return f"{_REFUSALS[status]} ({_said(outcome)})"
