"""Several replicas on one PostgreSQL: killed one after the other, ended in turn, frozen, with clocks that differ."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.fleet import MOST_IN_FLIGHT, Fleet, Traffic, a_fleet, heard, most_within, out_of_order, quiet, repeats
from tests.e2e.troubles import freeze_with_the_turn
from tests.faults.load import holds
from tests.faults.report import Finding, Promises
from tests.faults.world import TrackerProcess, a_shim, a_tracker
from tests.postgres import Server, unavailable

_KILLS = 20
_RATE = 60
_ROLLS = 1
_FREEZES = 3
#: CMS_TIMEOUT, and what a replica has to write what came of it.
_TIMEOUT, _LEASE_SECONDS = "1s", 16.0
#: How long a frozen replica may hold up the others: until the database ends its transaction, and some.
_MOST_HELD_SECONDS = 10.0


@dataclass
class Stand:
    """Replicas at work, and what is promised of them."""

    server: Server
    tracker: TrackerProcess
    fleet: Fleet
    traffic: Traffic
    promises: Promises

    async def finish(self, fault: str, *, times: int, bound: int, detail: str = "") -> Finding:
        """When nothing is poured any more: wait until all is delivered, and judge."""
        acknowledged = self.traffic.acknowledged
        lost = await self.tracker.lost(acknowledged, within_seconds=60.0)
        await quiet(lambda: len(heard(self.tracker.log)), within=60.0)
        self.promises.hold("an orderly end of all", when={0} == set(await self.fleet.terminate()))
        self.promises.hold("no bug in the log", when='"event":"bug"' not in self.fleet.log)
        requests = heard(self.tracker.log)
        wrong = out_of_order(requests)
        self.promises.hold(f"order per customer ({len(wrong)} customers were not served so)", when=not wrong)
        most = most_within(requests, 1.0)
        # a request that was asked for in time may come some milliseconds later than the next
        kept = most_within(requests, 0.95) <= _RATE
        self.promises.hold(f"at most {_RATE} requests in a second (there were {most})", when=kept)
        again, unsure = repeats(requests), await self.fleet.unsure()
        known = all(count <= unsure.get(invoice, 0) for invoice, count in again.items())
        self.promises.hold("nothing is sent again but what is said to be unsure", when=known)
        told = f"{len(requests)} requests; most in a second: {most} of {_RATE}; order kept"
        return Finding(
            fault=fault,
            times=times,
            acknowledged=len(acknowledged),
            lost=lost,
            doubled=again.total(),
            bound=bound,
            broken=self.promises.broken,
            detail=f"{told}; {detail}" if detail else told,
        )

    async def more(self, what: str, count: int = 30, *, within_seconds: float = 20.0) -> None:
        """Some more webhooks are acknowledged."""
        count += len(self.traffic.acknowledged)
        met = await holds(lambda: len(self.traffic.acknowledged) >= count, within_seconds=within_seconds)
        self.promises.hold(f"webhooks are acknowledged {what}", when=met)


@asynccontextmanager
async def a_stand(folder: Path, *each: dict[str, str]) -> AsyncIterator[Stand]:
    """As many replicas as there are settings in `each`, under load."""
    with (
        Server.start(folder, durable=True) as server,
        a_tracker(folder, "--delay-seconds", "0.15") as tracker,
        a_fleet(
            folder,
            server.fresh_database(),
            len(each),
            CMS_BASE_URL=tracker.url,
            CMS_RATE_LIMIT=f"{_RATE}/s",
            CMS_TIMEOUT=_TIMEOUT,
        ) as fleet,
    ):
        for replica, settings in zip(fleet.replicas, each, strict=True):
            replica.settings |= settings
        await fleet.start()
        yield Stand(server, tracker, fleet, Traffic(fleet.ports), Promises())


async def killed(folder: Path) -> list[Finding]:
    """Three replicas; every second one of them is killed and started again."""
    name = "replicas: one of three killed every second"
    if why := unavailable():
        return [Finding(fault=name, skipped=why)]
    async with a_stand(folder, {}, {}, {}) as stand:
        async with stand.traffic.poured(per_second=1.1 * _RATE):
            await stand.more("at first")
            for number in range(_KILLS):
                await asyncio.sleep(1.0)
                await asyncio.to_thread(stand.fleet.kill, number % 3)
            begun = time.monotonic()
            await stand.fleet.ready()
            await stand.more("afterwards")
        await stand.tracker.lost(stand.traffic.acknowledged)
        seconds = time.monotonic() - begun
        rescued = sum((await stand.fleet.unsure()).values())
        return [
            await stand.finish(
                name,
                times=_KILLS,
                bound=_KILLS * MOST_IN_FLIGHT,
                detail=f"{rescued} leases of dead replicas rescued; all delivered {seconds:.0f} s after the last kill "
                f"(a lease lasts {_LEASE_SECONDS:.0f} s)",
            )
        ]


async def rolled(folder: Path) -> list[Finding]:
    """A rolling restart: SIGTERM to one after the other under load, the next when the first is back."""
    name = "replicas: a rolling restart"
    if why := unavailable():
        return [Finding(fault=name, skipped=why)]
    async with a_stand(folder, {}, {}, {}) as stand:
        async with stand.traffic.poured(per_second=1.1 * _RATE):
            for replica in stand.fleet.replicas * _ROLLS:
                await stand.more("during it")
                stand.promises.hold("exit code 0", when=0 == await asyncio.to_thread(replica.terminate))
                await asyncio.to_thread(replica.start)
        return [await stand.finish(name, times=3 * _ROLLS, bound=0)]


async def frozen(folder: Path) -> list[Finding]:
    """A replica is stopped while it has the turn to write; later it goes on, once when its leases have run out."""
    name = "replicas: one is frozen in the middle of a commit"
    if why := unavailable():
        return [Finding(fault=name, skipped=why)]
    async with a_stand(folder, {}, {}) as stand:
        async with stand.traffic.poured(per_second=200.0):
            held = [await _held_up(stand, number % 2) for number in range(_FREEZES - 1)]
            held.append(await _held_up(stand, (_FREEZES - 1) % 2, longer_by=_LEASE_SECONDS))
            await stand.fleet.ready()
            await stand.more("afterwards")
        longest = max(held)
        stand.promises.hold(
            f"held up for {_MOST_HELD_SECONDS:.0f} s at most ({longest:.1f} s)", when=longest < _MOST_HELD_SECONDS
        )
        detail = (
            f"the others took webhooks in again after {longest:.1f} s at most; the last one stood still for a lease"
        )
        return [await stand.finish(name, times=_FREEZES, bound=_FREEZES * MOST_IN_FLIGHT, detail=detail)]


async def _held_up(stand: Stand, number: int, *, longer_by: float = 0.0) -> float:
    """Freeze a replica that has the turn, until the other one goes on and then some: for how long it did not."""
    await stand.more("before")
    process = stand.fleet.replicas[number].process
    assert process is not None
    await asyncio.to_thread(freeze_with_the_turn, stand.server, process.pid)
    begun = time.monotonic()
    await stand.more("by the others", 10, within_seconds=30.0)
    seconds = time.monotonic() - begun
    await asyncio.sleep(longer_by)
    os.kill(process.pid, signal.SIGCONT)
    return seconds


async def clocks_apart(folder: Path) -> list[Finding]:
    """Replicas whose clocks are minutes apart: what is due, leased and paused goes by the database's."""
    name = "replicas: their clocks differ by minutes"
    if why := unavailable():
        return [Finding(fault=name, skipped=why)]
    shims = []
    for number in range(3):
        place = folder / f"clock{number}"
        place.mkdir()
        shims.append(a_shim(place))
    ahead = (0.0, 200.0, -200.0)
    settings = []
    for shim, seconds in zip(shims, ahead, strict=True):
        if shim is None:
            return [Finding(fault=name, skipped="needs Linux and a C compiler")]
        shim.set_ahead(seconds)
        settings.append(shim.environment)
    async with a_stand(folder, *settings) as stand:
        async with stand.traffic.poured(per_second=0.8 * _RATE):
            for number in range(3):
                await stand.more("all the time", 100)
                await asyncio.to_thread(stand.fleet.kill, number)
            await stand.fleet.ready()
            await stand.more("afterwards")
        return [
            await stand.finish(
                name, times=3, bound=3 * MOST_IN_FLIGHT, detail="200 s ahead and 200 s behind; each was killed once"
            )
        ]
