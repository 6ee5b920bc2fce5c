"""What the worker tells of its tries, of the tracker and of what is left: log lines, counts, notices."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from bridge import backlog, logs, notices
from bridge.metrics import Metrics
from bridge.model import Backlog, Dead, Decision, Delivered, Pause, RetryAt, Tracker, Wait
from bridge.notices import Notice
from bridge.rate import Pace
from bridge.store.base import Settled

_log = logs.get("bridge.worker")


class Teller:
    """Tells of one worker."""

    def __init__(self, *, metrics: Metrics, clock: Callable[[], datetime], notify: Callable[[Notice], None]) -> None:
        self._metrics = metrics
        self._clock = clock
        self._notify = notify
        self._tracker = Tracker()

    def tracker(self, tracker: Tracker) -> bool:
        """Tell of a pause that has begun, ended or got another reason since last time; whether one has ended."""
        before, self._tracker = self._tracker, tracker
        is_other = notices.ours(tracker.pause_reason) != notices.ours(before.pause_reason)
        if tracker.is_paused and (not before.is_paused or is_other):
            until = tracker.paused_until or tracker.probe_at
            logs.event(_log, logging.WARNING, "tracker.paused", why=tracker.pause_reason, next_at=until)
            since = tracker.paused_since or self._clock()
            self._notify(notices.paused(self._clock(), why=tracker.pause_reason, next_at=until, since=since))
        elif before.is_paused and not tracker.is_paused:
            logs.event(_log, logging.WARNING, "tracker.resumed", after=before.pause_reason)
            since = before.paused_since or self._clock()
            self._notify(notices.resumed(self._clock(), after=before.pause_reason, since=since))
            return True
        return False

    def tried(self, settled: Settled) -> None:
        """One line and two counts per try; a death and a promotion have lines of their own."""
        delivery, outcome = settled.delivery, settled.outcome
        verdict = settled.decision.word
        why = settled.decision.own if isinstance(settled.decision, Pause) else settled.decision.reason
        self._metrics.attempts.labels(verdict).inc()
        self._metrics.attempt_seconds.observe(outcome.duration_ms / 1000)
        logs.event(
            _log,
            logging.INFO,
            "delivery.attempted",
            source=delivery.source,
            event_id=delivery.event_id,
            delivery_id=delivery.id,
            attempt=delivery.tries + 1,
            verdict=verdict,
            status=outcome.status,
            sent=outcome.sent.value,
            duration_ms=round(outcome.duration_ms, 1),
            next_at=_next_at(settled.decision),
            why=why,
        )
        if isinstance(settled.decision, Dead):
            level = logging.ERROR if settled.decision.alarms else logging.INFO
            logs.event(_log, level, "delivery.dead", delivery_id=delivery.id, event_id=delivery.event_id, why=why)
            if settled.decision.alarms:
                self._notify(notices.dead(self._clock(), delivery, why=why))
        if settled.promoted is not None:
            logs.event(_log, logging.WARNING, "delivery.promoted", delivery_id=settled.promoted, instead_of=delivery.id)


def left(standing: Backlog, tracker: Tracker, pace: Pace) -> None:
    """Log how much there is to do, and how long it takes."""
    logs.event(
        _log,
        logging.INFO,
        "backlog",
        due=standing.due,
        held=standing.held,
        held_lanes=standing.held_lanes,
        waiting=standing.waiting,
        about=backlog.told(standing, tracker, pace),
    )


def _next_at(decision: Decision) -> datetime | None:
    match decision:
        case RetryAt(at=at):
            return at
        case Wait(until=until) | Pause(until=until):
            return until
        case Delivered() | Dead():
            return None
        case _:
            assert_never(decision)
