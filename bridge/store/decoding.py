"""Rows → nouns: the way back from what `encoding` wrote.

A row whose payload or body retention took decodes too: what is gone is empty. A row that this version cannot
read (a newer one wrote it, or a hand) is never sent, but shown: one bad row must not stop the others.
"""

import json
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, cast

from bridge.model import (
    Attempt,
    Delivery,
    DeliveryState,
    Event,
    EventState,
    Lead,
    Payload,
    Sale,
    Sent,
    Step,
    StoredEvent,
    Tracker,
)
from bridge.retry import unpaused
from bridge.store.database import Row
from bridge.store.encoding import EPOCH, MILLISECOND, to_ms
from bridge.store.opened import opened_attempt, opened_event, opened_payload
from bridge.store.sealing import PAYLOAD, REASON, Seals

#: Tracker's fields that hold a time, by the suffix their names share.
_MOMENTS = frozenset(field.name for field in fields(Tracker) if field.name.endswith(("_at", "_since", "_until")))
_TUPLES = frozenset({"failing_lanes", "not_found_lanes"})
_TRACKER_FIELDS = frozenset(field.name for field in fields(Tracker))

UNREADABLE: Final = "its stored payload cannot be read by this version"

#: A payload in which there is nothing.
NOTHING: Final = '{"event_name":"","timestamp":0}'

#: Columns by name: a row, or one with some of them replaced.
_Columns: TypeAlias = Row | dict[str, Any]
#: What decoding a row raises that somebody else wrote.
_MISREADINGS = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


def from_ms(milliseconds: int) -> datetime:
    """The moment so many milliseconds after 1970."""
    return EPOCH + milliseconds * MILLISECOND


def maybe_from_ms(milliseconds: int | None) -> datetime | None:
    """The same for a time that may be missing."""
    return None if milliseconds is None else EPOCH + milliseconds * MILLISECOND


def whole_ms(moment: datetime) -> datetime:
    """The moment as the database would give it back."""
    return from_ms(to_ms(moment))


def texts_of(text: str) -> list[str]:
    """A JSON list of texts, such as claims' names; nothing of one that cannot be read."""
    try:
        return [item for item in json.loads(text) if isinstance(item, str)]
    except _MISREADINGS:
        return []


def tracker_of(document: str) -> Tracker:
    """The tracker's row; fields this version does not know are left alone."""
    known = {name: value for name, value in json.loads(document).items() if name in _TRACKER_FIELDS}
    for name in _MOMENTS & known.keys():
        known[name] = from_ms(known[name])
    for name in _TUPLES & known.keys():
        known[name] = tuple(known[name])
    return Tracker(**known)


def unpaused_ms(tracker: Tracker, now: datetime) -> int:
    """Milliseconds on the clock that stands still while the tracker is paused."""
    return to_ms(unpaused(tracker, now))


def readable_delivery_of(seals: Seals, row: Row, *, clock_ms: int) -> Delivery | None:
    """A delivery that may be sent, as of `clock_ms`, a time by `unpaused_ms`; None when its row cannot be read."""
    try:
        return _delivery_of(seals, row, clock_ms)
    except _MISREADINGS:
        return None


def delivery_of(seals: Seals, row: Row, *, clock_ms: int) -> Delivery:
    """A delivery to look at: what cannot be read of it is empty, and its reason says so."""
    delivery = readable_delivery_of(seals, row, clock_ms=clock_ms)
    if delivery is not None:
        return delivery
    states = {state.value for state in DeliveryState}
    stand_in = {
        "kind": "lead",
        "payload": NOTHING,
        "flags": "[]",
        **dict.fromkeys(("waiting_since", "failing_since", "first_refused_at", "budget_from", "click_by")),
        **{name: _time_or_epoch(row[name]) for name in ("due_at", "created_at")},
        "reason": seals.read(REASON, row["id"], row["reason"]) or UNREADABLE,
        "state": row["state"] if row["state"] in states else DeliveryState.DEAD.value,
    }
    return _delivery_of(seals, {**dict(row), **stand_in}, clock_ms)


def _delivery_of(seals: Seals, row: _Columns, clock_ms: int) -> Delivery:
    budget_from = row["budget_from"]
    return Delivery(
        id=row["id"],
        event_id=row["event_id"],
        source=row["source"],
        rule=row["rule"],
        lane=row["lane"],
        payload=payload_of(row["kind"], row["lane"], seals.read(PAYLOAD, row["id"], row["payload"])),
        state=DeliveryState(row["state"]),
        due_at=from_ms(row["due_at"]),
        created_at=from_ms(row["created_at"]),
        attempts=row["attempts"],
        tries=row["tries"],
        age_seconds=0.0 if budget_from is None else max(0, clock_ms - budget_from) / 1000,
        unsure=bool(row["unsure"]),
        when_unsure=cast("Literal['repeat', 'hold']", row["when_unsure"]),
        refusals=row["refusals"],
        # the column is older than what it holds
        last_refused_at=maybe_from_ms(row["first_refused_at"]),
        waiting_since=maybe_from_ms(row["waiting_since"]),
        waits=row["waits"],
        failing_since=maybe_from_ms(row["failing_since"]),
        duplicate_of=row["duplicate_of"],
        asked_at=maybe_from_ms(row["asked_at"]),
        is_looked_up=row["looked_at"] is not None,
        click_by=maybe_from_ms(row["click_by"]) if row["state"] == "waiting" else None,
        filled_from=row["filled_from"],
        flags=tuple(json.loads(row["flags"])) if row["flags"] != "[]" else (),
        reason=seals.read(REASON, row["id"], row["reason"]),
    )


def payload_of(kind: str, customer: str, text: str) -> Payload:
    """The lead or sale inside a delivery's row."""
    stored = json.loads(text)
    moment = from_ms(stored.pop("timestamp"))
    if kind == "sale":
        return Sale(customer_external_id=customer, timestamp=moment, **stored)
    return Lead(customer_external_id=customer, timestamp=moment, **stored)


def stored_payload_of(seals: Seals, row: Row) -> Payload | None:
    """The same as it was stored, of a row with `id`, `kind`, `lane` and `payload`."""
    return readable_payload_of(row["kind"], row["lane"], opened_payload(seals, row))


def readable_payload_of(kind: str, customer: str, text: str) -> Payload | None:
    """The same in clear, or None when it cannot be read."""
    try:
        return payload_of(kind, customer, text)
    except _MISREADINGS:
        return None


def stored_event_of(seals: Seals, row: Row, body: bytes, deliveries: tuple[Delivery, ...]) -> StoredEvent:
    """An event with its body, opened, wherever that is held, and its deliveries; what cannot be read is empty."""
    row = opened_event(seals, row)
    try:
        return _stored_event_of(row, body, deliveries)
    except _MISREADINGS:
        states = {state.value for state in EventState}
        stand_in = {
            "headers": "[]",
            "occurred_at": None,
            "received_at": _time_or_epoch(row["received_at"]),
            "reason": row["reason"] or "its row cannot be read by this version",
            "state": row["state"] if row["state"] in states else EventState.UNMAPPED.value,
        }
        return _stored_event_of({**dict(row), **stand_in}, body, deliveries)


def _time_or_epoch(milliseconds: int) -> int:
    try:
        from_ms(milliseconds)
    except OverflowError:
        return 0
    return milliseconds


def _stored_event_of(row: _Columns, body: bytes, deliveries: tuple[Delivery, ...]) -> StoredEvent:
    return StoredEvent(
        id=row["id"],
        event=_event_of(row, body),
        state=EventState(row["state"]),
        reason=row["reason"],
        steps=_steps_of(row["steps"]),
        deliveries=deliveries,
    )


def _steps_of(text: str) -> tuple[Step, ...]:
    try:
        return tuple(Step(rule=rule, result=result, why=why) for rule, result, why in json.loads(text))
    except _MISREADINGS:
        return (Step(rule="", result="note", why="its explanation cannot be read by this version"),)


def _event_of(row: _Columns, body: bytes) -> Event:
    return Event(
        source=row["source"],
        key=row["key"],
        source_id=row["source_id"],
        type=row["type"],
        occurred_at=maybe_from_ms(row["occurred_at"]),
        received_at=from_ms(row["received_at"]),
        test=bool(row["test"]),
        account=row["account"],
        headers=tuple((name, value) for name, value in json.loads(row["headers"])),
        query=row["query"],
        body=body,
        item=row["item"],
        verified_by=row["verified_by"],
        revision=row["revision"],
    )


def attempt_of(seals: Seals, row: Row) -> Attempt:
    """One HTTP try; what cannot be read of it is empty, and its reason says so."""
    row = opened_attempt(seals, row)
    try:
        return _attempt_of(row)
    except _MISREADINGS:
        known = {sent.value for sent in Sent}
        stand_in = {
            "started_at": _time_or_epoch(row["started_at"]),
            "sent": row["sent"] if row["sent"] in known else Sent.MAYBE.value,
            "reason": row["reason"] or "its row cannot be read by this version",
        }
        return _attempt_of({**dict(row), **stand_in})


def _attempt_of(row: _Columns) -> Attempt:
    return Attempt(
        number=row["number"],
        started_at=from_ms(row["started_at"]),
        duration_ms=row["duration_ms"],
        sent=Sent(row["sent"]),
        status=row["status"],
        verdict=row["verdict"],
        reason=row["reason"],
        answer=row["answer"],
        counted=bool(row["counted"]),
    )
