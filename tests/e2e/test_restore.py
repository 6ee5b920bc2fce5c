"""The database is lost and put back from a backup: no sale counts twice, no lead is told twice, and what was accepted
after the backup comes back from Stripe."""

import asyncio
import json
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.demo.answers import error
from bridge.demo.tracker import Answer, Received, judge
from tests.contract.databases import server
from tests.e2e.stage import Stage, invoice, stage
from tests.fake_stripe import KEY, FakeStripe, fake_stripe
from tests.postgres import program
from tests.support import a_checkout

#: Takes a backup of what serves in a folder.
BackUp = Callable[[Stage], None]


def by_command(on: Stage) -> None:
    """By our own command, which marks the copy as one."""
    on.bridge.run("backup", "copy.db")


def by_sqlite(on: Stage) -> None:
    """By SQLite's own copy, which nobody marks."""
    file = on.bridge.folder / "trackbridge.db"
    with closing(sqlite3.connect(file)) as db, closing(sqlite3.connect(file.with_name("copy.db"))) as copy:
        db.backup(copy)


def by_pg_dump(on: Stage) -> None:
    """By PostgreSQL's own program; without who served then, which is of a moment ago here."""
    url = on.bridge.environment["TRACKBRIDGE_DATABASE_URL"]
    copy = on.bridge.folder / "copy.dump"
    subprocess.run(
        [program("pg_dump"), "--format=custom", "--exclude-table-data=replicas", f"--file={copy}", url], check=True
    )


def lose_and_restore(on: Stage) -> None:
    """kill -9, everything of the database gone, the copy in its place."""
    on.bridge.kill()
    if on.bridge.settings.get("TRACKBRIDGE_DATABASE_URL"):
        lost, new = on.bridge.settings["TRACKBRIDGE_DATABASE_URL"], server().fresh_database()
        server().sql("DROP DATABASE {} WITH (FORCE)".format(lost.rpartition("/")[2]))
        copy = on.bridge.folder / "copy.dump"
        subprocess.run([program("pg_restore"), "--no-owner", "--no-comments", f"--dbname={new}", copy], check=True)
        on.bridge.settings["TRACKBRIDGE_DATABASE_URL"] = new
        return
    for file in on.bridge.folder.glob("trackbridge.db*"):
        file.unlink()
    (on.bridge.folder / "copy.db").rename(on.bridge.folder / "trackbridge.db")


class Books:
    """A tracker that knows a sale again by its invoice id, and counts every lead it is told."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    def __call__(self, received: Received) -> Answer:
        name = invoice(received)
        if received.path.endswith("/sale") and name in self.counted:
            return error(409, "resource already exists")
        answer = judge(received)
        self.counted[name] += 200 <= answer.status < 300
        return answer


def paid(stripe: FakeStripe, number: int) -> dict[str, Any]:
    """A payment that Stripe remembers."""
    event: dict[str, Any] = json.loads(a_checkout(number)) | {"created": int(time.time()) - 60}
    stripe.events.append(event)
    return event


async def tell(on: Stage, event: dict[str, Any]) -> None:
    answer = await asyncio.to_thread(on.bridge.post, json.dumps(event).encode())
    assert (200, "accepted") == (answer.status_code, answer.json()["status"])


async def run(on: Stage, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    before = on.bridge.settings
    on.bridge.settings = before | settings
    try:
        return await asyncio.to_thread(on.bridge.run, *arguments)
    finally:
        on.bridge.settings = before


async def backed_up_with_a_backlog(on: Stage, stripe: FakeStripe, back_up: BackUp) -> None:
    """Two sales and a lead are delivered; two sales and two leads are on their way when the backup is taken."""
    for number in (1, 2):
        await tell(on, paid(stripe, number))
    await on.post("lead 1", kind="lead")
    await on.until_states(delivered=3)
    await on.run("tracker", "pause")
    for number in (3, 4):
        await tell(on, paid(stripe, number))
    await on.post("lead 2", "lead 3", kind="lead")
    await asyncio.to_thread(back_up, on)
    await on.run("tracker", "resume")
    await on.until_states(delivered=7)


@pytest.mark.parametrize("back_up", [by_command, by_sqlite, by_pg_dump])
async def test_nothing_counts_twice_and_nothing_is_missing(tmp_path: Path, back_up: BackUp) -> None:
    books = Books()
    place = {"TRACKBRIDGE_DATABASE_URL": server().fresh_database()} if back_up is by_pg_dump else {}
    with fake_stripe() as stripe:
        async with stage(tmp_path, None, **place) as on:
            on.tracker.answer = books
            await backed_up_with_a_backlog(on, stripe, back_up)
            for number in (5, 6):
                await tell(on, paid(stripe, number))
            await on.until_states(delivered=9)
            at_the_loss = Counter(books.counted)
            heard = len(on.tracker.requests)

            lose_and_restore(on)
            account = {"STRIPE_API_KEY": KEY, "STRIPE_API_BASE": stripe.url}
            told = json.loads((await run(on, "restore-check", "--dry-run", "--json")).stdout)
            fetched = await run(on, "stripe", "reconcile", "--since", told["reconcile_since"], "--json", **account)
            checked = json.loads((await run(on, "restore-check", "--json")).stdout)
            assert checked["paused_by_operator"], "as it was when the backup was taken"
            await on.resume()
            await asyncio.to_thread(on.bridge.start)
            await on.until_states(delivered=7, dead=2)
            await on.story("evt_3", "evt_5", "lead 2")
            seen = await on.finish()

    assert {"evt_5", "evt_6"} == {gap["event"] for gap in json.loads(fetched.stdout)["gaps"]}
    assert (4, 2) == (checked["repeated_sales"], checked["held"])
    assert books.counted == at_the_loss
    assert {1} == set(books.counted.values())
    repeated = [received.path for received in seen.received[heard:]]
    assert ["/track/sale"] * 4 == repeated, "no lead was told again"
    for event in ("evt_3", "evt_5"):
        assert ("delivered", True) == (seen.delivery(event)["state"], seen.delivery(event)["unsure"])
        assert [409] == [attempt["status"] for attempt in seen.attempts(event)]
    assert "restored: outcome unknown" == seen.delivery("lead 2")["reason"]


async def test_serve_does_not_take_a_backup_of_ours_for_the_newest(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        await on.post("sale")
        await on.until_states(delivered=1)
        by_command(on)
        assert 0 == await asyncio.to_thread(on.bridge.terminate)
        (tmp_path / "copy.db").replace(tmp_path / "trackbridge.db")

        refused = await asyncio.to_thread(on.bridge.run, "serve", check=False)

        assert 3 == refused.returncode
        assert "trackbridge restore-check" in refused.stderr
        await on.run("restore-check", "--current")
        await asyncio.to_thread(on.bridge.start)
        await on.finish()
