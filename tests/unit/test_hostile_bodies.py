"""Unfinished bodies share a bounded memory: the one that has been at it the longest gives way, and only that one."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from bridge.web.bodies import LEAST_HELD, Bodies, Crowded, TooSlow

Message = MutableMapping[str, Any]
SCOPE: dict[str, Any] = {"type": "http", "headers": []}
MOST = 1_000
HELD = LEAST_HELD * MOST


class Sender:
    """A body that comes when the test says so."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[Message] = asyncio.Queue()

    def send(self, size: int, *, more: bool = True) -> None:
        self._messages.put_nowait({"type": "http.request", "body": b"x" * size, "more_body": more})

    async def receive(self) -> Message:
        return await self._messages.get()


def some_bodies(seconds: float = 30.0) -> Bodies:
    return Bodies(most_bytes=MOST, seconds=seconds, held_bytes=0)


async def begun(bodies: Bodies, size: int) -> tuple[Sender, "asyncio.Task[bytes]"]:
    """A body of which this much is here."""
    sender = Sender()
    task = asyncio.create_task(bodies.read(SCOPE, sender.receive))
    sender.send(size)
    for _ in range(3):
        await asyncio.sleep(0)
    return sender, task


async def outcome(task: "asyncio.Task[bytes]") -> bytes | type[BaseException]:
    try:
        return await asyncio.wait_for(task, 5)
    except (Crowded, TooSlow) as error:
        return type(error)


async def test_the_oldest_of_too_many_give_way_and_the_others_finish() -> None:
    bodies = some_bodies()
    crowd = [await begun(bodies, MOST - 1) for _ in range(LEAST_HELD + 2)]
    for sender, _ in crowd:
        sender.send(1, more=False)

    ends = [await outcome(task) for _, task in crowd]

    assert [Crowded, Crowded, *[b"x" * MOST] * LEAST_HELD] == ends


async def test_a_whole_body_takes_no_room_from_anybody() -> None:
    bodies = some_bodies()
    crowd = [await begun(bodies, MOST - 1) for _ in range(LEAST_HELD)]
    for _ in range(100):
        sender = Sender()
        sender.send(MOST, more=False)
        assert MOST == len(await bodies.read(SCOPE, sender.receive))

    assert [] == [task for _, task in crowd if task.done()]
    for _, task in crowd:
        task.cancel()


async def test_room_comes_back_however_a_body_ends() -> None:
    bodies = some_bodies(seconds=0.05)
    for _ in range(4 * LEAST_HELD):
        sender, task = await begun(bodies, MOST - 1)
        sender.send(1, more=False)
        assert MOST == len(await task)
    slow = [await begun(bodies, MOST - 1) for _ in range(LEAST_HELD)]
    assert {TooSlow} == {await outcome(task) for _, task in slow}
    for _ in range(4 * LEAST_HELD):
        _, task = await begun(bodies, MOST - 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    crowd = [await begun(bodies, MOST - 1) for _ in range(LEAST_HELD)]
    for sender, _ in crowd:
        sender.send(1, more=False)

    assert {b"x" * MOST} == {await outcome(task) for _, task in crowd}


async def test_many_small_pieces_are_counted_together() -> None:
    bodies = some_bodies()
    _, oldest = await begun(bodies, MOST // 2)
    crowd = [await begun(bodies, 1) for _ in range(40)]
    for piece in [sender for sender, _ in crowd for _ in range(9)]:
        piece.send(HELD // 9 // 40)
    for _ in range(20):
        await asyncio.sleep(0)

    assert Crowded is await outcome(oldest)
    assert [] == [task for _, task in crowd if task.done()]
    for _, task in crowd:
        task.cancel()


@pytest.mark.parametrize("size", [1, MOST - 1])
async def test_one_body_alone_is_never_crowded(size: int) -> None:
    sender, task = await begun(some_bodies(), size)
    sender.send(1, more=False)

    assert size + 1 == len(await task)
