"""How many deliveries a crash may leave in doubt: those on their way and those whose outcome is not on disk yet."""

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.metrics import Metrics
from bridge.model import Outcome, Payload, Sent
from bridge.store import open_store
from bridge.store.base import Claimed
from bridge.worker import Worker
from tests.integration.test_worker import FREE, START, Clock, a_meaning, a_sale

SLOTS = 8
COUNT = 300


@pytest.mark.parametrize("step", [0.0, 0.0003, 0.001])
async def test_no_more_are_in_doubt_than_may_be_in_flight(tmp_path: Path, step: float) -> None:
    """A quick tracker answers while the answers before are being written: those count as well."""
    file = tmp_path / "bridge.db"
    store = await open_store(f"sqlite:///{file}", exclusive=True)
    beside = sqlite3.connect(file)
    most, sent = 0, 0

    async def send(_: Payload) -> Outcome:
        nonlocal most, sent
        sent += 1
        (leased,) = beside.execute("SELECT count(*) FROM deliveries WHERE state = 'sending'").fetchone()
        most = max(most, leased)
        await asyncio.sleep(step * (sent % 13))
        return Outcome(sent=Sent.YES, started_at=START, duration_ms=1.0, status=200, is_json=True)

    await store.record([a_meaning(a_sale(f"s{n}", f"cus_{n}")) for n in range(COUNT)], now=START)
    worker = Worker(store=store, send=send, pace=FREE, metrics=Metrics("test"), clock=Clock(), slots=SLOTS)
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(20):
            while sent < COUNT:  # noqa: ASYNC110 - the worker is real, and tells nobody
                await asyncio.sleep(0.01)
    finally:
        await worker.stop(within_seconds=5)
        await running
        beside.close()
        await store.close()

    assert COUNT == sent
    assert 1 < most <= SLOTS


async def test_what_was_leased_for_less_than_a_try_may_take_now_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload that brings a longer CMS_TIMEOUT comes while a claim is under way."""
    store = await open_store(f"sqlite:///{tmp_path / 'bridge.db'}", exclusive=True)
    leases: list[timedelta] = []
    has_sent = asyncio.Event()

    async def send(_: Payload) -> Outcome:
        assert timedelta(seconds=75) == leases[-1]
        has_sent.set()
        return Outcome(sent=Sent.YES, started_at=START, duration_ms=1.0, status=200, is_json=True)

    claim = store.claim

    async def reloaded_meanwhile(*, lease: timedelta, **given: Any) -> Claimed:
        leases.append(lease)
        claimed = await claim(lease=lease, **given)
        worker.retune(pace=FREE, lease=timedelta(seconds=75))
        return claimed

    monkeypatch.setattr(store, "claim", reloaded_meanwhile)
    await store.record([a_meaning(a_sale("sale"))], now=START)
    worker = Worker(store=store, send=send, pace=FREE, metrics=Metrics("test"), clock=Clock(), poll_seconds=0.01)
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(10):
            await has_sent.wait()
    finally:
        await worker.stop(within_seconds=5)
        await running
        await store.close()

    assert timedelta(seconds=25) == leases[0]
