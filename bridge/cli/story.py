"""One event's whole story: received, proven, ruled upon, delivered, and what the tracker said each time.

What was paid for shows, since that is the point; secrets are never kept, so none can show.
"""

import json
import re
import textwrap
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from bridge.cli.described import DELIVERY_COLOURS, EVENT_COLOURS, conversion, event_json, fate, money
from bridge.cli.nextsteps import for_delivery, for_event
from bridge.cli.output import BOLD, clock, iso, paint, printable, relative
from bridge.mapping import facts
from bridge.model import Attempt, Delivery, DeliveryState, Sale, Sent, StoredReversal
from bridge.store.reports import Claim, Story, Told, Twin

#: Of an answer's text, what is shown here; all of it is in `--json`.
_MOST_ANSWER: Final = 300
_INDENT: Final = 15
_COLOUR: Final = re.compile("\033\\[[0-9]+m")


def tell(story: Story, now: datetime, most: int | None) -> str:
    """The story for a terminal, no line longer than `most`."""
    lines = [*_head(story, now), *_rules(story), *_next("", for_event(story))]
    for delivery in story.stored.deliveries:
        told = story.told[delivery.id]
        lines += ["", *_delivery(delivery, told, now), *_next("", for_delivery(story, delivery, now))]
    return "\n".join(part for line in lines for part in _wrapped(line, most))


def as_json(story: Story) -> dict[str, object]:
    """The story for scripts."""
    told = story.told
    return event_json(story.stored) | {
        "headers": [list(header) for header in story.stored.event.headers],
        "query": story.stored.event.query,
        "forgotten": story.is_forgotten,
        "items": [{"item": item, "event": event} for item, event in story.items],
        "attempts": {str(number): [_attempt_json(one) for one in its.attempts] for number, its in told.items()},
        "claims": {str(number): [_claim_json(one) for one in its.claims] for number, its in told.items()},
        "duplicates": {str(number): [one.delivery_id for one in its.duplicates] for number, its in told.items()},
        "lines": {str(number): {"behind": its.front, "ahead": its.ahead} for number, its in told.items()},
    }


def _head(story: Story, now: datetime) -> Iterator[str]:
    stored, event = story.stored, story.stored.event
    yield paint(printable(f"event {stored.id}: {event.type or 'without a type'} from {event.source}"), BOLD)
    size = f"{len(event.body):,} bytes" if event.body else "its body is not kept any more"
    yield _fact("received", f"{clock(event.received_at)} ({relative(event.received_at, now)}), {size}")
    yield _fact("verified by", _proof(event.verified_by))
    yield _fact("source's id", printable(event.source_id or f"none; known by {event.key}"))
    if event.source_id and event.key != event.source_id:
        yield _fact("known by", printable(event.key))
    if event.item is not None:
        yield _fact("item", _item(story, event.item))
    if event.occurred_at is not None:
        yield _fact("occurred", clock(event.occurred_at))
    if event.account:
        yield _fact("account", printable(event.account))
    if event.test:
        yield _fact("test", "yes: recorded, never sent")
    for name, value in event.headers:
        yield _fact("header", printable(f"{name}: {value}"))
    if event.query:
        yield _fact("query", printable(event.query))
    yield _fact("mapping", f"revision {event.revision[:12]}")
    state = paint(stored.state.value, EVENT_COLOURS[stored.state])
    yield _fact("outcome", state + (f": {printable(stored.reason)}" if stored.reason else ""))
    for went in stored.reversals:
        yield _fact("went back", printable(_reversal(went)))
    for went in stored.returned:
        yield _fact("went back", printable(f"{_reversal(went)}, said by event {went.event_id}"))


def _reversal(went: StoredReversal) -> str:
    """Money that went back: how much, of which sale."""
    sale = f"of delivery {went.sale}" if went.sale is not None else f"of {', '.join(went.of)}, not seen here"
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


def _rules(story: Story) -> Iterator[str]:
    steps = story.stored.steps
    if steps:
        yield ""
        yield paint("rules", BOLD)
        size = max(len(printable(step.rule)) for step in steps)
        for step in steps:
            yield f"  {printable(step.rule):{size}}  {step.result:7}  {printable(step.why)}".rstrip()


def _delivery(delivery: Delivery, told: Told, now: datetime) -> Iterator[str]:
    state = paint(fate(delivery, now), DELIVERY_COLOURS[delivery.state])
    yield paint(f"delivery {delivery.id}: {printable(conversion(delivery.payload))}", BOLD)
    yield _fact("state", state + (f": {printable(delivery.reason)}" if delivery.reason else ""))
    if delivery.flags:
        yield _fact("note", printable(", ".join(delivery.flags)))
    yield _fact("by rule", printable(delivery.rule))
    for name, value in _payload(delivery):
        yield _fact(name, printable(value))
    for claim in told.claims:
        yield _fact("key", printable(_key(claim, delivery)))
    if delivery.state is DeliveryState.PENDING:
        yield _fact("in line", _line(told))
    if told.original is not None and delivery.state is DeliveryState.DUPLICATE:
        yield _fact("duplicate of", _twin(told.original))
    for twin in told.duplicates:
        yield _fact("duplicate", _twin(twin))
    for attempt in told.attempts:
        yield from _attempt(attempt)


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
        return "this very event" if len(rest) < 3 else f"this very event, item {rest[1]}, {rest[2]}"
    return " ".join([kind, *(part for part in rest if part), f"({whose})"])


def _line(told: Told) -> str:
    if told.front is None:
        return "first of its customer"
    return f"behind delivery {told.front} of the same customer" + (
        f", {told.ahead} before it" if told.ahead > 1 else ""
    )


def _twin(twin: Twin) -> str:
    return printable(f"delivery {twin.delivery_id} (event {twin.event_id}, from {twin.source})")


def _attempt(attempt: Attempt) -> Iterator[str]:
    status = str(attempt.status) if attempt.status is not None else _unanswered(attempt)
    counted = "" if attempt.counted else ", not counted"
    yield _fact(
        f"try {attempt.number}",
        f"{clock(attempt.started_at)}  {status} in {attempt.duration_ms:.0f} ms: {attempt.verdict}{counted}",
    )
    said = printable(attempt.answer or attempt.reason)
    if said:
        yield _fact("", said if len(said) <= _MOST_ANSWER else said[:_MOST_ANSWER] + "…")


def _unanswered(attempt: Attempt) -> str:
    return {Sent.NO: "not sent", Sent.MAYBE: "no answer", Sent.YES: "no answer"}[attempt.sent]


def _next(name: str, steps: list[str]) -> Iterator[str]:
    for number, step in enumerate(steps):
        yield _fact("next" if number == 0 else name, step)


def _attempt_json(attempt: Attempt) -> dict[str, object]:
    return {
        "number": attempt.number,
        "started_at": iso(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "sent": attempt.sent.value,
        "status": attempt.status,
        "verdict": attempt.verdict,
        "reason": attempt.reason,
        "answer": attempt.answer,
        "counted": attempt.counted,
    }


def _claim_json(claim: Claim) -> dict[str, object]:
    return {"name": claim.name, "holder": claim.holder}


def _fact(name: str, value: str) -> str:
    return f"  {name:12} {value}".rstrip()


def _wrapped(line: str, most: int | None) -> list[str]:
    """The line in pieces that fit, those after the first under its value."""
    if most is None or len(_COLOUR.sub("", line)) <= most:
        return [line]
    room = max(most, _INDENT + 20)
    return textwrap.wrap(line, room, subsequent_indent=" " * _INDENT, replace_whitespace=False, expand_tabs=False)
