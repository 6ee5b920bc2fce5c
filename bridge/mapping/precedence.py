"""Looks at an expression's tree for what binds otherwise than it reads: `!a.b`, `!a == b`, `a.x || b.x == 'y'`.

JMESPath is silent about it: `!` takes what stands next to it alone, before the dot and before any comparison, a
comparison takes what stands next to it before `||` does, and whatever follows a pipe is looked for in what it hands on.
"""

from collections.abc import Iterator
from typing import Final

from bridge.errors import Severity
from bridge.mapping.findings import Finding
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
    Literal,
    Not,
    Projection,
    Tree,
    ValueProjection,
    descend,
    heads,
    offset_of,
)
from bridge.mapping.values import is_false

_SYMBOLS: Final = {"eq": "==", "ne": "!="}
_OTHER: Final = {"eq": "!=", "ne": "=="}


def check_precedence(tree: Tree, *, is_condition: bool) -> list[Finding]:
    """Everything in the tree that reads as if it were bound otherwise."""
    found: list[Finding] = []
    #: what is compared with what, by the side on the left
    compared: dict[int, Comparison] = {}
    for part in descend(tree):
        match part:
            case Chain((Not(body), *rest), piped=False):
                found.append(_path(body, path_of(Chain((body, *rest))), compared.get(id(part))))
            case (
                Projection(Not(body), _) | ValueProjection(Not(body), _) | Filter(Not(body), _, _) | Flatten(Not(body))
            ):
                found.append(_path(body, "", None))
            case Comparison("eq" | "ne", left, right):
                compared[id(left)] = part
                found += _compared(part.operator, left, right)
            case Either(left, right):
                found += [*_shared(left, right), *(() if is_condition else _empty(left))]
            case Chain((first, Either() as last), piped=True):
                found += _handed_on(first, last)
            case _:
                pass
    return found


def _path(body: Tree, whole: str, compared: Comparison | None) -> Finding:
    """`!a.b` is `(!a).b`."""
    other = "" if compared is None else path_of(compared.right) or _written(compared.right)
    meant = f"{whole} {_OTHER[compared.operator]} {other}" if compared is not None and whole and other else ""
    return Finding(
        code="precedence",
        what="! takes what stands next to it alone, and in true or false no path finds anything: always null",
        offset=offset_of(body),
        why="!a.b is read as (!a).b",
        fix="write " + (meant or f"!({whole or '…'})"),
    )


def _compared(operator: str, left: Tree, right: Tree) -> Iterator[Finding]:
    """`!a == b` is `(!a) == b`, and `a == b == c` is `(a == b) == c`."""
    if _is_flag(right):
        return
    symbol = _SYMBOLS[operator]
    if isinstance(left, Not):
        one, other = path_of(left.body), path_of(right) or _written(right)
        meant = f"{one} {_OTHER[operator]} {other}" if one and other else f"!(… {symbol} …)"
        yield Finding(
            code="precedence",
            what=f"! takes what stands next to it alone: true or false is compared by {symbol}",
            offset=offset_of(left),
            fix=f"write {meant}",
            severity=Severity.PROBLEM if isinstance(right, Literal) else Severity.WARNING,
        )
    elif isinstance(left, Comparison) and isinstance(right, Literal):
        yield Finding(
            code="precedence",
            what="what a comparison comes to, true or false, is compared once more",
            offset=offset_of(right),
            fix="compare each with &&: a == b && b == c",
        )


def _shared(left: Tree, right: Tree) -> Iterator[Finding]:
    """`a.status || b.status == 'paid'`: the same name on both sides of ||, and one of them is compared."""
    while isinstance(left, Either):
        left = left.right
    if not isinstance(right, Comparison) or not isinstance(right.right, Literal) or _is_flag(right.right):
        return
    one, other = path_of(left), path_of(right.left)
    if one and other and one != other and one.rpartition(".")[2] == other.rpartition(".")[2]:
        symbol = _SYMBOLS.get(right.operator)
        example = f": ({one} || {other}) {symbol} {_written(right.right)}" if symbol else ""
        yield Finding(
            code="precedence",
            what=f"{one} is not compared: whatever it holds is enough here",
            offset=offset_of(left),
            why="a comparison takes what stands next to it, before || does",
            fix=f"put what is to be compared in brackets{example}",
            severity=Severity.WARNING,
        )


def _empty(left: Tree) -> Iterator[Finding]:
    """`a && '' || b` is b whatever a is."""
    if isinstance(left, Both) and isinstance(left.right, Literal) and is_false(left.right.value):
        yield Finding(
            code="precedence",
            what="what stands after && is empty, so || always goes on to its other side",
            offset=left.right.offset,
            fix="turn the condition round: !(condition) && other",
        )


def _handed_on(first: Tree, last: Either) -> Iterator[Finding]:
    """`a.x | lower(@) || a.y`: a.y is looked for in a.x."""
    roots = {name.name for name in heads(first)}
    called = isinstance(last.left, Call) and Current() in last.left.arguments
    name = next(iter(heads(last.right)), None)
    if called and name is not None and name.name in roots and path_of(last.right):
        yield Finding(
            code="precedence",
            what=f"{path_of(last.right)} is looked for in what the pipe hands on",
            offset=name.offset,
            why="a pipe takes everything that follows it, || too",
            fix="put the pipe and both its sides in brackets: (a | f(@)) || b",
            severity=Severity.WARNING,
        )


def _is_flag(tree: Tree) -> bool:
    return isinstance(tree, Literal) and isinstance(tree.value, bool)


def _written(tree: Tree) -> str:
    """A text as it is written; empty for anything else."""
    is_text = isinstance(tree, Literal) and isinstance(tree.value, str) and "'" not in tree.value
    return f"'{tree.value}'" if is_text and isinstance(tree, Literal) else ""


def path_of(tree: Tree) -> str:
    """A plain path as it was written; empty for anything else."""
    if isinstance(tree, Chain):
        names = [path_of(part) for part in tree.parts]
        return ".".join(names) if all(names) and not tree.piped else ""
    return tree.name if isinstance(tree, Field) and not tree.quoted else ""
