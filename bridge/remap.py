"""What today's rules make of an event that is remembered: its body read and mapped anew, under the key it has.

Pure. It refuses where it could only guess: without a body, without the item of a batch, or where the rules read what
was redacted. A test event stays one, because nobody can tell any more what marked it. The store brings it into effect.
"""

from dataclasses import dataclass, replace
from typing import Final

from bridge import mapping, read, sources
from bridge.mapping import Mapping
from bridge.model import EventState, Meaning, Step, StoredEvent, Verified, Webhook

_UNASKED: Final = "not tried"
_REDACTED: Final = b"[redacted]"
#: What no rule can mean: where the outcome changes with it, the outcome is made of what was redacted.
_WITHHELD: Final = b"[withheld]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """What today's rules make of a stored event, or why that cannot be said."""

    meaning: Meaning | None = None
    #: why there is none
    why: str = ""
    #: what to know about it, for people
    notes: tuple[str, ...] = ()


def reread(stored: StoredEvent, rules: Mapping) -> Reread:
    """Read and map a stored event anew. Never raises."""
    event = stored.event
    if not event.body:
        return Reread(why="its body is not kept any more (retention or forget took it)")
    if stored.state is EventState.IGNORED and stored.reason == "handshake":
        return Reread(why="it is a handshake, no event of its sender's")
    meaning = _meaning(stored, rules, event.body)
    if meaning is None:
        return Reread(why=f"today's rules find no item {event.item} with its id in the webhook's body")
    notes = [f"header {name} was not sent or not kept" for name in _missing(stored, rules)]
    if _REDACTED in event.body:
        other = _meaning(stored, rules, event.body.replace(_REDACTED, _WITHHELD))
        if other is None or _sense(other) != _sense(meaning):
            return Reread(why="today's rules read what was redacted when it came")
        notes.append("its body is kept without what was redacted")
    if event.test and not rules.send_test:
        notes.append("it came as a test, so it stays one")
    return Reread(meaning=meaning, notes=tuple(notes))


def retold(stored: StoredEvent, rules: Mapping) -> tuple[Step, ...]:
    """An event's explanation with what is not stored of it: which part of a `when` was not met, and what the rules are
    for that were not asked. Only where today's rules are those that mapped it. Never raises.
    """
    event = stored.event
    if rules.revision != event.revision or not event.body or stored.reason in ("test mode", "handshake"):
        return stored.steps
    verified = _verified(stored, event.body)
    document = read.read(verified)
    if isinstance(document, read.Unreadable):
        return stored.steps
    traces = mapping.explain(rules, verified, document.value).events
    found = _same(stored, tuple(trace.meaning for trace in traces))
    asked = next((trace.rules for trace in traces if trace.meaning is found), ())
    unmet = {trace.name: trace.why for trace in asked if trace.result == "skipped"}
    steps = [
        replace(step, why=unmet.get(step.rule, step.why)) if step.why == "when is not met" else step
        for step in stored.steps
    ]
    unasked = [Step(rule=trace.name, result=trace.result, why=trace.why) for trace in asked if trace.result == _UNASKED]
    return (*steps, *unasked)


def _meaning(stored: StoredEvent, rules: Mapping, body: bytes) -> Meaning | None:
    """The meaning of the same event among all that the body gives, under the key that is remembered."""
    verified = _verified(stored, body)
    document = read.read(verified)
    if isinstance(document, read.Unreadable):
        found: Meaning | None = mapping.unreadable(rules, verified, document.why)
    else:
        found = _same(stored, mapping.apply(rules, verified, document.value))
    return mapping.under_key(found, stored.event.key) if found is not None else None


def _verified(stored: StoredEvent, body: bytes) -> Verified:
    event = stored.event
    webhook = Webhook(
        source=event.source,
        headers=tuple((name.encode(), value.encode()) for name, value in event.headers),
        query=event.query.encode(),
        body=body,
        received_at=event.received_at,
    )
    return replace(sources.sample(webhook), by=event.verified_by, sample=event.test)


def _same(stored: StoredEvent, meanings: tuple[Meaning, ...]) -> Meaning | None:
    """By key; else by item, where keys are digests of a body that is kept otherwise than it came."""
    event = stored.event
    by_key = next((meaning for meaning in meanings if meaning.event.key == event.key), None)
    if by_key is not None:
        return by_key
    if event.item is None:
        return meanings[0] if len(meanings) == 1 else None
    is_digest = event.key.startswith("sha256:")
    return next((one for one in meanings if is_digest and one.event.item == event.item), None)


def _missing(stored: StoredEvent, rules: Mapping) -> list[str]:
    kept = {name for name, _ in stored.event.headers}
    return sorted(name for name in rules.headers_read if name not in kept)


def _sense(meaning: Meaning) -> object:
    """What a meaning comes to, its explanation aside."""
    return meaning.state, meaning.conversions, meaning.reversals
