"""How deep and how large a document may be, and how a reader says that there is none."""

from typing import Final

from bridge.model import Json

MOST_DEPTH: Final = 64
MOST_NODES: Final = 100_000

TOO_DEEP: Final = f"too deep (more than {MOST_DEPTH} levels)"
TOO_LARGE: Final = f"too large (more than {MOST_NODES:,} values)"


class UnreadableError(ValueError):
    """Carries the reason out of a reader, in words that hold nothing of the body."""


def refuse_excess(value: Json) -> None:
    """Raise UnreadableError for what is too deep or too large. Level by level, so that depth costs no stack."""
    level: list[list[Json] | dict[str, Json]] = [value] if isinstance(value, dict | list) else []
    nodes = 1
    for _ in range(MOST_DEPTH):
        nodes += sum(map(len, level))
        if nodes > MOST_NODES:
            raise UnreadableError(TOO_LARGE)
        level = [
            child
            for container in level
            for child in (container.values() if type(container) is dict else container)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise UnreadableError(TOO_DEEP)
