"""What a sender is answered: a status and one small body, in two ASGI messages."""

import json
from typing import TypeAlias

from starlette.types import Send

Header: TypeAlias = tuple[bytes, bytes]

CLOSE: Header = (b"connection", b"close")
_JSON = b"application/json"


def retry_after(seconds: int) -> Header:
    """When to come back."""
    return (b"retry-after", b"%d" % seconds)


async def say(send: Send, status: int, answer: dict[str, str | int], *headers: Header) -> None:
    """Answer with a small JSON object."""
    await say_bytes(send, status, json.dumps(answer).encode(), _JSON, *headers)


async def say_bytes(send: Send, status: int, body: bytes, content_type: bytes = b"", *headers: Header) -> None:
    """Answer with these bytes; without a type for none at all."""
    kind = [(b"content-type", content_type)] if content_type else []
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [*kind, (b"content-length", b"%d" % len(body)), *headers],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})
