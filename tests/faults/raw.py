"""Bytes on a socket, and every answer that comes back: what a stranger sees."""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.faults.load import GONE, Link, Load
from tests.faults.report import Finding, Promises
from tests.faults.world import a_tracker, end, peak_mib, start
from tests.support import BridgeProcess, bridge_process

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_TOGETHER = 16
_QUIET_SECONDS = 2.0

HOOK = b"POST /webhooks/stripe HTTP/1.1\r\nHost: bridge\r\n"
#: Asked behind a request on the same connection, and answered with the body `ok`: a second request.
NEXT = b"GET /healthz HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What came back on one connection."""

    statuses: tuple[bytes, ...]
    #: how often `/healthz` was answered: requests that were found
    pings: int
    has_ended: bool


async def tell(port: int, *pieces: bytes, seconds: float = 15.0) -> Told:
    """Send the pieces on one connection and take what comes until its end; after a while say that no more follows."""
    data = b""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    has_ended = True
    try:
        async with asyncio.timeout(seconds):
            with contextlib.suppress(*GONE):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
            with contextlib.suppress(ConnectionError):
                while piece := await _read(reader, writer):
                    data += piece
    except TimeoutError:
        has_ended = False
    finally:
        writer.transport.abort()
    return Told(statuses=tuple(_STATUS.findall(data)), pings=data.count(b"\r\n\r\nok\n"), has_ended=has_ended)


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    try:
        return await asyncio.wait_for(reader.read(65_536), _QUIET_SECONDS)
    except TimeoutError:
        writer.write_eof()
        return await reader.read(65_536)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Bytes, and what may come of them."""

    pieces: tuple[bytes, ...]
    statuses: frozenset[bytes]
    #: how many answers at most
    answers: int = 1
    #: how often a request for /healthz is to be found in it
    pings: int = 0
    #: nothing may come at all: there is no whole request, or more was sent than anybody reads
    may_be_silent: bool = False


@dataclass
class Tally:
    """What many cases came to."""

    promises: Promises = field(default_factory=Promises)
    seen: dict[bytes, int] = field(default_factory=dict)

    def add(self, name: str, case: Case, told: Told) -> None:
        """Hold one case against what may come of it."""
        for status in told.statuses:
            self.seen[status] = self.seen.get(status, 0) + 1
        shown = b" ".join(told.statuses).decode() or "nothing"
        allowed = b" ".join(sorted(case.statuses)).decode()
        self.promises.hold(f"{name}: answered {shown}, expected {allowed}", when=case.statuses >= {*told.statuses})
        self.promises.hold(f"{name}: {len(told.statuses)} answers", when=len(told.statuses) <= case.answers)
        self.promises.hold(f"{name}: no answer", when=bool(told.statuses) or case.may_be_silent)
        self.promises.hold(f"{name}: {told.pings} requests behind it were found", when=told.pings == case.pings)
        self.promises.hold(f"{name}: the connection was left open", when=told.has_ended)

    @property
    def shown(self) -> str:
        """How often each status was answered."""
        return ", ".join(f"{status.decode()} {count}×" for status, count in sorted(self.seen.items()))


async def tried(fault: str, bridge: BridgeProcess, cases: Mapping[str, Case]) -> Finding:
    """Every case against a bridge that serves; then it still serves, and nothing of a stranger's is kept."""
    tally, few = Tally(), asyncio.Semaphore(_TOGETHER)

    async def one(name: str, case: Case) -> None:
        async with few:
            tally.add(name, case, await tell(bridge.port, *case.pieces))

    with a_tracker(bridge.folder) as tracker:
        bridge.settings["CMS_BASE_URL"] = tracker.url
        await start(bridge)
        before = peak_mib(bridge)
        await asyncio.gather(*(one(*item) for item in cases.items()))
        growth = peak_mib(bridge) - before
        load, link = Load(bridge, "after"), Link(bridge.port)
        for number in range(20):
            await load.one(link, f"after{number}")
        link.close()
        tally.promises.hold("webhooks are answered afterwards", when={200: 20} == dict(load.statuses))
        lost, doubled = await tracker.lost(load.acknowledged), tracker.repeats()
        tally.promises.hold("an orderly end", when=await end(bridge) == 0)
        tally.promises.hold("no bug in the log", when='"bug"' not in bridge.log and "Traceback" not in bridge.log)
    return Finding(
        fault=fault,
        times=len(cases),
        acknowledged=len(load.acknowledged),
        lost=lost,
        doubled=doubled,
        broken=tally.promises.broken,
        detail=f"answered: {tally.shown}; memory grew by {growth:.0f} MiB",
    )


__all__ = ["HOOK", "NEXT", "Case", "Tally", "Told", "bridge_process", "tell", "tried"]
