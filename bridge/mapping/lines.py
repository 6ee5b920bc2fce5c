"""The lines of one mapping file: places to point at, and the value that stands on a line.

A line that may hold a literal secret is never shown: its places carry no text and no suggestion repeats it.
"""

import re
from dataclasses import dataclass

from bridge.errors import Place

#: A longer line is not shown above a caret: nobody would find the place in it.
MOST_SHOWN = 400

#: What ends a line for YAML. `splitlines` has more of them, control characters that YAML refuses as such.
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What stands on one line: `key: value`, or a list's `- value` (then the key is empty)."""

    key: str
    value: str
    #: of the value, from 1
    column: int


def split_lines(text: str) -> list[str]:
    """The text's lines as YAML counts them, without their ends."""
    lines = _BREAK.split(text)
    return lines if lines[-1] else lines[:-1]


class Lines:
    """One file's text by lines, numbered from 1."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines = split_lines(text)
        self._private = _private(self.lines)

    def text(self, line: int) -> str:
        """The line as written, or nothing when there is none."""
        return self.lines[line - 1] if 0 < line <= len(self.lines) else ""

    def is_private(self, line: int) -> bool:
        """Whether the line may hold a secret."""
        return line in self._private

    def place(self, line: int, column: int) -> Place:
        """Point at a line and column, both from 1."""
        return Place(file=self.file, line=line, column=column, text=self._shown(line))

    def _shown(self, line: int) -> str:
        text = self.text(line)
        if self.is_private(line) or len(text) > MOST_SHOWN:
            return ""
        if text.isprintable():
            return text
        return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in text)

    def entry(self, line: int) -> Entry | None:
        """The value on this line with the key before it; None where the line holds no value."""
        return entry_of(self.text(line))

    def quoted(self, line: int) -> str:
        """The line's entry with its value in single quotes, for a suggestion; empty where it must not be shown."""
        entry = self.entry(line)
        if entry is None or not self._shown(line):
            return ""
        value = single_quoted(meant(entry.value))
        return f"{entry.key}: {value}" if entry.key else value


def meant(value: str) -> str:
    """A value whose quotes end too early (`'status == 'paid''`), without those around it; any other as it is."""
    quote = value[:1]
    if quote not in ("'", '"') or len(value) < 3 or value[-1] != quote:
        return value
    behind = value.find(quote, 1) + 1
    return value[1:-1] if value[behind : behind + 1].isalnum() else value


def single_quoted(text: str) -> str:
    """The text as a YAML single-quoted scalar."""
    return "'" + text.replace("'", "''") + "'"


def entry_of(text: str) -> Entry | None:
    """Find the value of a block line: behind `key: `, else behind the dashes."""
    start = len(text) - len(text.lstrip(" "))
    while text.startswith("- ", start):
        start += 2
        start += len(text[start:]) - len(text[start:].lstrip(" "))
    colon = text.find(": ", start)
    key = text[start:colon] if colon >= 0 and _is_key(text[start:colon]) else ""
    if key:
        start = colon + 2
        start += len(text[start:]) - len(text[start:].lstrip(" \t"))
    value = _without_comment(text[start:])
    if not value or (not key and value.endswith(":")):
        return None
    return Entry(key=key, value=value, column=start + 1)


def _is_key(text: str) -> bool:
    return bool(text) and all(char.isalnum() or char in "_-." for char in text)


def _without_comment(value: str) -> str:
    """Cut ` # …`, unless it stands inside quotes of any kind (an expression's, too)."""
    closing = ""
    for at, char in enumerate(value):
        if closing:
            closing = "" if char == closing else closing
        elif char in "'\"`":
            closing = char
        elif char == "#" and value[:at].endswith((" ", "\t")):
            return value[:at].rstrip()
    return value.rstrip()


def _private(lines: list[str]) -> frozenset[int]:
    """Lines where a secret may stand: `secret: …` unless it is a variable, and what is indented below it."""
    found: set[int] = set()
    below: int | None = None
    for number, line in enumerate(lines, start=1):
        stripped = line.lstrip(" \t")
        indent = len(line) - len(stripped)
        if below is not None and stripped and (indent > below or (indent == below and stripped.startswith("-"))):
            if not _is_variable(stripped.lstrip("- ")):
                found.add(number)
            continue
        if stripped:
            below = None
        name, colon, rest = line.partition("secret")
        if not colon or not rest.lstrip("'\" ").startswith(":"):
            continue
        if not _is_variable(rest.lstrip("'\" :")):
            found.add(number)
        below = len(name) - len(name.lstrip(" "))
    return frozenset(found)


def _is_variable(text: str) -> bool:
    """Nothing, a comment, or `${NAME}`: safe to show."""
    value = _without_comment(text.strip()).strip("'\"[]{}, ")
    return not value or text.lstrip().startswith("#") or value.startswith("${")
