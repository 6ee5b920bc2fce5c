"""Sample webhooks: a file's content becomes a Webhook, gets an id of its own, gets its source's proof.

The file is the body as it came, or a JSON object of `headers`, `query` and `body` where those matter. Pure:
the time and what makes an id new are arguments.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from bridge import sources
from bridge.intake import understand
from bridge.library import Source
from bridge.model import Json, Webhook
from bridge.sources import Verifier

#: What marks a webhook as a sample: recorded, never sent on. Honoured behind the proof only.
SAMPLE_MARK = (b"trackbridge-test", b"1")

_CONTENT_TYPE = b"content-type"
#: What an expression reads: headers, and names wherever they stand in it.
_HEADER = re.compile(r"""\bheader\(\s*'([^']+)'""")
_NAME = re.compile(r"[A-Za-z_]\w*")
#: Names that speak of an id are tried before others, such as those of times.
_ID = re.compile(r"(?i)id$|^id|uri$|key$|token$")
#: Any item of a list, in a path.
_ITEM = "[]"


def webhook_of(data: bytes, source: str, now: datetime) -> Webhook:
    """The webhook that a file's content stands for, as if it had just come."""
    try:
        parsed: Json = json.loads(data)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError too
        # what begins like JSON is JSON that is broken
        kind = b"application/json" if data.lstrip()[:1] in (b"{", b"[") else b"application/x-www-form-urlencoded"
        return _webhook(source, data, {}, kind, now)
    if (
        isinstance(parsed, dict)
        and parsed.keys() <= {"headers", "query", "body"}
        and "body" in parsed
        and len(parsed) > 1
    ):
        body = parsed["body"]
        if isinstance(body, str):
            return _webhook(source, body.encode(), parsed, b"application/x-www-form-urlencoded", now)
        return _webhook(source, json.dumps(body).encode(), parsed, b"application/json", now)
    return _webhook(source, data, {}, b"application/json", now)


def with_new_id(webhook: Webhook, source: Source, suffix: str) -> Webhook:
    """The same under another event id, and otherwise with the same meaning; as it is where that cannot be had."""
    expression = source.mapping.event.id
    if expression is None:
        return webhook
    keys, rest = _meant(webhook, source)
    for changed in _variants(webhook, expression.text, suffix):
        other_keys, other_rest = _meant(changed, source)
        if rest == other_rest and keys.isdisjoint(other_keys):
            return changed
    return webhook


def _meant(webhook: Webhook, source: Source) -> tuple[set[str], list[object]]:
    """What a webhook's events are known by, and what else they mean."""
    meanings = understand(source.mapping, sources.sample(webhook))
    rest: list[object] = [
        (one.event.type, one.event.occurred_at, one.state, [conversion.rule for conversion in one.conversions])
        for one in meanings
    ]
    return {one.event.key for one in meanings}, rest


def _variants(webhook: Webhook, expression: str, suffix: str) -> Iterator[Webhook]:
    """The webhook with one value changed that the expression may read: headers, then what is called by its names."""
    for name in _HEADER.findall(expression):
        wanted = name.lower().encode()
        changed = [(key, value + b"_" + suffix.encode() if key == wanted else value) for key, value in webhook.headers]
        yield replace(webhook, headers=tuple(changed))
    try:
        document: Json = json.loads(webhook.body)
    except (ValueError, RecursionError):
        yield from _forms(webhook, _NAME.findall(expression), suffix)
        return
    named = dict.fromkeys(path for path in _leaves(document) if path and path[-1] in _NAME.findall(expression))
    for path in sorted(named, key=lambda path: not _ID.search(str(path[-1]))):
        yield replace(webhook, body=json.dumps(_changed(document, path, suffix), indent=2).encode())


def _forms(webhook: Webhook, names: Sequence[str], suffix: str) -> Iterator[Webhook]:
    """The same of a form."""
    kind = next(iter(webhook.header(_CONTENT_TYPE)), b"")
    if not kind.lower().startswith(b"application/x-www-form-urlencoded"):
        return
    pairs = parse_qsl(webhook.body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    for name in dict.fromkeys(key for key, _ in pairs if key in names):
        changed = [(key, f"{value}_{suffix}" if key == name else value) for key, value in pairs]
        yield replace(webhook, body=urlencode(changed, encoding="latin-1").encode())


def _leaves(value: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where texts and numbers stand; all items of a list are one place."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, (*path, _ITEM))
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield path


def _changed(value: Json, path: tuple[str, ...], suffix: str) -> Json:
    """The document with what stands at that place made another."""
    if isinstance(value, dict) and path and path[0] in value:
        return {**value, path[0]: _changed(value[path[0]], path[1:], suffix)}
    if isinstance(value, list) and path and path[0] == _ITEM:
        return [_changed(item, path[1:], suffix) for item in value]
    if path or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value + int.from_bytes(suffix.encode()) % 1_000_000_007
    return f"{value}_{suffix}" if isinstance(value, str) else value


def signed(webhook: Webhook, verifier: Verifier, now: datetime, suffix: str) -> Webhook:
    """The webhook with its source's proof; a scheme that signs an id gets a new one."""
    return verifier.sign(webhook, now, event_id=f"msg_{suffix}")


def _webhook(source: str, body: bytes, around: dict[str, Json], kind: bytes, now: datetime) -> Webhook:
    """Say what kind of body it is where the headers do not."""
    headers = tuple(_headers(around.get("headers")))
    if _CONTENT_TYPE not in dict(headers):
        headers = (*headers, (_CONTENT_TYPE, kind))
    return Webhook(source=source, headers=headers, query=_query(around.get("query")), body=body, received_at=now)


def _headers(given: Json) -> Iterator[tuple[bytes, bytes]]:
    for name, value in given.items() if isinstance(given, dict) else ():
        for one in value if isinstance(value, list) else [value]:
            yield name.lower().encode("latin-1", "replace"), str(one).encode("latin-1", "replace")


def _query(given: Json) -> bytes:
    return urlencode(given, doseq=True).encode() if isinstance(given, dict) else str(given or "").encode()
