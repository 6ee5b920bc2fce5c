"""A newer version comes in beside the one that runs: its step says who may go on, and no webhook is refused for it."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.store.steps import shipped
from tests.e2e.fleet import Traffic, a_fleet, heard, repeats
from tests.faults.load import holds
from tests.faults.world import a_tracker
from tests.postgres import Server
from tests.support import BridgeProcess

NOW = shipped("postgres")[-1].number
STEP = """\
{said}
ALTER TABLE deliveries ADD COLUMN novelty TEXT NOT NULL DEFAULT 'new';
CREATE TABLE novelties (name TEXT PRIMARY KEY);
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server.start(tmp_path_factory.mktemp("postgres")) as started:
        yield started


def next_version(folder: Path, said: str) -> Path:
    """The code of a version to come: this one, and one step more."""
    code = folder / f"code{len(said)}"
    root = Path(__file__).parents[2]
    shutil.copytree(root / "bridge", code / "bridge", ignore=shutil.ignore_patterns("__pycache__"))
    (code / "mappings").symlink_to(root / "mappings")
    step = code / "bridge" / "store" / "schema" / "postgres" / f"{NOW + 1:04}_add_a_novelty.sql"
    step.write_text(STEP.format(said=said), encoding="utf-8")
    return code


async def start(replica: BridgeProcess, code: Path | None = None) -> None:
    replica.code = code or replica.code
    await asyncio.to_thread(replica.start)


async def test_older_replicas_go_on_and_start_beside_a_newer_one_until_a_step_says_otherwise(
    tmp_path: Path, server: Server
) -> None:
    with (
        a_tracker(tmp_path) as tracker,
        a_fleet(tmp_path, server.fresh_database(), 2, CMS_BASE_URL=tracker.url) as fleet,
    ):
        old, new = fleet.replicas
        await start(old)
        traffic = Traffic(fleet.ports)
        async with traffic.poured(per_second=100):
            await more(traffic)
            await start(new, next_version(tmp_path, f"-- older code: since {NOW}"))
            assert [(NOW + 1, NOW)] == await fleet.rows(f"SELECT number, since FROM migrations WHERE number > {NOW}")
            await more(traffic)
            assert 0 == await asyncio.to_thread(old.terminate)
            await more(traffic)
            await start(old)  # rolled back, or restarted in the middle of it
            await more(traffic)
            assert await asyncio.to_thread(old.is_ready)
        assert await holds(lambda: traffic.acknowledged <= {one.invoice for one in heard(tracker.log)})
        assert [0, 0] == await fleet.terminate()
        # while one ends it tells a few to come again, and the balancer asks the other
        assert "store.unavailable" not in fleet.log
        assert not repeats(heard(tracker.log))

        await fleet.rows(f"UPDATE migrations SET since = number WHERE number = {NOW + 1} RETURNING 1")
        told = await asyncio.to_thread(old.run, "serve", check=False)
        assert 3 == told.returncode
        assert f"written by a newer trackbridge (schema {NOW + 1}; this version knows {NOW})" in told.stderr


async def more(traffic: Traffic) -> None:
    count = len(traffic.acknowledged) + 40
    assert await holds(lambda: len(traffic.acknowledged) >= count)
