"""Judges tries for one worker: the verdict table, with what only this replica knows (its token) put in.

A delivery that is refused while others pass is a dead letter, but only where the others passed with the same token and
base URL: beside a replica that was given another one, refusals say nothing of the delivery.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bridge import logs, retry
from bridge.model import Dead, Decision, Delivery, Outcome, Tracker

_log = logs.get("bridge.worker")

_NEVER: Final = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """A `base.Judge`; never raises."""

    policy: retry.Policy
    #: uniform in [0, 1)
    jitter: Callable[[], float]
    #: base URL and token by which this replica sends, hashed
    line: Callable[[], str]

    def __call__(
        self, delivery: Delivery, outcome: Outcome, tracker: Tracker, now: datetime
    ) -> tuple[Decision, Tracker]:
        """What becomes of a delivery after a try, and what is known of the tracker."""
        try:
            return self._judged(delivery, outcome, tracker, now)
        except Exception as error:  # noqa: BLE001 - a try that cannot be judged must not keep the others from disk
            logs.event(_log, logging.ERROR, "bug", exception=error, delivery_id=delivery.id)
            return Dead(reason=f"what came of it could not be judged: {type(error).__name__}"), tracker

    def _judged(
        self, delivery: Delivery, outcome: Outcome, tracker: Tracker, now: datetime
    ) -> tuple[Decision, Tracker]:
        line, policy = self.line(), self.policy
        if tracker.success_line not in ("", line):
            policy = replace(policy, refusals=_NEVER)
        decision, seen = retry.judge(delivery, outcome, tracker, now=now, jitter=self.jitter(), policy=policy)
        succeeded = seen.last_success_at != tracker.last_success_at
        return decision, replace(seen, success_line=line) if succeeded else seen
