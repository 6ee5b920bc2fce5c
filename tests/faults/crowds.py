"""Strangers in numbers: connections that say nothing, that drip, that hold much memory; and senders meanwhile."""

import asyncio
import contextlib
import socket
import time
from collections import Counter
from pathlib import Path

from bridge.web.bodies import BODY_SECONDS
from bridge.web.server import HEAD_SECONDS, UNREAD_SECONDS, most_connections
from tests.faults.load import GONE, Link, Load, a_request, holds, quantile
from tests.faults.report import Finding, Promises
from tests.faults.world import a_tracker, end, most_files, peak_mib, resident_mib, start
from tests.support import BridgeProcess, a_checkout, bridge_process

_WANTED = 10_000
_WEBHOOKS = 300
_DRIPS = 400
_DEAF = 12
_ASKED = 3
_ASKING_SECONDS = 8.0
_MIB = 1024 * 1024
_HEAD = b"POST /webhooks/stripe HTTP/1.1\r\nHost: bridge\r\n"
#: How much longer than it is allowed a connection may stay, on a busy machine.
_SLACK_SECONDS = 6.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _opened(port: int, count: int, begin: bytes) -> list[Streams]:
    """So many connections, each with the same beginning."""
    few = asyncio.Semaphore(200)

    async def one() -> Streams:
        async with few:
            streams = await asyncio.open_connection("127.0.0.1", port)
            streams[1].write(begin)
            return streams

    return await asyncio.gather(*(one() for _ in range(count)))


async def _ended(streams: Streams) -> tuple[bytes, float]:
    """The status that a connection was ended with (none for silence), and when."""
    with contextlib.suppress(*GONE):
        answer = await streams[0].read()
        return answer[9:12], time.monotonic()
    return b"", time.monotonic()


def _drop(crowd: list[Streams]) -> None:
    for _, writer in crowd:
        writer.transport.abort()


async def half_open(folder: Path) -> list[Finding]:
    """Ten thousand connections in the middle of a head, and one more than there may be."""
    promises, files = Promises(), most_files()
    most = most_connections(files)
    count = min(_WANTED, most, files - 1_000) - 100
    with a_tracker(folder) as tracker, bridge_process(folder, CMS_BASE_URL=tracker.url) as bridge:
        await start(bridge)
        load = Load(bridge, "h")
        before, begun = resident_mib(bridge), time.monotonic()
        crowd = await _opened(bridge.port, count, _HEAD)
        opened = time.monotonic() - begun
        await load.pour(clients=8, most=_WEBHOOKS, seconds=HEAD_SECONDS - min(opened, 5.0))
        promises.hold("every webhook is answered 200 meanwhile", when={200} == set(load.statuses))
        promises.hold(f"{_WEBHOOKS} webhooks in that time", when=len(load.acknowledged) >= _WEBHOOKS)
        each = (resident_mib(bridge) - before) * 1024 / count
        refused = await _too_many(bridge, most - count + 50) if count + 100 >= most else Counter[bytes]()
        promises.hold("one too many is told to come again", when=not refused or refused[b"503"] > 0)
        left = await _all_ended(crowd, begun + opened + HEAD_SECONDS + _SLACK_SECONDS)
        promises.hold(f"all are ended after {HEAD_SECONDS:.0f} s ({left} were not)", when=left == 0)
        await load.pour(clients=8, most=_WEBHOOKS + 100)
        promises.hold("webhooks are answered afterwards", when={200} == set(load.statuses))
        lost, doubled = await tracker.lost(load.acknowledged), tracker.repeats()
        promises.hold("an orderly end", when=await end(bridge) == 0)
    return [
        Finding(
            fault="half-open connections",
            times=count,
            acknowledged=len(load.acknowledged),
            lost=lost,
            doubled=doubled,
            broken=promises.broken,
            detail=f"{count:,} of {most:,} allowed ({files:,} files), opened in {opened:.1f} s, {each:.1f} KiB each; "
            f"webhooks meanwhile: half within {quantile(load.seconds, 0.5):.0f} ms, "
            f"99 % within {quantile(load.seconds, 0.99):.0f} ms",
        )
    ]


async def _too_many(bridge: BridgeProcess, count: int) -> Counter[bytes]:
    """What connections over the limit are answered."""
    crowd = await _opened(bridge.port, count, b"")
    answers = asyncio.gather(*(asyncio.wait_for(streams[0].read(12), 3) for streams in crowd), return_exceptions=True)
    told = Counter(answer[9:12] for answer in await answers if isinstance(answer, bytes))
    _drop(crowd)
    return told


async def _all_ended(crowd: list[Streams], until: float) -> int:
    """Wait until the bridge has ended all of them: how many it has not."""
    ends = [asyncio.create_task(_ended(streams)) for streams in crowd]
    _, left = await asyncio.wait(ends, timeout=max(until - time.monotonic(), 0.1))
    for task in left:
        task.cancel()
    _drop(crowd)
    return len(left)


async def slow(folder: Path) -> list[Finding]:
    """Heads and bodies that come a byte at a time."""
    promises = Promises()
    most_files()
    with a_tracker(folder) as tracker, bridge_process(folder, CMS_BASE_URL=tracker.url) as bridge:
        await start(bridge)
        load = Load(bridge, "l")
        begun = time.monotonic()
        heads = await _opened(bridge.port, _DRIPS, _HEAD + b"A: ")
        bodies = await _opened(bridge.port, _DRIPS, _HEAD + b"Content-Length: 1000\r\n\r\n")
        dripping = asyncio.create_task(_drip([*heads, *bodies]))
        ends = [asyncio.gather(*(_ended(streams) for streams in crowd)) for crowd in (heads, bodies)]
        await load.pour(clients=4, most=_WEBHOOKS)
        promises.hold("every webhook is answered 200 meanwhile", when={200} == set(load.statuses))
        async with asyncio.timeout(BODY_SECONDS + 3 * _SLACK_SECONDS):
            of_heads, of_bodies = await ends[0], await ends[1]
        dripping.cancel()
        last_head, last_body = (max(at for _, at in told) - begun for told in (of_heads, of_bodies))
        promises.hold(f"a head has {HEAD_SECONDS:.0f} s", when=last_head < HEAD_SECONDS + _SLACK_SECONDS)
        promises.hold(f"a body has {BODY_SECONDS:.0f} s", when=last_body < BODY_SECONDS + _SLACK_SECONDS)
        promises.hold("a body that drips is told so", when={b"408"} == {status for status, _ in of_bodies})
        lost, doubled = await tracker.lost(load.acknowledged), tracker.repeats()
        promises.hold("an orderly end", when=await end(bridge) == 0)
    return [
        Finding(
            fault="heads and bodies that drip",
            times=2 * _DRIPS,
            acknowledged=len(load.acknowledged),
            lost=lost,
            doubled=doubled,
            broken=promises.broken,
            detail=f"the last head was ended after {last_head:.0f} s, the last body after {last_body:.0f} s; webhooks "
            f"meanwhile: 99 % within {quantile(load.seconds, 0.99):.0f} ms",
        )
    ]


async def _drip(crowd: list[Streams]) -> None:
    while True:
        for _, writer in crowd:
            if not writer.is_closing():
                writer.write(b"x")
        await asyncio.sleep(0.5)


async def unread(folder: Path) -> list[Finding]:
    """Connections that ask again and again and read nothing."""
    promises = Promises()
    most_files()
    with a_tracker(folder) as tracker, bridge_process(folder, CMS_BASE_URL=tracker.url) as bridge:
        await start(bridge)
        load, before = Load(bridge, "u"), peak_mib(bridge)
        crowd = await asyncio.gather(*(_deaf(bridge.port) for _ in range(_DEAF)))
        promises.hold("they are let be at first", when=_open_at(bridge) >= _DEAF)
        begun = time.monotonic()
        await load.pour(clients=4, most=_WEBHOOKS)
        promises.hold("every webhook is answered 200 meanwhile", when={200} == set(load.statuses))
        ended = await holds(lambda: _open_at(bridge) < _DEAF, within_seconds=UNREAD_SECONDS + 4 * _SLACK_SECONDS)
        promises.hold(
            f"all are ended after {UNREAD_SECONDS:.0f} s, and again as long for what the system holds", when=ended
        )
        seconds = time.monotonic() - begun
        for connection in crowd:
            connection.close()
        growth = peak_mib(bridge) - before
        promises.hold(f"little memory (it grew by {growth:.0f} MiB)", when=growth < 150)
        lost, doubled = await tracker.lost(load.acknowledged), tracker.repeats()
        promises.hold("an orderly end", when=await end(bridge) == 0)
    return [
        Finding(
            fault="answers that nobody reads",
            times=_DEAF,
            acknowledged=len(load.acknowledged),
            lost=lost,
            doubled=doubled,
            broken=promises.broken,
            detail=f"all ended after {seconds:.0f} s; memory grew by {growth:.0f} MiB",
        )
    ]


async def _deaf(port: int) -> socket.socket:
    """A connection that asks for as long as its requests are taken, and reads nothing."""
    loop, connection = asyncio.get_running_loop(), socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await loop.sock_connect(connection, ("127.0.0.1", port))
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(_ASKING_SECONDS):
            while True:  # a few at a time: more at once than may wait would end the connection
                await loop.sock_sendall(connection, b"GET /metrics HTTP/1.1\r\nHost: bridge\r\n\r\n" * _ASKED)
                await asyncio.sleep(0.05)
    return connection


def _open_at(bridge: BridgeProcess) -> int:
    """How many sockets the bridge has open."""
    assert bridge.process is not None
    count = 0
    for file in Path(f"/proc/{bridge.process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(file.readlink()).startswith("socket:")
    return count


async def large(folder: Path) -> list[Finding]:
    """Bodies of one MiB, as many at once as connections are allowed to hold; and genuine ones of the same size."""
    promises, files = Promises(), most_files()
    strangers = min(2_000, most_connections(files) - 200)
    with a_tracker(folder) as tracker, bridge_process(folder, CMS_BASE_URL=tracker.url) as bridge:
        await start(bridge)
        before = peak_mib(bridge)
        load = Load(bridge, "b")
        await _pour_large(load, clients=64, seconds=6.0)
        genuine = peak_mib(bridge)
        promises.hold("only 200 and 503 are answered", when={200, 503} >= set(load.statuses))
        promises.hold("large webhooks are let in", when=len(load.acknowledged) > 50)
        crowd = await _opened(bridge.port, strangers, _HEAD + b"Content-Length: %d\r\n\r\n" % _MIB)
        filling = [asyncio.create_task(_fill(streams, _MIB - 1)) for streams in crowd]
        await asyncio.wait(filling, timeout=15)
        small = Load(bridge, "s")
        await small.pour(clients=8, most=_WEBHOOKS, seconds=10)
        promises.hold("small webhooks are answered 200 meanwhile", when={200} == set(small.statuses))
        held = peak_mib(bridge)
        for task in filling:
            task.cancel()
        _drop(crowd)
        await _pour_large(load, clients=4, seconds=2.0)
        acknowledged = load.acknowledged | small.acknowledged
        lost, doubled = await tracker.lost(acknowledged), tracker.repeats()
        promises.hold("an orderly end", when=await end(bridge) == 0)
    return [
        Finding(
            fault="bodies of 1 MiB",
            times=sum(load.statuses.values()) + strangers,
            acknowledged=len(acknowledged),
            lost=lost,
            doubled=doubled,
            broken=promises.broken,
            detail=f"memory: {before:.0f} MiB at rest, {genuine:.0f} with 64 genuine ones at once "
            f"({len(load.acknowledged)} let in), {held:.0f} with {strangers:,} strangers who hold one each",
        )
    ]


async def _pour_large(load: Load, *, clients: int, seconds: float) -> None:
    until = time.monotonic() + seconds

    async def client(number: int) -> None:
        link, step = Link(load.bridge.port), 0
        while time.monotonic() < until:
            step += 1
            name = f"{load.series}x{number}x{time.monotonic_ns()}"
            body = a_checkout(name, customer=f"cus_{number}")
            body += b" " * (_MIB - len(body))
            try:
                status, _ = await link.ask(a_request(body))
            except GONE:
                status = 0
            load.statuses[status] += 1
            if status == 200:
                load.acknowledged.add(f"pi_{name}")
        link.close()

    await asyncio.gather(*(client(number) for number in range(clients)))


async def _fill(streams: Streams, size: int) -> None:
    """Send nearly all of a body, and wait."""
    with contextlib.suppress(*GONE):
        streams[1].write(bytes(size))
        await streams[1].drain()
        await asyncio.sleep(60)
