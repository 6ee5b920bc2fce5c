"""Sample webhooks: a file's content becomes a Webhook, gets an id of its own, gets its source's proof.

The file is the body as it came, or a JSON object of `headers`, `query` and `body` where those matter. Pure:
the time and what makes an id new are arguments.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode

from bridge.library import Source
from bridge.model import Json, Webhook
from bridge.sources import Verifier

#: What marks a webhook as a sample: recorded, never sent on. Honoured behind the proof only.
SAMPLE_MARK = (b"trackbridge-test", b"1")

_CONTENT_TYPE = b"content-type"
_PLAIN_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def webhook_of(data: bytes, source: str, now: datetime) -> Webhook:
    """The webhook that a file's content stands for, as if it had just come."""
    try:
        parsed: Json = json.loads(data)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError too
        return _webhook(source, data, {}, b"application/x-www-form-urlencoded", now)
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
    """The same with another event id, where the mapping reads the id straight from the body."""
    expression = source.mapping.event.id
    if expression is None or not _PLAIN_PATH.fullmatch(expression.text):
        return webhook
    try:
        document: Json = json.loads(webhook.body)
    except ValueError:
        return webhook
    *outer, last = expression.text.split(".")
    holder = document
    for key in outer:
        holder = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or not isinstance(holder.get(last), str):
        return webhook
    holder[last] = f"{holder[last]}_{suffix}"
    return replace(webhook, body=json.dumps(document, indent=2).encode())


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
