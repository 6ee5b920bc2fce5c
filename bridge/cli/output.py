"""How commands speak: data to stdout, talk to stderr, tables that fit, times people read, nothing that can act.

What senders and the tracker wrote is printed with its control characters escaped: a terminal obeys them.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from bridge.cli.ending import Failed
from bridge.errors import Problem, in_order
from bridge.wording.texts import clock as clock
from bridge.wording.texts import iso as iso
from bridge.wording.texts import printable as printable
from bridge.wording.texts import relative as relative
from bridge.wording.texts import span as span

#: ANSI numbers for `paint`
GREEN, RED, YELLOW, DIM, BOLD = "32", "31", "33", "2", "1"

_GAP = "  "
#: The narrowest a column is cut to.
_LEAST_WIDTH = 8


def now() -> datetime:
    """The clock of the command line."""
    return datetime.now(UTC)


def say(text: str = "") -> None:
    """Print data. Raises Failed where it cannot be written."""
    with _written():
        print(text, flush=True)


@contextmanager
def _written() -> Iterator[None]:
    """A full disk is no bug of ours. That nobody reads any more (BrokenPipeError) is for the caller."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        silence()
        raise Failed(f"the output cannot be written: {error.strerror}") from None


def silence() -> None:
    """Let what is still to be printed go nowhere: the interpreter would try again at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def talk(text: str = "") -> None:
    """Print talk: what a person wants to know and a script does not."""
    print(text, file=sys.stderr, flush=True)


def say_json(value: object) -> None:
    """Print one JSON array or object; what a terminal would act on stands in it as an escape."""
    say(_printable_lines(json.dumps(value, indent=2, ensure_ascii=False, default=str)))


def say_json_line(value: object) -> None:
    """Print one JSON object on one line, for who reads them as they come."""
    say(printable(json.dumps(value, ensure_ascii=False, default=str)))


def say_bytes(data: bytes) -> None:
    """Print data as it is; on a terminal as text on which it does not act."""
    if sys.stdout.isatty():
        say(_printable_lines(data.decode("utf-8", "replace")))
    else:
        with _written():
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()


def talk_problems(problems: Iterable[Problem]) -> None:
    """Print problems in the order a reader meets them."""
    for problem in in_order(problems):
        talk(str(problem))


def _printable_lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def width() -> int | None:
    """How wide lines may be; None when nobody looks at them but a program."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return max(40, shutil.get_terminal_size((100, 24)).columns)
    return None


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, most: int | None = None) -> str:
    """Columns under their headings; where that is too wide, the widest ones are cut."""
    cells = [[*header], *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    if most is not None:
        widths = _narrowed(widths, most - len(_GAP) * (len(widths) - 1))
    return "\n".join(
        _GAP.join(_cut(cell, size).ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def _narrowed(widths: list[int], most: int) -> list[int]:
    """Take from the widest column until the sum fits, or nothing wide is left."""
    fitting = [*widths]
    while sum(fitting) > most and max(fitting) > _LEAST_WIDTH:
        fitting[fitting.index(max(fitting))] -= 1
    return fitting


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"


def paint(text: str, colour: str) -> str:
    """The text in a colour, if there is one, where stdout is a terminal and NO_COLOR is not set."""
    is_seen = bool(colour) and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"\033[{colour}m{text}\033[0m" if is_seen else text
