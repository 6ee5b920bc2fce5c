"""PostgreSQL in trouble under load: 503 meanwhile, recovery by itself, nothing acknowledged lost or sent twice."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import psycopg

from bridge.errors import StoreError
from bridge.store import Store, open_store
from bridge.store.postgres.backend import TURN
from tests.e2e.fleet import Fleet, Traffic, a_fleet, heard, repeats
from tests.e2e.troubles import TROUBLES, crash_one, frozen
from tests.faults.load import holds
from tests.faults.world import a_tracker
from tests.postgres import Server


async def comes(condition: Callable[[], object], what: str) -> None:
    assert await holds(condition), what


def is_ready(fleet: Fleet) -> list[bool]:
    return [httpx.get(f"{one.url}/readyz", timeout=10).status_code == 200 for one in fleet.replicas]


async def test_whatever_happens_to_the_database_it_goes_on_by_itself_and_nothing_is_lost(tmp_path: Path) -> None:
    with (
        Server.start(tmp_path, durable=True) as server,
        a_tracker(tmp_path) as tracker,
        a_fleet(tmp_path, server.fresh_database(), count=2, CMS_BASE_URL=tracker.url) as fleet,
    ):
        await fleet.start()
        traffic = Traffic(fleet.ports)
        async with traffic.poured(per_second=200):
            for name, begin in TROUBLES.items():
                await goes_on(traffic, name)
                end = await asyncio.to_thread(begin, server)
                await refuses(traffic, name)
                count = len(traffic.acknowledged)
                await comes(lambda: not any(is_ready(fleet)), f"they say they are ready: {name}")
                assert len(traffic.acknowledged) <= count, f"{name}: acknowledged without a database"
                await asyncio.to_thread(end)
            await goes_on(traffic, "the last one")
            await asyncio.to_thread(crash_one, server)
            await goes_on(traffic, "after a crash of one of its processes")
            await comes(lambda: all(is_ready(fleet)), "readiness")
        await comes(lambda: traffic.acknowledged <= {one.invoice for one in heard(tracker.log)}, "delivery")
        assert [0, 0] == await fleet.terminate()

        assert {200, 503} == set(traffic.statuses)
        assert not repeats(heard(tracker.log))
        assert '"event":"bug"' not in fleet.log
        for secret in ("not a/secret", "not%20a%2F"):
            assert secret not in fleet.log


async def test_a_store_on_a_server_that_stands_still_is_closed_within_seconds(tmp_path: Path) -> None:
    with Server.start(tmp_path) as server:
        store = await open_store(server.fresh_database(), exclusive=True)
        await store.ping()
        await store.counts()
        with frozen(server):
            asked = [asyncio.create_task(one) for one in (store.ping(), store.counts())]
            await asyncio.sleep(0.1)
            async with asyncio.timeout(5):
                await store.close()
                answers = await asyncio.gather(*asked, return_exceptions=True)

    assert [StoreError, StoreError] == [type(answer) for answer in answers]


async def test_who_falls_silent_in_the_middle_of_its_words_loses_the_turn(tmp_path: Path) -> None:
    """Frozen between the statements of a pipeline, a replica is not idle by PostgreSQL's measure."""
    with Server.start(tmp_path) as server:
        url = server.fresh_database()
        store = await open_store(url, exclusive=True)
        with closing(psycopg.connect(url, autocommit=True)) as frozen_one:
            frozen_one.execute("BEGIN")
            frozen_one.execute("SELECT pg_advisory_xact_lock(%s, %s)", TURN)
            frozen_one.pgconn.enter_pipeline_mode()
            frozen_one.pgconn.send_query_params(b"SELECT 1", None)
            frozen_one.pgconn.send_flush_request()
            frozen_one.pgconn.flush()
            begun, tries = time.monotonic(), 0
            while not await written(store):
                tries += 1
                assert time.monotonic() - begun < 15, "nobody else was given the turn"
        await store.close()

    assert tries > 0


async def written(store: Store) -> bool:
    try:
        await store.ping()
    except StoreError:
        return False
    return True


async def goes_on(traffic: Traffic, what: str) -> None:
    """Some more are acknowledged."""
    count = len(traffic.acknowledged) + 30
    await comes(lambda: len(traffic.acknowledged) >= count, f"it did not go on: {what}")


async def refuses(traffic: Traffic, what: str) -> None:
    """Some more are answered 503."""
    count = traffic.statuses[503] + 10
    await comes(lambda: traffic.statuses[503] >= count, f"no 503: {what}")
