"""/webhooks/{source}: bytes in, one status and one small answer out.

A raw ASGI callable, because this is the hot path (a router and request objects cost a third of it). Refusals of a
POST come in a fixed order: 404 or 503, then 413 (a body that drips: 408), then 401. 200 leaves here only after the
commit. GET and HEAD are for handshakes alone. A sender learns one plain word, never a detail.
"""

import logging
import re
import time
from collections.abc import Callable
from datetime import datetime
from urllib.parse import unquote_to_bytes

from starlette.types import Receive, Scope, Send

from bridge import logs
from bridge.errors import Refused, StoreError
from bridge.intake import Intake, Receipt
from bridge.library import Library, Source
from bridge.metrics import Metrics
from bridge.model import Webhook
from bridge.sources import Reply, Verifier
from bridge.web.answers import CLOSE, Header, retry_after, say, say_bytes
from bridge.web.bodies import Bodies, Crowded, Gone, TooLarge, TooSlow

PREFIX = "/webhooks/"
#: When a sender should come back.
RETRY_AFTER_SECONDS = 30

_PREFIX = PREFIX.encode()
_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_log = logs.get("bridge.web")


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
    ) -> None:
        self._intake = intake
        self._library = library
        self._seen = seen
        self._metrics = metrics
        self._clock = clock
        self.bodies = Bodies(most_bytes=max_body)
        self.draining = False

    def drain(self) -> None:
        """Take nothing more in; what is not here in a moment is told to come again."""
        self.draining = True
        self.bodies.hurry()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        name, token = _address(scope)
        source = self._library().sources.get(name)
        is_post = scope["method"] == "POST"
        if not is_post and (scope["method"] not in ("GET", "HEAD") or source is None or b"/" in token):
            await self._only_post(receive, send, source)
        elif b"/" in token or source is None or source.verifier is None or self.draining:
            await self._unavailable(receive, send, name, source, token)
        elif is_post:
            await self._accept(scope, receive, send, source, source.verifier, token)
        else:
            await self._greet(scope, receive, send, source, source.verifier, token)

    async def _accept(
        self, scope: Scope, receive: Receive, send: Send, source: Source, verifier: Verifier, token: bytes
    ) -> None:
        body = await self._body(scope, receive, send, source)
        if body is None:
            return
        began = time.perf_counter()
        webhook = _webhook(scope, source.name, token, body, self._clock())
        try:
            answer = await self._intake.accept(webhook, source.mapping, verifier)
        except Refused as refused:
            await self._refuse_unproven(send, source.name, refused, verifier)
        except StoreError as error:
            logs.event(_log, logging.ERROR, "store.unavailable", verb="record", source=source.name, why=str(error))
            await self._busy(send, source.name)
        else:
            self._metrics.ack_seconds.observe(time.perf_counter() - began)
            await _acknowledge(send, answer)

    async def _greet(
        self, scope: Scope, receive: Receive, send: Send, source: Source, verifier: Verifier, token: bytes
    ) -> None:
        """A GET or HEAD: a sender that asks whether we are who it takes us for, or somebody with a browser."""
        await self.bodies.drain(receive)
        webhook = _webhook(scope, source.name, token, b"", self._clock())
        try:
            reply = self._intake.greet(webhook, verifier)
        except Refused as refused:
            await self._refuse_unproven(send, source.name, refused, verifier)
            return
        if reply is None:
            await self._only_post(receive, send, source, is_drained=True)
        else:
            await _acknowledge(send, reply)

    async def _body(self, scope: Scope, receive: Receive, send: Send, source: Source) -> bytes | None:
        """The body, or None when there is none to be had and that is answered."""
        try:
            return await self.bodies.read(scope, receive)
        except TooLarge:
            await self._refuse(send, source.name, 413, "too large", CLOSE)
        except Gone:
            self._metrics.answered(source.name, "gone")
        except Crowded:
            await self._busy(send, source.name)
        except TooSlow:
            if self.draining:
                await self._busy(send, source.name)
            else:
                await self._refuse(send, source.name, 408, "too slow", CLOSE)
        return None

    async def _unavailable(self, receive: Receive, send: Send, name: str, source: Source | None, token: bytes) -> None:
        """404 only for a name this database never accepted: some senders disable a hook at the first 404."""
        known = source is not None or name in self._seen()
        await self.bodies.drain(receive)
        if b"/" in token or not _SOURCE.fullmatch(name) or not known:
            await self._refuse(send, "unknown", 404, "no such source")
        else:
            await self._busy(send, name)

    async def _only_post(
        self, receive: Receive, send: Send, source: Source | None, *, is_drained: bool = False
    ) -> None:
        if not is_drained:
            await self.bodies.drain(receive)
        label = source.name if source else "unknown"
        await self._refuse(send, label, 405, "method not allowed", (b"allow", b"POST"))

    async def _busy(self, send: Send, label: str) -> None:
        await self._refuse(send, label, 503, "try later", retry_after(RETRY_AFTER_SECONDS))

    async def _refuse_unproven(self, send: Send, label: str, refused: Refused, verifier: Verifier) -> None:
        headers = [] if refused.retry_after is None else [retry_after(refused.retry_after)]
        if verifier.empty_refusal and refused.status == 401:
            self._metrics.answered(label, "401")
            await say_bytes(send, 401, b"", b"", *headers)
        else:
            await self._refuse(send, label, refused.status, refused.word, *headers)

    async def _refuse(self, send: Send, label: str, status: int, word: str, *headers: Header) -> None:
        self._metrics.answered(label, str(status))
        await say(send, status, {"error": word}, *headers)


async def _acknowledge(send: Send, answer: Receipt | Reply) -> None:
    if isinstance(answer, Reply):
        await say_bytes(send, answer.status, answer.body, answer.content_type)
        return
    told: dict[str, str | int] = {"status": answer.status, "event": answer.event, "deliveries": answer.deliveries}
    if answer.events is not None:
        told["events"] = answer.events
    await say(send, 200, told)


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
