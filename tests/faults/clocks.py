"""The wall clock jumps: by minutes, hours and days, both ways, while webhooks come in and leave."""

import asyncio
import json
import time
from datetime import datetime
from pathlib import Path

from bridge.rate import MOST_BURST
from tests.faults.load import Link, Load
from tests.faults.report import Finding, Promises
from tests.faults.world import Shim, TrackerProcess, a_shim, a_tracker, end, start
from tests.support import BridgeProcess, bridge_process, free_port

_HOUR, _DAY = 3_600.0, 86_400.0
_SKIPPED = "needs Linux and a C compiler"
#: Seconds ahead, one after the other.
_JUMPS = (0.0, 600.0, -600.0, 3 * _HOUR, -_DAY, 30 * _DAY, 0.0)
_RATE = 20
#: How long the clock stays so: longer than the worker rests.
_STAY_SECONDS = 1.5


async def jumping(folder: Path) -> list[Finding]:
    """Jump while it runs: signatures by the clock there is, the rate by no clock's leave, everything delivered."""
    name, shim = "the clock jumps while it runs", a_shim(folder)
    if shim is None:
        return [Finding(fault=name, skipped=_SKIPPED)]
    promises = Promises()
    with a_tracker(folder) as tracker:
        settings = shim.environment | {"CMS_BASE_URL": tracker.url, "CMS_RATE_LIMIT": f"{_RATE}/s"}
        with bridge_process(folder, **settings) as bridge:
            await start(bridge)
            load = Load(bridge, "c")
            for number, ahead in enumerate(_JUMPS):
                shim.set_ahead(ahead)
                await _signed(load, f"c{number}", ahead, promises)
            # what was put off while the clock was ahead is due within an hour of the right time at the latest
            shim.set_ahead(_HOUR + 60)
            lost = await tracker.lost(load.acknowledged)
            promises.hold("an orderly end", when=await end(bridge) == 0)
        most = _most_in_a_second(tracker)
        doubled = tracker.repeats()
    promises.hold(
        f"at most {_RATE} requests in a second, and a burst more where the clock jumps ahead (there were {most})",
        when=most <= _RATE + MOST_BURST,
    )
    return [
        Finding(
            fault=name,
            times=len(_JUMPS) - 1,
            acknowledged=len(load.acknowledged),
            lost=lost,
            doubled=doubled,
            broken=promises.broken,
            detail=f"from 1 day back to 30 days ahead; a signature of the other time was refused each time; "
            f"most requests in a second: {most} ({_RATE}, and {MOST_BURST} more where the clock jumps ahead)",
        )
    ]


async def _signed(load: Load, name: str, ahead: float, promises: Promises) -> None:
    """Webhooks signed by the bridge's clock are let in; by any other, more than five minutes away, they are not."""
    link = Link(load.bridge.port)
    for number in range(15):
        status = await load.one(link, f"{name}x{number}", at=time.time() + ahead, customer=f"cus_{number}")
        promises.hold("a signature by the bridge's own clock is let in", when=status == 200)
    for other in (ahead - 400, ahead + 400):
        status = await load.one(link, f"{name}other", at=time.time() + other)
        promises.hold("a signature 400 s off the bridge's clock is refused", when=status == 401)
    link.close()
    await asyncio.sleep(_STAY_SECONDS)


def _most_in_a_second(tracker: TrackerProcess) -> int:
    """The most requests that came in any second, by the tracker's clock, which never jumped."""
    lines = tracker.log.read_text(encoding="utf-8").splitlines()
    moments = sorted(datetime.fromisoformat(json.loads(line)["at"]).timestamp() for line in lines)
    # the tracker's clock is read when a request has come: some milliseconds may lie between
    return max((sum(1 for one in moments if 0 <= one - first < 0.98) for first in moments), default=0)


async def far_away(folder: Path) -> list[Finding]:
    """Start with a clock that is years off: retention forgets what is done, never what is still to be sent."""
    name, shim = "the clock is 500 days ahead at a start", a_shim(folder)
    if shim is None:
        return [Finding(fault=name, skipped=_SKIPPED)]
    promises = Promises()
    with a_tracker(folder) as tracker:
        nobody = f"http://127.0.0.1:{free_port()}"
        with bridge_process(folder, CMS_BASE_URL=nobody, **shim.environment) as bridge:
            load, done = Load(bridge, "f"), Load(bridge, "done")
            bridge.settings["CMS_BASE_URL"] = tracker.url
            await _day(bridge, shim, done, 0.0, promises)
            lost = await tracker.lost(done.acknowledged)
            await end(bridge)
            bridge.settings["CMS_BASE_URL"] = nobody
            for ahead in (0.0, 500 * _DAY, -_DAY):
                await _day(bridge, shim, load, ahead, promises)
                await asyncio.sleep(1.0)  # it keeps house at the start
                promises.hold("an orderly end", when=await end(bridge) == 0)
            shim.set_ahead(_HOUR + 60)
            bridge.settings["CMS_BASE_URL"] = tracker.url
            await start(bridge)
            lost += await tracker.lost(load.acknowledged)
            await end(bridge)
        doubled = tracker.repeats()
    return [
        Finding(
            fault=name,
            times=3,
            acknowledged=len(load.acknowledged) + len(done.acknowledged),
            lost=lost,
            doubled=doubled,
            broken=promises.broken,
            detail="and one day back at the next; what was pending all the time is delivered once the clock is right",
        )
    ]


async def _day(bridge: BridgeProcess, shim: Shim, load: Load, ahead: float, promises: Promises) -> None:
    """Start at that time, and take some webhooks in."""
    shim.set_ahead(ahead)
    await start(bridge)
    link = Link(bridge.port)
    for number in range(20):
        status = await load.one(link, f"{load.series}x{ahead:.0f}x{number}", at=time.time() + ahead)
        promises.hold("webhooks are taken in", when=status == 200)
    link.close()
