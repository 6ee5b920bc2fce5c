"""`redact:`: what of a body is never kept. Rules see the real values; what is stored has "[redacted]" in their stead.

A path is read at load. Where a document is not as the path expects, rather too much is replaced than too little: a
name looks into every item of a list, `[]` accepts what is no list, and text that holds JSON is opened.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Final, TypeAlias

from bridge.errors import Problem
from bridge.mapping.reader import Reader
from bridge.model import Json, Node

REDACTED: Final = "[redacted]"

#: A name, or None for every item of a list.
_Step: TypeAlias = str | None
_Path: TypeAlias = tuple[_Step, ...]
_Paths: TypeAlias = Sequence[_Path]

#: Takes a secret out of bytes that are to be kept.
Hide: TypeAlias = Callable[[bytes], bytes]

_FIRST: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_NEXT: Final = _FIRST | frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class Redaction:
    """Which values of a body are not kept."""

    paths: _Paths

    def of(self, document: Json) -> Json:
        """The document without them; the given one is left as it is."""
        return _without(document, self.paths)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a webhook's body when that is not the body itself."""

    body: bytes
    #: the document as the event's id, type and account may see it: they are kept, logged and answered with
    document: Json
    is_json: bool
    hide: Hide

    def betrays(self, text: str) -> bool:
        """Whether this text holds something that is not to be kept."""
        return REDACTED.encode() in self.hide(text.encode(errors="replace"))


def kept_of(redaction: Redaction | None, body: bytes, document: Json, hide: Hide | None) -> Kept | None:
    """What is kept of a body: without what a mapping redacts and what `hide` takes out. None: the body as it is."""
    if redaction is None:
        return None if hide is None else Kept(hide(body), document, is_json=False, hide=hide)
    hide = hide or _as_it_is
    redacted = redaction.of(document)
    return Kept(hide(_encoded(redacted)), redacted, is_json=True, hide=hide)


def kept_unread(redaction: Redaction | None, body: bytes, hide: Hide | None) -> Kept | None:
    """The same for a body that cannot be read: nobody knows where in it the paths lead, so all of it is redacted."""
    if redaction is not None:
        return Kept(REDACTED.encode(), None, is_json=False, hide=hide or _as_it_is)
    return None if hide is None else Kept(hide(body), None, is_json=False, hide=hide)


def _as_it_is(kept: bytes) -> bytes:
    return kept


# ── at load ──────────────────────────────────────────────────────────────────────────────────────────────────────


def redaction_of(node: Node | None, reader: Reader) -> Redaction | None:
    """Read `redact:`; what is no path is noted."""
    if node is None or reader.is_lost(node):
        return None
    reader.texts(node, "redact")
    nodes = (node,) if node.kind == "scalar" else node.items
    scalars = [item for item in nodes if item.kind == "scalar" and item.text.strip() and not reader.is_lost(item)]
    paths = [_path(item, reader) for item in scalars]
    return Redaction(tuple(dict.fromkeys(path for path in paths if path)))


def _path(node: Node, reader: Reader) -> _Path:
    text = node.text.strip()
    steps: list[_Step] = []
    at = 0
    while at < len(text):
        wants_name = not steps or text[at] == "."
        at += bool(steps) and text[at] == "."
        if text.startswith("[]", at) and not (steps and wants_name):
            steps.append(None)
            at += 2
            continue
        name, end = _name(text, at) if wants_name else ("", at)
        if end == at:
            reader.problems.append(_no_path(node, text, at))
            return ()
        steps.append(name)
        at = end
    return tuple(steps)


def _name(text: str, at: int) -> tuple[str, int]:
    """The name that begins here and where it ends; it ends where it begins when there is none."""
    if text.startswith('"', at):
        try:
            name, end = json.JSONDecoder().raw_decode(text, at)
        except ValueError:
            return "", at
        return str(name), end
    end = at
    while end < len(text) and text[end] in (_NEXT if end > at else _FIRST):
        end += 1
    return text[at:end], end


def _no_path(node: Node, text: str, at: int) -> Problem:
    odd = text[at : at + 1]
    return Problem(
        code="redact-path",
        what=f'this is no path: unexpected "{odd}"' if odd else "this path ends too early",
        place=node.place,
        why="a path is names joined by dots, with [] for every item of a list: data.items[].email",
        fix="a name with other characters stands in double quotes, and the whole path in single ones: '\"odd-name\".x'",
        expression=text,
        offset=at,
    )


# ── for each webhook ─────────────────────────────────────────────────────────────────────────────────────────────


def _without(value: Json, paths: _Paths) -> Json:
    if isinstance(value, list):
        if () in paths:
            return REDACTED
        inner = [path[1:] if path[0] is None else path for path in paths]
        return [_without(item, inner) for item in value]
    names = [_from_name(path) for path in paths]
    if () in names:
        return REDACTED
    if isinstance(value, dict):
        below: dict[str, list[_Path]] = {}
        for name, *rest in names:
            below.setdefault(str(name), []).append(tuple(rest))
        return {name: _without(inner, below[name]) if name in below else inner for name, inner in value.items()}
    return _without_inside(value, names) if isinstance(value, str) else value


def _from_name(path: _Path) -> _Path:
    """The path from its next name on."""
    while path and path[0] is None:
        path = path[1:]
    return path


def _without_inside(text: str, paths: _Paths) -> str:
    """The same for text that holds JSON, as senders of forms like it; all of it goes when it cannot be read."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        inner: Json = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
        redacted = _without(inner, paths)
        return text if redacted == inner else _text(redacted)
    except (ValueError, InvalidOperation, RecursionError):
        return REDACTED


def _no_constant(name: str) -> Json:
    raise ValueError(name)


def _encoded(document: Json) -> bytes:
    text = _text(document)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a pair, which JSON can only say escaped
        return "".join(char if char < "\ud800" or char > "\udfff" else f"\\u{ord(char):04x}" for char in text).encode()


def _text(value: Json) -> str:
    """A document as JSON, its numbers exact."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return encode_basestring(value)
        case list():
            return f"[{','.join(map(_text, value))}]"
        case dict():
            return f"{{{','.join([f'{encode_basestring(name)}:{_text(inner)}' for name, inner in value.items()])}}}"
        case _:
            return str(value)
