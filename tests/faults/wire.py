"""A wire between bridges and PostgreSQL that can be cut: at any moment, or right between a COMMIT and its answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_MOST = 65_536
#: How long the server is given to have committed, before nobody is told.
_COMMITTED_SECONDS = 0.02


@dataclass
class Wire:
    """Hands bytes on, both ways, until it is told to cut."""

    server_port: int
    port: int = 0
    #: this many of the next COMMITs reach the server, and their answers nobody
    swallow: int = 0
    swallowed: int = 0
    _open: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = field(default_factory=set)

    def url(self, url: str) -> str:
        """The same database, by this wire."""
        return url.replace(f":{urlsplit(url).port}/", f":{self.port}/")

    def cut(self) -> int:
        """Reset every connection at this moment; how many there were."""
        count = len(self._open)
        for pair in list(self._open):
            self._end(pair)
        return count

    def _end(self, pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        self._open.discard(pair)
        for writer in pair:
            writer.transport.abort()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, and a connection to the server for it."""
        with contextlib.suppress(OSError):
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
            pair = (writer, server_writer)
            self._open.add(pair)
            try:
                await asyncio.gather(self._to_server(reader, pair), self._to_client(server_reader, pair))
            finally:
                self._end(pair)
            return
        writer.transport.abort()

    async def _to_server(
        self, reader: asyncio.StreamReader, pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_MOST):
                is_the_one = self.swallow > 0 and b"COMMIT" in data
                if is_the_one:
                    self.swallow -= 1
                    self.swallowed += 1
                    pair[0].transport.abort()
                pair[1].write(data)
                await pair[1].drain()
                if is_the_one:
                    await asyncio.sleep(_COMMITTED_SECONDS)
        self._end(pair)

    async def _to_client(
        self, reader: asyncio.StreamReader, pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_MOST):
                pair[0].write(data)
                await pair[0].drain()
        self._end(pair)


@asynccontextmanager
async def a_wire(url: str) -> AsyncIterator[Wire]:
    """A wire to the server that this URL names."""
    wire = Wire(server_port=urlsplit(url).port or 5432)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(wire.connected(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    wire.port = listening.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        listening.close()
        wire.cut()
        for task in [*tasks]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
