"""Looks at an expression's tree for what is legal and surely not meant.

JMESPath is silent about all of it: a bare `false` is a field's name and null, `a == 'x' || 'y'` is always true,
text is never equal to a number. Each finding says what the expression does and how to write what was meant.
"""

from collections.abc import Iterator

from bridge.errors import Severity
from bridge.mapping.findings import Finding
from bridge.mapping.kinds import in_words, kinds_of
from bridge.mapping.precedence import path_of
from bridge.mapping.tree import (
    Both,
    Call,
    Chain,
    Comparison,
    Either,
    Field,
    Filter,
    Literal,
    Not,
    Slice,
    Tree,
    descend,
    heads,
    offset_of,
)
from bridge.mapping.values import is_false, is_plain_number

#: Words that look like values; JMESPath takes them for names, other languages' spellings included.
_BARE = {
    "true": "true",
    "false": "false",
    "null": "null",
    "True": "true",
    "False": "false",
    "None": "null",
    "nil": "null",
    "undefined": "null",
}

_SYMBOLS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def check_meaning(tree: Tree, *, is_condition: bool) -> list[Finding]:
    """Everything in the tree that is surely or probably not meant."""
    found = [*_bare_words(tree)]
    for part in descend(tree):
        match part:
            case Comparison():
                found += _comparison(part)
            case Filter(_, condition, _):
                found += _condition(condition)
            case Slice(_, _, 0):
                found.append(Finding(code="slice", what="a slice with step 0", offset=offset_of(tree)))
            case _:
                pass
    return found + (list(_condition(tree)) if is_condition else [])


def check_amount(tree: Tree) -> list[Finding]:
    """An amount needs no conversion, and the one people reach for loses something."""
    return [
        Finding(
            code="to-number",
            what="to_number() around an amount",
            offset=part.offset,
            why="an amount may be text, and is read digit by digit; elsewhere to_number makes a float of it",
            fix="leave to_number() out",
        )
        for part in descend(tree)
        if isinstance(part, Call) and part.name == "to_number"
    ]


def _bare_words(tree: Tree) -> Iterator[Finding]:
    for name in heads(tree):
        meant = _BARE.get(name.name)
        if meant is not None and not name.quoted:
            yield Finding(
                code="bare-word",
                what=f"{name.name} without backticks is the name of a field",
                offset=name.offset,
                why="the document has no field of that name, so it is always null",
                fix=f"write it in backticks: `{meant}`",
            )


def _comparison(part: Comparison) -> Iterator[Finding]:
    left, right, offset = part.left, part.right, offset_of(part)
    if isinstance(left, Literal) and isinstance(right, Literal):
        yield Finding(code="comparison", what="both sides are written out, so it is always the same", offset=offset)
        return
    if left == right:
        yield Finding(code="comparison", what="both sides are the same", offset=offset)
        return
    if isinstance(left, Not | Comparison) and part.operator in ("eq", "ne"):
        return  # how it binds has been told
    sides = kinds_of(left), kinds_of(right)
    if sides[0] is not None and sides[1] is not None:
        yield from _known(part.operator, sides[0], sides[1], offset)
    if part.operator not in ("eq", "ne"):
        yield from _ordering(part)
    if isinstance(right, Field) and not right.quoted and right.name not in _BARE and isinstance(left, Field | Chain):
        yield Finding(
            code="bare-word",
            what=f"{right.name} without quotes is the name of a field",
            offset=right.offset,
            why="two fields are compared here",
            fix=f"if text is meant, write '{right.name}'",
            severity=Severity.WARNING,
        )


def _known(operator: str, left: frozenset[str], right: frozenset[str], offset: int) -> Iterator[Finding]:
    """Both sides' types are known, and they do not go together."""
    if operator in ("eq", "ne"):
        if left.isdisjoint(right):
            always = "false" if operator == "eq" else "true"
            what = f"{in_words(left)} and {in_words(right)} are never equal: always {always}"
            yield Finding(code="comparison", what=what, offset=offset)
        return
    ordered = frozenset(("string", "number"))
    if (left & ordered).isdisjoint(right & ordered) and left & ordered and right & ordered:
        what = f"{in_words(left & ordered)} cannot be ordered against {in_words(right & ordered)}"
        yield Finding(code="comparison", what=what, offset=offset)


def _ordering(part: Comparison) -> Iterator[Finding]:
    for side in (part.left, part.right):
        kinds = kinds_of(side)
        symbol = _SYMBOLS[part.operator]
        if kinds is not None and kinds.isdisjoint(("string", "number")):
            what = f"{symbol} orders numbers or texts, and this is {in_words(kinds)}: always null"
            yield Finding(code="comparison", what=what, offset=offset_of(side))
        if isinstance(side, Literal) and isinstance(side.value, str) and is_plain_number(side.value):
            yield Finding(
                code="comparison",
                what=f"{symbol} with a number that is written as text",
                offset=side.offset,
                why="a number cannot be ordered against text, and between texts '10' comes before '9'",
                fix=f"write the number in backticks: `{side.value}`",
            )


def _condition(tree: Tree) -> Iterator[Finding]:
    """Where only true or false counts, a value written out decides everything or nothing."""
    match tree:
        case Literal(value, offset):
            always = "never" if is_false(value) else "always"
            yield Finding(
                code="constant-condition",
                what=f"a condition that is {always} true",
                offset=offset,
                why="nothing in it looks at the webhook",
                fix="compare a path with it, path == 'value'; or leave the condition out",
            )
        case Either(left, right):
            yield from _side(left, right)
            yield from _side(right, left)
        case Both(left, right):
            yield from _condition(left)
            yield from _condition(right)
        case Not(body):
            yield from _condition(body)
        case _:
            return


def _side(side: Tree, other: Tree) -> Iterator[Finding]:
    """One side of `||`: `a == 'x' || 'y'` is the commonest slip of all."""
    if not isinstance(side, Literal):
        yield from _condition(side)
        return
    while isinstance(other, Either):
        other = other.right
    path = path_of(other.left) if isinstance(other, Comparison) and other.operator == "eq" else ""
    shown = f"'{side.value}'" if isinstance(side.value, str) and "'" not in side.value else "…"
    yield Finding(
        code="constant-condition",
        what="a value alone beside || is always true"
        if not is_false(side.value)
        else "this side of || changes nothing",
        offset=side.offset,
        fix=f"repeat the comparison: … || {path} == {shown}" if path else "",
    )
