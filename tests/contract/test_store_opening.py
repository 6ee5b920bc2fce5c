"""Opening a store: what is wrong with the place is told as a Problem with a fix; what is right is made ready."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import ConfigError, Problem
from bridge.store import open_store
from bridge.store.base import EventFilter
from tests.contract.store_hand import START, Hand, a_sale


async def problem(url: str, *, exclusive: bool = True) -> Problem:
    with pytest.raises(ConfigError) as caught:
        await open_store(url, exclusive=exclusive)
    (found,) = caught.value.problems
    assert "TRACKBRIDGE_DATABASE_URL" == found.place.file
    assert found.fix
    return found


@pytest.mark.parametrize(
    ("url", "code", "what"),
    [
        ("sqlight:///x.db", "database-url", "expected a URL that begins with sqlite:/// or postgresql://"),
        ("trackbridge.db", "database-url", "expected a URL that begins with sqlite:/// or postgresql://"),
        ("", "database-url", "expected a URL that begins with sqlite:/// or postgresql://"),
        ("sqlite://", "database-url", "expected a file's path after sqlite:///, without host or options"),
        ("sqlite:///", "database-url", "expected a file's path after sqlite:///, without host or options"),
        ("sqlite:////", "database-url", "expected a file's path after sqlite:///, without host or options"),
        ("sqlite://host/x.db", "database-url", "expected a file's path after sqlite:///, without host or options"),
        ("sqlite:///x.db?secret=1", "database-url", "expected a file's path after sqlite:///, without host or options"),
    ],
)
async def test_a_url_that_names_no_file_is_a_problem_and_never_shown(url: str, code: str, what: str) -> None:
    found = await problem(url)

    assert (code, what) == (found.code, found.what)
    assert "secret" not in str(found)


async def test_the_nearest_scheme_is_suggested() -> None:
    assert 'did you mean "sqlite"?' == (await problem("sqlight:///x.db")).fix


async def test_a_relative_url_is_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    await (await open_store("sqlite:///with space & ümlaut?.db".replace("?", "%3F"), exclusive=True)).close()

    assert (tmp_path / "with space & ümlaut%3F.db").is_file()


async def test_a_missing_folder_is_a_problem(tmp_path: Path) -> None:
    found = await problem(f"sqlite:///{tmp_path}/no/such/x.db")

    assert f"there is no folder {tmp_path}/no/such" == found.what
    assert f"mkdir -p {tmp_path}/no/such" == found.fix


async def test_a_folder_instead_of_a_file_is_a_problem(tmp_path: Path) -> None:
    assert f"{tmp_path} is a folder, not a file" == (await problem(f"sqlite:///{tmp_path}")).what


async def test_a_command_without_a_database_says_so_and_makes_none(tmp_path: Path) -> None:
    found = await problem(f"sqlite:///{tmp_path}/x.db", exclusive=False)

    assert ("database-missing", f"there is no database at {tmp_path}/x.db yet") == (found.code, found.what)
    assert set() == files_in(tmp_path)


@pytest.mark.parametrize("exclusive", [True, False], ids=["serve", "command"])
async def test_a_file_that_is_no_database_is_a_problem_and_stays_as_it_is(tmp_path: Path, *, exclusive: bool) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("dear diary, " * 500)

    found = await problem(f"sqlite:///{file}", exclusive=exclusive)

    assert ("database-damaged", f"{file} is not a database, or it is damaged") == (found.code, found.what)
    assert "dear diary, " * 500 == file.read_text()


async def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = file.read_bytes()

    found = await problem(f"sqlite:///{file}")

    assert f"{file} is another program's database" == found.what
    assert before == file.read_bytes()


async def test_a_newer_schema_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    await (await open_store(f"sqlite:///{file}", exclusive=True)).close()
    with sqlite3.connect(file) as newer:
        newer.execute("INSERT INTO migrations (number, name, applied_at) VALUES (999, 'add_wings', 0)")
    newer.close()

    found = await problem(f"sqlite:///{file}")

    assert "database-newer" == found.code
    assert found.what.startswith(f"{file} was written by a newer trackbridge (schema 999; this version knows ")


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    tmp_path.chmod(0o500)
    yield tmp_path
    tmp_path.chmod(0o700)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written_is_a_problem(unwritable: Path) -> None:
    found = await problem(f"sqlite:///{unwritable}/x.db")

    assert f"cannot write {unwritable}/x.db.lock: Permission denied" == found.what


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder where not even root can write")
async def test_a_place_that_takes_no_files_is_a_problem() -> None:
    found = await problem("sqlite:////proc/x.db")

    assert ("database-folder", True) == (found.code, found.what.startswith("cannot write /proc/x.db.lock: "))


async def test_a_second_serve_is_refused_and_told_who_has_the_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    first = await open_store(url, exclusive=True)

    found = await problem(url)

    assert ("database-in-use", f"another serve uses {tmp_path}/x.db (process {os.getpid()})") == (
        found.code,
        found.what,
    )
    assert "one serve per file: two would send the same deliveries twice" == found.why
    await first.close()
    await (await open_store(url, exclusive=True)).close()


async def test_a_start_that_fails_leaves_no_lock_behind(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    file.write_text("not a database " * 500)
    await problem(f"sqlite:///{file}")
    file.unlink()

    await (await open_store(f"sqlite:///{file}", exclusive=True)).close()


async def test_a_serve_that_was_killed_leaves_no_lock_behind(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, signal\n"
        "from bridge.store import open_store\n"
        f"asyncio.run(open_store('sqlite:///{tmp_path}/x.db', exclusive=True))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert -signal.SIGKILL == await process.wait()

    await (await open_store(f"sqlite:///{tmp_path}/x.db", exclusive=True)).close()


async def test_everything_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    for name in "ab":
        store = await open_store(url, exclusive=True)
        await Hand(store).record(a_sale(name))
        await store.pause("lunch", now=START)
        await store.close()

    store = await open_store(url, exclusive=False)
    assert ["evt_b_cus_1", "evt_a_cus_1"] == [one.event.key for one in await store.events(EventFilter())]
    assert (await store.tracker()).paused_by_operator
    await store.close()


async def test_a_new_database_is_for_its_owner_only(tmp_path: Path) -> None:
    """It holds personal data; -wal and -shm take their mode from it."""
    store = await open_store(f"sqlite:///{tmp_path}/x.db", exclusive=True)
    await Hand(store).record(a_sale("a"))
    modes = modes_in(tmp_path)
    await store.close()

    assert {"x.db", "x.db.lock", "x.db-wal", "x.db-shm"} == set(modes)
    assert {0o600} == set(modes.values())
    assert {"x.db", "x.db.lock"} == files_in(tmp_path)


def modes_in(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


def files_in(folder: Path) -> set[str]:
    return set(modes_in(folder))


async def test_a_second_serve_by_way_of_a_link_is_refused_as_well(tmp_path: Path) -> None:
    first = await open_store(f"sqlite:///{tmp_path / 'bridge.db'}", exclusive=True)
    (tmp_path / "link.db").symlink_to(tmp_path / "bridge.db")
    try:
        with pytest.raises(ConfigError, match="another serve uses"):
            await open_store(f"sqlite:///{tmp_path / 'link.db'}", exclusive=True)
    finally:
        await first.close()
