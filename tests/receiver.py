"""A webhook receiver on loopback that answers as told, or does not, and keeps what it was sent."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any


async def comes_true(condition: Callable[[], bool]) -> None:
    """Wait for it, ten seconds at most."""
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


@dataclass
class Told:
    """One request that arrived whole."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return str(self.json["type"])


@dataclass
class Receiver:
    """What came, and what to answer: a status, or 0 to drop the connection, or None to hang."""

    url: str = ""
    told: list[Told] = field(default_factory=list)
    #: answers in order; the last one goes on
    answers: list[int | None] = field(default_factory=lambda: [204])

    @property
    def types(self) -> list[str]:
        return [one.type for one in self.told]

    async def until(self, count: int) -> None:
        """Wait until so many requests have come."""
        await comes_true(lambda: len(self.told) >= count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")[1:-2]
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                body = await reader.readexactly(int(headers["content-length"]))
                self.told.append(Told(headers, body))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer is None:
                    await asyncio.sleep(60)
                if not answer:
                    return
                location = "location: /elsewhere\r\n" if 300 <= answer <= 399 else ""
                writer.write(f"HTTP/1.1 {answer} x\r\n{location}content-length: 2\r\n\r\nok".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    made = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(made.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in?key=hunter2"
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def receiver_beside() -> Iterator[Receiver]:
    """The same in a thread of its own, for tests that have no loop."""
    made: list[Receiver] = []
    loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def work() -> None:
        async with receiver() as one:
            made.append(one)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(work(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield made[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()
