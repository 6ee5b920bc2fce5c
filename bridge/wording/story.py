"""One event's whole story as named facts: received, proven, ruled upon, delivered, and what was said each time.

What was paid for shows, since that is the point; secrets are never kept, so none can show.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bridge.mapping import facts
from bridge.model import Attempt, Delivery, DeliveryState, Sale, Sent, StoredReversal
from bridge.store.reports import Claim, Story, Told, Twin
from bridge.wording.deliveries import DELIVERY_TONES, EVENT_TONES, Tone, conversion, fate, money
from bridge.wording.texts import clock, relative


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line: a name, its value, how that is to be taken, and the rest of the sentence."""

    name: str
    value: str
    tone: Tone = Tone.PLAIN
    rest: str = ""


def title(story: Story) -> str:
    """What came, and from whom."""
    event = story.stored.event
    return f"event {story.stored.id}: {event.type or 'without a type'} from {event.source}"


def head(story: Story, now: datetime) -> Iterator[Fact]:
    """The webhook: when it came, how it was proven, what it brought along, what became of it."""
    stored, event = story.stored, story.stored.event
    size = f"{len(event.body):,} bytes" if event.body else "its body is not kept any more"
    yield _fact("received", f"{clock(event.received_at)} ({relative(event.received_at, now)}), {size}")
    yield _fact("verified by", _proof(event.verified_by))
    yield _fact("source's id", event.source_id or f"none; known by {event.key}")
    if event.source_id and event.key != event.source_id:
        yield _fact("known by", event.key)
    if event.item is not None:
        yield _fact("item", _item(story, event.item))
    if event.occurred_at is not None:
        yield _fact("occurred", clock(event.occurred_at))
    if event.account:
        yield _fact("account", event.account)
    if event.test:
        yield _fact("test", "yes: recorded, never sent")
    for name, value in event.headers:
        yield _fact("header", f"{name}: {value}")
    if event.query:
        yield _fact("query", event.query)
    yield _fact("mapping", f"revision {event.revision[:12]}")
    yield Fact(name="outcome", value=stored.state.value, tone=EVENT_TONES[stored.state], rest=_because(stored.reason))
    for went in stored.reversals:
        yield _fact("went back", _reversal(went))
    for went in stored.returned:
        yield _fact("went back", f"{_reversal(went)}, said by event {went.event_id}")


def _fact(name: str, value: str) -> Fact:
    return Fact(name=name, value=value)


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _reversal(went: StoredReversal) -> str:
    """Money that went back: how much, of which sale."""
    sale = f"of delivery {went.sale}" if went.sale is not None else f"of {', '.join(went.of)}, no sale known here"
    if went.sale is None and went.note:
        sale += f" ({went.note})"
    more = "" if went.counts else ", counted with a larger one of the same"
    return f"{went.kind} {money(went.amount, went.currency)} {sale}{more}"


def _proof(by: str) -> str:
    """How it was proven; schemes count the secrets they know from 1."""
    kind, _, number = by.rpartition(" ")
    if not kind or not number.isdigit():
        return by
    return f"{kind}, by the {_ORDINALS.get(number, f'{number}th')} of its secrets"


_ORDINALS = {"1": "first", "2": "second", "3": "third"}


def _item(story: Story, item: int) -> str:
    others = ", ".join(f"{event} (item {number})" for number, event in story.items if number != item)
    return f"{item}, counted from 0, of one webhook" + (f"; its other items are events {others}" if others else "")


def heading(delivery: Delivery) -> str:
    """Which delivery, and what it tells the tracker."""
    return f"delivery {delivery.id}: {conversion(delivery.payload)}"


def delivery_facts(delivery: Delivery, told: Told, now: datetime) -> Iterator[Fact]:
    """Where a delivery is, what it sends, and who stands beside it."""
    tone = DELIVERY_TONES[delivery.state]
    yield Fact(name="state", value=fate(delivery, now), tone=tone, rest=_because(delivery.reason))
    if delivery.flags:
        yield _fact("note", ", ".join(delivery.flags))
    yield _fact("by rule", delivery.rule)
    for name, value in _payload(delivery):
        yield _fact(name, value)
    for claim in told.claims:
        yield _fact("key", _key(claim, delivery))
    in_line = _line(delivery, told)
    if in_line:
        yield _fact("in line", in_line)
    if told.original is not None and delivery.state is DeliveryState.DUPLICATE:
        yield _fact("duplicate of", _twin(told.original))
    for twin in told.duplicates:
        yield _fact("duplicate", _twin(twin))


def _payload(delivery: Delivery) -> Iterator[tuple[str, str]]:
    """What is sent, field by field, in people's words."""
    payload = delivery.payload
    named = {"customer_external_id": "customer", "invoice_id": "invoice", "click_id": "click id"}
    for field, value in facts(payload).items():
        if field in ("track", "event_name", "currency"):
            continue
        if field == "amount" and isinstance(payload, Sale):
            yield "amount", money(payload.amount, payload.currency)
        elif value is not None or field == "click_id":
            yield named.get(field, field.removeprefix("customer_")), "none" if value is None else str(value)


def _key(claim: Claim, delivery: Delivery) -> str:
    if claim.holder == delivery.id:
        return f"{_words(claim.name)}: its own"
    return f"{_words(claim.name)}: " + (f"held by delivery {claim.holder}" if claim.holder else "held by nobody")


def _words(name: str) -> str:
    """A business key for people: what kind of thing, whose name, the name."""
    try:
        parts = json.loads(name)
        kind, whose, *rest = (str(part) for part in parts)
    except (ValueError, TypeError):
        return name
    if kind == "event":
        _, item, name = [*rest, "", "", ""][:3]
        return ", ".join(
            ["this very event", *([f"item {item}"] if item not in ("", "0") else []), *([name] if name else [])]
        )
    return " ".join([kind, *(part for part in rest if part), f"({whose})"])


def _line(delivery: Delivery, told: Told) -> str:
    """Where it stands among those of its customer."""
    match delivery.state:
        case DeliveryState.PENDING | DeliveryState.SENDING if told.front is None:
            return "first of its customer" + (f", {told.behind:,} behind it" if told.behind else "")
        case DeliveryState.PENDING:
            more = f", {told.ahead:,} before it" if told.ahead > 1 else ""
            return f"behind delivery {told.front} of the same customer{more}"
        case DeliveryState.WAITING | DeliveryState.DEAD:
            return "stepped out: its customer's others do not wait for it"
        case _:
            return ""


def _twin(twin: Twin) -> str:
    return f"delivery {twin.delivery_id} (event {twin.event_id}, from {twin.source})"


def tried(attempt: Attempt) -> str:
    """How one try ended."""
    status = str(attempt.status) if attempt.status is not None else _UNANSWERED[attempt.sent]
    counted = "" if attempt.counted else ", not counted"
    return f"{status} in {attempt.duration_ms:.0f} ms: {attempt.verdict}{counted}"


_UNANSWERED = {Sent.NO: "not sent", Sent.MAYBE: "no answer", Sent.YES: "no answer"}
