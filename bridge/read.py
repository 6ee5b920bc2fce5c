"""Proven bytes → one document: JSON or a URL-encoded form, within limits.

Refuses what is not UTF-8, not JSON by the book (NaN included), compressed, multipart, too deep or too large — as a
value that says why, never as an exception. Numbers stay exact: integers as int, all others as Decimal.
A lone surrogate (`\\ud800`) is let in; the store replaces it.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from json import JSONDecodeError, JSONDecoder
from typing import TypeAlias
from urllib.parse import parse_qsl

from bridge.model import Json, Verified, Webhook

MOST_DEPTH = 64
MOST_NODES = 100_000
#: A number outside 1e±400 is beyond every double, and expanding one could take all memory.
_MOST_MAGNITUDE = 400

_TOO_DEEP = f"too deep (more than {MOST_DEPTH} levels)"
_TOO_LARGE = f"too large (more than {MOST_NODES:,} values)"
_OUT_OF_BOUNDS = "a number out of all bounds"

_Form: TypeAlias = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Document:
    """What the body says."""

    value: Json


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why the body is no document, in words that hold nothing of it."""

    why: str


class _UnreadableError(ValueError):
    """Carries a reason out of the decoder's callbacks."""


def read(verified: Verified) -> Document | Unreadable:
    """Read the body as its content type says; what begins like JSON is read as JSON whatever the type says."""
    webhook = verified.webhook
    body = webhook.body
    if any(encoding.strip().lower() not in (b"", b"identity") for encoding in webhook.header(b"content-encoding")):
        return Unreadable("compressed body")
    if not body or body.isspace():
        return Unreadable("empty")
    kind = _content_type(webhook)
    if kind.startswith(b"multipart/"):
        return Unreadable("multipart is not read: let the sender use JSON or a URL-encoded form")
    try:
        return Document(_value(body, kind))
    except UnicodeDecodeError:
        return Unreadable("not UTF-8")
    except JSONDecodeError as error:
        what = error.msg.rstrip(": ").removesuffix(" at")
        return Unreadable(f"not JSON: {what} at line {error.lineno}, column {error.colno}")
    except _UnreadableError as error:
        return Unreadable(str(error))
    except RecursionError:
        return Unreadable(_TOO_DEEP)
    except ValueError:  # Python's own guard against integers of thousands of digits
        return Unreadable("a number with too many digits")


def _content_type(webhook: Webhook) -> bytes:
    for value in webhook.header(b"content-type"):
        return value.partition(b";")[0].strip().lower()
    return b""


def _value(body: bytes, kind: bytes) -> Json:
    text = body.decode().removeprefix("\ufeff").strip()
    if text.startswith(("{", "[")) or kind.endswith((b"/json", b"+json")):
        value: Json = _DECODER.decode(text)
        # every container has its bracket, and every value but the first of each its comma: most bodies need no walk
        brackets = body.count(b"{") + body.count(b"[")
        if brackets > MOST_DEPTH or (len(body) > MOST_NODES and brackets + body.count(b",") >= MOST_NODES):
            _refuse_excess(value)
        return value
    if kind == b"application/x-www-form-urlencoded":
        form = _form(text)
        _refuse_excess(form)
        return form
    raise _UnreadableError("neither JSON nor a URL-encoded form")


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _UnreadableError(_OUT_OF_BOUNDS) from None
    if abs(number.adjusted()) > _MOST_MAGNITUDE or len(text) > 2 * _MOST_MAGNITUDE:
        raise _UnreadableError(_OUT_OF_BOUNDS)
    return number


def _no_constant(word: str) -> Json:
    raise _UnreadableError(f"not JSON: {word} is not a number")


_DECODER = JSONDecoder(parse_float=_decimal, parse_constant=_no_constant)


def _refuse_excess(value: Json) -> None:
    """Walk the containers level by level, so that depth costs no stack."""
    level: list[list[Json] | dict[str, Json]] = [value] if isinstance(value, dict | list) else []
    nodes = 1
    for _ in range(MOST_DEPTH):
        nodes += sum(map(len, level))
        if nodes > MOST_NODES:
            raise _UnreadableError(_TOO_LARGE)
        level = [
            child
            for container in level
            for child in (container.values() if type(container) is dict else container)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise _UnreadableError(_TOO_DEEP)


def _form(text: str) -> _Form:
    """Read `a=1&b[c]=2&d[]=3`: values are text, a repeated name and `d[]` are lists, other brackets nest."""
    if text.count("&") >= MOST_NODES:
        raise _UnreadableError(_TOO_LARGE)
    form: _Form = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="strict"):
        *outer, last = _path(name.removesuffix("[]"))
        parent = _descend(form, outer)
        if parent is None:  # an outer name is a value elsewhere: keep both, this one under its name as written
            parent, last = form, name
        _put(parent, last, value, repeats=name.endswith("[]"))
    return form


def _path(name: str) -> list[str]:
    """Split `a[b][c]` into its keys; a name whose brackets do not pair is one key, as written."""
    head, _, rest = name.partition("[")
    keys = rest.removesuffix("]").split("][")
    well_formed = head and rest.endswith("]") and all(key and "[" not in key and "]" not in key for key in keys)
    return [head, *keys] if well_formed else [name]


def _descend(form: _Form, keys: list[str]) -> _Form | None:
    for key in keys:
        child = form.setdefault(key, {})
        if not isinstance(child, dict):
            return None
        form = child
    return form


def _put(parent: _Form, key: str, value: str, *, repeats: bool) -> None:
    present = parent.get(key)
    if isinstance(present, list):
        present.append(value)
    elif present is None:
        parent[key] = [value] if repeats else value
    else:
        parent[key] = [present, value]
