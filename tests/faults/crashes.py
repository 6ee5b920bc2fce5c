"""The process ends: by kill -9 under load and while it starts, and by SIGTERM under load."""

import asyncio
from pathlib import Path

from tests.faults.load import Load
from tests.faults.report import Finding, Promises
from tests.faults.world import MOST_IN_FLIGHT, a_tracker, end, start
from tests.support import bridge_process

_KILLS = 12
_STARTS = 10
_TERMS = 5


async def kill(folder: Path) -> list[Finding]:
    """Kill -9 again and again while webhooks come in and leave."""
    acknowledged: set[str] = set()
    with a_tracker(folder) as tracker, bridge_process(folder, CMS_BASE_URL=tracker.url) as bridge:
        for number in range(_KILLS):
            await start(bridge)
            load = Load(bridge, f"k{number}")
            pouring = asyncio.create_task(load.pour())
            await load.until(100 + 37 * number)
            bridge.kill()
            load.stopped = True
            await pouring
            acknowledged |= load.acknowledged
        await start(bridge)
        lost = await tracker.lost(acknowledged)
        await end(bridge)
        doubled = tracker.repeats()
    bound = _KILLS * MOST_IN_FLIGHT
    return [
        Finding(
            fault="kill -9 under load",
            times=_KILLS,
            acknowledged=len(acknowledged),
            lost=lost,
            doubled=doubled,
            bound=bound,
            detail="a sale that was on its way at the kill may go again, with the same invoice id",
        )
    ]


async def kill_at_start(folder: Path) -> list[Finding]:
    """Kill -9 at every moment of a start, the first one with an empty folder."""
    promises = Promises()
    with a_tracker(folder) as tracker, bridge_process(folder, CMS_BASE_URL=tracker.url) as bridge:
        for number in range(_STARTS):
            await asyncio.to_thread(bridge.start, ready=False)
            await asyncio.sleep(0.12 * (number + 1))
            promises.hold(
                "serve ends only when it is killed", when=bridge.process is not None and bridge.process.poll() is None
            )
            bridge.kill()
        await start(bridge)
        load = Load(bridge, "s")
        await load.pour(most=200)
        lost = await tracker.lost(load.acknowledged)
        promises.hold("an orderly end afterwards", when=await end(bridge) == 0)
        doubled = tracker.repeats()
    return [
        Finding(
            fault="kill -9 while starting",
            times=_STARTS,
            acknowledged=len(load.acknowledged),
            lost=lost,
            doubled=doubled,
            broken=promises.broken,
            detail="between 0.1 and 1.2 s after the start, the first one in an empty folder",
        )
    ]


async def terminate(folder: Path) -> list[Finding]:
    """SIGTERM while webhooks come in and leave."""
    acknowledged: set[str] = set()
    promises = Promises()
    with a_tracker(folder) as tracker, bridge_process(folder, CMS_BASE_URL=tracker.url) as bridge:
        for number in range(_TERMS):
            await start(bridge)
            load = Load(bridge, f"t{number}")
            pouring = asyncio.create_task(load.pour())
            await load.until(300)
            promises.hold("exit code 0 within 15 s", when=await end(bridge) == 0)
            load.stopped = True
            await pouring
            promises.hold("only 200 and 503 are answered", when={200, 503, 0} >= set(load.statuses))
            acknowledged |= load.acknowledged
        await start(bridge)
        lost = await tracker.lost(acknowledged)
        await end(bridge)
        doubled = tracker.repeats()
    return [
        Finding(
            fault="SIGTERM under load",
            times=_TERMS,
            acknowledged=len(acknowledged),
            lost=lost,
            doubled=doubled,
            broken=promises.broken,
        )
    ]
