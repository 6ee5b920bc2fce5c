"""Listings that fit where they are read: columns are left out, then cut, until a line fits; piped, nothing is cut.

Widths are those of a terminal, where an ideograph takes two cells. What senders wrote is escaped before it is measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from unicodedata import combining, east_asian_width

from bridge.cli.output import paint, printable

_GAP: Final = "  "
_CUT: Final = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its cells, and what becomes of it where there is no room."""

    name: str
    cells: Sequence[str] = field(repr=False)
    #: it may be cut down to this; None: never cut
    least: int | None = None
    #: cut before the others, the greatest first
    yields: int = 0
    #: so much says enough, where the question is whether there is room for a spare one beside it
    enough: int | None = None
    #: left out before others are cut, the greatest first; 0: never
    spare: int = 0
    #: left out when cutting is not enough, the greatest first; 0: never
    last: int = 0
    #: cut in the middle, where both ends say something
    keeps_end: bool = False
    #: the colour of each cell; empty for none
    colours: Sequence[str] = ()

    @property
    def natural(self) -> int:
        """The width it takes uncut."""
        return max(cells_of(text) for text in (self.name, *self.cells))


def told(columns: Sequence[Column], most: int | None) -> str:
    """The listing, its header first; no line is wider than `most`."""
    shown = [replace(column, cells=[printable(cell) for cell in column.cells]) for column in columns]
    widths = [column.natural for column in shown]
    if most is not None:
        shown = _thinned(shown, most, lambda column: column.spare, _enough)
        shown = _thinned(shown, most, lambda column: column.last, _least)
        widths = _narrowed(shown, most - len(_GAP) * (len(shown) - 1))
    lines = [_line([(_padded(column, column.name, width), "") for column, width in zip(shown, widths, strict=True)])]
    for number in range(len(shown[0].cells)):
        parts = [
            (_padded(column, column.cells[number], width), column.colours[number] if column.colours else "")
            for column, width in zip(shown, widths, strict=True)
        ]
        lines.append(_line(parts))
    return "\n".join(lines)


def _enough(column: Column) -> int:
    return column.natural if column.enough is None else min(column.enough, column.natural)


def _least(column: Column) -> int:
    return column.natural if column.least is None else min(column.least, column.natural)


def _thinned(
    columns: Sequence[Column], most: int, rank: Callable[[Column], int], width: Callable[[Column], int]
) -> list[Column]:
    """The columns without those that can go, one after the other, until the rest has room."""
    left = list(columns)
    for column in sorted((column for column in columns if rank(column)), key=rank, reverse=True):
        if sum(map(width, left)) + len(_GAP) * (len(left) - 1) <= most:
            break
        left.remove(column)
    return left


def _narrowed(columns: Sequence[Column], most: int) -> list[int]:
    """Take from what has more than enough, then from what yields, then from the widest, until the sum fits."""
    widths = [column.natural for column in columns]

    def rank(number: int) -> tuple[bool, int, int]:
        return widths[number] > _enough(columns[number]), columns[number].yields, widths[number]

    while sum(widths) > most:
        cuttable = [number for number, column in enumerate(columns) if widths[number] > _least(column)]
        if not cuttable:
            break
        widths[max(cuttable, key=rank)] -= 1
    return widths


def _padded(column: Column, text: str, width: int) -> str:
    cut = fit(text, width, keeps_end=column.keeps_end)
    return cut + " " * (width - cells_of(cut))


def _line(parts: Sequence[tuple[str, str]]) -> str:
    """Cells beside each other, coloured without their padding, nothing behind the last."""
    *others, (last, colour) = parts
    painted = [_painted(text, its) for text, its in [*others, (last.rstrip(), colour)]]
    return _GAP.join(painted).rstrip()


def _painted(text: str, colour: str) -> str:
    bare = text.rstrip()
    return paint(bare, colour) + text[len(bare) :] if colour and bare else text


def fit(text: str, width: int, *, keeps_end: bool = False) -> str:
    """The text in so many cells at most, with a mark where it was cut."""
    if cells_of(text) <= width:
        return text
    tail = _taken(text[::-1], (width - 1) // 2)[::-1] if keeps_end else ""
    return _taken(text, width - 1 - cells_of(tail)) + _CUT + tail


def _taken(text: str, width: int) -> str:
    """As much of the beginning as has room in these cells."""
    taken = ""
    for char in text:
        if cells_of(taken) + cells_of(char) > width:
            break
        taken += char
    return taken


def cells_of(text: str) -> int:
    """How many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
