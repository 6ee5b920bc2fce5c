"""Values as YAML text: plain where YAML leaves them as they are, else in double quotes."""

import json

from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

from bridge.model import Json

#: Besides letters and digits, what may stand in a plain value anywhere but at its beginning.
_INSIDE = frozenset(" _./+@:-()'")
_FIRST = frozenset("_/.")

_STR = "tag:yaml.org,2002:str"


def scalar(value: Json) -> str:
    """One value: text, a whole number, or null."""
    if value is None:
        return "null"
    return text(value) if isinstance(value, str) else str(value)


def text(value: str) -> str:
    """A text, plain where YAML and editors would read it as the same text."""
    if _is_plain(value):
        return value
    return "".join(char if char.isprintable() else _escape(char) for char in json.dumps(value, ensure_ascii=False))


def flow(entries: dict[str, Json]) -> str:
    """A map on one line."""
    return "{" + ", ".join(f"{key}: {scalar(value)}" for key, value in entries.items()) + "}"


def block(entries: dict[str, Json], indent: int) -> list[str]:
    """A list's item that is a map, one line for each entry; the dash stands at `indent`."""
    lines = [f"{key}: {scalar(value)}" for key, value in entries.items()]
    return [" " * indent + ("- " if number == 0 else "  ") + line for number, line in enumerate(lines)]


def _escape(char: str) -> str:
    return f"\\U{ord(char):08x}" if ord(char) > 0xFFFF else f"\\u{ord(char):04x}"


def _is_plain(value: str) -> bool:
    if not value or value != value.strip() or ": " in value or value.endswith(":"):
        return False
    if not (value[0].isalnum() or value[0] in _FIRST):
        return False
    if not all(char.isalnum() or char in _INSIDE for char in value):
        return False
    kind: str = Resolver().resolve(ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    return kind == _STR
