"""POST /webhooks/{source}: bytes in, one status and one small JSON answer out.

A raw ASGI callable, because this is the hot path (a router and request objects cost a third of it). Bodies are
bounded in size and time. Refusals come in a fixed order: 404 or 503, then 413, then 401. 200 leaves here only
after the commit. A sender learns one plain word, never a detail.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable
from datetime import datetime

from starlette.types import Receive, Scope, Send

from bridge import logs
from bridge.errors import Refused, StoreError
from bridge.intake import Intake
from bridge.library import Library, Source
from bridge.metrics import Metrics
from bridge.model import Webhook

PREFIX = "/webhooks/"
#: How long a sender may take over one body.
BODY_SECONDS = 30.0
#: How much of a body that is too large is read before the answer, so that the sender can hear it.
DRAIN_BYTES = 8 * 1024 * 1024
#: When a sender should come back.
RETRY_AFTER_SECONDS = 30

_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_log = logs.get("bridge.web")


class TooLarge(Exception):
    """The body is larger than allowed."""


class Gone(Exception):
    """The sender went away, or dripped for too long; nobody is there to answer."""


class Webhooks:
    """The ASGI callable for everything below /webhooks/."""

    def __init__(
        self,
        *,
        intake: Intake,
        library: Callable[[], Library],
        seen: Callable[[], frozenset[str]],
        metrics: Metrics,
        clock: Callable[[], datetime],
        max_body: int,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._intake = intake
        self._library = library
        self._seen = seen
        self._metrics = metrics
        self._clock = clock
        self._max_body = max_body
        self._body_seconds = body_seconds
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        name, _, token = scope["path"][len(PREFIX) :].rstrip("/").partition("/")
        source = self._library().sources.get(name)
        label = name if source else "unknown"
        if scope["method"] != "POST":
            await self._refuse(send, label, 405, "method not allowed", (b"allow", b"POST"))
        elif "/" in token or source is None or not source.is_on or self.draining:
            await self._unavailable(receive, send, name, source, token)
        else:
            await self._accept(scope, receive, send, source)

    async def _accept(self, scope: Scope, receive: Receive, send: Send, source: Source) -> None:
        try:
            body = await self._body(scope, receive)
        except TooLarge:
            await self._refuse(send, source.name, 413, "too large", (b"connection", b"close"))
            return
        except Gone:
            self._metrics.answered(source.name, "gone")
            await self._refuse(send, source.name, 408, "too slow", (b"connection", b"close"))
            return
        began = time.perf_counter()
        try:
            receipt = await self._intake.accept(_webhook(scope, source.name, body, self._clock()), source)
        except Refused as refused:
            await self._refuse(send, source.name, refused.status, refused.word)
        except StoreError as error:
            logs.event(_log, logging.ERROR, "store.unavailable", verb="record", source=source.name, why=str(error))
            await self._busy(send, source.name)
        else:
            answer: dict[str, str | int] = {
                "status": receipt.status,
                "event": receipt.event,
                "deliveries": receipt.deliveries,
            }
            if receipt.events != 1:
                answer["events"] = receipt.events
            self._metrics.ack_seconds.observe(time.perf_counter() - began)
            await _answer(send, 200, answer)

    async def _unavailable(self, receive: Receive, send: Send, name: str, source: Source | None, token: str) -> None:
        """404 only for a name this database never accepted: some senders disable a hook at the first 404."""
        known = source is not None or name in self._seen()
        await _drained(receive)
        if "/" in token or not _SOURCE.fullmatch(name) or not known:
            await self._refuse(send, "unknown", 404, "no such source")
        else:
            await self._busy(send, name)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        declared = next((value for key, value in scope["headers"] if key == b"content-length"), b"")
        too_large = declared.isdigit() and (len(declared) > 15 or int(declared) > self._max_body)
        chunks: list[bytes] = []
        size, more = 0, not too_large
        try:
            async with asyncio.timeout(self._body_seconds):
                while more and not too_large:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise Gone
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    more = message.get("more_body", False)
                    too_large = size > self._max_body
        except TimeoutError:
            raise Gone from None
        if too_large:
            if more or not chunks:
                await _drained(receive)
            raise TooLarge
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _busy(self, send: Send, label: str) -> None:
        await self._refuse(send, label, 503, "try later", (b"retry-after", str(RETRY_AFTER_SECONDS).encode()))

    async def _refuse(self, send: Send, label: str, status: int, word: str, *headers: tuple[bytes, bytes]) -> None:
        self._metrics.answered(label, str(status))
        await _answer(send, status, {"error": word}, headers)


def _webhook(scope: Scope, source: str, body: bytes, now: datetime) -> Webhook:
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    rest = raw_path.rstrip(b"/").split(b"/", 3)
    return Webhook(
        source=source,
        method=scope["method"],
        headers=tuple(scope["headers"]),
        query=scope["query_string"],
        token=rest[3] if len(rest) > 3 else b"",
        body=body,
        received_at=now,
    )


async def _drained(receive: Receive) -> None:
    """Read on, within bounds of size and time, so that the sender sees the answer instead of a reset."""
    size = 0
    try:
        async with asyncio.timeout(5.0):
            while size < DRAIN_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return


async def _answer(
    send: Send, status: int, answer: dict[str, str | int], headers: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    body = json.dumps(answer).encode()
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *headers,
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})
