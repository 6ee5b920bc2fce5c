"""What an explanation is made of: every event of a webhook, every rule, every expression with its value.

The values are the document's own: they are for the operator's eyes and are never stored or logged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from bridge.mapping.facts import facts_of
from bridge.mapping.parts import Part
from bridge.mapping.rules import Track
from bridge.mapping.times import iso
from bridge.model import Conversion, Json, Meaning, Payload, Reversal

#: Where a payload goes, and the text that is sent.
Sent: TypeAlias = Callable[[Payload], tuple[str, str]]

Result: TypeAlias = Literal["matched", "skipped", "failed", "not tried"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionTrace:
    """One expression and what it gave."""

    name: str
    text: str
    line: int
    value: Json = None
    #: why it gave nothing; empty when it did
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTrace:
    """One rule (on one item of its `for_each`), whether it was tried or not."""

    name: str
    track: Track
    result: Result
    why: str = ""
    #: whether it was tried and its `when` let the document through
    is_met: bool = False
    expressions: tuple[ExpressionTrace, ...] = ()
    #: the operands of its `when`
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrace:
    """One event: what it means, and how that came about."""

    meaning: Meaning
    #: what a test event would mean were it live
    as_live: Meaning | None = None
    expressions: tuple[ExpressionTrace, ...] = ()
    rules: tuple[RuleTrace, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One webhook, explained."""

    source: str
    file: str
    events: tuple[EventTrace, ...]

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What would be recorded."""
        return tuple(event.meaning for event in self.events)

    def as_json(self, sent: Sent | None = None) -> dict[str, Json]:
        """The same facts for `--json`; with `sent`, what the tracker would be told, too."""
        return {"source": self.source, "file": self.file, "events": [_event(event, sent) for event in self.events]}


def _event(trace: EventTrace, sent: Sent | None) -> Json:
    event = trace.meaning.event
    return {
        "event": event.source_id or event.key,
        "key": event.key,
        "type": event.type,
        "occurred_at": iso(event.occurred_at) if event.occurred_at else None,
        "test": event.test,
        "account": event.account,
        "state": trace.meaning.state.value,
        "reason": trace.meaning.reason,
        "conversions": _conversions(trace.meaning, sent),
        "reversals": [_reversal(reversal) for reversal in trace.meaning.reversals],
        "as_live": _conversions(trace.as_live, sent) if trace.as_live else None,
        "steps": [{"rule": step.rule, "result": step.result, "why": step.why} for step in trace.meaning.steps],
        "expressions": [_expression(expression) for expression in trace.expressions],
        "rules": [_rule(rule) for rule in trace.rules],
    }


def _conversions(meaning: Meaning, sent: Sent | None) -> Json:
    return [_conversion(conversion, sent) for conversion in meaning.conversions]


def _conversion(conversion: Conversion, sent: Sent | None) -> Json:
    found = facts_of(conversion)
    found |= {
        "needs_association": conversion.needs_association,
        "wait_seconds": None if conversion.wait is None else conversion.wait.total_seconds(),
        "fill": list(conversion.fill),
        "claims": list(conversion.claims),
    }
    if sent is not None:
        path, body = sent(conversion.payload)
        found["request"] = {"path": path, "body": body}
    return found


def _reversal(reversal: Reversal) -> Json:
    return facts_of(reversal) | {"sale": list(reversal.sale), "claims": list(reversal.claims)}


def _rule(trace: RuleTrace) -> Json:
    return {
        "rule": trace.name,
        "track": trace.track,
        "result": trace.result,
        "why": trace.why,
        "expressions": [_expression(expression) for expression in trace.expressions],
        "when": [_part(part) for part in trace.parts],
    }


def _expression(trace: ExpressionTrace) -> Json:
    return {
        "name": trace.name,
        "expression": trace.text,
        "line": trace.line,
        "value": _plain(trace.value),
        "error": trace.error,
    }


def _part(part: Part) -> Json:
    return {
        "expression": part.text,
        "depth": part.depth,
        "value": _plain(part.value),
        "error": part.error,
        "reached": part.is_reached,
        "operands": [{"expression": text, "value": _plain(value)} for text, value in part.operands],
    }


def _plain(value: Json) -> Json:
    """The value with nothing in it that JSON cannot say: decimals as the text of their digits."""
    match value:
        case Decimal():
            return str(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value
