"""SQLite's own files: what was deleted is not in their bytes any more, and whether it is can be seen."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge import forgetting
from bridge.store.persons import Person
from tests.contract.databases import contents, opened
from tests.contract.store_hand import Hand, a_sale
from tests.contract.test_store_forget import ADA, about, told


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bridge.db"


@pytest.fixture
async def hand(file: Path) -> AsyncIterator[Hand]:
    store = await opened(f"sqlite:///{file}")
    yield Hand(store)
    await store.close()


async def test_a_shadow_in_free_pages_is_seen_and_gone_once_the_file_is_written_anew(hand: Hand, file: Path) -> None:
    """Something that deletes without overwriting: an old version, or a hand."""
    careless = sqlite3.connect(file, isolation_level=None)
    careless.execute("PRAGMA secure_delete = OFF")
    for number in range(50):
        careless.execute("INSERT INTO revisions VALUES (?, 's', ?, 0)", (f"r{number}", f"{ADA} " * 500))
    careless.execute("DELETE FROM revisions")
    careless.close()
    person = Person(emails=frozenset([ADA]))
    await hand.store.fold()
    assert await hand.store.remains(person)
    assert await forgetting.is_shadow(hand.store, person)

    assert not await hand.store.rewrite(most=1)
    assert await hand.store.rewrite(most=1 << 40)
    assert await hand.store.fold()

    assert 0 == await hand.store.remains(person)
    assert b"ada@" not in contents(f"sqlite:///{file}")
    await hand.record(a_sale("still at work"))


async def test_bytes_are_counted_across_the_blocks_in_which_they_are_read(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hand.record(told("a", body=about() * 50))
    await hand.store.fold()
    person = Person(emails=frozenset([ADA]))
    expected = await hand.store.remains(person)

    for size in (64, 1000, 4097):
        monkeypatch.setattr("bridge.store.sqlite.files._BLOCK", size)
        assert expected == await hand.store.remains(person)


async def test_a_log_that_somebody_reads_is_said_not_to_be_empty(
    hand: Hand, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.store.sqlite.files._PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("bridge.store.sqlite.connection.BUSY_SECONDS", 0.05)
    await hand.record(a_sale("a"))
    reading = sqlite3.connect(file, isolation_level=None)
    reading.execute("BEGIN")
    reading.execute("SELECT count(*) FROM events").fetchone()
    await hand.record(a_sale("b"))

    assert not await hand.store.fold()
    reading.close()
    assert await hand.store.fold()
