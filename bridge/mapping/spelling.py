"""A tree written out again: an expression's part as a person would write it, for explanations.

What is written means the same as the tree; how it was written in the file (blanks, needless brackets) is not kept.
"""

import json
import re
from typing import assert_never

from bridge.mapping.standard import written
from bridge.mapping.tree import (
    Both,
    Call,
    Chain,
    Comparison,
    Current,
    Either,
    Field,
    Filter,
    Flatten,
    Index,
    Items,
    Literal,
    Not,
    Pairs,
    Projection,
    Reference,
    Slice,
    Tree,
    ValueProjection,
)
from bridge.model import Json

OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

#: Names that `check` takes for values somebody forgot to quote.
LIKE_VALUES = frozenset(("true", "false", "null", "True", "False", "None", "nil", "undefined"))

#: How tightly each form holds together; a part that holds less is put in brackets.
_PIPE, _OR, _AND, _COMPARISON, _NOT, _CLOSED = range(6)


def spelled(tree: Tree) -> str:
    """The tree as text."""
    return _spelled(tree)[0]


def _spelled(tree: Tree) -> tuple[str, int]:
    """The text, and how tightly it holds together."""
    match tree:
        case Either() | Both() | Comparison() | Not() | Reference():
            return _logic(tree)
        case Chain(parts):
            return _chain(parts)
        case Call(name, arguments, _):
            return f"{name}({', '.join(map(spelled, arguments))})", _CLOSED
        case Items(items):
            return f"[{', '.join(map(spelled, items))}]", _CLOSED
        case Pairs(pairs):
            return "{" + ", ".join(f"{name_of(key)}: {spelled(value)}" for key, value in pairs) + "}", _CLOSED
        case Field(name, _, _):
            return name_of(name), _CLOSED
        case Literal(value, _):
            return _literal(value), _CLOSED
        case Current():
            return "@", _CLOSED
        case _:
            return _several(tree)


def _logic(tree: Either | Both | Comparison | Not | Reference) -> tuple[str, int]:
    match tree:
        case Either(left, right):
            return f"{_inside(left, _OR)} || {_inside(right, _AND)}", _OR
        case Both(left, right):
            return f"{_inside(left, _AND)} && {_inside(right, _COMPARISON)}", _AND
        case Comparison(operator, left, right):
            return f"{_inside(left, _NOT)} {OPERATORS[operator]} {_inside(right, _NOT)}", _COMPARISON
        case Not(body):
            # `!a.b` would be (!a).b: the sign holds tighter than the dot
            return f"!{spelled(body)}" if isinstance(body, Field | Call) else f"!({spelled(body)})", _NOT
        case Reference(body):
            return f"&{_inside(body, _OR)}", _OR
        case _:
            assert_never(tree)


def _inside(tree: Tree, least: int) -> str:
    text, holds = _spelled(tree)
    return text if holds >= least else f"({text})"


def _chain(parts: tuple[Tree, ...]) -> tuple[str, int]:
    first, *rest = parts
    text, holds = ("", _CLOSED) if isinstance(first, Current) and rest else _spelled(first)
    for part in rest:
        is_step = isinstance(part, Field | Index | Slice | Call | Items | Pairs)
        if is_step and holds == _CLOSED and not _projects(first):
            text = (text + _step(part)).removeprefix(".")
        else:
            text, holds = f"{text or '@'} | {spelled(part)}", _PIPE
        first = part
    return text, holds


def _several(tree: Tree) -> tuple[str, int]:
    """What works on several values: it begins with what it works on, or with nothing for the current value."""
    text = _step(tree)
    return (text.removeprefix(".") if text else "@"), _CLOSED


def _step(tree: Tree) -> str:
    """The tree as it continues a path: `.name`, `[0]`, `[*].name`."""
    match tree:
        case Current():
            return ""
        case Index(index):
            return f"[{index}]"
        case Slice(start, stop, step):
            numbers = ["" if number is None else str(number) for number in (start, stop, step)]
            return f"[{':'.join(numbers if step is not None else numbers[:2])}]"
        case Projection(Flatten() | Chain((*_, Slice())) | Slice() as base, body):
            return f"{_base(base)}{_step(body)}"
        case Projection(base, body):
            return f"{_base(base)}[*]{_step(body)}"
        case ValueProjection(base, body):
            return f"{_base(base)}.*{_step(body)}"
        case Filter(base, condition, body):
            return f"{_base(base)}[?{spelled(condition)}]{_step(body)}"
        case Flatten(body):
            return f"{_step(body) if _projects(body) else _base(body)}[]"
        case Chain((first, *rest)) if not _projects(first):
            return _step(first) + "".join(map(_step, rest))
        case _:
            return f".{spelled(tree)}"


def _base(tree: Tree) -> str:
    """What a projection works on: in brackets when it projects itself and ends there."""
    text, holds = _spelled(tree)
    if isinstance(tree, Current):
        return ""
    if holds < _CLOSED or (_projects(tree) and not isinstance(tree, Flatten)):
        return f"({text})"
    return _step(tree)


def _projects(tree: Tree) -> bool:
    return isinstance(tree, Projection | ValueProjection | Filter | Flatten)


def name_of(name: str) -> str:
    """A key as it is written in a path: plain, or in double quotes."""
    if _PLAIN_NAME.fullmatch(name) and name not in LIKE_VALUES:
        return name
    return "".join(char if char.isprintable() else _escape(char) for char in json.dumps(name, ensure_ascii=False))


def _escape(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) > 0x7F else f"\\u{ord(char):04x}"


def _literal(value: Json) -> str:
    if isinstance(value, str) and "'" not in value and not value.endswith("\\") and value.isprintable():
        return f"'{value}'"
    return "`" + written(value).replace("`", "\\`") + "`"
