"""A tracker that costs next to nothing: answers every POST at once or after a fixed delay, and counts.

`python -m benchmarks.tracker PORT DELAY_MS`. `GET /` gives the counts, `GET /reset` gives them and starts anew.
A sale's identity is its invoiceId; the time of the last answer to a POST is on the clock that all processes share.
A customer called `stuck-fails-…`, `stuck-unknown-…` or `stuck-hangs-…` gets 500, a JSON 404 or no answer.
"""

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass, field
from typing import cast

import httptools
import uvloop

_INVOICE = re.compile(rb'"invoiceId": *"([^"]*)"')
_STUCK = re.compile(rb'"customerExternalId": *"stuck-(fails|unknown|hangs)-')
_ACCEPTED = b'{"status":true,"data":"accepted"}'
_REFUSED = {b"fails": (b"500 Internal Server Error", b"{}"), b"unknown": (b"404 Not Found", b'{"error":"unknown"}')}


@dataclass(slots=True)
class Seen:
    """What has been posted since the last reset."""

    posts: int = 0
    repeats: int = 0
    #: neither a sale with an invoice id, nor anything else the benchmark ever sends
    strange: int = 0
    last_answer_at: float = 0.0
    #: posts of customers who are stuck
    stuck: int = 0
    ids: set[bytes] = field(default_factory=set)

    def add(self, body: bytes) -> None:
        """Count one POST by its invoice id."""
        self.posts += 1
        found = _INVOICE.search(body)
        if found is None:
            self.strange += 1
        elif found[1] in self.ids:
            self.repeats += 1
        else:
            self.ids.add(found[1])

    def as_json(self) -> bytes:
        """The counts; of the ids, how many."""
        counts = {"posts": self.posts, "distinct": len(self.ids), "repeats": self.repeats, "strange": self.strange}
        return json.dumps({**counts, "last_answer_at": self.last_answer_at, "stuck": self.stuck}).encode()


class Connection(asyncio.Protocol):
    """One keep-alive connection; httptools cuts the stream into requests and calls the `on_` methods."""

    seen = Seen()
    delay = 0.0

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.WriteTransport | None = None
        self._url = b""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's own class; it is one

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url = self._body = b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._parser.get_method() == b"GET":
            self._answer(Connection.seen.as_json())
            if self._url == b"/reset":
                Connection.seen = Seen()
            return
        stuck = _STUCK.search(self._body)
        if stuck is not None:
            Connection.seen.stuck += 1
            if stuck[1] in _REFUSED:
                status, said = _REFUSED[stuck[1]]
                self._answer(said, status)
            return
        Connection.seen.add(self._body)
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self._accept)
        else:
            self._accept()

    def _accept(self) -> None:
        Connection.seen.last_answer_at = time.perf_counter()
        self._answer(_ACCEPTED)

    def _answer(self, body: bytes, status: bytes = b"200 OK") -> None:
        if self._transport is None or self._transport.is_closing():
            return
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        self._transport.write(head + body)


async def serve(port: int, delay_ms: float) -> None:
    """Listen on loopback until the process is ended."""
    Connection.delay = delay_ms / 1e3
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), float(sys.argv[2])))
