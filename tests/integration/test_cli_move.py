"""`trackbridge backup`, `restore-check` and `migrate-store`: what they say, what they refuse, how they exit."""

import asyncio
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.cli import main
from bridge.errors import ConfigError
from bridge.store import Store, open_store
from bridge.store.sqlite.connection import connect
from tests.contract.store_hand import Hand, a_lead, a_sale
from tests.integration.cli_hand import NOW, Text, parsed, said, states, with_store

pytestmark = pytest.mark.usefixtures("clean_room")

TARGET = "sqlite:///new.db"
SOURCE = "sqlite:///trackbridge.db"


def a_backlog(*, sales: int = 2, leads: int = 1) -> None:
    async def fill(store: Store) -> None:
        hand = Hand(store)
        hand.now = NOW
        await hand.record(*[a_sale(f"s{number}", f"cus_{number}") for number in range(sales)])
        await hand.record(*[a_lead(f"l{number}", f"cus_l{number}") for number in range(leads)])

    with_store(fill)


def refused(capsys: Text, *arguments: str, code: int = 3) -> str:
    assert code == main(list(arguments))
    told = capsys.readouterr()
    assert not told.out
    return told.err


def not_served(url: str) -> str:
    """Why serve would not start on it."""
    with pytest.raises(ConfigError) as refusal:
        serve(url)
    return str(refusal.value)


def serve(url: str) -> None:
    async def begin() -> None:
        await (await open_store(url, exclusive=True)).close()

    asyncio.run(begin())


# ── backup ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_backup_beside_a_serve_is_whole_private_and_knows_what_it_is(clean_room: Path, capsys: Text) -> None:
    a_backlog()

    async def beside(store: Store) -> dict[str, Any]:
        told: dict[str, Any] = await asyncio.to_thread(parsed, capsys, "backup", "copy.db")
        await Hand(store).record(a_sale("after", "cus_a"))
        return told

    told = with_store(beside)

    copy = clean_room / "copy.db"
    assert (3, copy.stat().st_size) == (told["events"], told["bytes"])
    assert "0o600" == oct(copy.stat().st_mode & 0o777)
    assert [] == list(clean_room.glob("copy.db.*")) + list(clean_room.glob("copy.db-*"))
    url = ["--database-url", "sqlite:///copy.db"]
    assert 3 == len(parsed(capsys, "events", *url))
    assert "restore-check" in not_served(url[1])
    assert 0 == main(["restore-check", *url])
    serve(url[1])


def test_a_backup_never_writes_over_a_file(clean_room: Path, capsys: Text) -> None:
    a_backlog()
    (clean_room / "copy.db").write_text("precious")

    assert "copy.db is there already" in refused(capsys, "backup", "copy.db")

    assert "precious" == (clean_room / "copy.db").read_text()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["no/such/folder.db"], "no folder"),
        (["copy.db", "--database-url", "postgresql://u:secret@127.0.0.1/x"], "pg_dump"),
        (["copy.db", "--database-url", "sqlite:///missing.db"], "no database"),
    ],
    ids=["folder", "postgresql", "missing"],
)
def test_what_cannot_be_backed_up_is_said(arguments: list[str], word: str, capsys: Text) -> None:
    a_backlog()

    told = refused(capsys, "backup", *arguments)

    assert word in told
    assert "secret" not in told


def test_a_backup_that_cannot_be_finished_leaves_nothing(
    clean_room: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_backlog()
    with closing(connect(clean_room / "trackbridge.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray((clean_room / "trackbridge.db").read_bytes())
    data[4096 * 3 : 4096 * 9] = os.urandom(4096 * 6)
    (clean_room / "trackbridge.db").write_bytes(data)

    assert 1 == main(["backup", "copy.db"])

    assert "no backup was made: the database file is damaged" in capsys.readouterr().err
    assert [] == list(clean_room.glob("copy*"))


# ── restore-check ────────────────────────────────────────────────────────────────────────────────────────────


def test_it_shows_what_is_in_question_doubts_it_and_says_what_to_do_next(capsys: Text) -> None:
    a_backlog()

    assert 0 == main(["restore-check"])

    told = capsys.readouterr()
    assert told.out.splitlines()[0].startswith("newest     20")
    assert ["IN QUESTION", "2 sales", "1 lead"] == [line.split("  ")[0] for line in told.out.splitlines()[2:]]
    assert "2 sales will be sent again under the same invoice ids, flagged" in told.err
    assert '1 are held as dead letters ("restored: outcome unknown"): trackbridge dead' in told.err
    assert "trackbridge stripe reconcile --since 20" in told.err
    assert ["pending", "pending", "dead"] == list(states().values())
    assert ["1 would be sent again; nothing was changed"] == said(
        capsys, "replay", "--reason", "restored: outcome unknown", "--dry-run"
    )


def test_a_rehearsal_works_beside_a_serve_and_changes_nothing(capsys: Text) -> None:
    a_backlog()

    async def beside(_: Store) -> list[str]:
        return await asyncio.to_thread(said, capsys, "restore-check", "--dry-run")

    told = with_store(beside)

    assert "nothing was changed" in told
    assert {"pending"} == set(states().values())


def test_it_is_refused_while_somebody_serves(capsys: Text) -> None:
    a_backlog()

    async def beside(_: Store) -> str:
        return await asyncio.to_thread(refused, capsys, "restore-check")

    assert "another serve uses" in with_store(beside)


def test_leads_go_when_asked_and_nothing_is_doubted_when_the_copy_is_current(capsys: Text) -> None:
    a_backlog()
    assert {"repeated_sales": 2, "repeated_leads": 1, "held": 0}.items() <= parsed(
        capsys, "restore-check", "--send-leads"
    ).items()
    assert 0 == main(["backup", "copy.db"])
    capsys.readouterr()
    url = ["--database-url", "sqlite:///copy.db"]

    told = parsed(capsys, "restore-check", "--current", *url)

    assert {"repeated_sales": 0, "held": 0, "dry_run": False}.items() <= told.items()
    serve(url[1])
    assert 2 == main(["restore-check", "--current", "--send-leads"])


def test_an_empty_database_has_nothing_in_question(capsys: Text) -> None:
    with_store(_nothing)

    told = parsed(capsys, "restore-check", "--dry-run")

    assert {"in_question": [], "newest_at": None, "reconcile_since": None}.items() <= told.items()
    assert any("nothing is in question" in line for line in said(capsys, "restore-check"))


async def _nothing(_: Store) -> None:
    return None


# ── migrate-store ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_move_is_counted_proven_and_followed_by_what_to_do(clean_room: Path, capsys: Text) -> None:
    a_backlog()

    assert 0 == main(["migrate-store", SOURCE, TARGET])

    told = capsys.readouterr()
    rows = dict(line.split() for line in told.out.splitlines())
    assert ("3", "3", "ROWS") == (rows["events"], rows["deliveries"], rows["TABLE"])
    assert "every row was read again where it went, and is the same" in told.err
    assert f"set TRACKBRIDGE_DATABASE_URL to sqlite:///{clean_room}/new.db" in told.err
    assert "was moved to" in not_served(SOURCE)
    assert "was moved to" in refused(capsys, "events")
    assert 3 == len(parsed(capsys, "events", "--database-url", TARGET))


def test_a_move_in_json(capsys: Text) -> None:
    a_backlog()

    planned = parsed(capsys, "migrate-store", SOURCE, TARGET, "--dry-run")
    moved = parsed(capsys, "migrate-store", SOURCE, TARGET)
    again = parsed(capsys, "migrate-store", SOURCE, TARGET)

    assert (True, False) == (planned["dry_run"], moved["dry_run"])
    assert planned["rows"] == moved["rows"] == again["rows"]
    assert (False, True) == (moved["had_arrived"], again["had_arrived"])


def test_a_move_is_taken_back_into_a_database_to_be_checked(capsys: Text) -> None:
    a_backlog()
    assert 0 == main(["migrate-store", SOURCE, TARGET])
    capsys.readouterr()

    assert any("restore-check" in line for line in said(capsys, "migrate-store", "--undo", SOURCE))

    assert "restore-check" in not_served(SOURCE)


@pytest.mark.parametrize(
    "arguments",
    [[SOURCE], ["--undo", SOURCE, TARGET], ["--undo", "--dry-run", SOURCE]],
    ids=["one", "undo of two", "undo rehearsed"],
)
def test_wrong_usage_is_2(arguments: list[str], capsys: Text) -> None:
    assert 2 == main(["migrate-store", *arguments])
    assert capsys.readouterr().out == ""


def test_a_database_that_is_served_is_not_moved(capsys: Text) -> None:
    a_backlog()

    async def beside(_: Store) -> str:
        return await asyncio.to_thread(refused, capsys, "migrate-store", SOURCE, TARGET)

    told = with_store(beside)

    assert "a serve uses" in told
    assert "stop it, run this again" in told


def test_there_must_be_something_to_move(capsys: Text) -> None:
    assert "no database" in refused(capsys, "migrate-store", SOURCE, TARGET)
    assert "no database" in refused(capsys, "migrate-store", SOURCE, TARGET, "--dry-run")
