"""PostgreSQL in trouble while replicas work on it: gone, crashed, read-only, full, frozen, cut off, all killed."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx

from tests.e2e.fleet import MOST_IN_FLIGHT, Fleet, Traffic, a_fleet, heard, out_of_order, repeats
from tests.e2e.troubles import TROUBLES, crash_one, frozen
from tests.faults.load import holds
from tests.faults.report import Finding, Promises
from tests.faults.wire import Wire, a_wire
from tests.faults.world import TrackerProcess, a_tracker, end, start
from tests.postgres import NOBODY, Server, unavailable

_ROUNDS = 3
_CRASHES = 6
_CUTS = 60
_SWALLOWED = 40
_BLACKOUTS = 2
_FREEZES = 1
_FROZEN_SECONDS = 18.0
#: A sender is told 503 within this, however silent the database is.
_MOST_SILENT_SECONDS = 13.0


class Scene:
    """Two replicas under load, and what is promised of them whatever their database does."""

    def __init__(self, server: Server, tracker: TrackerProcess, fleet: Fleet) -> None:
        self.server, self.tracker, self.fleet = server, tracker, fleet
        self.traffic = Traffic(fleet.ports)
        self.promises = Promises()
        self.longest = 0.0

    @asynccontextmanager
    async def poured(self) -> AsyncIterator[None]:
        """Under load meanwhile."""
        async with self.traffic.poured(per_second=150.0):
            await self.goes_on("at first")
            self.longest = 0.0
            yield

    async def goes_on(self, what: str, *, count: int = 30) -> None:
        """Some more are acknowledged; how long that took is remembered."""
        begun, count = time.monotonic(), len(self.traffic.acknowledged) + count
        met = await holds(lambda: len(self.traffic.acknowledged) >= count, within_seconds=30.0)
        self.longest = max(self.longest, time.monotonic() - begun)
        self.promises.hold(f"it goes on by itself: {what}", when=met)

    async def is_refused(self, what: str) -> None:
        """503 is answered, nothing is acknowledged, and nobody is ready."""
        refused = self.traffic.statuses[503] + 10
        self.promises.hold(f"503: {what}", when=await holds(lambda: self.traffic.statuses[503] >= refused))
        count = len(self.traffic.acknowledged)
        urls = [replica.url for replica in self.fleet.replicas]
        self.promises.hold(f"nobody is ready: {what}", when=await holds(lambda: not any(map(_is_ready, urls))))
        self.promises.hold(
            f"nothing is acknowledged without a database: {what}", when=len(self.traffic.acknowledged) == count
        )

    async def finish(self, fault: str, *, times: int, bound: int = 0, detail: str = "") -> Finding:
        """When nothing is poured any more: wait until all is delivered, and judge."""
        self.promises.hold("only 200 and 503 are answered", when={200, 503, 0} >= set(self.traffic.statuses))
        lost = await self.tracker.lost(self.traffic.acknowledged)
        self.promises.hold("an orderly end", when={0} == set(await self.fleet.terminate()))
        self.promises.hold("no bug in the log", when='"event":"bug"' not in self.fleet.log)
        requests = heard(self.tracker.log)
        again, unsure = repeats(requests), await self.fleet.unsure()
        known = all(count <= unsure.get(invoice, 0) for invoice, count in again.items())
        self.promises.hold("nothing is sent again but what is said to be unsure", when=known)
        self.promises.hold("order per customer", when=not out_of_order(requests))
        return Finding(
            fault=fault,
            times=times,
            acknowledged=len(self.traffic.acknowledged),
            lost=lost,
            doubled=again.total(),
            bound=bound,
            broken=self.promises.broken,
            detail=detail or f"webhooks are taken in again {self.longest:.1f} s after it, at most",
        )


def _is_ready(url: str) -> bool:
    return httpx.get(f"{url}/readyz", timeout=30).status_code == 200


@asynccontextmanager
async def a_scene(folder: Path, server: Server, url: str) -> AsyncIterator[Scene]:
    """Two replicas on that database."""
    with a_tracker(folder) as tracker, a_fleet(folder, url, 2, CMS_BASE_URL=tracker.url) as fleet:
        await fleet.start()
        yield Scene(server, tracker, fleet)


async def troubled(folder: Path) -> list[Finding]:
    """Each trouble several times under load, in turn; then one of the server's processes is killed."""
    names = ", ".join(TROUBLES)
    fault = f"PostgreSQL: {names}, one process killed"
    if why := unavailable():
        return [Finding(fault=fault, skipped=why)]
    with Server.start(folder, durable=True) as server:
        async with a_scene(folder, server, server.fresh_database()) as scene:
            async with scene.poured():
                for name, begin in [*TROUBLES.items()] * _ROUNDS:
                    finish = await asyncio.to_thread(begin, server)
                    await scene.is_refused(name)
                    await asyncio.to_thread(finish)
                    await scene.goes_on(name)
                for _ in range(_CRASHES):
                    await asyncio.to_thread(crash_one, server)
                    await scene.goes_on("after a crash")
            return [await scene.finish(fault, times=len(TROUBLES) * _ROUNDS + _CRASHES)]


async def stands_still(folder: Path) -> list[Finding]:
    """The server answers nobody for a while, and no connection ends."""
    name = "PostgreSQL: it stands still"
    if why := unavailable():
        return [Finding(fault=name, skipped=why)]
    with Server.start(folder, durable=True) as server:
        async with a_scene(folder, server, server.fresh_database()) as scene:
            scene.traffic.patience = _FROZEN_SECONDS + _MOST_SILENT_SECONDS
            async with scene.poured():
                for _ in range(_FREEZES):
                    with frozen(server):
                        await asyncio.sleep(_FROZEN_SECONDS)
                    await scene.goes_on("when it moves again")
                with frozen(server):
                    begun = time.monotonic()
                    code = await end(scene.fleet.replicas[0])
                    seconds = time.monotonic() - begun
                scene.promises.hold(f"SIGTERM meanwhile: exit 0 in time ({code}, {seconds:.1f} s)", when=code == 0)
                await start(scene.fleet.replicas[0])
            slowest = scene.traffic.slowest
            scene.promises.hold(
                f"an answer within {_MOST_SILENT_SECONDS:.0f} s ({slowest:.1f} s)", when=slowest < _MOST_SILENT_SECONDS
            )
            detail = (
                f"for {_FROZEN_SECONDS:.0f} s each; senders are told 503 after {slowest:.1f} s at most; "
                f"SIGTERM meanwhile took {seconds:.1f} s"
            )
            return [await scene.finish(name, times=_FREEZES, bound=MOST_IN_FLIGHT, detail=detail)]


async def cut_off(folder: Path) -> list[Finding]:
    """Connections to the server are reset at any moment, and between a COMMIT and its answer."""
    names = ("PostgreSQL: connections are reset under load", "PostgreSQL: the answer to a COMMIT is lost")
    if why := unavailable():
        return [Finding(fault=name, skipped=why) for name in names]
    findings = []
    with Server.start(folder, durable=True) as server:
        for name, work in zip(names, (_reset, _swallow), strict=True):
            place = folder / work.__name__
            place.mkdir()
            url = server.fresh_database()
            async with a_wire(url) as wire, a_scene(place, server, wire.url(url)) as scene:
                async with scene.poured():
                    times = await work(scene, wire)
                findings.append(await scene.finish(name, times=times))
    return findings


async def _reset(scene: Scene, wire: Wire) -> int:
    count = 0
    for number in range(_CUTS):
        await asyncio.sleep(0.05 + 0.01 * (number % 7))
        count += wire.cut()
    await scene.goes_on("after resets")
    return count


async def _swallow(scene: Scene, wire: Wire) -> int:
    for _ in range(_SWALLOWED):
        wire.swallow += 1
        await holds(lambda: wire.swallow == 0)
        await asyncio.sleep(0.05)
    await scene.goes_on("after lost answers")
    return wire.swallowed


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of 32 megabytes for the server's user, where this user may mount one."""
    disk = folder / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size=32m,uid={NOBODY},gid={NOBODY},mode=700", "tmpfs", str(disk)]
    try:
        is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        is_mounted = False
    try:
        yield disk if is_mounted else None
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(disk)], check=False)


async def full(folder: Path) -> list[Finding]:
    """The disk that holds the database's tables runs full, and has room again."""
    name = "PostgreSQL: its disk is full"
    if why := unavailable():
        return [Finding(fault=name, skipped=why)]
    with Server.start(folder, durable=True) as server, _small_disk(server.data.parent) as disk:
        if disk is None:
            return [Finding(fault=name, skipped="needs the right to mount a tmpfs")]
        url = server.fresh_database(place=disk)
        filler = disk / "filler"
        async with a_scene(folder, server, url) as scene:
            async with scene.poured():
                for _ in range(_ROUNDS):
                    _fill(filler)
                    await scene.is_refused("the disk is full")
                    filler.unlink()
                    await scene.goes_on("the disk has room")
            return [await scene.finish(name, times=_ROUNDS, detail="a tablespace on a tmpfs of 32 MiB")]


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


async def blackout(folder: Path) -> list[Finding]:
    """kill -9 of everything at once, replicas and server, as when a machine dies; and a start of everything."""
    name = "kill -9 of all replicas and PostgreSQL at once"
    if why := unavailable():
        return [Finding(fault=name, skipped=why)]
    with Server.start(folder, durable=True) as server:
        async with a_scene(folder, server, server.fresh_database()) as scene:
            async with scene.poured():
                for _ in range(_BLACKOUTS):
                    await scene.goes_on("before")
                    await asyncio.to_thread(_kill_all, scene)
                    await asyncio.to_thread(server.run)
                    await scene.fleet.start()
                await scene.goes_on("afterwards")
            return [await scene.finish(name, times=_BLACKOUTS, bound=2 * _BLACKOUTS * MOST_IN_FLIGHT)]


def _kill_all(scene: Scene) -> None:
    for replica in scene.fleet.replicas:
        assert replica.process is not None
        os.killpg(replica.process.pid, signal.SIGKILL)
    scene.server.kill()
    for replica in scene.fleet.replicas:
        assert replica.process is not None
        replica.process.wait(10)
