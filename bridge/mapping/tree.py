"""The typed tree of one expression, whose words know where they stand.

`grammar` makes it, `lints` looks at it, `compiler` turns it into closures. Nothing here evaluates anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from bridge.model import Json


@dataclass(frozen=True, slots=True)
class Current:
    """`@`, and wherever an expression starts from the current value."""


@dataclass(frozen=True, slots=True)
class Field:
    """A name: the value under that key."""

    name: str
    offset: int = field(compare=False)
    quoted: bool = field(compare=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out: `'text'` or a backtick literal."""

    value: Json
    offset: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Index:
    """`[0]`."""

    index: int


@dataclass(frozen=True, slots=True)
class Slice:
    """`[0:2]`."""

    start: int | None
    stop: int | None
    step: int | None


@dataclass(frozen=True, slots=True)
class Chain:
    """`a.b[0]` and `a | b`: each part works on what the one before it gave."""

    parts: tuple["Tree", ...]
    #: written with `|`
    piped: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`a == b` and kin; `operator` is jmespath's word: eq ne lt lte gt gte."""

    operator: str
    left: "Tree"
    right: "Tree"


@dataclass(frozen=True, slots=True)
class Either:
    """`a || b`."""

    left: "Tree"
    right: "Tree"


@dataclass(frozen=True, slots=True)
class Both:
    """`a && b`."""

    left: "Tree"
    right: "Tree"


@dataclass(frozen=True, slots=True)
class Not:
    """`!a`."""

    body: "Tree"


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`."""

    name: str
    arguments: tuple["Tree", ...]
    offset: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """`&expression`, an argument of map, sort_by and kin."""

    body: "Tree"


@dataclass(frozen=True, slots=True)
class Projection:
    """`a[*].b`, `a[].b` and `a[0:2].b`: `body` on each item, nulls left out."""

    base: "Tree"
    body: "Tree"


@dataclass(frozen=True, slots=True)
class ValueProjection:
    """`a.*.b`: `body` on each value of a map."""

    base: "Tree"
    body: "Tree"


@dataclass(frozen=True, slots=True)
class Filter:
    """`a[?condition].b`."""

    base: "Tree"
    condition: "Tree"
    body: "Tree"


@dataclass(frozen=True, slots=True)
class Flatten:
    """`a[]`."""

    body: "Tree"


@dataclass(frozen=True, slots=True)
class Items:
    """`[a, b]`: a list of several values."""

    items: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """`{x: a, y: b}`: a map of several values."""

    pairs: tuple[tuple[str, "Tree"], ...]


Tree: TypeAlias = (
    Current
    | Field
    | Literal
    | Index
    | Slice
    | Chain
    | Comparison
    | Either
    | Both
    | Not
    | Call
    | Reference
    | Projection
    | ValueProjection
    | Filter
    | Flatten
    | Items
    | Pairs
)


def children(tree: Tree) -> tuple[Tree, ...]:
    """The trees directly below, in the order they are written."""
    match tree:
        case Current() | Field() | Literal() | Index() | Slice():
            return ()
        case Chain(parts):
            return parts
        case Comparison(_, left, right) | Either(left, right) | Both(left, right):
            return (left, right)
        case Not(body) | Reference(body) | Flatten(body):
            return (body,)
        case Call(_, arguments, _):
            return arguments
        case Projection(base, body) | ValueProjection(base, body):
            return (base, body)
        case Filter(base, condition, body):
            return (base, condition, body)
        case Items(items):
            return items
        case Pairs(pairs):
            return tuple(value for _, value in pairs)


def descend(tree: Tree) -> Iterator[Tree]:
    """The tree and everything below it, in the order it is written."""
    yield tree
    for child in children(tree):
        yield from descend(child)


def heads(tree: Tree) -> Iterator[Field]:
    """The names that are looked for in the current value itself: `a` and `c` of `a.b == c`, not `b`."""
    match tree:
        case Field():
            yield tree
        case Chain((first, *rest)):
            yield from heads(first)
            for part in rest:
                yield from _inner_heads(part)
        case Projection(base, body) | ValueProjection(base, body):
            yield from heads(base)
            yield from _inner_heads(body)
        case Filter(base, condition, body):
            yield from heads(base)
            yield from heads(condition)
            yield from _inner_heads(body)
        case _:
            for child in children(tree):
                yield from heads(child)


def _inner_heads(tree: Tree) -> Iterator[Field]:
    """The same behind a dot, where a plain name is just the next step."""
    match tree:
        case Field():
            return
        case Chain((first, *rest)):
            for part in (first, *rest):
                yield from _inner_heads(part)
        case _:
            yield from heads(tree)


def offset_of(tree: Tree) -> int:
    """Where the tree begins, as far as its words tell."""
    offsets = [part.offset for part in descend(tree) if isinstance(part, Field | Literal | Call)]
    return min(offsets, default=0)
