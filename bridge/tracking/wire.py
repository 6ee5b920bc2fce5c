"""The wire: one payload → one POST → one Outcome. It decides nothing and tries nothing twice.

Refuses redirects, proxies, cookies and environment variables. Guarantees that an Outcome comes within
`timeout_seconds`, whatever the tracker does (only cancellation goes through), and that `sent` is true to what
happened: NO until the body was handed to the connection, YES with a status, MAYBE between.
"""

import asyncio
import math
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from time import perf_counter

import httpcore
import httpx

from bridge import __version__
from bridge.address import check_base_url, fingerprint
from bridge.model import Json, Outcome, Payload, Sent
from bridge.tracking.answer import MOST_BYTES, Answer, outcome, read
from bridge.tracking.connections import Connections, Stopped
from bridge.tracking.discretion import Hide, hider, unchanged
from bridge.tracking.failure import detail_of, word_for
from bridge.tracking.request import AmountUnit, Request, encode

_PATHS = ("/track/lead", "/track/sale")
_USEFUL = frozenset({b"content-type", b"content-encoding", b"date", b"location", b"retry-after"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A try's outcome together with the whole answer, for who wants to read more of it."""

    outcome: Outcome
    text: str = ""
    #: the answer's JSON; meaningful when `outcome.is_json`
    value: Json = None


class Wire:
    """A tracker's address, its token, and the connections to it. Belongs to one event loop."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout_seconds: float = 10.0,
        amount_unit: AmountUnit = "minor",
        slots: int = 32,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if not (math.isfinite(timeout_seconds) and timeout_seconds > 0):
            raise ValueError("expected a timeout in seconds, greater than 0")
        if amount_unit not in ("minor", "major"):
            raise ValueError("expected the amount unit minor or major")
        self.base_url = check_base_url(base_url)
        self.timeout_seconds = timeout_seconds
        self.amount_unit = amount_unit
        self.fingerprint = fingerprint(self.base_url, token)
        #: without a token nothing is ever sent
        self.has_token = bool(token)
        self._token = token
        self._urls = {path: httpx.URL(self.base_url + path) for path in _PATHS}
        self._headers = _headers(self._urls[_PATHS[0]], token)
        self._connections = Connections(slots=slots, tls=tls or _trusted())

    def __repr__(self) -> str:
        return f"Wire({self.base_url!r})"

    async def send(self, payload: Payload) -> Outcome:
        """Make one try and describe what came back, naming no person: it is kept, shown and logged."""
        exchange = await self.exchange(payload, hide=hider(payload, secrets=(self._token,)))
        return exchange.outcome

    async def exchange(self, payload: Payload, *, is_dated: bool = True, hide: Hide = unchanged) -> Exchange:
        """The same with the whole answer; undated leaves the payload's timestamp out."""
        started_at, started = datetime.now(UTC), perf_counter()
        attempt = _Attempt()
        try:
            request = encode(payload, self.amount_unit, is_dated=is_dated)
        except (ValueError, OverflowError) as error:  # MoneyError among them
            attempt.failed("unsendable", str(error))
        else:
            if self.has_token:
                await self._make(attempt, request)
            else:
                attempt.failed("unsendable", "no token")
        return attempt.over(started_at, (perf_counter() - started) * 1000, hide)

    async def aclose(self) -> None:
        """Close the connections once the tries under way have ended; later ones end at once as `stopped`."""
        await self._connections.aclose()

    async def _make(self, attempt: "_Attempt", request: Request) -> None:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                transport = await self._connections.take()
                try:
                    await attempt.run(transport, self._request(attempt, request))
                finally:
                    await self._connections.give_back(transport, is_reusable=attempt.is_whole)
        except Stopped:
            attempt.failed("stopped")
        except TimeoutError:
            attempt.failed("timeout")
        except Exception as error:  # noqa: BLE001 - whatever it was, `sent` must be told and the lane must go on
            attempt.failed(word_for(error), detail_of(error))

    def _request(self, attempt: "_Attempt", request: Request) -> httpx.Request:
        attempt.content = request.body
        length = (b"Content-Length", str(len(request.body)).encode())
        return httpx.Request(
            "POST",
            self._urls[request.path],
            headers=[*self._headers, length],
            stream=attempt,
            extensions={"trace": attempt.watch},
        )


class _Attempt(httpx.AsyncByteStream):
    """One try as it goes: the request's body, and what has come back so far."""

    def __init__(self) -> None:
        self.content = b""
        #: the body was asked for: from here on the tracker may have the whole request
        self.is_begun = False
        self.is_whole = False
        self.stopped = ""
        self.detail = ""
        self._response: httpx.Response | None = None
        self._received = bytearray()
        self._connected: httpcore.AsyncNetworkStream | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.is_begun = True
        yield self.content

    async def run(self, transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> None:
        """Send the request and read the answer, as much as is allowed."""
        try:
            self._response = await transport.handle_async_request(request)
        except BaseException:
            # httpcore forgets to close a connection whose TLS handshake was cancelled
            if self._connected is not None:
                await self._connected.aclose()
            raise
        async for chunk in self._response.aiter_raw():
            self._received += chunk
            if len(self._received) > MOST_BYTES:
                self.stopped = "too long"
                await self._response.aclose()
                return
        self.is_whole = True

    async def watch(self, event: str, info: Mapping[str, object]) -> None:
        """Remember the connection made for this try: httpcore tells of every step."""
        if event == "connection.connect_tcp.complete":
            stream = info["return_value"]
            self._connected = stream if isinstance(stream, httpcore.AsyncNetworkStream) else None

    def failed(self, word: str, detail: str = "") -> None:
        """Note why it ended early."""
        self.stopped, self.detail = word, detail

    def over(self, started_at: datetime, duration_ms: float, hide: Hide) -> Exchange:
        """What the try came to."""
        if self._response is None:
            sent = Sent.MAYBE if self.is_begun else Sent.NO
            return Exchange(
                outcome=Outcome(
                    sent=sent,
                    started_at=started_at,
                    duration_ms=duration_ms,
                    error=self.stopped,
                    message=self.detail,
                )
            )
        answer = Answer(
            status=self._response.status_code,
            headers=_useful(self._response.headers.raw),
            body=bytes(self._received[:MOST_BYTES]),
            stopped=self.stopped,
        )
        body = read(answer)
        now = datetime.now(UTC)
        told = outcome(answer, body, started_at=started_at, duration_ms=duration_ms, now=now, hide=hide)
        return Exchange(outcome=told, text=body.text, value=body.value)


@cache
def _trusted() -> ssl.SSLContext:
    """Made once for all wires: loading the certificates takes longer than a hundred requests."""
    return httpx.create_ssl_context(trust_env=False)


def _headers(url: httpx.URL, token: str) -> list[tuple[bytes, bytes]]:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("the token holds a space or a character that no header can carry: was it pasted whole?")
    return [
        (b"Host", url.netloc),
        (b"Accept", b"application/json"),
        (b"Accept-Encoding", b"identity"),
        (b"Authorization", b"Bearer " + token.encode()),
        (b"Content-Type", b"application/json"),
        (b"User-Agent", f"trackbridge/{__version__}".encode()),
    ]


def _useful(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers that an answer is judged by; the first of repeated ones."""
    return {
        name.lower().decode(): value.decode("latin-1") for name, value in reversed(headers) if name.lower() in _USEFUL
    }
