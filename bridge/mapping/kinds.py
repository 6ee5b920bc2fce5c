"""The types a tree can give, as far as it tells before any webhook comes, and what a place in the file can use."""

from collections.abc import Iterator
from typing import Final

from bridge.mapping.findings import Finding
from bridge.mapping.functions import FUNCTIONS
from bridge.mapping.standard import KINDS
from bridge.mapping.tree import (
    Both,
    Call,
    Chain,
    Comparison,
    Either,
    Filter,
    Flatten,
    Items,
    Literal,
    Not,
    Pairs,
    Projection,
    Tree,
    ValueProjection,
    offset_of,
)

_WORDS: Final = {
    "string": "text",
    "number": "a number",
    "boolean": "a boolean",
    "array": "a list",
    "object": "an object",
    "null": "null",
}

SCALAR: Final = frozenset(("string", "number"))
LIST: Final = frozenset(("array",))
SEVERAL: Final = frozenset(("array", "object"))


def kinds_of(tree: Tree) -> frozenset[str] | None:
    """jmespath's names of the types a tree can give, as far as it tells; None when that depends on the document."""
    match tree:
        case Literal(value, _):
            return frozenset((KINDS[type(value)],))
        case Call(name, _, _):
            return FUNCTIONS[name].returns if name in FUNCTIONS else None
        case Comparison(operator, _, _):
            return frozenset(("boolean",) if operator in ("eq", "ne") else ("boolean", "null"))
        case Not():
            return frozenset(("boolean",))
        case Items() | Projection() | ValueProjection() | Filter() | Flatten():
            return frozenset(("array", "null"))
        case Pairs():
            return frozenset(("object", "null"))
        case Either(left, right) | Both(left, right):
            both = kinds_of(left), kinds_of(right)
            return both[0] | both[1] if both[0] and both[1] else None
        case Chain(parts):
            last = kinds_of(parts[-1])
            return last | {"null"} if last is not None else None
        case _:
            return None


def in_words(kinds: frozenset[str]) -> str:
    """Type names for people; null goes without saying."""
    told = kinds - {"null"} or kinds
    return " or ".join(word for kind, word in _WORDS.items() if kind in told)


def check_kind(tree: Tree, name: str, wanted: frozenset[str]) -> list[Finding]:
    """Values the tree may give that the place called `name` cannot use."""
    return [_unusable(leaf, kinds, name, wanted) for leaf, kinds in _given(tree) if kinds.isdisjoint(wanted)]


def _given(tree: Tree) -> Iterator[tuple[Tree, frozenset[str]]]:
    """What a tree may end with, and its types where they are known; null counts as nothing."""
    match tree:
        case Either(left, right):
            yield from _given(left)
            yield from _given(right)
        case Both(_, right):
            yield from _given(right)
        case _:
            kinds = (kinds_of(tree) or frozenset()) - {"null"}
            if kinds:
                yield tree, kinds


def _unusable(leaf: Tree, kinds: frozenset[str], name: str, wanted: frozenset[str]) -> Finding:
    fix = ""
    if wanted is SCALAR:
        fixes = {
            "array": "take its first item: (…)[0]",
            "object": "name one of its parts, or put them together with join_present(' ', …)",
            "boolean": "write condition && value, or to_text(condition)",
        }
        fix = next((fixes[kind] for kind in sorted(kinds) if kind in fixes), "")
    return Finding(
        code="wrong-kind",
        what=f'"{name}" takes {in_words(wanted)}, and this gives {in_words(kinds)}',
        offset=offset_of(leaf),
        fix=fix,
    )
