"""A file with a webhook in it → a Webhook: examples of mappings, payloads that somebody saved.

The file is the body as it came, or a JSON object of `headers`, `query` and `body` where those matter.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from bridge.cli import output
from bridge.cli.ending import Failed
from bridge.library import Source
from bridge.mapping import Example
from bridge.model import Json, Webhook

_CONTENT_TYPE = b"content-type"


def read_payload(path: str, source: str) -> Webhook:
    """The webhook in this file (`-`: stdin), as if it had just come. Raises Failed when it cannot be read."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise Failed(f"{path}: cannot be read: {error.strerror}") from error
    return webhook_of(data, source)


def read_example(source: Source, example: Example) -> Webhook:
    """The webhook of a mapping's example; its path is relative to the mapping. Raises Failed."""
    return read_payload(str(source.file.parent / example.webhook), source.name)


def webhook_of(data: bytes, source: str) -> Webhook:
    """The webhook that a file's content stands for."""
    try:
        parsed: Json = json.loads(data)
    except ValueError:  # UnicodeDecodeError is one too
        return _webhook(source, data, (), b"", b"application/x-www-form-urlencoded")
    if (
        isinstance(parsed, dict)
        and parsed.keys() <= {"headers", "query", "body"}
        and "body" in parsed
        and len(parsed) > 1
    ):
        body = parsed["body"]
        raw = body if isinstance(body, str) else json.dumps(body)
        kind = b"application/x-www-form-urlencoded" if isinstance(body, str) else b"application/json"
        return _webhook(source, raw.encode(), tuple(_headers(parsed.get("headers"))), _query(parsed.get("query")), kind)
    return _webhook(source, data, (), b"", b"application/json")


def _webhook(source: str, body: bytes, headers: tuple[tuple[bytes, bytes], ...], query: bytes, kind: bytes) -> Webhook:
    """Say what kind of body it is where the headers do not."""
    if _CONTENT_TYPE not in dict(headers):
        headers = (*headers, (_CONTENT_TYPE, kind))
    return Webhook(source=source, headers=headers, query=query, body=body, received_at=output.now())


def _headers(given: Json) -> Iterator[tuple[bytes, bytes]]:
    for name, value in given.items() if isinstance(given, dict) else ():
        for one in value if isinstance(value, list) else [value]:
            yield name.lower().encode("latin-1", "replace"), str(one).encode("latin-1", "replace")


def _query(given: Json) -> bytes:
    return urlencode(given, doseq=True).encode() if isinstance(given, dict) else str(given or "").encode()
