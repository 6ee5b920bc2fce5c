"""A Draft as YAML: a mapping as a person would write it, with a comment on every guess.

Values of the sample stand in the comments; they are those of the example file, where people's are invented.
"""

from collections.abc import Iterable, Iterator, Sequence

from bridge.drafts.choices import Choice
from bridge.drafts.draft import Draft
from bridge.mapping import yaml_text
from bridge.mapping.parts import brief
from bridge.model import Json

_MOST_LINE = 110
_MOST_VALUE = 40
_ORDER = ("click_id", "customer_external_id", "customer_email", "customer_name", "invoice_id", "amount", "currency")


def page(draft: Draft, schema: str, example: tuple[str, str, Sequence[dict[str, Json]] | str] | None = None) -> str:
    """The whole file; `example` is its name, the path of its payload and what it becomes."""
    lines = [
        f"# {draft.source} → started from one sample by `trackbridge new`. Read each line; CHECK is what was guessed.",
        f"# yaml-language-server: $schema={schema}",
        f"source: {draft.source}",
        "",
        *_verify(draft),
        *_event(draft),
        "rules:",
        *_rule(draft),
    ]
    if example is not None:
        lines += ["", "examples:", *example_lines(*example)]
    return "\n".join(lines) + "\n"


def secret_of(source: str) -> str:
    """The variable that holds the source's secret."""
    return source.upper().replace("-", "_") + "_WEBHOOK_SECRET"


def _verify(draft: Draft) -> Iterator[str]:
    yield "verify:"
    yield from _comment(draft.sender.why, 2)
    yield from (f"  {line}" for line in draft.sender.lines)
    yield f"  secret: ${{{secret_of(draft.source)}}}"
    yield ""


def _event(draft: Draft) -> Iterator[str]:
    look = draft.opened
    opening = [
        ("document", look.from_text, "the body holds JSON inside a text; root() is the body itself"),
        ("for_each", look.for_each, f"one webhook holds several events; this sample {look.count}"),
        ("answers", draft.answers, "answer('…') finds one by its name, its label or its type"),
    ]
    lines: list[str] = []
    for key, expression, why in opening:
        if expression:
            lines += [*_comment(why, 2), *_entry(key, expression, 2)]
    for key in ("id", "type", "occurred_at", "test"):
        if key in draft.event:
            lines += [*_told(draft.event[key], 2), *_entry(key, draft.event[key].expression, 2)]
        elif key == "id":
            why = "no id of the event itself in this sample: the SHA-256 of the body tells a repeat from news"
            lines += _comment(why, 2)
    if any(not line.lstrip().startswith("#") for line in lines):
        yield from ("event:", *lines, "")


def _rule(draft: Draft) -> Iterator[str]:
    yield f"  - name: {yaml_text.text(draft.rule)}"
    if draft.kind:
        yield "    # the sample's type alone; name others that mean the same"
        yield f"    types: [{yaml_text.text(draft.kind)}]"
    yield from _when(draft)
    yield f"    track: {draft.track}"
    yield f"    event_name: {draft.event_name}"
    yield "    fields:"
    if "click_id" not in draft.fields:
        why = "CHECK: no click id, and no place for one, in this sample: say here where yours will be"
        yield from _comment(f"{why} (click_id: …)", 6)
    for key in _ORDER:
        if key in draft.fields:
            yield from _field(key, draft.fields[key])
    if draft.unit is not None:
        yield from _comment(draft.unit.why, 4)
        yield f"    unit: {draft.unit.unit.value}"
    if draft.once_per is not None:
        yield "    # one of these is one lead, however often it is told"
        yield from _entry("once_per", draft.once_per.expression, 4)
    if "click_id" not in draft.fields:
        yield from _comment("a lead without a click id goes only where an earlier one is known", 4)
        yield f"    without_click_id: {'send' if draft.track == 'sale' else 'skip'}"


def _when(draft: Draft) -> Iterator[str]:
    when = draft.when
    if when is None:
        return
    if when.expression:
        yield "    # money that has not come in is no sale"
        yield from _entry("when", when.expression, 4)
    else:
        why = f"CHECK: {when.note} is {_value(when.value)} here; if other values mean that nothing was paid, say so"
        yield from _comment(f"{why} (when: …)", 4)


def _field(key: str, choice: Choice) -> Iterator[str]:
    yield from _told(choice, 6)
    if choice.expression:
        yield from _entry(key, choice.expression, 6)
    else:
        yield f"      {key}: {{value: {choice.value}}}"


def example_lines(name: str, webhook: str, expect: Sequence[dict[str, Json]] | str) -> Iterator[str]:
    """One example: its name, its payload's file, and what it becomes."""
    yield f"  - name: {yaml_text.text(name)}"
    yield f"    webhook: {yaml_text.text(webhook)}"
    if isinstance(expect, str):
        yield f"    expect: {expect}"
        return
    yield "    expect:"
    for one in expect:
        yield from yaml_text.block(one, 6)


def _told(choice: Choice, indent: int) -> Iterator[str]:
    """What it gives on the sample, what to know about it, what else was seen."""
    parts = [_value(choice.value)] if choice.value is not None else []
    parts += [choice.note] if choice.note else []
    seen = [f"{path} ({_value(value)})" for path, value in choice.others]
    parts += [f"also seen: {', '.join(seen)}"] if seen else []
    if parts:
        yield from _comment("; ".join(parts), indent)


def _comment(text: str, indent: int) -> Iterator[str]:
    """The text as comment lines, none too long."""
    line = ""
    for word in text.split():
        if line and len(line) + len(word) + indent + 3 > _MOST_LINE:
            yield f"{' ' * indent}# {line}"
            line = ""
        line = f"{line} {word}" if line else word
    if line:
        yield f"{' ' * indent}# {line}"


def _entry(key: str, expression: str, indent: int) -> Iterable[str]:
    """An expression behind its key: plain where YAML leaves it alone, folded where it is long, else quoted."""
    line = f"{' ' * indent}{key}: {expression}"
    is_plain = expression[0].isalpha() and ": " not in expression and " #" not in expression
    if is_plain and len(line) <= _MOST_LINE:
        return [line]
    if len(line) <= _MOST_LINE or " || " not in expression:
        return [f"{' ' * indent}{key}: '" + expression.replace("'", "''") + "'"]
    first, *rest = expression.split(" || ")
    inner = " " * (indent + 2)
    return [f"{' ' * indent}{key}: >-", f"{inner}{first}", *[f"{inner}|| {part}" for part in rest]]


def _value(value: Json) -> str:
    text = brief(value)
    return text if len(text) <= _MOST_VALUE else text[: _MOST_VALUE - 1] + "…"
