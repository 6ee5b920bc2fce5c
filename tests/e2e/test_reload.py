"""Mappings edited under a running bridge: nothing is lost or doubled, and a broken edit changes nothing."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
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

CLIENTS = 8
ADMIN = "admin-token-for-the-test"

OWN = """\
extends: stripe
source: stripe
rules:
  - name: extra {number}
    types: [nothing.ever]
    track: lead
    event_name: never
    fields: {{click_id: id, customer_external_id: id}}
"""
BROKEN = "extends: stripe\nsource: stripe\nrulez: []\n"
#: what is left of a file when the editor is killed: YAML by the book, and no mapping
CUT = OWN[: OWN.index("track")]


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


def delivered(log: Path) -> Counter[str]:
    whole = log.read_text(encoding="utf-8").rpartition("\n")[0] if log.exists() else ""
    return Counter(json.loads(line)["body"]["invoiceId"] for line in whole.splitlines())


def metric(bridge: BridgeProcess, name: str) -> float:
    lines = httpx.get(f"{bridge.url}/metrics", timeout=5).text.splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(f"trackbridge_{name} ")), 0.0)


def reloads(bridge: BridgeProcess, result: str) -> float:
    return metric(bridge, f'reloads_total{{result="{result}"}}')


def reloaded(bridge: BridgeProcess, result: str, times: int) -> bool:
    return reloads(bridge, result) >= times


def detail(bridge: BridgeProcess) -> dict[str, object]:
    answer = httpx.get(f"{bridge.url}/readyz", headers={"Authorization": f"Bearer {ADMIN}"}, timeout=5)
    assert 200 == answer.status_code
    found: dict[str, object] = answer.json()["mappings"]
    return found


async def pour(bridge: BridgeProcess, stop: asyncio.Event) -> set[str]:
    """Send payments until told to stop; the acknowledged ones. Every answer must be a 200."""
    acknowledged: set[str] = set()

    async def client(number: int) -> None:
        async with httpx.AsyncClient(base_url=bridge.url, timeout=10) as http:
            for step in range(3000):
                name = f"{number}x{step}"
                body = a_checkout(name, customer=f"cus_{number}")
                answer = await http.post("/webhooks/stripe", content=body, headers=stripe_headers(body))
                assert (200, "accepted") == (answer.status_code, answer.json()["status"])
                acknowledged.add(f"pi_{name}")
                if stop.is_set():
                    return
                await asyncio.sleep(0.02)  # some hundred a second: enough to have one under way at every moment

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return acknowledged


def edit(bridge: BridgeProcess, folder: Path) -> None:
    """Five sound edits and three broken ones, each noticed before the next: two by themselves, then by SIGHUP."""
    own = folder / "stripe.yaml"

    def write(text: str) -> None:
        own.write_text(text, encoding="utf-8")
        if number > 0 and bridge.process is not None:
            os.kill(bridge.process.pid, signal.SIGHUP)

    for number in range(5):
        write(OWN.format(number=number))
        wait_until(partial(reloaded, bridge, "ok", number + 1), what="a reload")
        if number < 3:
            write((BROKEN, CUT, "source: [")[number])
            wait_until(partial(reloaded, bridge, "failed", number + 1), what="a refusal")
            assert 1 == metric(bridge, "mappings_stale")
            assert any("stripe.yaml" in str(problem) for problem in detail(bridge)["problems"])  # type: ignore[attr-defined]  # a list of texts


async def test_editing_a_mapping_under_load_loses_and_doubles_nothing(
    tmp_path: Path, tracker: tuple[str, Path]
) -> None:
    url, log = tracker
    folder = tmp_path / "mappings"
    folder.mkdir()
    stop = asyncio.Event()
    with bridge_process(tmp_path, CMS_BASE_URL=url, TRACKBRIDGE_ADMIN_TOKEN=ADMIN) as bridge:
        await asyncio.to_thread(bridge.start)
        pouring = asyncio.create_task(pour(bridge, stop))
        try:
            await asyncio.to_thread(edit, bridge, folder)
        finally:
            stop.set()
        acknowledged = await pouring
        await asyncio.to_thread(wait_until, lambda: acknowledged <= set(delivered(log)), seconds=60)
        assert 0 == await asyncio.to_thread(bridge.terminate)

    assert Counter(acknowledged) == delivered(log)
    with sqlite3.connect(tmp_path / "trackbridge.db") as db:
        used = {revision for (revision,) in db.execute("SELECT DISTINCT revision FROM events")}
        kept = {revision for (revision,) in db.execute("SELECT revision FROM revisions WHERE source = 'stripe'")}
    db.close()
    assert used <= kept
    assert len(used) >= 4  # each event remembers the set that mapped it


def test_sighup_takes_a_new_secret_and_goes_on(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("whsec_the_old_one_2f8a\n", encoding="utf-8")
    with bridge_process(tmp_path, STRIPE_WEBHOOK_SECRET="", STRIPE_WEBHOOK_SECRET_FILE=str(secret)) as bridge:
        bridge.start()
        body = a_checkout(1)
        new = stripe_headers(body, secret="whsec_the_new_one_9b1c")
        assert 401 == httpx.post(f"{bridge.url}/webhooks/stripe", content=body, headers=new).status_code

        secret.write_text("whsec_the_new_one_9b1c\nwhsec_the_old_one_2f8a\n", encoding="utf-8")
        assert bridge.process is not None
        os.kill(bridge.process.pid, signal.SIGHUP)
        wait_until(lambda: reloads(bridge, "ok") == 1)

        assert 200 == httpx.post(f"{bridge.url}/webhooks/stripe", content=body, headers=new).status_code
        old = stripe_headers(body, secret="whsec_the_old_one_2f8a")
        assert 200 == httpx.post(f"{bridge.url}/webhooks/stripe", content=body, headers=old).status_code
        assert 0 == bridge.terminate()
    assert "whsec_" not in bridge.log


def test_a_source_that_is_taken_away_is_told_to_come_again(tmp_path: Path) -> None:
    """404 would have some senders disable the hook; and the name is known, because it was used."""
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "quiz.yaml").write_text(OWN.replace("source: stripe", "source: quiz").format(number=1), encoding="utf-8")
    with bridge_process(tmp_path) as bridge:
        bridge.start()
        assert 200 == bridge.post(a_checkout(1), source="quiz").status_code
        (folder / "quiz.yaml").unlink()
        wait_until(lambda: reloads(bridge, "ok") == 1)
        answer = bridge.post(a_checkout(2), source="quiz")
        assert (503, "30") == (answer.status_code, answer.headers["retry-after"])
        assert 404 == bridge.post(a_checkout(3), source="never-heard-of").status_code


def test_a_setting_that_a_reload_cannot_change_is_named(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("TRACKBRIDGE_MAX_BODY=1MiB\n", encoding="utf-8")
    with bridge_process(tmp_path) as bridge:
        bridge.start()
        dotenv.write_text("TRACKBRIDGE_MAX_BODY=2MiB\n", encoding="utf-8")
        assert bridge.process is not None
        os.kill(bridge.process.pid, signal.SIGHUP)
        wait_until(lambda: "settings.need_restart" in bridge.log)
        assert "TRACKBRIDGE_MAX_BODY" in bridge.log
        dotenv.write_text("TRACKBRIDGE_MAX_BODY=lots\n", encoding="utf-8")
        os.kill(bridge.process.pid, signal.SIGHUP)
        wait_until(lambda: reloads(bridge, "failed") == 1)
        assert 200 == bridge.post(a_checkout(1)).status_code
