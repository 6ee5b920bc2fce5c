"""Somebody who asks and does not read: the connection ends, and who reads slowly still gets everything."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from bridge.web.server import Edge, server

PIECE, PIECES = b"x" * 65_536, 160
ASKED = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Impatient(Edge):
    """The same edge in a hurry."""

    unread_seconds = 0.3


async def generous(_: Scope, __: Receive, send: Send) -> None:
    """Answer with ten megabytes, as fast as they are taken."""
    length = (b"content-length", b"%d" % (len(PIECE) * PIECES))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    for number in range(PIECES):
        await send({"type": "http.response.body", "body": PIECE, "more_body": number < PIECES - 1})


@asynccontextmanager
async def an_edge(state: ServerState) -> AsyncIterator[int]:
    """An edge at work; its port."""
    config = server(generous).config
    config.load()
    loop = asyncio.get_running_loop()
    serving = await loop.create_server(
        lambda: Impatient(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    # what the system buffers is written to in large steps: keep them small, so that reading shows soon
    serving.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    try:
        yield serving.sockets[0].getsockname()[1]
    finally:
        serving.close()
        for task in [*state.tasks]:
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)


async def connected(port: int) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ("127.0.0.1", port))
    await loop.sock_sendall(connection, ASKED)
    return connection


async def gone(state: ServerState, seconds: float) -> bool:
    """Whether no connection is left within this time."""
    for _ in range(round(seconds / 0.01)):
        if not state.connections:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_who_does_not_read_the_answer_is_cut_off() -> None:
    state = ServerState()
    async with an_edge(state) as port:
        with await connected(port):
            await asyncio.sleep(0.1)
            assert state.connections
            assert await gone(state, 5)


async def test_who_reads_slowly_gets_the_whole_answer() -> None:
    state, received = ServerState(), 0
    loop = asyncio.get_running_loop()
    async with an_edge(state) as port:
        with await connected(port) as connection:
            begun = loop.time()
            while piece := await loop.sock_recv(connection, 65_536):
                received += len(piece)
                if loop.time() - begun < 3 * Impatient.unread_seconds:
                    await asyncio.sleep(0.005)
        assert await gone(state, 5)

    assert received > len(PIECE) * PIECES
