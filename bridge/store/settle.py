"""settle and rescue: a try is over. Its attempt, its consequence and the tracker's row are one transaction.

The judge decides inside it, so what it sees is what is written. Repeating a settlement whose commit was unknown
adds nothing; one that comes after its lease was lost keeps the attempt and changes nothing else, unless it says
that the tracker has the delivery.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from bridge import retry
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
from bridge.store.base import LEASE, Judge, Settled, Settlement
from bridge.store.database import Connection
from bridge.store.decoding import from_ms, readable_delivery_of, unpaused_ms, whole_ms
from bridge.store.encoding import Value, attempt_columns, clean, maybe_ms, names_json, to_ms
from bridge.store.holding import gives_way, pass_on, reclaim
from bridge.store.lanes import rehead, wake
from bridge.store.sealing import ANSWER, REASON, TRY_REASON, try_key
from bridge.store.trackers import read_tracker, write_tracker

INTERRUPTED: Final = "the bridge ended during this try"
HELD: Final = "outcome unknown; rule says hold"


def settle(
    db: Connection, settlements: Sequence[Settlement], judge: Judge, now: datetime, *, ahead: timedelta
) -> list[Settled]:
    """Write every try and what it comes to. `ahead`: how far `now` is ahead of the clock that timed them."""
    now = whole_ms(now)
    before = tracker = read_tracker(db)
    settled = []
    for settlement in settlements:
        one = _settle_one(db, settlement, judge, tracker, now, ahead)
        tracker = one.tracker
        settled.append(one)
    if tracker != before:
        write_tracker(db, tracker)
    return settled


def _settle_one(
    db: Connection, settlement: Settlement, judge: Judge, tracker: Tracker, now: datetime, ahead: timedelta
) -> Settled:
    outcome = settlement.outcome
    # by the clock that everything else here is dated by
    seen = replace(outcome, started_at=min(outcome.started_at + ahead, now)) if ahead else outcome
    row = db.execute("SELECT * FROM deliveries WHERE id = ?", (settlement.delivery.id,)).fetchone()
    if row is None:
        decision, _ = judge(settlement.delivery, seen, tracker, now)
        return Settled(delivery=settlement.delivery, outcome=outcome, decision=decision, tracker=tracker)
    delivery = readable_delivery_of(db.seals, row, clock_ms=unpaused_ms(tracker, now)) or replace(
        settlement.delivery, state=DeliveryState(row["state"]), tries=row["tries"]
    )
    decision, judged = judge(delivery, seen, tracker, now)
    if _is_known(db, settlement):
        return Settled(delivery=delivery, outcome=outcome, decision=decision, tracker=tracker)
    _write_attempt(db, delivery, outcome, decision)
    promoted = None
    if delivery.state is DeliveryState.SENDING and delivery.tries == settlement.delivery.tries:
        promoted = _conclude(db, delivery, seen, decision, tracker, now)
    else:
        _conclude_late(db, delivery, outcome, decision)
    return Settled(delivery=delivery, outcome=outcome, decision=decision, promoted=promoted, tracker=judged)


def _is_known(db: Connection, settlement: Settlement) -> bool:
    """Whether this very try was written before, by a commit whose answer got lost."""
    return bool(
        db.execute(
            """
            SELECT 1 FROM attempts
            WHERE delivery_id = ? AND number > ? AND started_at = ? AND sent = ? AND status IS ?
            """,
            (
                settlement.delivery.id,
                settlement.delivery.tries,
                to_ms(settlement.outcome.started_at),
                settlement.outcome.sent.value,
                settlement.outcome.status,
            ),
        ).fetchone()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """A decision as a delivery's row says it."""

    state: DeliveryState
    due_at: datetime | None = None
    counted: bool = True


def _verdict(decision: Decision) -> _Verdict:
    match decision:
        case Delivered():
            return _Verdict(state=DeliveryState.DELIVERED)
        case RetryAt(at=at, steps_aside=steps_aside):
            return _Verdict(state=DeliveryState.WAITING if steps_aside else DeliveryState.PENDING, due_at=at)
        case Wait(until=until):
            return _Verdict(state=DeliveryState.WAITING, due_at=until, counted=False)
        case Dead():
            return _Verdict(state=DeliveryState.DEAD)
        case Pause(counted=counted, retry_at=retry_at):
            return _Verdict(state=DeliveryState.PENDING, due_at=retry_at, counted=counted)
        case _:
            assert_never(decision)


def _write_attempt(db: Connection, delivery: Delivery, outcome: Outcome, decision: Decision) -> None:
    key = try_key(delivery.id, delivery.tries + 1)
    said = decision.own if isinstance(decision, Pause) else decision.reason
    reason = db.seals.text(TRY_REASON, key, clean(said))
    answer = db.seals.text(ANSWER, key, clean(outcome.text))
    told = (decision.word, reason, answer, _verdict(decision).counted)
    _insert_attempt(db, delivery.id, delivery.tries + 1, (*attempt_columns(outcome), *told))


def _insert_attempt(db: Connection, delivery_id: int, number: int, columns: tuple[Value, ...]) -> None:
    db.execute("INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (delivery_id, number, *columns))


def _sealed(db: Connection, delivery_id: int, reason: str) -> str:
    """A reason that may quote what the tracker said."""
    return db.seals.text(REASON, delivery_id, clean(reason))


def _conclude(
    db: Connection, before: Delivery, outcome: Outcome, decision: Decision, tracker: Tracker, now: datetime
) -> int | None:
    """Write what becomes of a delivery whose lease is ours; who takes its place, if it died."""
    verdict = _verdict(decision)
    db.execute(
        """
        UPDATE deliveries SET
            state = :state, head = 0, due_at = :due_at, lease_until = NULL, attempts = :attempts, tries = :tries,
            budget_from = coalesce(budget_from, :budget_from), unsure = :unsure, refusals = :refusals,
            first_refused_at = :first_refused_at, waiting_since = :waiting_since, waits = :waits,
            failing_since = :failing_since, flags = :flags, reason = :reason
        WHERE id = :id
        """,
        {
            "id": before.id,
            "state": verdict.state.value,
            "due_at": to_ms(verdict.due_at or now),
            "attempts": before.attempts + verdict.counted,
            "tries": before.tries + 1,
            "budget_from": min(unpaused_ms(tracker, outcome.started_at), unpaused_ms(tracker, now)),
            "unsure": before.unsure or outcome.leaves_open,
            "reason": "" if isinstance(decision, Delivered) else _sealed(db, before.id, decision.reason),
            **_history(before, outcome, decision, tracker, now),
        },
    )
    rehead(db, before.lane)
    if verdict.state is DeliveryState.DELIVERED and isinstance(before.payload, Lead):
        wake(db, [before.lane], to_ms(now))
    if verdict.state is DeliveryState.DEAD and gives_way(db, before.id):
        return pass_on(db, before.id, to_ms(now))
    return None


def _history(
    before: Delivery, outcome: Outcome, decision: Decision, tracker: Tracker, now: datetime
) -> dict[str, Value]:
    """What a delivery remembers of its tries in a row: refusals, waits, failures, flags."""
    history: dict[str, Value] = {
        "refusals": 0,
        "first_refused_at": None,
        "waits": before.waits,
        "waiting_since": maybe_ms(before.waiting_since),
        "failing_since": maybe_ms(before.failing_since),
        "flags": names_json(before.flags),
    }
    match decision:
        case Delivered(flags=flags):
            history["flags"] = names_json(dict.fromkeys((*before.flags, *flags)))
            history["failing_since"] = None
        case Wait():
            history["waits"] = before.waits + 1
            history["waiting_since"] = maybe_ms(before.waiting_since) or unpaused_ms(tracker, now)
            history["failing_since"] = None
        case RetryAt() if not retry.is_ours(outcome):
            history["failing_since"] = maybe_ms(before.failing_since) or unpaused_ms(tracker, now)
        case Pause(counted=counted):
            refused = _refuses(outcome)
            counts = refused and (before.refusals == 0 or retry.others_passed(before, tracker))
            history["refusals"] = before.refusals + counts
            history["first_refused_at"] = maybe_ms(now if refused else before.last_refused_at)
            if counted:
                history["failing_since"] = maybe_ms(before.failing_since) or unpaused_ms(tracker, now)
        case RetryAt() | Dead():
            pass
    return history


def _refuses(outcome: Outcome) -> bool:
    """Whether the answer speaks of us (token, plan, host): neither a failure nor a plea for patience."""
    return outcome.status is not None and outcome.status < 500 and outcome.status not in (408, 425, 429)


def _conclude_late(db: Connection, delivery: Delivery, outcome: Outcome, decision: Decision) -> None:
    """The lease was lost meanwhile: the try counts among the tries; only "the tracker has it" changes the state."""
    db.execute(
        "UPDATE deliveries SET tries = tries + 1, unsure = CASE WHEN ? = 1 THEN 1 ELSE unsure END WHERE id = ?",
        (int(outcome.leaves_open), delivery.id),
    )
    if not isinstance(decision, Delivered) or delivery.state is DeliveryState.DELIVERED:
        return
    flags = names_json(dict.fromkeys((*delivery.flags, *decision.flags)))
    db.execute(
        """
        UPDATE deliveries
        SET state = 'delivered', head = 0, lease_until = NULL, duplicate_of = NULL, flags = ?, reason = ''
        WHERE id = ?
        """,
        (flags, delivery.id),
    )
    rehead(db, delivery.lane)
    reclaim(db, delivery.id)


def left(db: Connection, expired_at: datetime | None) -> list[int]:
    """The deliveries with a lease; with a time, those whose lease has ended by then."""
    if expired_at is None:
        rows = db.execute("SELECT id FROM deliveries WHERE state = 'sending' ORDER BY id")
    else:
        rows = db.execute(
            "SELECT id FROM deliveries WHERE state = 'sending' AND coalesce(lease_until, 0) <= ? ORDER BY id",
            (to_ms(expired_at),),
        )
    return [delivery_id for (delivery_id,) in rows]


def rescue(db: Connection, now: datetime, among: Sequence[int] | None = None) -> int:
    """Return leases, all of them or these, that a dead process left: its request may have reached the tracker."""
    delivery_ids = left(db, None) if among is None else among
    for delivery_id in delivery_ids:
        row = db.execute(
            "SELECT id, lane, tries, lease_until, when_unsure FROM deliveries WHERE id = ?", (delivery_id,)
        ).fetchone()
        holds = row["when_unsure"] == "hold"
        started_at = to_ms(from_ms(row["lease_until"]) - LEASE) if row["lease_until"] else to_ms(now)
        verdict = (started_at, 0.0, Sent.MAYBE.value, None, "interrupted", INTERRUPTED, "", True)
        _insert_attempt(db, row["id"], row["tries"] + 1, verdict)
        db.execute(
            """
            UPDATE deliveries SET
                state = :state, due_at = :now, lease_until = NULL, unsure = 1, tries = tries + 1,
                attempts = attempts + 1, budget_from = coalesce(budget_from, :budget_from), reason = :reason
            WHERE id = :id
            """,
            {
                "id": row["id"],
                "state": "dead" if holds else "pending",
                "now": to_ms(now),
                "budget_from": unpaused_ms(read_tracker(db), now),
                "reason": HELD if holds else INTERRUPTED,
            },
        )
        rehead(db, row["lane"])
    return len(delivery_ids)
