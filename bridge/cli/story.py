"""One event's whole story: received, proven, ruled upon, delivered, and what the tracker said each time."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from bridge.cli.described import conversion, event_json, fate
from bridge.cli.output import BOLD, DIM, GREEN, RED, YELLOW, clock, iso, paint, printable, relative, table
from bridge.model import Attempt, Delivery, DeliveryState, EventState, Sale, Sent, StoredEvent

_EVENT_COLOURS = {EventState.ACCEPTED: GREEN, EventState.IGNORED: YELLOW, EventState.UNMAPPED: RED}
_DELIVERY_COLOURS = {DeliveryState.DELIVERED: GREEN, DeliveryState.DEAD: RED}
#: Of an answer's text, what is shown here; all of it is in `--json`.
_MOST_ANSWER = 120


def tell(stored: StoredEvent, attempts: Mapping[int, Sequence[Attempt]], now: datetime) -> str:
    """The story for a terminal."""
    lines = [*_head(stored, now), *_rules(stored)]
    for delivery in stored.deliveries:
        lines += ["", *_delivery(delivery, attempts.get(delivery.id, ()), now)]
    return "\n".join(lines)


def as_json(stored: StoredEvent, attempts: Mapping[int, Sequence[Attempt]]) -> dict[str, object]:
    """The story for scripts: the event with every attempt."""
    tries = {str(number): [_attempt_json(one) for one in made] for number, made in attempts.items()}
    return event_json(stored) | {"attempts": tries}


def _head(stored: StoredEvent, now: datetime) -> Iterator[str]:
    event = stored.event
    yield paint(printable(f"event {stored.id}: {event.type or 'without a type'} from {event.source}"), BOLD)
    size = f"{len(event.body):,} bytes" if event.body else "body past retention"
    yield _fact("received", f"{clock(event.received_at)} ({relative(event.received_at, now)}), {size}")
    if event.item is not None:
        yield _fact("item", f"{event.item}, counted from 0, of a batch that shares this body")
    yield _fact("verified by", event.verified_by)
    yield _fact("source's id", event.source_id or f"none; known by {event.key}")
    if event.occurred_at is not None:
        yield _fact("occurred", clock(event.occurred_at))
    if event.account:
        yield _fact("account", event.account)
    if event.test:
        yield _fact("test", "yes")
    yield _fact("mapping", f"revision {event.revision[:12]}")
    state = paint(stored.state.value, _EVENT_COLOURS[stored.state])
    yield _fact("outcome", state + (f": {printable(stored.reason)}" if stored.reason else ""))


def _rules(stored: StoredEvent) -> Iterator[str]:
    if stored.steps:
        yield ""
        yield paint("rules", BOLD)
        rows = [(step.rule, step.result, step.why) for step in stored.steps]
        yield from (f"  {line}" for line in table(("rule", "result", "why"), rows).splitlines()[1:])


def _delivery(delivery: Delivery, attempts: Sequence[Attempt], now: datetime) -> Iterator[str]:
    payload = delivery.payload
    state = paint(fate(delivery, now), _DELIVERY_COLOURS.get(delivery.state, YELLOW))
    yield paint(f"delivery {delivery.id}: {printable(conversion(payload))}", BOLD)
    yield _fact("state", state + (f": {printable(delivery.reason)}" if delivery.reason else ""))
    yield _fact("by rule", printable(delivery.rule))
    yield _fact("customer", printable(payload.customer_external_id))
    if isinstance(payload, Sale):
        yield _fact("invoice", printable(payload.invoice_id))
    yield _fact("click id", printable(payload.click_id or "none"))
    if delivery.flags:
        yield _fact("note", printable(", ".join(delivery.flags)))
    if attempts:
        rows = [_attempt(attempt) for attempt in attempts]
        body = table(("attempt", "at", "answer", "verdict", "said"), rows)
        yield from (f"  {paint(line, DIM) if number == 0 else line}" for number, line in enumerate(body.splitlines()))
    if delivery.state is DeliveryState.DEAD:
        yield _fact("next", f"trackbridge replay {delivery.id}, or trackbridge dismiss {delivery.id}")


def _attempt(attempt: Attempt) -> tuple[str, ...]:
    status = str(attempt.status) if attempt.status is not None else _unanswered(attempt)
    verdict = attempt.verdict + ("" if attempt.counted else ", not counted")
    said = attempt.answer or attempt.reason
    cut = said if len(said) <= _MOST_ANSWER else said[:_MOST_ANSWER] + "…"
    return str(attempt.number), clock(attempt.started_at), f"{status} in {attempt.duration_ms:.0f} ms", verdict, cut


def _unanswered(attempt: Attempt) -> str:
    return {Sent.NO: "not sent", Sent.MAYBE: "no answer", Sent.YES: "no answer"}[attempt.sent]


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


def _fact(name: str, value: str) -> str:
    return f"  {name:12} {value}"
