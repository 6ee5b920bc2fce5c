"""The tracker's verdict decides: what becomes of a delivery after a try, and of all others."""

from dataclasses import dataclass

from bridge.model import Outcome
from tests.reference.claims import Claims
from tests.reference.parts import DAY, HOUR, SECOND, Known, S


@dataclass(slots=True, kw_only=True)
class Verdicts(Claims):
    """The table."""

    jitter: float

    def settled(self, number: int, outcome: Outcome, started: int, now: int) -> None:
        """A request has ended so."""
        one, health = self.deliveries[number], self.health
        budget = min(health.running(started), health.running(now)) if one.budget_from is None else one.budget_from
        age = 0 if one.budget_from is None else health.running(now) - one.budget_from
        clock = health.running(now)
        was_paused = health.paused_since
        self._observe(one, outcome, now)
        counted = self._judge(one, outcome, age, clock, now)
        one.attempts += counted
        one.budget_from = budget
        one.unsure |= outcome.leaves_open
        status = outcome.status or 0
        well = (200 <= status <= 299 and not outcome.is_html) or status in (400, 409, 422)
        well = well or (status == 404 and outcome.is_json and health.proven)
        if well and was_paused is not None and not health.by_hand and started > was_paused:
            health.resume(now)
        if one.state is S.DELIVERED and one.is_lead:
            for other in self.deliveries.values():
                if other.lane == one.lane and other.state is S.WAITING:
                    other.due = min(other.due, now)
        if one.gives_way:
            self.pass_on(number, now)

    def _observe(self, one: Known, outcome: Outcome, now: int) -> None:
        health, status = self.health, outcome.status
        if status == 409 or (outcome.succeeded and not outcome.is_html):
            health.forget_failures()
            health.throttles, health.proven, health.cautious, health.success = 0, True, False, now
        elif status == 422:
            health.cautious, health.throttles = False, 0
        elif status == 404 and outcome.is_json and not health.proven:
            health.unknown |= {one.lane}
        elif status in (429, 503):
            health.throttles = 0 if outcome.retry_after_seconds else health.throttles + 1
        elif self._passes(outcome) and outcome.error != "interrupted by shutdown" and not self._alone(one):
            health.failures += 1
            health.failing |= {one.lane}

    @staticmethod
    def _passes(outcome: Outcome) -> bool:
        """Whether it says neither yes nor no."""
        status = outcome.status
        return status is None or status in (408, 425) or (status >= 500 and status != 503)

    def _alone(self, one: Known) -> bool:
        """Whether somebody succeeded since this one began to fail."""
        since, success = one.failing_since, self.health.success
        return since is not None and success is not None and success - self.health.paused_for > since

    def _judge(self, one: Known, outcome: Outcome, age: int, clock: int, now: int) -> bool:
        """What becomes of it; whether the try counts."""
        health, status = self.health, outcome.status
        refusals, one.refusals = one.refusals, 0
        refused_at, one.refused_at = one.refused_at, None
        if status == 409 or (outcome.succeeded and not outcome.is_html):
            one.state, one.failing_since = S.DELIVERED, None
            return True
        if self._passes(outcome):
            counts = self._failed(one, outcome, age, clock, now)
            if one.state is S.PENDING and not counts:  # it was paused: what the refusals came to stays
                one.refusals, one.refused_at = refusals, refused_at
            return counts
        one.state, one.due = S.PENDING, now
        if status == 404 and outcome.is_json and (health.proven or len(health.unknown) < 5):
            self._not_yet(one, clock, now)
            return one.state is S.DEAD
        if status in (429, 503):
            patience = outcome.retry_after_seconds or min(300, 5 * 2 ** (health.throttles - 1))
            health.pause(one.lane, now + int(min(patience, 86_400) * SECOND), now)
            # 503 is no refusal of anybody, and neither is 429
            one.refusals, one.refused_at = refusals, refused_at
            return False
        if status in (401, 402, 403, 404, 405) or outcome.succeeded or 300 <= (status or 0) <= 399:
            others_passed = refused_at is not None and (health.success or -1) > refused_at
            if others_passed and refusals >= 2:
                one.state = S.DEAD
                return True
            one.refusals = refusals + (refusals == 0 or others_passed)
            one.refused_at = now
            health.pause(one.lane, None, now)
            return False
        one.state = S.DEAD
        return True

    def _not_yet(self, one: Known, clock: int, now: int) -> None:
        if one.waiting_since is not None and clock - one.waiting_since >= DAY:
            one.state = S.DEAD
            return
        one.state, one.due = S.WAITING, now + min(60 * SECOND << min(one.waits, 20), HOUR)
        one.waits, one.failing_since = one.waits + 1, None
        one.waiting_since = clock if one.waiting_since is None else one.waiting_since

    def _failed(self, one: Known, outcome: Outcome, age: int, clock: int, now: int) -> bool:
        health = self.health
        one.state, one.due = S.PENDING, now
        if outcome.leaves_open and one.holds:
            one.state = S.DEAD
        elif health.paused_since is not None:
            health.pause(one.lane, None, now)
            return False
        elif age >= 3 * DAY and one.attempts + 1 >= 10:
            one.state = S.DEAD
        else:
            one.due = now + int(self.jitter * min(HOUR, 5 * SECOND << min(one.attempts, 20)))
            self._kept_failing(one, outcome, clock, now)
        return True

    def _kept_failing(self, one: Known, outcome: Outcome, clock: int, now: int) -> None:
        if outcome.error == "interrupted by shutdown":
            return
        if self.health.failures >= 3 and len(self.health.failing) >= 2:
            self.health.pause(one.lane, None, now)
        elif one.failing_since is not None and clock - one.failing_since >= HOUR and self._alone(one):
            one.state = S.WAITING
        one.failing_since = clock if one.failing_since is None else one.failing_since
