"""Reading one YAML map entry by entry, collecting every problem on the way."""

from collections.abc import Collection, Sequence
from enum import Enum
from typing import TypeVar

from bridge.errors import Problem, did_you_mean
from bridge.model import Node
from bridge.sources.problems import at, is_reference

Choice = TypeVar("Choice", bound=Enum)

#: RFC 9110's characters of a header name.
_NAME = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


class Entries:
    """The entries of a map; `problems` grows as they are asked for."""

    def __init__(self, node: Node, known: Collection[str], problems: list[Problem]) -> None:
        self.node = node
        self.problems = problems
        for key, _ in node.entries:
            if key.text not in known:
                self._say(key, "unknown-key", "nothing here has this name", fix=did_you_mean(key.text, known))

    def has(self, key: str) -> bool:
        """Whether the key is written at all, whatever is under it."""
        return self.node.get(key) is not None

    def scalar(self, key: str) -> Node | None:
        """The scalar under a key; None when it is not there, or is said to be a problem."""
        value = self.node.get(key)
        return None if value is None else self._text(key, value)

    def _text(self, key: str, value: Node) -> Node | None:
        if value.kind != "scalar":
            self._say(value, "wrong-type", f"`{key}` is one text, not a {value.kind}")
            return None
        if is_empty(value):
            self._say(value, "empty-value", f"there is nothing under `{key}`", fix="write its value, or leave it out")
            return None
        if "${" in value.text and not (key == "url" and is_reference(value.text)):
            why = "only a secret and an address can; here ${NAME} would be taken as it stands"
            self._say(value, "no-variable-here", f"`{key}` cannot come from a variable", why=why)
            return None
        return value

    def choice(self, key: str, default: Choice) -> Choice:
        """One of an enum's values."""
        return self.optional(key, type(default)) or default

    def optional(self, key: str, choices: type[Choice]) -> Choice | None:
        """One of an enum's values, or None when it is not there, or is said to be a problem."""
        value = self.scalar(key)
        words: dict[str, Choice] = {choice.value: choice for choice in choices}
        if value is not None and value.text not in words:
            self._say(value, "wrong-value", f"`{key}` cannot be that", fix=f"use one of: {', '.join(words)}")
        return None if value is None else words.get(value.text)

    def header(self, key: str) -> bytes:
        """A header's name in lower case; empty when it is not there, or is said to be a problem."""
        value = self.node.get(key)
        return b"" if value is None else self._header(key, value)

    def headers(self, key: str) -> tuple[bytes, ...]:
        """One header's name or a list of them; empty when there is none, or one is said to be a problem."""
        value = self.node.get(key)
        if value is None:
            return ()
        if value.kind == "list" and not value.items:
            self._say(value, "empty-value", f"there is nothing under `{key}`", fix="name the header")
        names = tuple(self._header(key, one) for one in (value.items if value.kind == "list" else (value,)))
        return names if all(names) else ()

    def _header(self, key: str, value: Node) -> bytes:
        written = self._text(key, value)
        if written is None:
            return b""
        name = written.text.lower()
        if not _NAME.issuperset(name):
            why = "letters, digits and hyphens, without a colon"
            self._say(value, "wrong-value", "no header can have that name", why=why)
            return b""
        return name.encode("ascii")

    def number(self, key: str, default: int, *, most: int) -> int:
        """A whole number from 1 to `most`."""
        value = self.scalar(key)
        if value is None:
            return default
        digits = value.text
        if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(most)) and 1 <= int(digits) <= most):
            self._say(value, "wrong-value", f"`{key}` is a whole number of seconds", fix=f"use 1 to {most}")
            return default
        return int(digits)

    def inner(self, key: str, known: Sequence[str]) -> "Entries | None":
        """The map under a key."""
        value = self.node.get(key)
        if value is None:
            return None
        if value.kind != "map":
            fix = f"write {key}: {{{known[0]}: …}}"
            self._say(value, "wrong-type", f"`{key}` is a map of: {', '.join(known)}", fix=fix)
            return None
        return Entries(value, known, self.problems)

    def _say(self, node: Node, code: str, what: str, *, why: str = "", fix: str = "") -> None:
        self.problems.append(at(node, code, what, why=why, fix=fix))


def is_empty(node: Node) -> bool:
    """A scalar that says nothing: no text, or YAML's null."""
    return not node.text.strip() or (node.plain and node.text in ("null", "Null", "NULL", "~"))
