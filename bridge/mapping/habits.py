"""Looks at an expression's tree for what other languages mean by it: legal here, and something else.

Double quotes around text, a pipe for a function or for "or", `.length`, `a != 'x' || a != 'y'`, `yes`.
"""

from collections.abc import Iterator
from typing import Final

from bridge.errors import Severity
from bridge.mapping.findings import Finding
from bridge.mapping.functions import FUNCTIONS
from bridge.mapping.kinds import kinds_of
from bridge.mapping.slips import is_name
from bridge.mapping.tree import (
    Both,
    Call,
    Chain,
    Comparison,
    Current,
    Either,
    Field,
    Items,
    Literal,
    Tree,
    children,
    descend,
    offset_of,
)

#: What YAML 1.1 takes for true and false, and this language for names.
_FLAGS: Final = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def check_habits(tree: Tree, *, is_condition: bool) -> list[Finding]:
    """Everything in the tree that another language would read as it was surely meant."""
    found = [*_flag(tree)] if is_condition else []
    for part in descend(tree):
        match part:
            case Comparison(_, left, right):
                found += [*_quoted(left), *_quoted(right, is_text=True), *_length(part)]
            case Call() | Items():
                found += [finding for child in children(part) for finding in _quoted(child)]
            case Chain():
                found += _pipe(part)
            case _:
                pass
    return [*found, *_contradictions(tree)]


def _flag(tree: Tree) -> Iterator[Finding]:
    meant = _FLAGS.get(tree.name.lower()) if isinstance(tree, Field) and not tree.quoted else None
    if meant is not None and isinstance(tree, Field):
        yield Finding(
            code="bare-word",
            what=f"{tree.name} is the name of a field here",
            offset=tree.offset,
            why="an expression is expected, and no word means true or false by itself",
            fix=f"write `{meant}` in backticks, and those in single quotes; or leave the line out",
        )


def _quoted(part: Tree, *, is_text: bool = False) -> Iterator[Finding]:
    """`status == "paid"`: a name that needs no quotes has them where text was meant, or stands where text belongs."""
    if not isinstance(part, Field) or not part.quoted or not part.name:
        return
    is_sure = is_name(part.name)
    if is_sure or is_text:
        text = part.name.replace("'", "\\'")
        yield Finding(
            code="quoted-name",
            what=f'"{part.name}" in double quotes is the name of a field',
            offset=part.offset,
            why="double quotes go around names, single quotes around text",
            fix=f"write '{text}' for the text" + (f", {part.name} without quotes for the field" if is_sure else ""),
            severity=Severity.PROBLEM if is_sure else Severity.WARNING,
        )


def _length(comparison: Comparison) -> Iterator[Finding]:
    """`items.length > `0``: JavaScript's."""
    for side, other in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
        last = side.parts[-1] if isinstance(side, Chain) else None
        if isinstance(last, Field) and last.name in ("length", "size") and not last.quoted and _is_number(other):
            yield Finding(
                code="length",
                what=f".{last.name} is the name of a field",
                offset=last.offset,
                fix=f'length(…) counts a list; for the field write "{last.name}" in double quotes',
                severity=Severity.WARNING,
            )


def _is_number(tree: Tree) -> bool:
    return isinstance(tree, Literal) and kinds_of(tree) == frozenset(("number",))


def _pipe(chain: Chain) -> Iterator[Finding]:
    """`mail | lower` and `a == 'x' | b == 'y'`: a pipe hands a value on, and calls nothing by itself."""
    if not chain.piped:
        return
    first, last = chain.parts[0], chain.parts[-1]
    if isinstance(last, Field) and not last.quoted and last.name in FUNCTIONS:
        yield Finding(
            code="pipe",
            what=f"| {last.name} reads a field named {last.name}",
            offset=last.offset,
            why="a pipe hands the value on as the current one; it calls no function by itself",
            fix=f"write {last.name}(…) around the value, or | {last.name}(@)",
        )
    kinds = kinds_of(first)
    looks_at_it = any(isinstance(part, Current) for part in descend(last))
    if kinds is not None and kinds <= {"boolean", "null"} and not looks_at_it:
        yield Finding(
            code="pipe",
            what="a single | hands true or false on, in which no path finds anything",
            offset=offset_of(last),
            fix="use || for or",
        )


def _contradictions(tree: Tree) -> Iterator[Finding]:
    """`a != 'x' || a != 'y'` is always true, `a == 'x' && a == 'y'` never."""
    for part in descend(tree):
        match part:
            case Either(left, right):
                yield from _opposed(left, right, "ne", "always true: it is never both", "&&")
            case Both(left, right):
                yield from _opposed(left, right, "eq", "never true: it cannot be both", "||")
            case _:
                pass


def _opposed(left: Tree, right: Tree, operator: str, always: str, instead: str) -> Iterator[Finding]:
    while isinstance(left, Either | Both):
        left = left.right
    if not (isinstance(left, Comparison) and isinstance(right, Comparison)):
        return
    if left.operator == right.operator == operator and left.left == right.left:
        values = (left.right, right.right)
        if all(isinstance(value, Literal) for value in values) and values[0] != values[1]:
            yield Finding(
                code="comparison",
                what=f"these two together are {always}",
                offset=offset_of(right),
                fix=f"use {instead} between them",
            )
