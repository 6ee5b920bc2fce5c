"""Events and deliveries in a few words, and how each state feels: what is good, what needs a person."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final

from bridge.model import Delivery, DeliveryState, EventState, Payload, Sale, StoredEvent
from bridge.money import MoneyError, to_major
from bridge.store.reports import Line
from bridge.wording.texts import relative


class Tone(Enum):
    """How something is to be taken; a colour on a terminal and on a page, never without words beside it."""

    PLAIN = "plain"
    GOOD = "good"
    BUSY = "busy"  # under way, or something to know
    BAD = "bad"  # a person must look
    QUIET = "quiet"  # of little interest


EVENT_TONES = {EventState.ACCEPTED: Tone.PLAIN, EventState.IGNORED: Tone.QUIET, EventState.UNMAPPED: Tone.BAD}
DELIVERY_TONES = {
    DeliveryState.PENDING: Tone.BUSY,
    DeliveryState.WAITING: Tone.BUSY,
    DeliveryState.SENDING: Tone.BUSY,
    DeliveryState.DELIVERED: Tone.GOOD,
    DeliveryState.DEAD: Tone.BAD,
    DeliveryState.DUPLICATE: Tone.QUIET,
    DeliveryState.DISMISSED: Tone.QUIET,
    DeliveryState.DRY_RUN: Tone.QUIET,
}

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


def brief(payload: Payload) -> str:
    """What is sent, what matters first: `49.99 USD purchase_completed`, `lead signup`."""
    match payload:
        case Sale():
            return f"{money(payload.amount, payload.currency)} {payload.event_name}"
        case _:
            return conversion(payload)


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


#: What a list need not say of each: its state says it.
_SAID: Final = ("the tracker refused it: ", "the tracker does not know them yet: ")
_NOBODY: Final[Mapping[int, Line]] = MappingProxyType({})


def why(delivery: Delivery) -> str:
    """Why a delivery is where it is, for a list: what tells it from others comes first."""
    reason = delivery.reason or ", ".join(delivery.flags)
    for said in _SAID:
        reason = reason.removeprefix(said)
    return reason


def place(line: Line | None) -> str:
    """Behind whom a delivery stands, or how many stand behind it; empty when it is alone."""
    if line is None:
        return ""
    return f"behind d{line.front}" if line.front is not None else f"{line.behind:,} behind it" if line.behind else ""


def summary(stored: StoredEvent, now: datetime, lines: Mapping[int, Line] = _NOBODY) -> tuple[str, Tone, str]:
    """An event in a listing: its state in a word or two, how that is to be taken, and what became of it."""
    deliveries = sorted(stored.deliveries, key=lambda delivery: _FIRST.index(delivery.state))
    what = "; ".join(_in_short(delivery, now, place(lines.get(delivery.id))) for delivery in deliveries)
    if not deliveries or stored.state is EventState.UNMAPPED:
        reason = stored.reason.removeprefix("cannot map: ")
        told = "; ".join(text for text in (reason, what) if text)
        return stored.state.value, EVENT_TONES[stored.state], told
    first = deliveries[0].state
    more = f" +{len(deliveries) - 1}" if len(deliveries) > 1 else ""
    return first.value.replace("_", " ") + more, DELIVERY_TONES[first], what


def _in_short(delivery: Delivery, now: datetime, place: str) -> str:
    what = brief(delivery.payload)
    match delivery.state:
        case DeliveryState.PENDING | DeliveryState.WAITING | DeliveryState.SENDING:
            when = fate(delivery, now).partition(", ")[2] if delivery.due_at > now else ""
            return ", ".join(part for part in (what, place, when) if part)
        case DeliveryState.DUPLICATE if delivery.duplicate_of is not None:
            return f"{what} of d{delivery.duplicate_of}"
        case DeliveryState.DEAD:
            return "; ".join(part for part in (why(delivery), what, place) if part)
        case _:
            return what
