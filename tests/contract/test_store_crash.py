"""kill -9 in the middle of writing: whatever was reported as recorded is there, and nothing is half there."""

import asyncio
import subprocess
import sys
from pathlib import Path

from bridge.model import DeliveryState
from bridge.store.base import LEASE, DeliveryFilter, EventFilter
from tests.contract.databases import opened, raw
from tests.contract.store_hand import START

#: Sixteen callers record as fast as they can and say so; a worker claims and never comes back.
PROGRAM = """
import asyncio, itertools, sys
sys.path.insert(0, {root!r})
from tests.contract.databases import opened
from tests.contract.store_hand import START, Hand, a_conversion, a_meaning, a_sale

async def main():
    store = await opened({url!r})
    hand = Hand(store)
    numbers = itertools.count({first})

    async def caller():
        for number in numbers:
            sale = a_conversion(a_sale(f"s{{number}}", f"cus_{{number % 50}}"), claims=[f"in_{{number}}"])
            await store.record([a_meaning(sale, key=f"e{{number}}")], now=START)
            print(number, flush=True)

    async def worker():
        while True:
            await hand.ask(limit=3)
            await asyncio.sleep(0.001)

    await asyncio.gather(worker(), *(caller() for _ in range(16)))

asyncio.run(main())
"""

ROUNDS = 3
ENOUGH = 400


def killed_after(url: str, first: int) -> set[int]:
    """Let a process write until it has reported enough, kill it, and say what it had reported."""
    program = PROGRAM.format(root=str(Path(__file__).parents[2]), url=url, first=first)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    reported = [process.stdout.readline() for _ in range(ENOUGH)]
    process.kill()
    reported += process.stdout.readlines()
    process.stdout.close()
    process.wait(10)
    return {int(line) for line in reported if line.endswith("\n")}


async def test_what_was_reported_as_recorded_survives_kill_9(url: str) -> None:
    reported: set[int] = set()
    for number in range(ROUNDS):
        reported |= await asyncio.to_thread(killed_after, url, number * 1_000_000)

    store = await opened(url)
    events = await store.events(EventFilter(limit=1_000_000))
    rescued = await store.rescue(now=START + LEASE)
    deliveries = await store.deliveries(DeliveryFilter(limit=1_000_000))
    await store.close()

    assert len(reported) >= ROUNDS * ENOUGH
    assert reported <= {int(one.event.key.removeprefix("e")) for one in events}
    assert all(1 == len(one.deliveries) for one in events)
    assert 1 == rescued
    assert {DeliveryState.PENDING} == {one.state for one in deliveries}
    if url.startswith("sqlite:"):
        assert [("ok",)] == raw(url, "PRAGMA integrity_check")
    assert [(len(events), len(events))] == raw(url, "SELECT count(*), count(DISTINCT delivery_id) FROM claims")
