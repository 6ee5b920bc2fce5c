"""Say of a webhook what every rule and every expression makes of it. For people; nothing here is quick.

The values shown are the document's own: an Explanation is for the operator's eyes and is never stored or logged.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from bridge.mapping.apply import apply
from bridge.mapping.compare import facts
from bridge.mapping.context import Context
from bridge.mapping.conversions import value_of
from bridge.mapping.opening import Item, opened
from bridge.mapping.rules import EventRules, Expression, Mapping, Rule, Track
from bridge.mapping.times import iso
from bridge.mapping.values import Unfit
from bridge.model import Json, Meaning, Verified, Webhook

#: Of a rule's `for_each`, the items that are shown.
MOST_ITEMS = 20


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
    result: Literal["matched", "skipped", "failed", "not tried"]
    why: str = ""
    expressions: tuple[ExpressionTrace, ...] = ()


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

    def as_json(self) -> Json:
        """The same facts for `--json`."""
        return {"source": self.source, "file": self.file, "events": [_event_json(event) for event in self.events]}


def explain(mapping: Mapping, verified: Verified, document: Json) -> Explanation:
    """Explain a webhook. Never raises."""
    context = Context(verified.webhook, document)
    meanings = apply(mapping, verified, document)
    live = apply(replace(mapping, send_test=True), verified, document)
    before, items = _opened(mapping.event, document, context, verified.webhook)
    events = [
        EventTrace(
            meaning=meaning,
            as_live=as_live if meaning.reason == "test mode" else None,
            expressions=(*before, *_traces(mapping.event.item_expressions(), item.document, item.context)),
            rules=_rules(mapping, meaning, as_live, item.document, item.context),
        )
        for meaning, as_live, item in zip(meanings, live, items, strict=True)
    ]
    return Explanation(source=mapping.source, file=mapping.file, events=tuple(events))


def _opened(
    rules: EventRules, body: Json, context: Context, webhook: Webhook
) -> tuple[tuple[ExpressionTrace, ...], list[Item]]:
    """What `document` and `for_each` give, and the items; the body itself where there is none to look at."""
    before: list[ExpressionTrace] = []
    looked_at = body
    for name, expression in rules.opening_expressions():
        before.append(_trace(name, expression, looked_at, context))
        looked_at = before[-1].value
    try:
        items = opened(rules, webhook, body)
    except Unfit:
        items = []
    return tuple(before), items or [Item(body, context, None)]


def _rules(
    mapping: Mapping, meaning: Meaning, live: Meaning, document: Json, context: Context
) -> tuple[RuleTrace, ...]:
    traces: list[RuleTrace] = []
    for rule in mapping.rules:
        result, why = _result(rule, meaning, live)
        items = _items(rule, document, context)
        for number, item in enumerate(items):
            traces.append(
                RuleTrace(
                    name=rule.name if rule.for_each is None else f"{rule.name}, item {number}",
                    track=rule.track,
                    result=result,
                    why=why,
                    expressions=_traces(rule.expressions(), item, context),
                )
            )
        if not items:
            traces.append(RuleTrace(name=rule.name, track=rule.track, result=result, why=why))
    return tuple(traces)


def _items(rule: Rule, document: Json, context: Context) -> list[Json]:
    return [document] if rule.for_each is None else _list(rule.for_each, document, context)[:MOST_ITEMS]


def _result(
    rule: Rule, meaning: Meaning, live: Meaning
) -> tuple[Literal["matched", "skipped", "failed", "not tried"], str]:
    """What became of a rule; of a test event's, what would have."""
    kind = meaning.event.type
    if rule.types and kind not in rule.types:
        return "not tried", f"it is for {', '.join(rule.types)}"
    steps = [step for step in live.steps if step.rule == rule.name]
    for wanted in ("failed", "matched", "skipped"):
        found = next((step for step in steps if step.result == wanted), None)
        if found is not None and found.result != "note":
            return found.result, found.why
    return "not tried", "an earlier rule stops here" if live.steps else "the event cannot be read"


def _traces(named: list[tuple[str, Expression]], document: Json, context: Context) -> tuple[ExpressionTrace, ...]:
    return tuple(_trace(name, expression, document, context) for name, expression in named)


def _trace(name: str, expression: Expression, document: Json, context: Context) -> ExpressionTrace:
    value, error = None, ""
    try:
        value = value_of(expression, document, context)
    except Unfit as unfit:
        error = str(unfit)
    return ExpressionTrace(name=name, text=expression.text, line=expression.place.line, value=value, error=error)


def _list(expression: Expression, document: Json, context: Context) -> list[Json]:
    try:
        value = value_of(expression, document, context)
    except Unfit:
        return []
    return value if isinstance(value, list) else []


def _event_json(trace: EventTrace) -> Json:
    event = trace.meaning.event
    return {
        "event": event.source_id or event.key,
        "type": event.type,
        "occurred_at": iso(event.occurred_at) if event.occurred_at else None,
        "test": event.test,
        "state": trace.meaning.state.value,
        "reason": trace.meaning.reason,
        "conversions": _conversions_json(trace.meaning),
        "as_live": _conversions_json(trace.as_live) if trace.as_live else None,
        "steps": [{"rule": step.rule, "result": step.result, "why": step.why} for step in trace.meaning.steps],
        "expressions": [_trace_json(expression) for expression in trace.expressions],
        "rules": [
            {
                "rule": rule.name,
                "track": rule.track,
                "result": rule.result,
                "why": rule.why,
                "expressions": [_trace_json(expression) for expression in rule.expressions],
            }
            for rule in trace.rules
        ],
    }


def _conversions_json(meaning: Meaning) -> Json:
    return [
        {**facts(conversion), "needs_association": conversion.needs_association, "claims": list(conversion.claims)}
        for conversion in meaning.conversions
    ]


def _trace_json(trace: ExpressionTrace) -> Json:
    value = trace.value
    return {
        "name": trace.name,
        "expression": trace.text,
        "line": trace.line,
        "value": _plain(value),
        "error": trace.error,
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
