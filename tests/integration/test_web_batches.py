"""A webhook of many items over HTTP: one answer, one commit, each item an event of its own."""

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge.assembly import Running
from bridge.model import EventState
from bridge.store.base import EventFilter
from tests.integration.web_hand import a_body, a_bridge, ask

CRM = """
source: crm
verify:
  scheme: token
  header: X-Key
  secret: ${CRM_SECRET}
event:
  for_each: events
  id: id
  type: type
rules:
  - name: contact
    types: [contact]
    track: lead
    event_name: lead_captured
    fields:
      click_id: click
      customer_external_id: contact
"""


def an_item(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "type": "contact", "click": f"click_{number}", "contact": f"c{number}", **changes}


IGNORED = an_item(8, type="other")
UNMAPPED = an_item(9, contact={"no": "text"})


async def send(bridge: Running, items: Sequence[object]) -> dict[str, Any]:
    headers = {"X-Key": "a secret of some length", "Content-Type": "application/json"}
    body = json.dumps({"events": items}).encode()
    answer = await ask(bridge.app, a_body(body), path="/webhooks/crm", headers=headers)
    assert 200 == answer.status
    told: dict[str, Any] = json.loads(answer.body)
    return told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "crm.yaml").write_text(CRM, encoding="utf-8")
    return tmp_path


def settings(folder: Path) -> dict[str, str]:
    return {"TRACKBRIDGE_MAPPINGS": str(folder), "CRM_SECRET": "a secret of some length"}


@pytest.mark.parametrize(
    ("items", "status", "event", "deliveries"),
    [
        ([an_item(1), an_item(2)], "accepted", "e1", 2),
        ([an_item(1)], "accepted", "e1", 1),
        ([IGNORED, an_item(1), an_item(0)], "accepted", "e8", 1),
        ([an_item(1), IGNORED, UNMAPPED, an_item(2), "odd"], "unmapped", "e1", 2),
        ([IGNORED, IGNORED], "ignored", "e8", 0),
        ([an_item(0), IGNORED], "ignored", "e0", 0),
        ([an_item(0), UNMAPPED], "unmapped", "e0", 0),
        ([an_item(0)], "duplicate", "e0", 0),
        ([an_item(0), an_item(0)], "duplicate", "e0", 0),
        ([an_item(1), an_item(1)], "accepted", "e1", 1),
    ],
    ids=["all", "one", "with a known and an ignored one", "with an unmapped one", "all ignored", "ignored or known",
         "unmapped or known", "known", "all known", "the same twice"],
)  # fmt: skip
async def test_a_batch_is_answered_once_for_all_items(
    folder: Path, items: list[object], status: str, event: str, deliveries: int
) -> None:
    async with a_bridge(folder, **settings(folder)) as bridge:
        await send(bridge, [an_item(0)])
        told = await send(bridge, items)

    assert {"status": status, "event": event, "deliveries": deliveries, "events": len(items)} == told


async def test_an_item_that_cannot_be_mapped_is_unmapped_alone(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with a_bridge(folder, **settings(folder)) as bridge:
        await send(bridge, [an_item(1), UNMAPPED, IGNORED])
        found = await bridge.store.events(EventFilter())

    states = {one.event.source_id: (one.event.item, one.state) for one in found}
    assert {
        "e1": (0, EventState.ACCEPTED),
        "e9": (1, EventState.UNMAPPED),
        "e8": (2, EventState.IGNORED),
    } == states
    levels = [record.levelno for record in caplog.records if record.getMessage() == "event.recorded"]
    assert [logging.WARNING] == [level for level in levels if level >= logging.WARNING]


async def test_an_empty_batch_is_remembered_as_one_event(folder: Path) -> None:
    async with a_bridge(folder, **settings(folder)) as bridge:
        told = await send(bridge, [])
        (event,) = await bridge.store.events(EventFilter())

    assert ("ignored", 0) == (told["status"], told["deliveries"])
    assert ("empty batch", None) == (event.reason, event.event.item)


async def test_a_thousand_items_are_one_quick_answer_and_a_thousand_events(folder: Path) -> None:
    async with a_bridge(folder, **settings(folder)) as bridge:
        items = [an_item(number, note="x" * 900) for number in range(1000)]
        began = time.process_time()
        told = await send(bridge, items)
        spent = time.process_time() - began
        again = await send(bridge, items)
    size = (folder / "bridge.db").stat().st_size

    assert {"status": "accepted", "event": "e0", "deliveries": 1000, "events": 1000} == told
    assert ("duplicate", 0, 1000) == (again["status"], again["deliveries"], again["events"])
    # about 60 ms; the limit is for a machine that has other things to do
    assert spent < 1
    assert size < 6_000_000


async def test_a_thousand_and_one_items_are_no_batch(folder: Path) -> None:
    async with a_bridge(folder, **settings(folder)) as bridge:
        told = await send(bridge, [an_item(number) for number in range(1001)])
        (event,) = await bridge.store.events(EventFilter())

    assert "unmapped" == told["status"]
    assert "cannot map: event, for_each (events): more than 1000 items" == event.reason
