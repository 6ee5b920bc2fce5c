"""An installation with a backlog moves from a file into PostgreSQL: every acknowledged event arrives once and in order,
also when the move is killed on the way."""

import asyncio
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import psycopg

from bridge.demo.tracker import Received
from bridge.store import open_store
from tests.contract.databases import server
from tests.e2e.stage import DESK_TOKEN, Stage, invoice, stage
from tests.support import BridgeProcess, wait_until

CUSTOMERS = 5
PER_CUSTOMER = 8


def a_target() -> str:
    """A PostgreSQL database on which serve was tried once."""
    url = server().fresh_database()

    async def try_once() -> None:
        await (await open_store(url, exclusive=True)).close()

    asyncio.run(try_once())
    return url


async def post_lines(on: Stage, begin: int, end: int) -> None:
    """So many sales of each customer, one after the other."""
    for number in range(begin, end):
        for customer in range(CUSTOMERS):
            await on.post(f"c{customer} s{number:02}", customer=f"cus_{customer}")


def moving(bridge: BridgeProcess, target: str) -> list[str]:
    source = bridge.environment["TRACKBRIDGE_DATABASE_URL"]
    return [sys.executable, "-m", "bridge", "migrate-store", source, target]


def killed_while_copying(bridge: BridgeProcess, target: str) -> None:
    """kill -9, when what stands before the attempts was copied and the attempts wait for somebody."""
    with psycopg.connect(target) as hand:
        hand.execute("LOCK TABLE attempts IN SHARE MODE")
        process = subprocess.Popen(
            moving(bridge, target),
            cwd=bridge.folder,
            env=bridge.environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with psycopg.connect(target, autocommit=True) as watch:
            asking = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            wait_until(lambda: (watch.execute(asking).fetchone() or (0,))[0], what="the move waits")
        process.kill()
        process.wait(10)


def in_order(received: list[Received]) -> dict[str, list[str]]:
    """What the tracker was told, by customer."""
    told = defaultdict(list)
    for request in received:
        told[invoice(request).split()[0]].append(invoice(request))
    return told


def test_every_event_arrives_once_and_in_order_though_the_move_is_killed(tmp_path: Path) -> None:
    target = a_target()

    async def play() -> list[Received]:
        async with stage(tmp_path) as on:
            await post_lines(on, 0, 2)
            await on.until_states(delivered=2 * CUSTOMERS)
            await on.run("tracker", "pause")
            await post_lines(on, 2, PER_CUSTOMER)
            served = await asyncio.to_thread(on.bridge.run, *moving(on.bridge, target)[3:], check=False)
            assert (3, True) == (served.returncode, "a serve uses" in served.stderr)
            assert 0 == await asyncio.to_thread(on.bridge.terminate)

            await asyncio.to_thread(killed_while_copying, on.bridge, target)
            halfway = await asyncio.to_thread(on.bridge.run, "serve", check=False)
            assert (3, True) == (halfway.returncode, "did not end" in halfway.stderr)
            moved = json.loads(await on.run(*moving(on.bridge, target)[3:], "--json"))
            assert CUSTOMERS * PER_CUSTOMER == moved["rows"]["events"] == moved["rows"]["deliveries"]
            refused = await asyncio.to_thread(on.bridge.run, "serve", check=False)
            assert (3, True) == (refused.returncode, "was moved to postgresql://127.0.0.1" in refused.stderr)
            assert "not%20a" not in refused.stderr + json.dumps(moved)

            on.bridge.settings["TRACKBRIDGE_DATABASE_URL"] = target
            await asyncio.to_thread(on.bridge.start)
            known = await asyncio.to_thread(_posted_again, on)
            assert "duplicate" == known
            await on.post("c0 s99", customer="cus_0")
            await on.run("tracker", "resume")
            await on.until_states(delivered=CUSTOMERS * PER_CUSTOMER + 1)
            return (await on.finish()).received

    told = in_order(asyncio.run(play()))

    lines = {f"c{customer}": [f"c{customer} s{number:02}" for number in range(PER_CUSTOMER)] for customer in range(5)}
    lines["c0"].append("c0 s99")
    assert lines == told


def _posted_again(on: Stage) -> str:
    """What is answered to an event that was acknowledged before the move."""
    body = {"id": "c1 s03", "type": "sale", "customer": "cus_1", "amount": 4999, "currency": "USD", "click": "c1"}
    answer = on.bridge.post(json.dumps(body).encode(), source="desk", **{"X-Desk-Token": DESK_TOKEN})
    return str(answer.json()["status"])
