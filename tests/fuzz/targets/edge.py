"""Any bytes on a connection, in any pieces: nothing but known answers, and the same requests however they were cut.

The real protocol and the real application, behind a transport that is no socket.
"""

import asyncio
import re
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.types import Message, Receive, Scope, Send
from uvicorn.server import ServerState

from bridge.assembly import Running
from bridge.web.server import Edge, server
from tests.fuzz.feed import Feed
from tests.integration.web_hand import a_bridge

#: What a stranger can be answered; 500 is not among it.
ANSWERS = frozenset((b"100", b"200", b"400", b"401", b"404", b"405", b"408", b"413", b"431", b"503"))
_ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_HOOK = b"POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\n"
_SEEDS = (
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2,
    _HOOK + b"Content-Length: 2\r\n\r\n{}" + b"GET /readyz HTTP/1.0\r\n\r\n",
    _HOOK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n",
    _HOOK + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n",
    _HOOK + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
    _HOOK + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 2\r\n\r\n{}",
    b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://x/webhooks/%2e%2e//a;b?c#d HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\nCookie: \xff\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n",
)


def seeds() -> list[bytes]:
    """Requests of every kind, cut in another way each."""
    return [bytes([7 * number % 30]) + request for number, request in enumerate(_SEEDS)]


def check(data: bytes) -> None:
    """Send it whole, and once more in pieces."""
    feed = Feed(data)
    size = 1 + feed.number(64)
    sent = feed.rest()[:8192]
    edge = _edge()
    whole, cut = edge.meet([sent]), edge.meet([sent[at : at + size] for at in range(0, len(sent), size)])
    assert {*whole.answers, *cut.answers} <= ANSWERS, (whole, cut)
    short, long = sorted((whole, cut), key=lambda met: len(met.requests))
    assert long.requests[: len(short.requests)] == short.requests, (whole, cut)
    # a broken message behind good ones ends the connection, maybe before those were looked at
    assert short.requests == long.requests or short.is_closed, (whole, cut)


@dataclass(frozen=True, kw_only=True)
class Met:
    """What came of one connection."""

    #: method, address, headers and body of every request that reached the application whole
    requests: list[tuple[str, bytes, bytes, bytes]]
    #: the statuses that were written
    answers: list[bytes]
    #: whether we ended it
    is_closed: bool


class _Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1), "sockname": ("127.0.0.1", 80)})
        self.written = b""
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        """There is nothing to pause."""

    def resume_reading(self) -> None:
        """There is nothing to resume."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def get_write_buffer_size(self) -> int:
        return 0


class _Edge:
    """The edge with the whole application behind it, which notes every request that reaches it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self._folder = Path(tempfile.mkdtemp(prefix="trackbridge-edge-"))
        self._running: Running = self._loop.run_until_complete(
            self._stack.enter_async_context(a_bridge(self._folder, CMS_BEARER_TOKEN=""))
        )
        self._config = server(self).config
        self._config.load()
        self._requests: list[tuple[str, bytes, bytes, bytes]] = []

    def meet(self, pieces: list[bytes]) -> Met:
        """One connection on which these pieces come."""
        return self._loop.run_until_complete(self._meet(pieces))

    def close(self) -> None:
        """End the application, and leave nothing behind."""
        self._loop.run_until_complete(self._stack.aclose())
        self._loop.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application, told of what a stranger sent."""
        body, more = b"", True

        async def noted() -> Message:
            nonlocal body, more
            message = await receive()
            body += message.get("body", b"")
            more = message["type"] != "http.disconnect" and message.get("more_body", False)
            return message

        await self._running.app(scope, noted, send)
        headers = b"\n".join(name + b":" + value for name, value in scope["headers"])
        self._requests.append((scope["method"], scope["raw_path"] + b"?" + scope["query_string"], headers, body))

    async def _meet(self, pieces: list[bytes]) -> Met:
        self._requests = []
        state = ServerState()
        transport = _Transport()
        edge = Edge(self._config, state, {}, _loop=self._loop)
        edge.connection_made(transport)
        for piece in pieces:
            if transport.is_closed:
                break
            edge.data_received(piece)
            await asyncio.sleep(0)
        await self._quiet(state)
        edge.connection_lost(None)
        await self._quiet(state)
        return Met(requests=self._requests, answers=_ANSWER.findall(transport.written), is_closed=transport.is_closed)

    async def _quiet(self, state: ServerState) -> None:
        """Until every task is done, or waits for bytes that will not come."""
        for _ in range(200):
            if not state.tasks:
                return
            await asyncio.sleep(0)
        if state.tasks:
            await asyncio.wait(set(state.tasks), timeout=0.05)


def close() -> None:
    """End what `check` began."""
    if _edge.cache_info().currsize:
        _edge().close()
        _edge.cache_clear()


@cache
def _edge() -> _Edge:
    return _Edge()
