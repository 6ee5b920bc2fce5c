"""claim and release: lease what may be sent now, give back what was not sent.

All checks stand in one transaction, in this order: what waited long enough joins its lane again; the tracker's
pause; caution; the rate. Only heads of lanes are looked at, through an index that holds nothing else. A sale without
a click id that was never tried is given its customer's; to give it back takes that away again.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from bridge import rate, retry
from bridge.model import Delivery, Tracker
from bridge.rate import Pace
from bridge.store.base import Claimed
from bridge.store.database import Connection, Rows
from bridge.store.decoding import UNREADABLE, maybe_from_ms, readable_delivery_of, unpaused_ms, whole_ms
from bridge.store.encoding import MILLISECOND, to_json, to_ms
from bridge.store.giving import fillable, filled, unfill
from bridge.store.holding import gives_way, pass_on
from bridge.store.lanes import readmit, rehead
from bridge.store.trackers import lifted, reached, read_tracker, write_tracker
from bridge.store.waits import LONGEST, end_waits

#: By delivery until when it was leased, which is how a lease is known again; None: whoever has it.
Leases: TypeAlias = Mapping[int, int | None]
#: Those of the deliveries that nobody holds from outside, in the same order.
Unheld: TypeAlias = Callable[[Connection, Sequence[int]], list[int]]

#: So many deliveries join their lanes again in one transaction at most; the next one follows at once.
_MOST_READMITTED = 500

_POLICY = retry.Policy()
#: So many deliveries that have been failing are under way at once at most: should they hang, they hold no more slots.
_MOST_FAILING = 8
#: Beyond so many of them the others are not looked for.
_MOST_PASSED_OVER = 2_000
#: So many heads are looked at for the one that goes alone, and of the best so many are tried.
_MOST_COMPARED = 1_000
_MOST_TRIED = 20
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


def lease_until(now: datetime, lease: timedelta) -> int:
    """When a lease taken now ends."""
    return to_ms(whole_ms(now) + lease)


def claim(db: Connection, *, limit: int, pace: Pace, now: datetime, lease: timedelta, unheld: Unheld) -> Claimed:
    """Lease the oldest due heads of their lanes."""
    now = whole_ms(now)
    _reach_due(db, to_ms(now))
    more = readmit(db, to_ms(now), limit=_MOST_READMITTED, unheld=unheld)
    more = end_waits(db, to_ms(now), limit=_MOST_READMITTED, unheld=unheld) or more
    stored = read_tracker(db)
    before = reached(stored, now)
    tracker, leave = _leave(db, before, limit, now)
    ids, passed_over = _chosen(db, tracker, leave, to_ms(now), unheld)
    granted, tracker, token_at = rate.take(tracker, pace, len(ids), now) if ids else (0, tracker, None)
    deliveries = _lease(db, ids[:granted], tracker, now, lease_until(now, lease))
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
    after_ms = to_ms(now) if passed_over else 0
    return Claimed(deliveries=deliveries, ask_again_at=_next_due(db, after_ms, to_ms(now)), tracker=tracker)


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


def _chosen(db: Connection, tracker: Tracker, leave: _Leave, now_ms: int, unheld: Unheld) -> tuple[list[int], bool]:
    """The heads that may go, and whether some were passed over that are as due as they."""
    if leave.most == 0:
        return [], False
    if leave.is_probe:
        return _first(db, _probes(db, tracker, now_ms), unheld)
    if tracker.cautious:
        return _first(db, _alone(db, now_ms), unheld)
    return _due_heads(db, now_ms, leave.most, unheld)


def _due_heads(db: Connection, now_ms: int, most: int, unheld: Unheld) -> tuple[list[int], bool]:
    """The oldest due, but of those that have been failing only a few at a time, and none that somebody holds."""
    held: set[int] = set()
    limit = most + _MOST_FAILING
    while True:
        heads = db.execute(
            "SELECT id, failing_since FROM deliveries WHERE head = 1 AND due_at <= ? ORDER BY due_at, id LIMIT ?",
            (now_ms, limit),
        )
        chosen, passed_over, seen = _pick(db, heads, most, held)
        free = unheld(db, chosen)
        if len(free) == len(chosen) and (len(chosen) == most or seen < limit or limit > most + _MOST_FAILING):
            return free, passed_over or bool(held)
        held.update(set(chosen).difference(free))
        limit = most + _MOST_PASSED_OVER


def _pick(db: Connection, heads: Rows, most: int, held: Container[int]) -> tuple[list[int], bool, int]:
    """Of these heads the first that may go, whether some were passed over, and how many were looked at."""
    chosen: list[int] = []
    may_fail: int | None = None
    passed_over, seen = False, 0
    for delivery_id, failing_since in heads:
        seen += 1
        if delivery_id in held:
            continue
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
    return chosen, passed_over, seen


def _failing_under_way(db: Connection) -> int:
    (count,) = db.execute(
        "SELECT count(*) FROM deliveries WHERE state = 'sending' AND failing_since IS NOT NULL"
    ).fetchone()
    return int(count)


def _first(db: Connection, best: Sequence[int], unheld: Unheld) -> tuple[list[int], bool]:
    """The first of these that nobody holds, and whether others were passed over."""
    free = next((free for one in best if (free := unheld(db, [one]))), [])
    return free, free != best[:1]


def _alone(db: Connection, now_ms: int) -> list[int]:
    """The due heads in the order in which they may go before all others: rather one that has not been failing."""
    rows = db.execute(
        """
        SELECT id FROM (
            SELECT id, due_at, failing_since FROM deliveries
            WHERE head = 1 AND due_at <= ? ORDER BY due_at, id LIMIT ?
        ) AS front
        ORDER BY failing_since IS NOT NULL, due_at, id LIMIT ?
        """,
        (now_ms, _MOST_COMPARED, _MOST_TRIED),
    )
    return [delivery_id for (delivery_id,) in rows]


def _probes(db: Connection, tracker: Tracker, now_ms: int) -> list[int]:
    """The heads to try the tracker with: another customer's than last time where there is one, due or not.

    A probe is the try most likely to end unknown. So rather not one whose rule forbids to repeat it, nor one that has
    been failing by itself, and rather a sale, which the tracker knows again by its invoice id.
    """
    rows = db.execute(
        """
        SELECT id FROM (
            SELECT id, due_at, lane, kind, when_unsure, failing_since FROM deliveries
            WHERE head = 1 ORDER BY due_at, id LIMIT :most
        ) AS front
        ORDER BY
            lane = :probed, when_unsure = 'hold', failing_since IS NOT NULL, due_at > :now, kind = 'lead', due_at, id
        LIMIT :tried
        """,
        {"most": _MOST_COMPARED, "probed": tracker.probed_lane, "now": now_ms, "tried": _MOST_TRIED},
    )
    return [delivery_id for (delivery_id,) in rows]


def _probed(tracker: Tracker, lane: str, now: datetime) -> Tracker:
    """The row while a probe is on its way: should it tell us nothing, the next one comes later."""
    probes = tracker.probes + 1
    at = now + timedelta(seconds=retry.probe_delay(probes, _POLICY))
    return replace(tracker, probes=probes, probe_at=at, probed_lane=lane)


def _lease(db: Connection, ids: Sequence[int], tracker: Tracker, now: datetime, until: int) -> tuple[Delivery, ...]:
    if not ids:
        return ()
    clock_ms = unpaused_ms(tracker, now)
    open_for_clicks = fillable(db, ids)
    # all at once: a statement for each costs twice as much here, and a way to the server and back elsewhere
    rows = db.execute(
        """
        UPDATE deliveries SET state = 'sending', head = 0, lease_until = ?, click_by = NULL
        WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) RETURNING *
        """,
        (until, to_json([*ids])),
    ).fetchall()
    by_id = {row["id"]: row for row in rows}
    leased = []
    for one in ids:
        delivery = readable_delivery_of(db.seals, by_id[one], clock_ms=clock_ms)
        if delivery is None:
            _bury(db, one, by_id[one]["lane"], now)
        else:
            leased.append(filled(db, by_id[one], delivery) if one in open_for_clicks else delivery)
    return tuple(leased)


def _bury(db: Connection, delivery_id: int, lane: str, now: datetime) -> None:
    """A row that cannot be read is a dead letter of its own: nobody waits behind it."""
    db.execute(
        "UPDATE deliveries SET state = 'dead', lease_until = NULL, reason = ? WHERE id = ?", (UNREADABLE, delivery_id)
    )
    rehead(db, lane)
    if gives_way(db, delivery_id):
        pass_on(db, delivery_id, to_ms(now))


def _next_due(db: Connection, after_ms: int, now_ms: int) -> datetime | None:
    (due_at,) = db.execute(
        """
        SELECT min(due_at) FROM (
            SELECT min(due_at) AS due_at FROM deliveries WHERE head = 1 AND due_at > :after
            UNION ALL
            SELECT min(due_at) AS due_at FROM deliveries WHERE state = 'waiting' AND click_by IS NULL AND due_at > :now
            UNION ALL
            SELECT min(due_at) AS due_at FROM deliveries
            WHERE state = 'waiting' AND click_by IS NOT NULL AND due_at > :now
        ) AS fronts
        """,
        {"after": after_ms, "now": now_ms},
    ).fetchone()
    return maybe_from_ms(due_at)


def release(db: Connection, leases: Leases) -> None:
    """Give leases back as if they had not been taken; what somebody else has leased meanwhile stays theirs."""
    for delivery_id, until in leases.items():
        row = db.execute(
            """
            UPDATE deliveries SET state = 'pending', lease_until = NULL
            WHERE id = ? AND state = 'sending' AND coalesce(lease_until, 0) = coalesce(?, lease_until, 0) RETURNING lane
            """,
            (delivery_id, until),
        ).fetchone()
        if row is not None:
            unfill(db, delivery_id)
            rehead(db, row["lane"])
