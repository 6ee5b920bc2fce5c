"""Kill -9 while webhooks pour in and leave: nothing acknowledged is lost, little is sent twice."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import (
    BridgeProcess,
    a_checkout,
    bridge_process,
    clean_environment,
    free_port,
    stripe_headers,
    wait_until,
)

#: `make faults` does it twelve times
ROUNDS = 4
CLIENTS = 16
MOST_IN_FLIGHT = 32


@pytest.fixture
def tracker(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The fake tracker as a process of its own: its address and the file it keeps requests in."""
    port, log = free_port(), tmp_path / "tracker.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge.demo.tracker", "--port", str(port), "--log", str(log)],
        env=clean_environment(PYTHONPATH=str(Path(__file__).parents[2])),
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}", log
    finally:
        process.kill()
        process.wait(10)


def delivered_invoices(log: Path) -> Counter[str]:
    """How often the tracker was sent each invoice id."""
    if not log.exists():
        return Counter()
    whole = log.read_text(encoding="utf-8").rpartition("\n")[0]
    return Counter(json.loads(line)["body"]["invoiceId"] for line in whole.splitlines())


async def pour(bridge: BridgeProcess, round_number: int, kill_after: int) -> set[str]:
    """Send until `kill_after` were acknowledged, kill -9 in the middle of it; the acknowledged payment ids."""
    acknowledged: set[str] = set()
    killed = asyncio.Event()

    async def client(number: int) -> None:
        async with httpx.AsyncClient(base_url=bridge.url, timeout=5) as http:
            for step in range(500):
                name = f"{round_number}x{number}x{step}"
                body = a_checkout(name, customer=f"cus_{number}")
                try:
                    answer = await http.post("/webhooks/stripe", content=body, headers=stripe_headers(body))
                except httpx.HTTPError:
                    return
                assert answer.status_code in (200, 503), answer.text
                if answer.status_code == 200:
                    acknowledged.add(f"pi_{name}")
                if len(acknowledged) >= kill_after and not killed.is_set():
                    killed.set()
                    bridge.kill()
                if killed.is_set():
                    return

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    assert killed.is_set()
    return acknowledged


async def test_kill_9_in_a_loop_under_load_loses_nothing_acknowledged(
    tmp_path: Path, tracker: tuple[str, Path]
) -> None:
    """At most what was in flight at each kill is sent twice, and then with the same invoice id."""
    url, log = tracker
    acknowledged: set[str] = set()
    with bridge_process(tmp_path, CMS_BASE_URL=url) as bridge:
        for number in range(ROUNDS):
            await asyncio.to_thread(bridge.start)
            acknowledged |= await pour(bridge, number, kill_after=60 + 29 * number)
        await asyncio.to_thread(bridge.start)
        await asyncio.to_thread(
            wait_until, lambda: acknowledged <= set(delivered_invoices(log)), seconds=60, what="delivery of everything"
        )
        assert 0 == await asyncio.to_thread(bridge.terminate)

    sent = delivered_invoices(log)
    repeats = sum(times - 1 for times in sent.values())
    assert len(acknowledged) >= 400
    assert repeats <= ROUNDS * MOST_IN_FLIGHT
    assert max(sent.values()) <= 1 + ROUNDS


async def test_sigterm_under_load_ends_in_order_and_repeats_nothing(tmp_path: Path, tracker: tuple[str, Path]) -> None:
    url, log = tracker
    acknowledged: set[str] = set()
    with bridge_process(tmp_path, CMS_BASE_URL=url) as bridge:
        await asyncio.to_thread(bridge.start)

        async def client(number: int) -> None:
            async with httpx.AsyncClient(base_url=bridge.url, timeout=5) as http:
                for step in range(200):
                    body = a_checkout(f"{number}x{step}", customer=f"cus_{number}")
                    try:
                        answer = await http.post("/webhooks/stripe", content=body, headers=stripe_headers(body))
                    except httpx.HTTPError:
                        return
                    if answer.status_code == 200:
                        acknowledged.add(f"pi_{number}x{step}")
                    if len(acknowledged) == 150 and bridge.process is not None:
                        bridge.process.terminate()

        await asyncio.gather(*(client(number) for number in range(8)))
        assert bridge.process is not None
        assert 0 == await asyncio.to_thread(bridge.process.wait, 15)
        await asyncio.to_thread(bridge.start)
        await asyncio.to_thread(
            wait_until, lambda: acknowledged <= set(delivered_invoices(log)), seconds=30, what="delivery of everything"
        )

    assert {1} == set(delivered_invoices(log).values())
