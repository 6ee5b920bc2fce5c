"""The application asked directly, without a socket: bodies in chunks, and what came back."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bridge import assembly
from bridge.assembly import Running
from bridge.config import load
from bridge.web.app import Bridge
from tests.support import STRIPE_SECRET

Message = MutableMapping[str, Any]


@dataclass
class Answer:
    """What the application sent back."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""

    @property
    def word(self) -> str:
        return str(json.loads(self.body)["error"])


def a_body(*chunks: bytes, then: Callable[[], Awaitable[Message]] | None = None) -> Callable[[], Awaitable[Message]]:
    """A `receive` that gives these chunks, and then whatever `then` gives."""
    left = list(chunks)

    async def receive() -> Message:
        if not left:
            assert then is not None, "the application reads past the end of the body"
            return await then()
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left) or then is not None}

    return receive


async def disconnect() -> Message:
    return {"type": "http.disconnect"}


async def silence() -> Message:
    await asyncio.sleep(60)
    raise AssertionError("nobody waits this long")


async def ask(
    app: Bridge,
    receive: Callable[[], Awaitable[Message]],
    *,
    path: str = "/webhooks/stripe",
    method: str = "POST",
    headers: dict[str, str] | None = None,
    query: str = "",
) -> Answer:
    answer = Answer()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = dict(message["headers"])
        else:
            answer.body += message["body"]

    scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    await app(scope, receive, send)
    return answer


def answers(numbers: Answer) -> list[str]:
    """What /metrics says of answers to webhooks."""
    return [line for line in numbers.body.decode().splitlines() if line.startswith("trackbridge_webhooks_total")]


@asynccontextmanager
async def a_bridge(folder: Path, **settings: str) -> AsyncIterator[Running]:
    environment = {
        "TRACKBRIDGE_DATABASE_URL": f"sqlite:///{folder / 'bridge.db'}",
        "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
        "TYPEFORM_WEBHOOK_SECRET": "",
    } | settings
    async with assembly.running(load({}, environment, None)) as bridge:
        yield bridge
