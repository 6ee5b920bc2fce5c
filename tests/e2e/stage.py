"""A stage for the verdict table: `trackbridge serve` as a process, a tracker that answers as a scene wants.

A scene posts webhooks, waits for what must come, and hands back what it saw: stories of events, the tracker's row, the
numbers, the log, and what the tracker itself received. Tests look at that. Many scenes run at once.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from bridge.demo.tracker import Answer, FakeTracker, Received
from tests.support import PLAIN, BridgeProcess, bridge_process

DESK_TOKEN = "desk_token_for_nothing_else_61"
_FIELDS = "{customer_external_id: customer, customer_email: email, customer_name: name, click_id: click%s}"
MAPPING = f"""
source: desk
verify: {{scheme: token, header: X-Desk-Token, secret: "${{DESK_WEBHOOK_SECRET}}"}}
event: {{id: id, type: type}}
rules:
  - name: sale
    types: [sale]
    track: sale
    event_name: purchase_completed
    unit: minor
    fields: {_FIELDS % ", invoice_id: id, amount: amount, currency: currency"}
  - name: lead
    types: [lead]
    track: lead
    event_name: lead_captured
    fields: {_FIELDS % ""}
    once_per: [id]
  - name: careful lead
    types: [careful lead]
    track: lead
    event_name: lead_captured
    when_unsure: hold
    fields: {_FIELDS % ""}
    once_per: [id]
"""


def failing(status: int, why: str = "as the scene wants", **headers: str) -> Answer:
    """An error in JSON, with these headers (`_` stands for `-`)."""
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(status=status, body={"error": why}, headers=sent)


def page(status: int) -> Answer:
    """A web page."""
    body = b"<!doctype html><html><title>Welcome</title></html>"
    return Answer(status=status, body=body, headers=(("Content-Type", "text/html"),))


def invoice(received: Received) -> str:
    """Whose request it is: the invoice of a sale, the customer of a lead."""
    body = received.json
    assert isinstance(body, dict)
    return str(body.get("invoiceId") or body["customerExternalId"])


@dataclass
class Seen:
    """What a scene hands back."""

    #: by the id that was posted: the event as `events show --json` tells it
    stories: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: `tracker --json`, by the name of the moment
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: anything else, by name
    notes: dict[str, Any] = field(default_factory=dict)
    metrics: str = ""
    log: str = ""
    received: list[Received] = field(default_factory=list)

    def delivery(self, name: str) -> dict[str, Any]:
        (delivery,) = self.stories[name]["deliveries"]
        assert isinstance(delivery, dict)
        return delivery

    def attempts(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.stories[name]["attempts"][str(self.delivery(name)["id"])]
        return found

    def times(self, name: str) -> list[datetime]:
        """When the tracker received this one."""
        return [received.at for received in self.received if invoice(received) == name]

    def number(self, series: str) -> float:
        return _number(self.metrics, series)


def _number(metrics: str, series: str) -> float:
    found = re.search(rf"^trackbridge_{re.escape(series)} (\S+)$", metrics, re.MULTILINE)
    return float(found[1]) if found else 0.0


class Stage:
    """One bridge, one tracker, and a hand for both."""

    def __init__(self, bridge: BridgeProcess, tracker: FakeTracker) -> None:
        self.bridge = bridge
        self.tracker = tracker
        self.seen = Seen()
        self._http = httpx.AsyncClient(timeout=10, verify=PLAIN)

    async def start(self, **settings: str) -> None:
        """Start, or start again with other settings."""
        if self.bridge.process is not None:
            assert 0 == await asyncio.to_thread(self.bridge.terminate)
        self.bridge.settings |= settings
        await asyncio.to_thread(self.bridge.start)

    async def post(self, *names: str, kind: str = "sale", **fields: Any) -> None:
        """A webhook for each name, of a customer of that name."""
        for name in names:
            body = {"id": name, "type": kind, "customer": name, "amount": 4999, "currency": "USD", "click": "c1"}
            answer = await self._http.post(
                f"{self.bridge.url}/webhooks/desk", json=body | fields, headers={"X-Desk-Token": DESK_TOKEN}
            )
            assert (200, "accepted") == (answer.status_code, answer.json().get("status")), answer.text

    async def metrics(self) -> str:
        return (await self._http.get(f"{self.bridge.url}/metrics")).text

    async def ready(self) -> dict[str, Any]:
        """What `/readyz` tells the operator."""
        answer = await self._http.get(f"{self.bridge.url}/readyz", headers={"Authorization": "Bearer adm_1"})
        told: dict[str, Any] = answer.json()
        return told

    async def until(self, series: str, value: float, *, seconds: float = 30) -> None:
        """Wait for a number that Prometheus would see."""
        deadline = time.monotonic() + seconds
        while _number(text := await self.metrics(), series) != value:
            assert time.monotonic() < deadline, f"{series} did not become {value}:\n{text}\n{self.bridge.log[-3000:]}"
            await asyncio.sleep(0.05)

    async def until_states(self, **states: int) -> None:
        for state, count in states.items():
            await self.until(f'deliveries{{state="{state}"}}', count)

    async def until_paused(self, paused: bool = True) -> None:
        await self.until("tracker_paused", float(paused))

    async def until_heard(self, name: str, times: int = 1, *, seconds: float = 30) -> None:
        """Wait until the tracker has received this one so often."""
        async with asyncio.timeout(seconds):
            while sum(invoice(received) == name for received in self.tracker.requests) < times:
                self.tracker.changed.clear()
                await self.tracker.changed.wait()

    async def run(self, *arguments: str) -> str:
        return (await asyncio.to_thread(self.bridge.run, *arguments)).stdout

    async def row(self, moment: str) -> dict[str, Any]:
        """Remember what `tracker --json` says now."""
        self.seen.rows[moment] = json.loads(await self.run("tracker", "--json"))
        return self.seen.rows[moment]

    async def resume(self) -> None:
        await self.run("tracker", "resume")

    async def story(self, *names: str) -> None:
        """Remember what `events show --json` says now of each."""
        for name in names:
            (self.seen.stories[name],) = json.loads(await self.run("events", "show", name, "--json"))

    async def finish(self) -> Seen:
        """Gather the rest; nothing may have gone wrong unseen."""
        self.seen.metrics = await self.metrics()
        assert 0 == await asyncio.to_thread(self.bridge.terminate)
        self.seen.log = self.bridge.log
        self.seen.received = list(self.tracker.requests)
        assert '"event":"bug"' not in self.seen.log
        await self._http.aclose()
        return self.seen


@contextlib.asynccontextmanager
async def stage(folder: Path, tracker: FakeTracker | None = None, **settings: str) -> AsyncIterator[Stage]:
    """A bridge that is up, and its tracker."""
    (folder / "mappings").mkdir(parents=True)
    (folder / "mappings" / "desk.yaml").write_text(MAPPING, encoding="utf-8")
    async with contextlib.AsyncExitStack() as stack:
        there = FakeTracker() if tracker is None else tracker
        if tracker is None:
            await stack.enter_async_context(there)
        base = {
            "CMS_BASE_URL": there.url,
            "DESK_WEBHOOK_SECRET": DESK_TOKEN,
            "TRACKBRIDGE_LOG_FORMAT": "json",
            "TRACKBRIDGE_ADMIN_TOKEN": "adm_1",
        }
        bridge = stack.enter_context(bridge_process(folder, **(base | settings)))
        on_stage = Stage(bridge, there)
        await on_stage.start()
        yield on_stage
