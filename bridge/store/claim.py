"""claim and release: lease what may be sent now, give back what was not sent.

All checks stand in one transaction, in this order: what waited long enough joins its lane again; the tracker's
pause; caution; the rate. Only heads of lanes are looked at, through an index that holds nothing else. A sale without
a click id that was never tried is given its customer's; to give it back takes that away again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge import rate, retry
from bridge.model import Delivery, Tracker
from bridge.rate import Pace
from bridge.store.base import LEASE, Claimed
from bridge.store.database import Connection
from bridge.store.decoding import UNREADABLE, maybe_from_ms, readable_delivery_of, unpaused_ms, whole_ms
from bridge.store.encoding import MILLISECOND, to_ms
from bridge.store.giving import fillable, filled, unfill
from bridge.store.holding import gives_way, pass_on
from bridge.store.lanes import readmit, rehead
from bridge.store.trackers import lifted, reached, read_tracker, write_tracker
from bridge.store.waits import LONGEST, end_waits

#: So many deliveries join their lanes again in one transaction at most; the next one follows at once.
_MOST_READMITTED = 500

_POLICY = retry.Policy()
#: So many deliveries that have been failing are under way at once at most: should they hang, they hold no more slots.
_MOST_FAILING = 8
#: Beyond so many of them the others are not looked for.
_MOST_PASSED_OVER = 2_000
#: So many heads are looked at for the one that goes alone.
_MOST_COMPARED = 1_000
#: Nothing waits longer than this for its next try; further away it stands because the clock was set back.
_LONGEST_RETRY_MS = round(_POLICY.longest_retry_seconds * 1000)
_LONGEST_WAIT_MS = 25 * 3_600_000
_LONGEST_CLICK_WAIT_MS = LONGEST // MILLISECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leave:
    """What pause and caution allow: how many, whether as a probe, and when to ask again if nothing may go."""

    most: int
    is_probe: bool = False
    ask_again_at: datetime | None = None


def claim(db: Connection, *, limit: int, pace: Pace, now: datetime, lease: timedelta = LEASE) -> Claimed:
    """Lease the oldest due heads of their lanes."""
    now = whole_ms(now)
    _reach_due(db, to_ms(now))
    more = readmit(db, to_ms(now), limit=_MOST_READMITTED)
    more = end_waits(db, to_ms(now), limit=_MOST_READMITTED) or more
    stored = read_tracker(db)
    before = reached(stored, now)
    tracker, leave = _leave(db, before, limit, now)
    ids, passed_over = _chosen(db, tracker, leave, to_ms(now))
    granted, tracker, token_at = rate.take(tracker, pace, len(ids), now) if ids else (0, tracker, None)
    deliveries = _lease(db, ids[:granted], tracker, now, lease)
    if deliveries and leave.is_probe:
        tracker = _probed(tracker, deliveries[0].lane, now)
    if deliveries or tracker.is_paused != before.is_paused or before is not stored:
        write_tracker(db, tracker)
    if more or len(deliveries) < granted:
        return Claimed(deliveries=deliveries, ask_again_at=now, tracker=tracker)
    if leave.most == 0:
        return Claimed(ask_again_at=leave.ask_again_at, tracker=tracker)
    if token_at is not None:
        # rounded up: asked earlier, by the store's milliseconds there would be no token yet
        return Claimed(deliveries=deliveries, ask_again_at=whole_ms(token_at + MILLISECOND), tracker=tracker)
    if deliveries and (leave.is_probe or tracker.cautious):
        # nothing else may go before this one is settled, and that is a commit
        return Claimed(deliveries=deliveries, tracker=tracker)
    # those that were passed over go when one of their kind has come back, and that is a commit
    return Claimed(deliveries=deliveries, ask_again_at=_next_due(db, to_ms(now) if passed_over else 0), tracker=tracker)


def _reach_due(db: Connection, now_ms: int) -> None:
    """Bring what a clock set too far ahead has put off back to where it could have been put off at most."""
    latest = now_ms + _LONGEST_RETRY_MS
    db.execute("UPDATE deliveries SET due_at = ? WHERE head = 1 AND due_at > ?", (latest, latest))
    latest = now_ms + _LONGEST_WAIT_MS
    db.execute(
        "UPDATE deliveries SET due_at = ? WHERE state = 'waiting' AND click_by IS NULL AND due_at > ?", (latest, latest)
    )
    latest = now_ms + _LONGEST_CLICK_WAIT_MS
    db.execute(
        """
        UPDATE deliveries SET due_at = :latest, click_by = :latest
        WHERE state = 'waiting' AND click_by IS NOT NULL AND due_at > :latest
        """,
        {"latest": latest},
    )


def _leave(db: Connection, tracker: Tracker, limit: int, now: datetime) -> tuple[Tracker, _Leave]:
    """What may go, and the tracker's row, whose pause may just have ended."""
    if tracker.paused_by_operator:
        return tracker, _Leave(most=0)
    if tracker.is_paused and tracker.paused_until is not None:
        if now < tracker.paused_until:
            return tracker, _Leave(most=0, ask_again_at=tracker.paused_until)
        tracker = lifted(tracker, now)
    if tracker.is_paused and tracker.probe_at is not None and now < tracker.probe_at:
        return tracker, _Leave(most=0, ask_again_at=tracker.probe_at)
    if tracker.is_paused or tracker.cautious:
        return tracker, _Leave(most=0 if _is_sending(db) else min(limit, 1), is_probe=tracker.is_paused)
    return tracker, _Leave(most=max(limit, 0))


def _is_sending(db: Connection) -> bool:
    return db.execute("SELECT 1 FROM deliveries WHERE state = 'sending' LIMIT 1").fetchone() is not None


def _chosen(db: Connection, tracker: Tracker, leave: _Leave, now_ms: int) -> tuple[list[int], bool]:
    """The heads that may go, and whether some were passed over that are as due as they."""
    if leave.most == 0:
        return [], False
    if leave.is_probe:
        return _probe(db, tracker, now_ms), False
    if tracker.cautious:
        return _alone(db, now_ms), False
    return _due_heads(db, now_ms, leave.most)


def _due_heads(db: Connection, now_ms: int, most: int) -> tuple[list[int], bool]:
    """The oldest due, but of those that have been failing only a few at a time."""
    heads = db.execute(
        "SELECT id, failing_since FROM deliveries WHERE head = 1 AND due_at <= ? ORDER BY due_at, id LIMIT ?",
        (now_ms, most + _MOST_PASSED_OVER),
    )
    chosen: list[int] = []
    may_fail: int | None = None
    passed_over = False
    for delivery_id, failing_since in heads:
        if failing_since is not None:
            may_fail = _MOST_FAILING - _failing_under_way(db) if may_fail is None else may_fail
            if may_fail <= 0:
                passed_over = True
                continue
            may_fail -= 1
        chosen.append(delivery_id)
        if len(chosen) == most:
            break
    heads.close()
    return chosen, passed_over


def _failing_under_way(db: Connection) -> int:
    (count,) = db.execute(
        "SELECT count(*) FROM deliveries WHERE state = 'sending' AND failing_since IS NOT NULL"
    ).fetchone()
    return int(count)


def _alone(db: Connection, now_ms: int) -> list[int]:
    """The due head that goes before all others may: rather one that has not been failing."""
    row = db.execute(
        """
        SELECT id FROM (
            SELECT id, due_at, failing_since FROM deliveries
            WHERE head = 1 AND due_at <= ? ORDER BY due_at, id LIMIT ?
        )
        ORDER BY failing_since IS NOT NULL, due_at, id LIMIT 1
        """,
        (now_ms, _MOST_COMPARED),
    ).fetchone()
    return [row["id"]] if row else []


def _probe(db: Connection, tracker: Tracker, now_ms: int) -> list[int]:
    """The head to try the tracker with: another customer's than last time where there is one, due or not.

    A probe is the try most likely to end unknown. So rather not one whose rule forbids to repeat it, nor one that has
    been failing by itself, and rather a sale, which the tracker knows again by its invoice id.
    """
    row = db.execute(
        """
        SELECT id FROM (
            SELECT id, due_at, lane, kind, when_unsure, failing_since FROM deliveries
            WHERE head = 1 ORDER BY due_at, id LIMIT :most
        )
        ORDER BY
            lane = :probed, when_unsure = 'hold', failing_since IS NOT NULL, due_at > :now, kind = 'lead', due_at, id
        LIMIT 1
        """,
        {"most": _MOST_COMPARED, "probed": tracker.probed_lane, "now": now_ms},
    ).fetchone()
    return [row["id"]] if row else []


def _probed(tracker: Tracker, lane: str, now: datetime) -> Tracker:
    """The row while a probe is on its way: should it tell us nothing, the next one comes later."""
    probes = tracker.probes + 1
    at = now + timedelta(seconds=retry.probe_delay(probes, _POLICY))
    return replace(tracker, probes=probes, probe_at=at, probed_lane=lane)


def _lease(
    db: Connection, ids: Sequence[int], tracker: Tracker, now: datetime, lease: timedelta
) -> tuple[Delivery, ...]:
    until = to_ms(now + lease)
    clock_ms = unpaused_ms(tracker, now)
    open_for_clicks = fillable(db, ids) if ids else frozenset()
    leased = []
    for one in ids:
        row = db.execute(
            """
            UPDATE deliveries SET state = 'sending', head = 0, lease_until = ?, click_by = NULL WHERE id = ? RETURNING *
            """,
            (until, one),
        ).fetchone()
        delivery = readable_delivery_of(db.seals, row, clock_ms=clock_ms)
        if delivery is None:
            _bury(db, one, row["lane"], now)
        else:
            leased.append(filled(db, row, delivery) if one in open_for_clicks else delivery)
    return tuple(leased)


def _bury(db: Connection, delivery_id: int, lane: str, now: datetime) -> None:
    """A row that cannot be read is a dead letter of its own: nobody waits behind it."""
    db.execute(
        "UPDATE deliveries SET state = 'dead', lease_until = NULL, reason = ? WHERE id = ?", (UNREADABLE, delivery_id)
    )
    rehead(db, lane)
    if gives_way(db, delivery_id):
        pass_on(db, delivery_id, to_ms(now))


def _next_due(db: Connection, after_ms: int) -> datetime | None:
    (due_at,) = db.execute(
        """
        SELECT min(due_at) FROM (
            SELECT min(due_at) AS due_at FROM deliveries WHERE head = 1 AND due_at > ?
            UNION ALL
            SELECT min(due_at) AS due_at FROM deliveries WHERE state = 'waiting' AND click_by IS NULL
            UNION ALL
            SELECT min(due_at) AS due_at FROM deliveries WHERE state = 'waiting' AND click_by IS NOT NULL
        )
        """,
        (after_ms,),
    ).fetchone()
    return maybe_from_ms(due_at)


def release(db: Connection, delivery_ids: Iterable[int]) -> None:
    """Give leases back as if they had not been taken."""
    for delivery_id in delivery_ids:
        row = db.execute(
            """
            UPDATE deliveries SET state = 'pending', lease_until = NULL
            WHERE id = ? AND state = 'sending' RETURNING lane
            """,
            (delivery_id,),
        ).fetchone()
        if row is not None:
            unfill(db, delivery_id)
            rehead(db, row["lane"])
