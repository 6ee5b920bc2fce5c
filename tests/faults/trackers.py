"""A tracker that misbehaves in every way a host can, and one whose name leads nowhere; then it is well again."""

import asyncio
import gzip
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge.demo.answers import Act, Answer, judge
from bridge.demo.tracker import FakeTracker
from tests.faults.load import Link, Load, quantile
from tests.faults.report import Finding, Promises
from tests.faults.world import a_tracker, end, peak_mib, start, tries
from tests.support import BridgeProcess, bridge_process

_WEBHOOKS = 12
_TROUBLE_SECONDS = 4.0
_PATIENCE_SECONDS = 75.0
_TOGETHER = 6
_MOST_ACK_MS = 2_000
_MOST_GROWTH_MIB = 40


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """How a tracker meets requests, or connections."""

    answer: Answer = field(default_factory=Answer)
    welcome: Act = Act.ANSWER
    #: the tracker may have taken the request before it went wrong; else it is another host or refuses
    may_have: bool = True


_TROUBLES: Mapping[str, Trouble] = {
    "never answers": Trouble(answer=Answer(act=Act.NEVER)),
    "takes a connection and reads nothing": Trouble(welcome=Act.NEVER),
    "resets each connection": Trouble(welcome=Act.RESET),
    "resets each request": Trouble(answer=Answer(act=Act.RESET)),
    "closes without an answer": Trouble(answer=Answer(act=Act.CLOSE)),
    "answers a byte a second": Trouble(answer=Answer(drip_seconds=1.0)),
    "body a byte a second": Trouble(answer=Answer(drip_seconds=1.0, drips_body_only=True)),
    "closes in mid-head": Trouble(answer=Answer(cut_after=20)),
    "closes in mid-body": Trouble(answer=Answer(cut_after=-5)),
    "answers garbage": Trouble(answer=Answer(act=Act.RAW, body=bytes(range(256)) * 40), may_have=False),
    "web page with status 200": Trouble(answer=Answer(body=b"<!doctype html><title>Login</title>"), may_have=False),
    "1 MiB of headers": Trouble(answer=Answer(headers=tuple((f"X-{n}", "y" * 1000) for n in range(1000)))),
    "20 MiB of body": Trouble(answer=Answer(status=500, body=b"x" * 20_000_000), may_have=False),
    "gzip bomb": Trouble(
        answer=Answer(
            status=500,
            body=gzip.compress(bytes(50_000_000)),
            headers=(("Content-Encoding", "gzip"), ("Content-Type", "application/json")),
        ),
        may_have=False,
    ),
    "redirects": Trouble(answer=Answer(status=307, headers=(("Location", "http://127.0.0.1:9/"),)), may_have=False),
    "status 500": Trouble(answer=Answer(status=500, body={"error": "no"}), may_have=False),
    "asks for patience (429)": Trouble(
        answer=Answer(status=429, body={"error": "slow"}, headers=(("Retry-After", "3"),)), may_have=False
    ),
    "token refused (401)": Trouble(answer=Answer(status=401, body={"error": "who?"}), may_have=False),
}


async def misbehaving(folder: Path) -> list[Finding]:
    """Every trouble, a few at the same time, each with a bridge of its own."""
    few = asyncio.Semaphore(_TOGETHER)

    async def one(number: int, name: str, trouble: Trouble) -> Finding:
        async with few:
            place = folder / str(number)
            place.mkdir()
            return await _troubled(place, name, trouble)

    return await asyncio.gather(*(one(number, *item) for number, item in enumerate(_TROUBLES.items())))


async def _troubled(folder: Path, name: str, trouble: Trouble) -> Finding:
    promises = Promises()
    async with FakeTracker(trouble.answer) as tracker:
        tracker.welcome = trouble.welcome
        with bridge_process(folder, CMS_BASE_URL=tracker.url, CMS_TIMEOUT="1s") as bridge:
            await start(bridge)
            before = peak_mib(bridge)
            load = await _posted(bridge, promises)
            met = len(tracker.requests) or tracker.connections
            promises.hold("the trouble was met", when=met > 0)
            growth = peak_mib(bridge) - before
            promises.hold(f"little memory (it grew by {growth:.0f} MiB)", when=growth < _MOST_GROWTH_MIB)
            if not trouble.may_have:
                tracker.invoices.clear()
            tracker.answer, tracker.welcome = judge, Act.ANSWER
            lost, seconds = await _delivered(tracker, load.acknowledged)
            promises.hold("an orderly end", when=await end(bridge) == 0)
            unsure = tries(bridge, "maybe")
            promises.hold("no bug in the log", when='"bug"' not in bridge.log and "Traceback" not in bridge.log)
    return Finding(
        fault=f"tracker: {name}",
        times=met,
        acknowledged=len(load.acknowledged),
        lost=lost,
        doubled=tracker.repeats,
        bound=unsure,
        broken=promises.broken,
        detail=f"webhooks answered in {quantile(load.seconds, 1.0):.0f} ms at most; all delivered {seconds:.0f} s "
        "after it was well",
    )


async def _posted(bridge: BridgeProcess, promises: Promises) -> Load:
    """Webhooks while the tracker is in trouble: it must not matter to their senders."""
    load, link = Load(bridge, "m"), Link(bridge.port)
    until = time.monotonic() + _TROUBLE_SECONDS
    for number in range(_WEBHOOKS):
        await load.one(link, f"m{number}", customer=f"cus_{number}")
        await asyncio.sleep(max(until - time.monotonic(), 0) / (_WEBHOOKS - number))
    link.close()
    promises.hold("every webhook is acknowledged", when=len(load.acknowledged) == _WEBHOOKS)
    promises.hold("and soon", when=quantile(load.seconds, 1.0) < _MOST_ACK_MS)
    return load


async def _delivered(tracker: FakeTracker, acknowledged: set[str]) -> tuple[int, float]:
    """How many are not delivered in the end, and how long the others took."""
    begun = time.monotonic()
    while time.monotonic() - begun < _PATIENCE_SECONDS:
        if acknowledged <= tracker.invoices.keys():
            break
        await asyncio.sleep(0.05)
    return len(acknowledged - tracker.invoices.keys()), time.monotonic() - begun


async def nowhere(folder: Path) -> list[Finding]:
    """The tracker's name cannot be found (names that end in .invalid never can); later the right one is set."""
    promises = Promises()
    with a_tracker(folder) as tracker:
        with bridge_process(folder, CMS_BASE_URL="https://tracker.invalid", CMS_TIMEOUT="2s") as bridge:
            await start(bridge)
            load = await _posted(bridge, promises)
            promises.hold("nothing was sent", when=tries(bridge, "maybe") + tries(bridge, "yes") == 0)
            promises.hold("it was tried", when=tries(bridge, "no") > 0)
            promises.hold("an orderly end", when=await end(bridge) == 0)
            bridge.settings["CMS_BASE_URL"] = tracker.url
            await start(bridge)
            lost = await tracker.lost(load.acknowledged)
            await end(bridge)
        doubled = tracker.repeats()
    return [
        Finding(
            fault="tracker: its name is not found",
            acknowledged=len(load.acknowledged),
            lost=lost,
            doubled=doubled,
            broken=promises.broken,
            detail=f"webhooks answered in {quantile(load.seconds, 1.0):.0f} ms at most",
        )
    ]
