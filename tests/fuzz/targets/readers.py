"""Any bytes as any kind of body: a document within the limits or a reason, and what is read can be written again."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from bridge.model import Json, Verified, Webhook
from bridge.read import MOST_DEPTH, MOST_NODES, Document, read
from bridge.read.form import decode_form
from tests.fuzz.feed import Feed

_TYPES = (
    b"application/json",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b'multipart/form-data; charset=utf-8; boundary="a b"',
    b"text/plain",
)
_NOW = datetime(2026, 2, 3, tzinfo=UTC)
_PART = b'--x\r\nContent-Disposition: form-data; name="a[b]"\r\n\r\n1\r\n'
_SEEDS = (
    b'\x00{"a": [1, 2.50, -0.0, 1e5, "\\ud83d\\ude00", null, {"b": true}], "a": {}}',
    b"\x01a=1&a=2&b[c][d]=%C3%AB&e[]=&f+g=h",
    b"\x02" + _PART * 2 + b"--x--\r\n",
    b'\x02--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x--',
    b"\x03--a b\r\nContent-Disposition: form-data; name=_charset_\r\n\r\nutf-8\r\n--a b--\r\n",
    b"\x04[[[[[[[[1]]]]]]]]",
)


def seeds() -> list[bytes]:
    """One body of each kind."""
    return [*_SEEDS]


def check(data: bytes) -> None:
    """Read it; a document is small, exact, and comes back the same by way of JSON."""
    feed = Feed(data)
    kind, body = feed.pick(_TYPES), feed.rest()
    webhook = Webhook(source="fuzzed", headers=((b"content-type", kind),), body=body, received_at=_NOW)
    result = read(Verified(webhook=webhook, by="token 1"))
    if not isinstance(result, Document):
        assert result.why
        assert len(result.why) < 200
        return
    _check_size(result.value)
    again = json.dumps(_plain(result.value)).encode()
    same = read(Verified(webhook=Webhook(source="fuzzed", body=again, received_at=_NOW), by="token 1"))
    assert not isinstance(result.value, dict | list) or same == Document(_plain(result.value))
    if kind == _TYPES[1] and not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        assert result.value == decode_form(body.decode().removeprefix("\ufeff").strip())


def _plain(value: Json) -> Json:
    """Decimals as text, which JSON can say exactly."""
    match value:
        case Decimal():
            return str(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value


def _check_size(value: Json) -> None:
    level, depth, nodes = [value], 0, 0
    while level:
        nodes += len(level)
        depth += any(isinstance(item, dict | list) for item in level)
        assert not any(isinstance(item, float) for item in level)
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    assert depth <= MOST_DEPTH
    assert nodes <= MOST_NODES + 1
