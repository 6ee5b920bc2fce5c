"""Say of a webhook what every rule and every expression makes of it. For people; nothing here is quick.

The values shown are the document's own: an Explanation is for the operator's eyes and is never stored or logged.
"""

from dataclasses import replace

from bridge.mapping.apply import apply
from bridge.mapping.context import Context
from bridge.mapping.conversions import Failed, Made, Noted, Skipped, convert
from bridge.mapping.events import STAGE
from bridge.mapping.opening import Item, opened
from bridge.mapping.parts import Part, parts_of
from bridge.mapping.reading import value_of
from bridge.mapping.rules import EventRules, Expression, Mapping, Rule
from bridge.mapping.traces import EventTrace, Explanation, ExpressionTrace, Result, RuleTrace
from bridge.mapping.values import Unfit, is_false
from bridge.model import Event, Json, Meaning, Verified, Webhook

#: Of a rule's `for_each`, the items that are shown.
MOST_ITEMS = 20


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
            rules=_rules(mapping, as_live, item),
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


def _rules(mapping: Mapping, meaning: Meaning, item: Item) -> tuple[RuleTrace, ...]:
    """Every rule in order; `meaning` is what the event means, or would if it were no test."""
    is_read = bool(meaning.steps) and all(step.rule != STAGE or step.result == "note" for step in meaning.steps)
    traces: list[RuleTrace] = []
    stopped = "" if is_read else "the event cannot be read"
    for rule in mapping.rules:
        if rule.types and meaning.event.type not in rule.types:
            why = f"it is for {', '.join(rule.types)}"
            traces.append(RuleTrace(name=rule.name, track=rule.track, result="not tried", why=why))
            continue
        looked = _looked(rule, meaning, item, stopped)
        traces += looked
        if rule.stop and any(trace.is_met for trace in looked):
            stopped = stopped or "an earlier rule stops here"
    return tuple(traces)


def _looked(rule: Rule, meaning: Meaning, item: Item, stopped: str) -> list[RuleTrace]:
    """One rule on its document, or on each item of its own list."""
    if rule.for_each is None:
        return [_tried(rule, rule.name, meaning.event, item.document, item.context, 0, stopped)]
    documents = _list(rule.for_each, item.document, item.context)
    if documents:
        return [
            _tried(rule, f"{rule.name}, item {number}", meaning.event, document, item.context, number, stopped)
            for number, document in enumerate(documents[:MOST_ITEMS])
        ]
    step = next((step for step in meaning.steps if step.rule == rule.name), None)
    result: Result = "failed" if step and step.result == "failed" else "skipped"
    why = step.why if step else ""
    over = _traces([("for_each", rule.for_each)], item.document, item.context)
    return [
        RuleTrace(
            name=rule.name,
            track=rule.track,
            result="not tried" if stopped else result,
            why=stopped or why,
            expressions=over,
        )
    ]


def _tried(
    rule: Rule, name: str, event: Event, document: Json, context: Context, number: int, stopped: str
) -> RuleTrace:
    parts, blamed = _parts(rule.when, document, context)
    unmet = _unmet(rule.when, document, context, blamed)
    if stopped:
        result: tuple[Result, str] = ("not tried", stopped)
    else:
        result = unmet or _result(rule, event, document, context, number)
    return RuleTrace(
        name=name,
        track=rule.track,
        result=result[0],
        why=result[1],
        is_met=not stopped and unmet is None,
        expressions=_traces([pair for pair in rule.expressions() if pair[0] != "for_each"], document, context),
        parts=parts,
    )


def _unmet(when: Expression | None, document: Json, context: Context, blamed: str) -> tuple[Result, str] | None:
    """Why the rule is not for this document; None when it is."""
    if when is None:
        return None
    try:
        is_unmet = is_false(value_of(when, document, context))
    except Unfit as error:
        return "failed", f"when: {error}"
    return ("skipped", f"when is not met: {blamed}") if is_unmet else None


def _result(rule: Rule, event: Event, document: Json, context: Context, number: int) -> tuple[Result, str]:
    match convert(rule, document, context, event, number):
        case Made(_, note) | Noted(_, note):
            return "matched", note
        case Skipped(why):
            return "skipped", why
        case Failed(reasons):
            return "failed", "; ".join(reasons)


def _parts(when: Expression | None, document: Json, context: Context) -> tuple[tuple[Part, ...], str]:
    return ((), "") if when is None or when.tree is None else parts_of(when.tree, document, context)


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
