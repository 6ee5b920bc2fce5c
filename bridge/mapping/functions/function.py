"""What a function of the language is, and how most of ours are made: null in, null out; a wrong type is an `Unfit`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.mapping.values import NO_TEXT, Unfit, digits_of, kind_of
from bridge.model import Json

#: jmespath's names of the types that count as text.
TEXT: Final = ("string", "number", "null")
LIST: Final = ("array", "null")
NAME: Final = ("string", "number")
ANY: Final[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: what it takes, what it gives, and how it is called."""

    name: str
    #: for each argument jmespath's names of the types it may have; empty for any
    parameters: tuple[tuple[str, ...], ...]
    #: jmespath's names of the types it may give; None when that depends
    returns: frozenset[str] | None
    call: Callable[..., Json]
    #: the last argument may be repeated
    is_variadic: bool = False
    #: its first argument is the context, and the others are names written out in the mapping
    asks_context: bool = False
    is_standard: bool = False
    #: says of an argument that is written out, by its number from 0, what is wrong with it; empty for nothing
    check: Callable[[int, Json], str] | None = None

    @property
    def usage(self) -> str:
        """How many arguments it takes, in words."""
        count = len(self.parameters)
        word = "argument" if count == 1 else "arguments"
        return f"at least {count} {word}" if self.is_variadic else f"{count or 'no'} {word}"


def kinds(*names: str) -> frozenset[str]:
    """Types a function may give; null goes without saying."""
    return frozenset((*names, "null"))


def text_of_argument(name: str, value: Json) -> str:
    """An argument as text; a number gives its digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, NO_TEXT) or value is None:
        raise Unfit(f"{name}() wants text, got {kind_of(value)}")
    return digits_of(value)


def list_of_argument(name: str, value: Json) -> list[Json]:
    """An argument as a list."""
    if not isinstance(value, list):
        raise Unfit(f"{name}() wants a list, got {kind_of(value)}")
    return value


def of_texts(name: str, change: Callable[..., Json], count: int = 1, returns: str = "string") -> Function:
    """A function of `count` texts: null when the first is null."""

    def call(text: Json, *others: Json) -> Json:
        if text is None:
            return None
        return change(text_of_argument(name, text), *[text_of_argument(name, other) for other in others])

    wanted = (TEXT, *[NAME] * (count - 1))
    return Function(name=name, parameters=wanted, returns=kinds(returns) if returns else None, call=call)
