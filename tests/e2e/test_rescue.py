"""A mapping with a mistake, under a running bridge: what it could not map, and what the tracker would not have, is
rescued by `remap` once the file is mended; every payment arrives once."""

import asyncio
import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from bridge.demo.answers import error
from bridge.demo.tracker import Answer, FakeTracker, Received, judge
from tests.support import BridgeProcess, bridge_process, wait_until

SECRET = "quiz-token-0123456789"

QUIZ = """\
source: quiz
verify: {{scheme: token, header: X-Key, secret: "${{QUIZ_WEBHOOK_SECRET}}"}}
event: {{id: id, type: type}}
rules:
  - name: bought
    types: [bought]
    track: sale
    event_name: bought
    unit: minor
    once_per: [invoice]
    fields:
      click_id: click
      customer_external_id: customer
      invoice_id: {invoice}
      amount: {amount}
      currency: currency
"""


def picky(received: Received) -> Answer:
    """The tracker, which will not have a long invoice id."""
    body = received.json
    if isinstance(body, dict) and len(str(body.get("invoiceId"))) > 20:
        return error(422, "Validation failed: invoiceId is too long")
    return judge(received)


def post(bridge: BridgeProcess, number: int, **changes: object) -> dict[str, Any]:
    body = {
        "id": f"q{number}",
        "type": "bought",
        "customer": f"cus_{number % 3}",
        "click": f"click_{number}",
        "invoice": f"in_{number}",
        "long": "x" * 30,
        "total": 4999,
        "currency": "USD",
    }
    answer = httpx.post(
        f"{bridge.url}/webhooks/quiz", json=body | changes, headers={"X-Key": SECRET}, timeout=10
    ).raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def a_mapping(folder: Path, **expressions: str) -> Path:
    """The bridge's own mapping, with a mistake."""
    (folder / "mappings").mkdir()
    file = folder / "mappings" / "quiz.yaml"
    file.write_text(QUIZ.format(**expressions), encoding="utf-8")
    return file


def counted(bridge: BridgeProcess, state: str) -> int:
    db = sqlite3.connect(bridge.folder / "trackbridge.db")
    try:
        (count,) = db.execute("SELECT count(*) FROM deliveries WHERE state = ?", (state,)).fetchone()
    finally:
        db.close()
    return int(count)


async def test_a_mended_mapping_rescues_its_unmapped_events_and_its_dead_letters(tmp_path: Path) -> None:
    async with FakeTracker(picky) as tracker:
        await asyncio.to_thread(rescue, tmp_path, tracker.url)

    assert Counter(f"in_{number}" for number in range(7)) == tracker.invoices


def rescue(folder: Path, url: str) -> None:
    file = a_mapping(folder, invoice="join('', [long, invoice])", amount="total || amount")
    with bridge_process(folder, CMS_BASE_URL=url, QUIZ_WEBHOOK_SECRET=SECRET) as bridge:
        bridge.start()
        told = [post(bridge, number) for number in range(4)]
        assert [("accepted", 1)] * 4 == [(one["status"], one["deliveries"]) for one in told]
        assert ["unmapped"] * 3 == [post(bridge, n, total=None, cents=100 * n)["status"] for n in range(4, 7)]
        wait_until(lambda: counted(bridge, "dead") == 4, what="the dead letters")

        file.write_text(QUIZ.format(invoice="invoice", amount="total || cents"), encoding="utf-8")
        shown = bridge.run("remap", "--source", "quiz", "--dry-run")
        assert 4 == counted(bridge, "dead")
        assert 3 + 4 == shown.stdout.count("    + invoice_id            in_")
        assert "7 events: 7 would change, 0 stay as they are; nothing was changed\n" in shown.stderr

        done = bridge.run("remap", "--source", "quiz")
        assert "7 events: 7 changed, 0 stay as they are\ndeliveries: 3 added, 4 renewed\n" == done.stderr
        wait_until(lambda: counted(bridge, "delivered") == 7, what="the rescued ones")
        assert "7 events: 0 changed, 7 stay as they are\n" == bridge.run("remap", "--source", "quiz").stderr
        assert ("duplicate", "accepted") == (post(bridge, 0)["status"], post(bridge, 9, invoice="in_2")["status"])

        states = ("dead", "pending", "dismissed", "duplicate", "delivered")
        assert (0, 0, 4, 1, 7) == tuple(counted(bridge, state) for state in states)
        assert {"accepted"} == {one["state"] for one in json.loads(bridge.run("events", "--json").stdout)}
        assert 0 == bridge.terminate()


async def test_the_story_of_a_rescued_one_is_told_from_its_webhook_to_the_trackers_answer(tmp_path: Path) -> None:
    async with FakeTracker(picky) as tracker:
        dead, told = await asyncio.to_thread(stories, tmp_path, tracker.url)

    assert "  verified by  token, by the first of its secrets\n" in dead
    assert "or mend the mapping, then trackbridge remap 1 --dry-run" in dead
    assert "  state        dismissed: remapped: delivery 2 stands for it" in told
    assert "  key          sale in_1 (quiz): its own" in told
    assert 2 == told.count("  try 1  ")
    assert SECRET not in dead + told


def stories(folder: Path, url: str) -> tuple[str, str]:
    """Of a dead letter, before and after its mapping was mended."""
    file = a_mapping(folder, invoice="join('', [long, invoice])", amount="total")
    with bridge_process(folder, CMS_BASE_URL=url, QUIZ_WEBHOOK_SECRET=SECRET) as bridge:
        bridge.start()
        post(bridge, 1)
        wait_until(lambda: counted(bridge, "dead") == 1, what="the dead letter")
        dead = bridge.run("events", "show", "q1").stdout
        file.write_text(QUIZ.format(invoice="invoice", amount="total"), encoding="utf-8")
        bridge.run("remap", "q1")
        wait_until(lambda: counted(bridge, "delivered") == 1, what="the delivery")
        told = bridge.run("events", "show", "d2").stdout
        assert 0 == bridge.terminate()
    return dead, told
