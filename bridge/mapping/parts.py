"""A condition taken apart: what each operand of `&&` and `||` gave, and which of them made it false.

For people, like the explanation it is a part of; nothing here is quick, and nothing raises.
"""

from dataclasses import dataclass, field

from bridge.mapping.compiler import compiled
from bridge.mapping.context import Context
from bridge.mapping.reading import ODD
from bridge.mapping.spelling import spelled
from bridge.mapping.standard import written
from bridge.mapping.tree import Both, Call, Comparison, Either, Literal, Not, Reference, Tree
from bridge.mapping.values import Unfit, cleaned, is_false
from bridge.model import Json

#: A longer value is cut: this is to see what came of it, not to read it.
MOST_VALUE = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One operand: what it says and what it gave."""

    text: str
    #: how deep it stands in `||` within `&&` and so on
    depth: int
    value: Json = None
    #: why it gave nothing; empty when it did
    error: str = ""
    #: false behind a false operand of `&&` or a true one of `||`: nobody asks then
    is_reached: bool = True
    #: what the paths in it gave
    operands: tuple[tuple[str, Json], ...] = ()

    @property
    def is_met(self) -> bool:
        """Whether it counts as true."""
        return not self.error and not is_false(self.value)


@dataclass(slots=True)
class _Look:
    """Looks at a condition on one document."""

    document: Json
    context: Context
    parts: list[Part] = field(default_factory=list)

    def at(self, tree: Tree, depth: int, *, is_reached: bool = True) -> list[str]:
        """Note the operands; gives what makes it false, nothing when it is true or cannot be worked out."""
        match tree:
            case Both() | Either():
                return self._several(tree, depth, is_reached=is_reached)
            case _:
                part = self._part(tree, depth, is_reached=is_reached)
                self.parts.append(part)
                return [] if part.is_met or part.error else [_said(part)]

    def _several(self, tree: Both | Either, depth: int, *, is_reached: bool) -> list[str]:
        if depth:
            self.parts.append(self._part(tree, depth - 1, is_reached=is_reached))
        is_both = isinstance(tree, Both)
        blamed: list[str] = []
        for operand in _operands(tree):
            is_group = isinstance(operand, Both | Either)
            seen = self._part(operand, depth, is_reached=is_reached)
            why = self.at(operand, depth + is_group, is_reached=is_reached)
            blamed += why if is_reached else []
            is_reached = is_reached and not seen.error and seen.is_met is is_both
        return blamed if is_false(self._value(tree)[0]) else []

    def _part(self, tree: Tree, depth: int, *, is_reached: bool) -> Part:
        value, error = self._value(tree)
        operands = tuple((spelled(inner), self._value(inner)[0]) for inner in _inner(tree))
        return Part(text=spelled(tree), depth=depth, value=value, error=error, is_reached=is_reached, operands=operands)

    def _value(self, tree: Tree) -> tuple[Json, str]:
        try:
            return compiled(tree)(self.document, self.context), ""
        except Unfit as error:
            return None, str(error)
        except ODD as error:
            return None, f"it cannot be worked out ({type(error).__name__})"


def parts_of(tree: Tree, document: Json, context: Context) -> tuple[tuple[Part, ...], str]:
    """Every operand in the order it is written, and what makes the condition false, in words."""
    look = _Look(document, context)
    blamed = look.at(tree, 0)
    return tuple(look.parts), "; ".join(blamed)


def brief(value: Json) -> str:
    """The value as JSON, in what a line can take and a terminal may be shown."""
    text = cleaned(written(value))
    return text if len(text) <= MOST_VALUE else text[: MOST_VALUE - 1] + "…"


def _operands(tree: Both | Either) -> list[Tree]:
    """Those of `a && b && c`, all three."""
    kind = type(tree)
    left = _operands(tree.left) if isinstance(tree.left, kind) else [tree.left]
    right = _operands(tree.right) if isinstance(tree.right, kind) else [tree.right]
    return [*left, *right]


def _inner(tree: Tree) -> list[Tree]:
    """The paths a comparison or a call looks at; a path alone is its own value."""
    match tree:
        case Comparison(_, left, right):
            found = [left, right]
        case Call(_, arguments, _):
            found = [*arguments]
        case Not(Comparison() | Call() as body):
            return _inner(body)
        case Not(body):
            found = [body]
        case _:
            found = []
    return [one for one in found if not isinstance(one, Literal | Reference)]


def _said(part: Part) -> str:
    match part.operands:
        case ():
            return f"{part.text} is {brief(part.value)}"
        case ((_, value),):
            return f"{part.text}, and it is {brief(value)}"
        case several:
            return f"{part.text}, and " + ", ".join(f"{text} is {brief(value)}" for text, value in several)
