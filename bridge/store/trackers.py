"""The tracker's row: read, write, and what serve and the operator change in it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from bridge import retry
from bridge.model import Tracker
from bridge.rate import Pace
from bridge.store.database import Connection
from bridge.store.decoding import tracker_of, whole_ms
from bridge.store.encoding import clean, tracker_json
from bridge.store.sealing import PAUSE_REASON

_POLICY: Final = retry.Policy()


def read_tracker(db: Connection) -> Tracker:
    """What is known of the tracker now."""
    (document,) = db.execute("SELECT document FROM tracker WHERE id = 1").fetchone()
    tracker = tracker_of(document)
    reason = db.seals.read(PAUSE_REASON, 1, tracker.pause_reason)
    return tracker if reason == tracker.pause_reason else replace(tracker, pause_reason=reason)


def write_tracker(db: Connection, tracker: Tracker) -> Tracker:
    """Keep what is known of the tracker; why it is paused may quote what it said."""
    reason = db.seals.text(PAUSE_REASON, 1, clean(tracker.pause_reason))
    stored = tracker if reason == tracker.pause_reason else replace(tracker, pause_reason=reason)
    db.execute("UPDATE tracker SET document = ? WHERE id = 1", (tracker_json(stored),))
    return tracker


def greet(db: Connection, fingerprint: str, now: datetime, pace: Pace | None, *, joins: bool = False) -> Tracker:
    """Begin serving: an empty bucket and caution; another base URL or token makes what failed before void."""
    before = read_tracker(db)
    is_other = fingerprint != before.fingerprint
    tracker = before
    if is_other or not joins:
        tracker = replace(tracker, tokens=0.0, tokens_at=whole_ms(now), cautious=True)
    if pace is not None:
        tracker = replace(tracker, rate_n=pace.n, rate_seconds=pace.seconds)
    if is_other:
        tracker = replace(
            tracker,
            fingerprint=clean(fingerprint),
            proven=False,
            not_found_lanes=(),
            failures=0,
            failing_lanes=(),
            throttles=0,
        )
        if tracker.is_paused and not tracker.paused_by_operator:
            tracker = replace(tracker, paused_until=None, probe_at=whole_ms(now), probes=0)
    return write_tracker(db, tracker)


def pause(db: Connection, reason: str, now: datetime) -> Tracker:
    """Hold everything back until `resume`. A pause that runs already becomes the operator's, from its beginning."""
    before = read_tracker(db)
    return write_tracker(
        db,
        replace(
            before,
            paused_since=before.paused_since or whole_ms(now),
            pause_reason=clean(reason),
            paused_by_operator=True,
            probe_at=None,
            probes=0,
        ),
    )


def resume(db: Connection, now: datetime) -> Tracker:
    """Lift whatever pause there is; one request at a time until one succeeds.

    An operator's pause may lie over one that the tracker asked for: that one goes on to its own end.
    """
    before = read_tracker(db)
    if before.paused_by_operator and before.paused_until is not None and now < before.paused_until:
        asked = replace(before, paused_by_operator=False, pause_reason="the tracker asked for patience")
        return write_tracker(db, asked)
    return write_tracker(db, lifted(before, whole_ms(now))) if before.is_paused else before


def reached(tracker: Tracker, now: datetime) -> Tracker:
    """The row as a clock that was set back may find it: no end further away than one can be; else the very same."""
    latest = {
        "tokens_at": now,
        "paused_since": now,
        "last_success_at": now,
        "paused_until": now + timedelta(seconds=_POLICY.longest_retry_after_seconds),
        "probe_at": now + timedelta(seconds=_POLICY.longest_probe_seconds),
    }
    beyond: dict[str, Any] = {name: at for name, at in latest.items() if (getattr(tracker, name) or at) > at}
    return replace(tracker, **beyond) if beyond else tracker


def lifted(tracker: Tracker, now: datetime) -> Tracker:
    """The row after a pause that somebody or time has ended, before anything has succeeded."""
    return replace(retry.resumed(tracker, now), cautious=True)
