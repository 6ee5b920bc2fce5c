"""A tracker to deliver to without an account: it answers like the real one, or misbehaves as told. Loopback only.

Used by `trackbridge demo`, by tests, and as a process of its own (`python -m bridge.demo.tracker --port 9000` writes
one JSON line per request). It remembers every request until it is stopped, and never writes a token down.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import ssl
import struct
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self, assert_never, cast

import httptools

from bridge.demo.answers import Act, Answer, Received, Script, error, judge

__all__ = ["Act", "Answer", "FakeTracker", "Received", "Script", "judge"]


class FakeTracker:
    """`async with FakeTracker() as tracker: … tracker.url, tracker.requests`.

    `script` is an Answer for everything or a function of the request, and may be replaced at any time as `answer`.
    """

    def __init__(
        self,
        script: Answer | Script = judge,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        on_request: Callable[[Received, Answer], None] = lambda _received, _answer: None,
    ) -> None:
        self.answer = script
        #: what becomes of a new connection; all but ANSWER happens before a byte is read
        self.welcome = Act.ANSWER
        self.requests: list[Received] = []
        #: how often each invoiceId was accepted
        self.invoices: Counter[str] = Counter()
        #: what the script raised; the first comes out when the tracker is stopped
        self.failures: list[Exception] = []
        self.connections = 0
        self.open: set[_Connection] = set()
        self.url = ""
        self._port, self._tls, self._on_request = port, tls, on_request
        #: a request came, or a connection went
        self.changed = asyncio.Event()

    @property
    def repeats(self) -> int:
        """Accepted sales beyond the first of each invoiceId."""
        return self.invoices.total() - len(self.invoices)

    async def wait_for(self, count: int, *, within_seconds: float = 5.0) -> None:
        """Wait until so many requests have come, or raise TimeoutError."""
        await self._until(lambda: len(self.requests) >= count, within_seconds)

    async def wait_until_quiet(self, *, within_seconds: float = 5.0) -> None:
        """Wait until no connection is open, or raise TimeoutError."""
        await self._until(lambda: not self.open, within_seconds)

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def close_idle(self) -> None:
        """Close the connections that wait for a next request, as servers do after a while."""
        for connection in [*self.open]:
            connection.close_if_idle()

    def meet(self, received: Received) -> Answer:
        """Remember a request and say how to meet it."""
        self.requests.append(received)
        self.changed.set()
        answer = self.answer if isinstance(self.answer, Answer) else self.answer(received)
        body = received.json
        if 200 <= answer.status <= 299 and isinstance(body, dict) and "invoiceId" in body:
            self.invoices[str(body["invoiceId"])] += 1
        self._on_request(received, answer)
        return answer

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self._port, ssl=self._tls)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"{'https' if self._tls else 'http'}://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*[connection.end() for connection in [*self.open]])
        await self._server.wait_closed()
        if self.failures:
            raise self.failures[0]


class _Connection(asyncio.Protocol):
    """One connection, its requests one after the other."""

    def __init__(self, tracker: FakeTracker) -> None:
        self._tracker = tracker
        self._parser = httptools.HttpRequestParser(self)
        self._answering: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._begin()

    def _begin(self) -> None:
        self._url, self._body = b"", b""
        self._headers: dict[str, str] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._tracker.connections += 1
        self._number = self._tracker.connections
        self._tracker.open.add(self)
        if self._tracker.welcome is not Act.ANSWER:
            self._transport.pause_reading()
            self._leave(self._tracker.welcome)

    def connection_lost(self, _error: Exception | None) -> None:
        self._tracker.open.discard(self)
        self._tracker.changed.set()
        self._lost.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        received = Received(
            method=self._parser.get_method().decode(),
            path=self._url.decode("latin-1"),
            headers=self._headers,
            body=self._body,
            connection=self._number,
            at=datetime.now(UTC),
        )
        self._begin()
        self._answering = asyncio.get_running_loop().create_task(self._answer(received))

    async def _answer(self, received: Received) -> None:
        try:
            answer = self._tracker.meet(received)
        except Exception as error:  # noqa: BLE001 - a script may raise anything; it must not just hang the client
            self._tracker.failures.append(error)
            self._transport.abort()
            return
        await asyncio.sleep(answer.delay_seconds)
        if answer.act in (Act.ANSWER, Act.LEAVE, Act.RAW):
            await self._write(answer)
        self._leave(answer.act)
        if answer.cut_after is not None or received.headers.get("connection", "").lower() == "close":
            self._transport.close()

    async def _write(self, answer: Answer) -> None:
        head, body = answer.as_bytes()
        whole = (head + body)[: answer.cut_after]
        at_once = len(whole) if not answer.drip_seconds else len(head) if answer.drips_body_only else 0
        self._transport.write(whole[:at_once])
        for place in range(at_once, len(whole)):
            await asyncio.sleep(answer.drip_seconds)
            if self._transport.is_closing():
                break
            self._transport.write(whole[place : place + 1])

    def _leave(self, act: Act) -> None:
        match act:
            case Act.ANSWER | Act.NEVER:
                pass
            case Act.LEAVE | Act.CLOSE | Act.RAW:
                self._transport.close()
            case Act.RESET:
                linger = struct.pack("ii", 1, 0)  # closing at once with data dropped is what sends RST
                self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self._transport.abort()
            case _:
                assert_never(act)

    def close_if_idle(self) -> None:
        if (self._answering is None or self._answering.done()) and not self._url:
            self._transport.close()

    async def end(self) -> None:
        """Drop the connection, whatever is going on there."""
        if self._answering is not None:
            self._answering.cancel()
        self._transport.abort()
        await self._lost.wait()


def _script(options: argparse.Namespace) -> Script:
    headers = (("Retry-After", options.retry_after),) if options.retry_after else ()

    def answer(received: Received) -> Answer:
        usual = judge(received) if options.status is None else error(options.status, "as told")
        return Answer(status=usual.status, body=usual.body, headers=headers, delay_seconds=options.delay_seconds)

    return answer


def _line(received: Received, answer: Answer) -> str:
    return json.dumps(
        {
            "at": received.at.isoformat(timespec="milliseconds"),
            "method": received.method,
            "path": received.path,
            "has_token": received.headers.get("authorization", "").startswith("Bearer "),
            "body": received.json,
            "status": answer.status,
        }
    )


async def _serve(options: argparse.Namespace, log: IO[str]) -> None:
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)

    def write(received: Received, answer: Answer) -> None:
        print(_line(received, answer), file=log, flush=True)

    async with FakeTracker(_script(options), port=options.port, on_request=write) as tracker:
        print(f"tracker listening on {tracker.url}", file=sys.stderr, flush=True)
        await over.wait()


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m bridge.demo.tracker", description=__doc__)
    parser.add_argument("--port", type=int, default=9000, help="0 takes a free one; the address goes to stderr")
    parser.add_argument("--log", type=Path, help="append the JSON lines to this file instead of stdout")
    parser.add_argument("--status", type=int, help="answer everything with this status")
    parser.add_argument("--retry-after", help="add this Retry-After header to every answer")
    parser.add_argument("--delay-seconds", type=float, default=0.0, help="wait before every answer")
    options = parser.parse_args()
    with options.log.open("a", encoding="utf-8") if options.log else contextlib.nullcontext(sys.stdout) as log:
        asyncio.run(_serve(options, log))


if __name__ == "__main__":
    main()
