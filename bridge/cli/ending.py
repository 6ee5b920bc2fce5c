"""How a command ends: its exit codes, and the one exception that means "the work failed, and this is why"."""

from collections.abc import Iterable
from enum import IntEnum

from bridge.errors import BridgeError, Problem, in_order


class Exit(IntEnum):
    """Exit codes; scripts rely on them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_STARTED = 3
    INTERRUPTED = 130


class Failed(BridgeError):
    """The command could not do its work; the text says why and what to do."""


def failed(problems: Iterable[Problem]) -> Failed:
    """The failure that these problems are."""
    return Failed("\n".join(str(problem) for problem in in_order(problems)))
