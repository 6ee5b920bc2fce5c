"""Three replicas on one PostgreSQL, one killed (-9) every second under load: nothing lost, order and rate kept.

What is sent twice is only what was on its way at a kill, and the store says so of each. `make faults` does the same
for longer and waits for real leases to run out.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.store import open_store
from tests.e2e.fleet import MOST_IN_FLIGHT, Fleet, Traffic, a_fleet, heard, most_within, out_of_order, quiet, repeats
from tests.e2e.troubles import freeze_with_the_turn
from tests.faults.load import holds
from tests.faults.world import TrackerProcess, a_tracker
from tests.postgres import Server
from tests.support import wait_until

KILLS = 5
PER_SECOND = 50


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server.start(tmp_path_factory.mktemp("postgres"), durable=True) as started:
        yield started


@pytest.fixture
def tracker(tmp_path: Path) -> Iterator[TrackerProcess]:
    """One that takes its time, so that something is always on its way."""
    with a_tracker(tmp_path, "--delay-seconds", "0.15") as one:
        yield one


async def test_a_replica_killed_every_second_under_load_costs_nothing_acknowledged(
    tmp_path: Path, server: Server, tracker: TrackerProcess
) -> None:
    url = server.fresh_database()
    with a_fleet(tmp_path, url, CMS_BASE_URL=tracker.url, CMS_RATE_LIMIT=f"{PER_SECOND}/s") as fleet:
        await fleet.start()  # all three at once on an empty database
        traffic = Traffic(fleet.ports)
        async with traffic.poured(per_second=1.2 * PER_SECOND):
            for number in range(KILLS):
                await asyncio.sleep(1.0)
                await asyncio.to_thread(fleet.kill, number % len(fleet.replicas))
            await fleet.ready()
        await everything_else_is_delivered(tracker)
        expire_leases(server, fleet)
        await asyncio.to_thread(
            wait_until,
            lambda: traffic.acknowledged <= {one.invoice for one in heard(tracker.log)},
            seconds=60,
            what="delivery of everything",
        )
        await quiet(lambda: len(heard(tracker.log)))
        assert [0, 0, 0] == await fleet.terminate()
        unsure = await fleet.unsure()
        migrated = [number for (number,) in await fleet.rows("SELECT number FROM migrations ORDER BY number")]

    requests = heard(tracker.log)
    assert len(traffic.acknowledged) > 4 * PER_SECOND
    assert traffic.acknowledged <= {one.invoice for one in requests}
    assert {200, 503, 0} >= set(traffic.statuses)
    assert [] == out_of_order(requests)
    assert most_within(requests, 0.98) <= PER_SECOND
    again = repeats(requests)
    assert sum(again.values()) <= KILLS * MOST_IN_FLIGHT
    assert again.keys() <= unsure.keys()
    assert all(times <= unsure[invoice] for invoice, times in again.items())
    assert [*range(1, len(migrated) + 1)] == migrated
    assert '"event":"bug"' not in fleet.log


async def test_a_replica_that_is_frozen_while_it_has_the_turn_holds_the_others_up_for_seconds(
    tmp_path: Path, server: Server, tracker: TrackerProcess
) -> None:
    """The database takes the turn from it; when it goes on, what it thought it had is not written twice."""
    with a_fleet(tmp_path, server.fresh_database(), count=2, CMS_BASE_URL=tracker.url) as fleet:
        await fleet.start()
        traffic = Traffic(fleet.ports)
        frozen = fleet.replicas[0].process
        assert frozen is not None
        async with traffic.poured(per_second=100):
            assert await holds(lambda: len(traffic.acknowledged) >= 30)
            await asyncio.to_thread(freeze_with_the_turn, server, frozen.pid)
            count = len(traffic.acknowledged) + 10
            assert await holds(lambda: len(traffic.acknowledged) >= count, within_seconds=10)
            os.kill(frozen.pid, signal.SIGCONT)
            await fleet.ready()
        await everything_else_is_delivered(tracker)
        expire_leases(server, fleet)
        assert await holds(
            lambda: traffic.acknowledged <= {one.invoice for one in heard(tracker.log)}, within_seconds=60
        )
        assert [0, 0] == await fleet.terminate()
        unsure = await fleet.unsure()

    requests = heard(tracker.log)
    assert [] == out_of_order(requests)
    assert repeats(requests).keys() <= unsure.keys()
    assert '"event":"bug"' not in fleet.log


def test_stores_that_are_opened_at_once_on_an_empty_database_migrate_it_once(server: Server) -> None:
    """Whoever comes while another is at it neither does it again nor takes the tables for another program's."""

    async def open_one(url: str, number: int) -> None:
        await asyncio.sleep(0.008 * number)  # some while the first is at it
        store = await open_store(url, exclusive=True)
        await store.ping()
        await store.close()

    for _ in range(5):
        url = server.fresh_database()
        with ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(asyncio.run, open_one(url, number)) for number in range(8)]:
                done.result()


async def everything_else_is_delivered(tracker: TrackerProcess) -> None:
    """But what dead replicas had taken, and what stands behind that in its lane."""
    await quiet(lambda: len(heard(tracker.log)), seconds=1.0)


def expire_leases(server: Server, fleet: Fleet) -> None:
    """Let the time pass that a lease lasts: nobody alive has one at this moment."""
    database = fleet.url.rpartition("/")[2]
    server.sql("UPDATE deliveries SET lease_until = lease_until - 60000 WHERE state = 'sending'", database=database)
