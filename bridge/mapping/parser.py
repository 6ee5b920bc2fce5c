"""A mapping's text → Mapping, or every Problem in it at once. The only door into the language.

Refuses unknown keys, wrong types, missing and doubled names, and every expression that cannot work. A Mapping that
comes out of here can be applied to any document without raising.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from bridge.errors import Place, Problem, Severity, in_order
from bridge.mapping.document import compose
from bridge.mapping.example_parser import example_of
from bridge.mapping.expressions import Role, expression_of
from bridge.mapping.extends import overlaid
from bridge.mapping.notify import Notify, notify_of
from bridge.mapping.reader import Reader, is_slug
from bridge.mapping.redact import Redaction, redaction_of
from bridge.mapping.rule_parser import RuleParser
from bridge.mapping.rules import EventRules, Example, Expression, Mapping, Rule
from bridge.mapping.spans import span_of
from bridge.model import Node

KEYS = ("extends", "source", "verify", "event", "send_test", "redact", "silence", "notify", "rules", "examples")
EVENT_KEYS = ("document", "for_each", "answers", "id", "type", "occurred_at", "test", "account")

_ROLES: dict[str, Role] = {"document": "document", "for_each": "list", "answers": "document", "test": "condition"}

#: Headers every event keeps, for whoever has to find out what a sender did.
ALWAYS_KEPT = ("content-type", "user-agent")

#: A shipped mapping that extends another that extends another …
_MOST_BASES = 4

Base = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What came of a text: a mapping unless there is a real problem, and everything to tell."""

    mapping: Mapping | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Alarms:
    """When nothing has come for too long, and who is told of what."""

    silence: timedelta | None
    notify: Notify | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """A document with all it starts from laid under it."""

    root: Node
    text: str
    file: str


def parse(text: str, *, file: str, base: Base) -> Parsed:
    """Parse a mapping; `base(name)` gives the text of the shipped one that `extends: name` starts from."""
    problems: list[Problem] = []
    whole = _whole(text, file, base, problems, ())
    mapping = _mapping(whole, problems) if whole is not None else None
    has_problem = any(problem.severity is Severity.PROBLEM for problem in problems)
    unique = tuple(dict.fromkeys(in_order(problems)))
    return Parsed(mapping=None if has_problem else mapping, problems=unique)


def _whole(text: str, file: str, base: Base, problems: list[Problem], above: tuple[str, ...]) -> _Whole | None:
    root, found = compose(text, file=file)
    problems += found
    if root is None:
        return None
    if root.kind != "map":
        fix = "a mapping begins with `source:`, `verify:` and `rules:`"
        problems.append(Problem(code="wrong-type", what="a mapping must be a map", place=root.place, fix=fix))
        return None
    extends = root.get("extends")
    if extends is None:
        return _Whole(root=root, text=text, file=file)
    name = Reader(problems).slug(extends, "extends")
    if name is None:
        return None
    under = base(name) if is_slug(name) and name not in above and len(above) < _MOST_BASES else None
    if under is None:
        problems.append(_no_base(extends, name, is_loop=name in above or len(above) >= _MOST_BASES))
        return None
    whole = _whole(under, f"{name}.yaml (shipped)", base, problems, (*above, name))
    if whole is None:
        return None
    effective = f"{whole.text}\n# extended by {file}\n{text}"
    return _Whole(root=overlaid(whole.root, root), text=effective, file=file)


def _no_base(node: Node, name: str, *, is_loop: bool) -> Problem:
    what = f'"{name}" extends itself' if is_loop else f'there is no shipped mapping "{name}"'
    return Problem(code="no-base", what=what, place=node.place, fix="" if is_loop else "list them: trackbridge sources")


def _mapping(whole: _Whole, problems: list[Problem]) -> Mapping | None:
    reader = Reader(problems)
    given = reader.entries(whole.root, "", KEYS)
    for key in ("source", "verify", "rules"):
        if key not in given:
            reader.note("missing-key", whole.root.place, f'this mapping has no "{key}"', fix=_MISSING[key])
    source = reader.slug(given.get("source"), "source")
    event = _event(given.get("event"), reader)
    parser = RuleParser(reader=reader, source=source or "", has_types=_has(given.get("event"), "type"))
    rules = _rules(given.get("rules"), parser)
    _check_answers(given.get("event"), event, rules, reader)
    examples = _examples(given.get("examples"), whole, reader)
    send_test = reader.flag(given.get("send_test"), "send_test")
    redact = redaction_of(given.get("redact"), reader)
    alarms = _Alarms(span_of(given.get("silence"), "silence", reader), notify_of(given.get("notify"), reader))
    verify = given.get("verify")
    if verify is None or source is None or not reader.is_kind(verify, "verify", "map"):
        return None
    _check_request(verify, [*_expressions(event, rules)], reader)
    return _finished(whole, source, verify, event, rules, examples, alarms, send_test=send_test, redact=redact)


_MISSING = {
    "source": "write the name that stands in the URL: source: stripe → POST /webhooks/stripe",
    "verify": "say how the sender proves itself: verify: {scheme: …, secret: ${NAME}}",
    "rules": "write at least one rule: what to track, and when",
}


def _has(node: Node | None, key: str) -> bool:
    return node is not None and node.get(key) is not None


def _event(node: Node | None, reader: Reader) -> EventRules:
    if node is None or reader.is_lost(node):
        return EventRules()
    given = reader.entries(node, "event", EVENT_KEYS)
    found = {key: _event_expression(key, value, reader) for key, value in given.items()}
    return EventRules(**found)


def _event_expression(key: str, node: Node, reader: Reader) -> Expression | None:
    if reader.is_lost(node):
        return None
    return expression_of(node, key, _ROLES.get(key, "value"), reader.problems)


def _check_answers(node: Node | None, event: EventRules, rules: tuple[Rule, ...], reader: Reader) -> None:
    """answer() works on what `event.answers` gives, once it is known which item that is about."""
    early = [expression for expression in (event.document, event.for_each, event.answers) if expression is not None]
    for expression in early:
        if expression.answer is not None:
            why = "document, for_each and answers are worked out before there are any answers"
            fix = "write the path in full"
            reader.note("no-answers", expression.answer, "answer() has no place here", why=why, fix=fix)
    if _has(node, "answers"):
        return
    for expression in _expressions(event, rules):
        if expression.answer is not None and expression not in early:
            what, why = "answer() needs event.answers", "nothing says where the answers of the form stand"
            fix = "write where they stand, such as answers: data.fields under `event:`"
            reader.note("no-answers", expression.answer, what, why=why, fix=fix)


def _rules(node: Node | None, parser: RuleParser) -> tuple[Rule, ...]:
    if node is None or parser.reader.is_lost(node):
        return ()
    nodes = parser.reader.items(node, "rules")
    names = [(name.text.strip(), name.place) for item in nodes if (name := item.get("name")) is not None]
    parser.reader.unique(names, "rules")
    rules = [parser.rule(item) for item in nodes]
    return tuple(rule for rule in rules if rule is not None)


def _examples(node: Node | None, whole: _Whole, reader: Reader) -> tuple[Example, ...]:
    if node is None:
        place = Place(file=whole.file)
        fix = "add examples: {name, webhook: path of a payload, expect: what it must become}"
        reader.note("no-examples", place, "this mapping has no examples", fix=fix, severity=Severity.WARNING)
        return ()
    if reader.is_lost(node):
        return ()
    found = [example_of(item, reader) for item in reader.items(node, "examples")]
    examples = [example for example in found if example is not None]
    reader.unique([(example.name, example.place) for example in examples], "examples")
    return tuple(examples)


def _expressions(event: EventRules, rules: tuple[Rule, ...]) -> list[Expression]:
    named = [*event.expressions(), *(pair for rule in rules for pair in rule.expressions())]
    return [expression for _, expression in named]


def _check_request(verify: Node, expressions: list[Expression], reader: Reader) -> None:
    """No rule may read what proves the sender: what rules read is kept with the event."""
    header, query = (_names(verify.get(key)) for key in ("header", "query"))
    for expression in expressions:
        queries = {name.lower() for name in expression.queries}
        if header & expression.headers or query & queries:
            why = "what rules read is kept with the event, and this proves the sender (see verify)"
            reader.note("credential", expression.place, "this expression reads the sender's proof", why=why)


def _names(node: Node | None) -> frozenset[str]:
    return frozenset() if node is None else frozenset(name.text.strip().lower() for name in node.scalars())


def _finished(
    whole: _Whole,
    source: str,
    verify: Node,
    event: EventRules,
    rules: tuple[Rule, ...],
    examples: tuple[Example, ...],
    alarms: _Alarms,
    *,
    send_test: bool,
    redact: Redaction | None,
) -> Mapping:
    expressions = _expressions(event, rules)
    headers = frozenset().union(*(expression.headers for expression in expressions))
    types = dict.fromkeys(name for rule in rules for name in rule.types)
    return Mapping(
        source=source,
        file=whole.file,
        text=whole.text,
        revision=sha256(whole.text.encode(errors="replace")).hexdigest(),
        verify=verify,
        event=event,
        rules=rules,
        examples=examples,
        send_test=send_test,
        redact=redact,
        silence=alarms.silence,
        notify=alarms.notify,
        headers_read=headers,
        queries_read=frozenset().union(*(expression.queries for expression in expressions)),
        rules_by_type={name: tuple(rule for rule in rules if not rule.types or name in rule.types) for name in types},
        rules_of_any_type=tuple(rule for rule in rules if not rule.types),
        headers_kept=frozenset(name.encode() for name in (*headers, *ALWAYS_KEPT)),
    )
