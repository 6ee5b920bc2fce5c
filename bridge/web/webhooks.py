"""POST /webhooks/{source}: bytes in, one status and one small JSON answer out.

A raw ASGI callable, because this is the hot path (a router and request objects cost a third of it). Bodies are
bounded in size and time: one that drips is cut with 408, and with 503 once the bridge ends. Refusals come in a
fixed order: 404 or 503, then 413, then 401. 200 leaves here only after the commit. A sender learns one plain word,
never a detail.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable
from datetime import datetime
from urllib.parse import unquote_to_bytes

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
#: How much of a body that nobody wants is read before the answer, and for how long, so that the sender can hear it.
DRAIN_BYTES = 8 * 1024 * 1024
DRAIN_SECONDS = 5.0
#: How long a body that is on its way may still take once the bridge ends.
LAST_BODY_SECONDS = 0.5
#: When a sender should come back.
RETRY_AFTER_SECONDS = 30

_PREFIX = PREFIX.encode()
_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_log = logs.get("bridge.web")


class TooLarge(Exception):
    """The body is larger than allowed."""


class TooSlow(Exception):
    """The body did not arrive in time."""


class Gone(Exception):
    """The sender went away; nobody is there to answer."""


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
        #: time limits of the bodies that are being waited for; shortened when the bridge ends
        self._waiting: set[asyncio.Timeout] = set()

    def drain(self) -> None:
        """Take nothing more in; what is not here in a moment is told to come again."""
        self.draining = True
        soon = asyncio.get_running_loop().time() + LAST_BODY_SECONDS
        for limit in self._waiting:
            if not limit.expired():
                limit.reschedule(min(soon, limit.when() or soon))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        name, token = _address(scope)
        source = self._library().sources.get(name)
        label = name if source else "unknown"
        if scope["method"] != "POST":
            await self._drained(receive)
            await self._refuse(send, label, 405, "method not allowed", (b"allow", b"POST"))
        elif b"/" in token or source is None or not source.is_on or self.draining:
            await self._unavailable(receive, send, name, source, token)
        else:
            await self._accept(scope, receive, send, source, token)

    async def _accept(self, scope: Scope, receive: Receive, send: Send, source: Source, token: bytes) -> None:
        try:
            body = await self._body(scope, receive)
        except TooLarge:
            await self._refuse(send, source.name, 413, "too large", (b"connection", b"close"))
            return
        except Gone:
            self._metrics.answered(source.name, "gone")
            return
        except TooSlow:
            if self.draining:
                await self._busy(send, source.name)
            else:
                await self._refuse(send, source.name, 408, "too slow", (b"connection", b"close"))
            return
        began = time.perf_counter()
        try:
            receipt = await self._intake.accept(_webhook(scope, source.name, token, body, self._clock()), source)
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

    async def _unavailable(self, receive: Receive, send: Send, name: str, source: Source | None, token: bytes) -> None:
        """404 only for a name this database never accepted: some senders disable a hook at the first 404."""
        known = source is not None or name in self._seen()
        await self._drained(receive)
        if b"/" in token or not _SOURCE.fullmatch(name) or not known:
            await self._refuse(send, "unknown", 404, "no such source")
        else:
            await self._busy(send, name)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        declared = next((value for key, value in scope["headers"] if key == b"content-length"), b"")
        too_large = declared.isdigit() and (len(declared) > 15 or int(declared) > self._max_body)
        chunks: list[bytes] = []
        size, more = 0, not too_large
        limit = asyncio.timeout(self._body_seconds)
        try:
            async with limit:
                self._waiting.add(limit)
                while more and not too_large:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise Gone
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    more = message.get("more_body", False)
                    too_large = size > self._max_body
        except TimeoutError:
            raise TooSlow from None
        finally:
            self._waiting.discard(limit)
        if too_large:
            if more or not chunks:
                await self._drained(receive)
            raise TooLarge
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _drained(self, receive: Receive) -> None:
        """Read on, within bounds of size and time, so that the sender sees the answer instead of a reset."""
        size = 0
        limit = asyncio.timeout(LAST_BODY_SECONDS if self.draining else DRAIN_SECONDS)
        try:
            async with limit:
                self._waiting.add(limit)
                while size < DRAIN_BYTES:
                    message = await receive()
                    size += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return
        except TimeoutError:
            return
        finally:
            self._waiting.discard(limit)

    async def _busy(self, send: Send, label: str) -> None:
        await self._refuse(send, label, 503, "try later", (b"retry-after", str(RETRY_AFTER_SECONDS).encode()))

    async def _refuse(self, send: Send, label: str, status: int, word: str, *headers: tuple[bytes, bytes]) -> None:
        self._metrics.answered(label, str(status))
        await _answer(send, status, {"error": word}, headers)


def _address(scope: Scope) -> tuple[str, bytes]:
    """The source's name, and the token as it was sent: one that holds %2F is not two pieces of a path."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    if not raw_path.startswith(_PREFIX):
        return "", b""
    name, _, token = raw_path[len(_PREFIX) :].rstrip(b"/").partition(b"/")
    if b"%" in name:
        name = unquote_to_bytes(name)
    return name.decode("latin-1"), token


def _webhook(scope: Scope, source: str, token: bytes, body: bytes, now: datetime) -> Webhook:
    return Webhook(
        source=source,
        method=scope["method"],
        headers=tuple(scope["headers"]),
        query=scope["query_string"],
        token=token,
        body=body,
        received_at=now,
    )


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
