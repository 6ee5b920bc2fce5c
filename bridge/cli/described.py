"""Deliveries and events as every command shows them: the shared words in a terminal's colours, and JSON for scripts."""

from collections.abc import Mapping
from datetime import datetime

from bridge.cli.output import DIM, GREEN, RED, YELLOW, iso
from bridge.mapping import facts
from bridge.model import Delivery, StoredEvent, StoredReversal
from bridge.store.reports import Line
from bridge.wording import deliveries
from bridge.wording.deliveries import DELIVERY_TONES, EVENT_TONES, Tone
from bridge.wording.deliveries import brief as brief
from bridge.wording.deliveries import conversion as conversion
from bridge.wording.deliveries import fate as fate
from bridge.wording.deliveries import money as money
from bridge.wording.deliveries import outcome as outcome
from bridge.wording.deliveries import place as place
from bridge.wording.deliveries import why as why

COLOURS = {Tone.PLAIN: "", Tone.GOOD: GREEN, Tone.BUSY: YELLOW, Tone.BAD: RED, Tone.QUIET: DIM}
EVENT_COLOURS = {state: COLOURS[tone] for state, tone in EVENT_TONES.items()}
DELIVERY_COLOURS = {state: COLOURS[tone] for state, tone in DELIVERY_TONES.items()}


def summary(stored: StoredEvent, now: datetime, lines: Mapping[int, Line]) -> tuple[str, str, str]:
    """An event in a listing: its state in a word or two, that word's colour, and what became of it."""
    state, tone, told = deliveries.summary(stored, now, lines)
    return state, COLOURS[tone], told


def delivery_json(delivery: Delivery, line: Line | None = None) -> dict[str, object]:
    """A delivery for scripts; with where it stands among its customer's, when that was asked."""
    standing = {} if line is None else {"behind": line.front, "holds_up": line.behind}
    return standing | {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "source": delivery.source,
        "rule": delivery.rule,
        "state": delivery.state.value,
        "reason": delivery.reason,
        "flags": list(delivery.flags),
        "due_at": iso(delivery.due_at) if delivery.state.is_open else None,
        "created_at": iso(delivery.created_at),
        "attempts": delivery.attempts,
        "tries": delivery.tries,
        "duplicate_of": delivery.duplicate_of,
        "unsure": delivery.unsure,
        "payload": facts(delivery.payload),
    }


def event_json(stored: StoredEvent, lines: Mapping[int, Line] | None = None) -> dict[str, object]:
    """An event with its deliveries for scripts; its body is asked for by itself."""
    event = stored.event
    return {
        "id": stored.id,
        "source": event.source,
        "source_id": event.source_id,
        "key": event.key,
        "type": event.type,
        "item": event.item,
        "state": stored.state.value,
        "reason": stored.reason,
        "received_at": iso(event.received_at),
        "occurred_at": iso(event.occurred_at),
        "test": event.test,
        "account": event.account,
        "verified_by": event.verified_by,
        "revision": event.revision,
        "steps": [{"rule": step.rule, "result": step.result, "why": step.why} for step in stored.steps],
        "deliveries": [
            delivery_json(one, lines.get(one.id, Line()) if lines is not None else None) for one in stored.deliveries
        ],
        "reversals": [_reversal_json(went) for went in stored.reversals],
        "returned": [_reversal_json(went) for went in stored.returned],
    }


def _reversal_json(went: StoredReversal) -> dict[str, object]:
    """Money that went back: said by which event, of which delivery."""
    return {
        "kind": went.kind,
        "amount": went.amount,
        "currency": went.currency,
        "of": list(went.of),
        "sale": went.sale,
        "counts": went.counts,
        "note": went.note,
        "event": went.event_id,
        "happened_at": iso(went.happened_at),
    }
