"""Deliveries, events and their times in the words every listing uses."""

from datetime import datetime

from bridge.cli.output import DIM, GREEN, RED, YELLOW, iso, relative
from bridge.mapping import facts
from bridge.model import Delivery, DeliveryState, EventState, Payload, Sale, StoredEvent
from bridge.money import MoneyError, to_major


def money(amount: int, currency: str) -> str:
    """An amount as people write it: `49.99 USD`."""
    try:
        return f"{to_major(amount, currency)} {currency}"
    except MoneyError:
        return f"{amount} minor units of {currency}"


def conversion(payload: Payload) -> str:
    """What is sent, in a few words: `sale purchase_completed 49.99 USD`."""
    match payload:
        case Sale():
            return f"sale {payload.event_name} {money(payload.amount, payload.currency)}"
        case _:
            return f"lead {payload.event_name}" + (" (deferred)" if payload.deferred else "")


def fate(delivery: Delivery, now: datetime) -> str:
    """Where a delivery is, and when it goes on."""
    match delivery.state:
        case DeliveryState.PENDING | DeliveryState.WAITING:
            when = "due now" if delivery.due_at <= now else f"due {relative(delivery.due_at, now)}"
            return f"{delivery.state.value}, {when}"
        case DeliveryState.DUPLICATE if delivery.duplicate_of is not None:
            return f"duplicate of {delivery.duplicate_of}"
        case DeliveryState.DRY_RUN:
            return "dry run"
        case _:
            return str(delivery.state.value)


def outcome(stored: StoredEvent, now: datetime) -> str:
    """What became of an event: its deliveries, or why there are none."""
    parts = [f"{fate(delivery, now)}: {conversion(delivery.payload)}" for delivery in stored.deliveries]
    return "; ".join([*parts, stored.reason] if stored.reason else parts)


#: What of several deliveries is told first: what needs a person, then what is under way.
_FIRST = (
    DeliveryState.DEAD,
    DeliveryState.SENDING,
    DeliveryState.PENDING,
    DeliveryState.WAITING,
    DeliveryState.DELIVERED,
    DeliveryState.DUPLICATE,
    DeliveryState.DRY_RUN,
    DeliveryState.DISMISSED,
)

EVENT_COLOURS = {EventState.ACCEPTED: "", EventState.IGNORED: DIM, EventState.UNMAPPED: RED}
DELIVERY_COLOURS = {
    DeliveryState.PENDING: YELLOW,
    DeliveryState.WAITING: YELLOW,
    DeliveryState.SENDING: YELLOW,
    DeliveryState.DELIVERED: GREEN,
    DeliveryState.DEAD: RED,
    DeliveryState.DUPLICATE: DIM,
    DeliveryState.DISMISSED: DIM,
    DeliveryState.DRY_RUN: DIM,
}


def brief(payload: Payload) -> str:
    """What is sent, what matters first: `49.99 USD purchase_completed`, `lead signup`."""
    match payload:
        case Sale():
            return f"{money(payload.amount, payload.currency)} {payload.event_name}"
        case _:
            return f"lead {payload.event_name}" + (" (deferred)" if payload.deferred else "")


def summary(stored: StoredEvent, now: datetime) -> tuple[str, str, str]:
    """An event in a listing: its state in a word or two, that word's colour, and what became of it."""
    deliveries = sorted(stored.deliveries, key=lambda delivery: _FIRST.index(delivery.state))
    what = "; ".join(_in_short(delivery, now) for delivery in deliveries)
    if not deliveries or stored.state is EventState.UNMAPPED:
        reason = stored.reason.removeprefix("cannot map: ")
        told = "; ".join(text for text in (reason, what) if text)
        return stored.state.value, EVENT_COLOURS[stored.state], told
    first = deliveries[0].state
    more = f" +{len(deliveries) - 1}" if len(deliveries) > 1 else ""
    return first.value.replace("_", " ") + more, DELIVERY_COLOURS[first], what


def _in_short(delivery: Delivery, now: datetime) -> str:
    what = brief(delivery.payload)
    match delivery.state:
        case DeliveryState.PENDING | DeliveryState.WAITING if delivery.due_at > now:
            return f"{what}, {fate(delivery, now).partition(', ')[2]}"
        case DeliveryState.DUPLICATE if delivery.duplicate_of is not None:
            return f"{what} of d{delivery.duplicate_of}"
        case DeliveryState.DEAD:
            return f"{what}: {delivery.reason}"
        case _:
            return what


def delivery_json(delivery: Delivery) -> dict[str, object]:
    """A delivery for scripts."""
    return {
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


def event_json(stored: StoredEvent) -> dict[str, object]:
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
        "deliveries": [delivery_json(delivery) for delivery in stored.deliveries],
    }
