"""The edge: uvicorn with bounds on what a stranger may hold open or make us remember before a webhook begins.

Bounded are a head's bytes, lines and time, what a body may carry beside its content, the requests that wait for each
other, how long answers may stay unread, and the open connections.
A request to upgrade is served as if it had not asked (RFC 9110 allows it). A connection whose body was not read to
its end ends with its answer. A good request costs a few attribute look-ups more than uvicorn's own protocol.
"""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator
from typing import ClassVar

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

#: A head may have this many bytes; so may what a chunked body has beside its content, trailers for example.
HEAD_BYTES = 64 * 1024
#: More header lines than this no sender has; each costs far more memory than its bytes.
HEAD_LINES = 256
#: More requests do not wait behind the one that is being answered; each takes a hundred times its bytes.
MOST_WAITING = 8
#: How long a head may take, from the connection's beginning or from the end of the answer before it.
HEAD_SECONDS = 10.0
#: How long somebody may read nothing, or next to nothing, of what they asked for.
UNREAD_SECONDS = 30.0
#: What is being answered when the end begins has this long, then it is cut short with a 503.
GRACE_SECONDS = 1
#: How long cut requests may take to say so.
_FAREWELL_SECONDS = 0.5


def most_connections(descriptors: int) -> int:
    """More than any sender opens, and some file descriptors left for the database, the tracker and the log."""
    return 10_000 if descriptors == resource.RLIM_INFINITY else min(10_000, max(descriptors - 128, 64))


class Edge(HttpToolsProtocol):
    """One connection. At most one timer besides keep-alive's, armed only while a head is on its way."""

    head_seconds: ClassVar[float] = HEAD_SECONDS
    unread_seconds: ClassVar[float] = UNREAD_SECONDS
    most_connections: ClassVar[int] = most_connections(resource.getrlimit(resource.RLIMIT_NOFILE)[0])

    #: waiting for a head, or amid one
    _in_head = True
    #: the piece that is being parsed has ended a message
    _has_ended = False
    #: how many bytes came since the last that were worth something
    _spent = 0
    #: since when bytes of a head are here; 0.0 when none are
    _head_since = 0.0
    _watch: asyncio.TimerHandle | None = None
    #: too many requests came at once: those that wait are answered, and nothing more is read
    _is_full = False
    #: armed while answers pile up that nobody reads
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, unless there are too many already."""
        super().connection_made(transport)
        self.headers = []
        if len(self.connections) > self.most_connections:
            self._end(503, b"retry-after: 30\r\n")
            return
        self._head_since = self.loop.time()
        self._watch = self.loop.call_later(self.head_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End; nothing stays armed."""
        if self._watch is not None:
            self._watch.cancel()
        self._is_read()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Answers pile up here: whoever asked has to read some of them soon."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.unread_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """They were read."""
        self._is_read()
        super().resume_writing()

    def _is_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def data_received(self, data: bytes) -> None:
        """Parse what came, within bounds."""
        if self._is_full:
            return
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        if len(data) <= HEAD_BYTES - self._spent:
            self._take(data)
            return
        # in pieces, so that no head can hide its size in front of a body
        rest = memoryview(data)
        while rest and not self._is_over():
            size = HEAD_BYTES - self._spent
            self._take(bytes(rest[:size]))
            rest = rest[size:]

    def _take(self, data: bytes) -> None:
        in_body = not self._in_head
        had = len(self.cycle.body) if in_body else 0
        self._has_ended = False
        self._feed(data)
        if self._has_ended or self._is_over():
            return
        if self._in_head:
            self._await_head(len(data))
        elif in_body:
            self._spent = 0 if len(self.cycle.body) > had else self._spent + len(data)
            self._check_size()

    def _is_over(self) -> bool:
        """Whether nothing more is read from this connection."""
        return self._is_full or self.transport.is_closing()

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # the parser takes what follows for another protocol: a new one gets the head without its wish
                data = self._plain_head() + data[upgrade.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            except httptools.HttpParserError as error:
                self._refuse(error.__context__)
                return
            else:
                return

    def _refuse(self, why: BaseException | None) -> None:
        if isinstance(why, _TooManyWaiting):
            self._is_full = True
        else:
            self._end(431 if isinstance(why, _TooManyLines) else 400)

    def _plain_head(self) -> bytes:
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([method + b" " + self.url + b" HTTP/" + version, *lines, b"", b""])

    def on_headers_complete(self) -> None:
        """Begin to answer, or leave it to the parser that comes after an upgrade."""
        if len(self.headers) > HEAD_LINES:
            raise _TooManyLines
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise _NoTunnel
            return
        if len(self.pipeline) >= MOST_WAITING:
            raise _TooManyWaiting
        self._in_head = False
        self._spent = 0
        self._head_since = 0.0
        super().on_headers_complete()
        # trailers are no headers: nobody may see them
        self.headers = []

    def on_message_complete(self) -> None:
        """Wait for the next head."""
        if self._in_head:
            return  # an upgrade's: the message begins once more
        self._in_head = True
        self._has_ended = True
        self._spent = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, unless the rest of this one is still under way: nobody would read it."""
        cycle = self.cycle
        if cycle.response_complete and (cycle.more_body or self._is_full):
            self.transport.close()
        elif self._head_since:
            self._head_since = self.loop.time()
        super().on_response_complete()

    def _await_head(self, size: int) -> None:
        self._spent += size
        self._check_size()
        if not self._head_since:
            self._head_since = self.loop.time()
        if self._watch is None:
            self._watch = self.loop.call_later(self.head_seconds, self._look)

    def _check_size(self) -> None:
        if self._spent >= HEAD_BYTES or len(self.headers) > HEAD_LINES:
            self._end(431)

    def _look(self) -> None:
        """Close when a head is overdue. Looks again later when one is on its way, and rests when none is."""
        self._watch = None
        if not self._head_since or self.transport.is_closing():
            return
        left = self._head_since + self.head_seconds - self.loop.time()
        if self._is_answering():
            left = self.head_seconds
        if left <= 0:
            self.transport.close()
        else:
            self._watch = self.loop.call_later(left, self._look)

    def _is_answering(self) -> bool:
        # None before the first request, whatever uvicorn's annotation says
        return self.cycle is not None and not self.cycle.response_complete  # type: ignore[redundant-expr]

    def _end(self, status: int, headers: bytes = b"") -> None:
        """Say one status and close; say nothing when another answer is due first."""
        if not self._is_answering():
            self.transport.write(STATUS_LINE[status] + headers + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()


class _TooManyLines(Exception):
    """A head has more lines than allowed."""


class _TooManyWaiting(Exception):
    """A request more than may wait for their answers on one connection."""


class _NoTunnel(Exception):
    """CONNECT asks for a tunnel; there is none."""


class Server(uvicorn.Server):
    """uvicorn without its own signal handling: it would end the process before the worker has drained."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin; what the system's own buffers hold must be read in time as well, where the system sees to that."""
        for sock in sockets or ():
            if sock.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(UNREAD_SECONDS * 1000))
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, and let requests that were cut say so."""
        await super().shutdown(sockets)
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=_FAREWELL_SECONDS)


def allow(descriptors: int) -> None:
    """Take as many connections as so many open files allow, from now on."""
    Edge.most_connections = most_connections(descriptors)


def server(app: ASGIApp) -> Server:
    """The application behind the edge; serve it with a bound socket."""
    return Server(
        uvicorn.Config(
            app,
            loop="none",
            http=Edge,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=2048,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
