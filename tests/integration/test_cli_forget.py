"""`trackbridge forget`: counted, refused, removed down to the bytes of the file."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.cli import main
from bridge.model import Delivered
from bridge.store import Store
from tests.contract.store_hand import Hand
from tests.integration.cli_hand import (
    NOW,
    Text,
    a_mapping,
    a_quiz,
    parsed,
    printed,
    received,
    said,
    states,
    with_store,
)

pytestmark = pytest.mark.usefixtures("clean_room")


def delivered_quiz(folder: Path) -> None:
    """Two people's sales, the second delivered."""
    a_mapping(folder, amount="total")
    received(a_quiz(1), a_quiz(2))

    async def deliver(store: Store) -> None:
        hand = Hand(store)
        hand.now = NOW + timedelta(minutes=1)
        await hand.end(await hand.claim_one(), Delivered(), cautious=False)

    with_store(deliver)


def in_the_file(text: bytes) -> bool:
    return any(text in file.read_bytes() for file in Path().glob("trackbridge.db*"))


def test_a_person_is_counted_then_removed_down_to_the_bytes(clean_room: Path, capsys: Text) -> None:
    delivered_quiz(clean_room)

    assert [
        "events      1: 1",
        "deliveries  1",
        "customers   cus_1",
        "addresses   buyer1@example.com",
    ] == printed(capsys, "forget", "--email", "Buyer1@Example.com", "--dry-run")
    assert in_the_file(b"buyer1@example.com")

    assert 0 == main(["forget", "--email", "buyer1@example.com"])

    told = capsys.readouterr()
    assert "removed     1 event, 1 delivery; keys and claims stay" == told.out.splitlines()[-1]
    assert told.err.startswith("the database's files were looked through: no address is left there.")
    assert not in_the_file(b"buyer1@example.com")
    assert in_the_file(b"buyer2@example.com")
    assert ["nothing is kept of that person"] == said(capsys, "forget", "--customer", "cus_1")[:1]


def test_what_is_still_to_be_sent_is_only_given_up_when_asked(clean_room: Path, capsys: Text) -> None:
    delivered_quiz(clean_room)

    lines = said(capsys, "forget", "--customer", "cus_2", code=1)
    assert [
        "1 of these are still to be sent, or dead: removing what they say would lose them",
        "  fix: wait until they are delivered, or dismiss them with --pending",
    ] == lines
    assert {1: "delivered", 2: "pending"} == states()
    told = parsed(capsys, "forget", "--customer", "cus_2", "--pending")

    assert ([2], [2], {"events": 1, "deliveries": 1, "keys": 0, "left": []}, 0) == (
        told["events"],
        told["under_way"],
        told["removed"],
        told["remains"],
    )
    assert {1: "delivered", 2: "dismissed"} == states()
    assert not in_the_file(b"buyer2@example.com")


def test_a_shadow_is_found_and_the_file_written_anew(
    clean_room: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered_quiz(clean_room)
    careless = sqlite3.connect("trackbridge.db", isolation_level=None)
    careless.execute("PRAGMA secure_delete = OFF")
    careless.execute("INSERT INTO revisions VALUES ('x', 's', ?, 0)", ("buyer1@example.com " * 2000,))
    careless.execute("DELETE FROM revisions WHERE revision = 'x'")
    careless.close()
    monkeypatch.setattr("bridge.cli.forget._MOST_REWRITTEN", 1)

    lines = said(capsys, "forget", "--email", "buyer1@example.com", code=1)
    assert lines[-1].endswith("places: run this again with --rewrite")
    assert in_the_file(b"buyer1@example.com")
    assert 0 == main(["forget", "--email", "buyer1@example.com", "--rewrite"])

    assert not in_the_file(b"buyer1@example.com")


def test_a_part_of_somebody_elses_address_is_no_shadow(clean_room: Path, capsys: Text) -> None:
    a_mapping(clean_room, amount="total")
    received(a_quiz(1, email="ada@example.com"), a_quiz(2, email="granada@example.com"))

    assert 0 == main(["forget", "--email", "ada@example.com", "--pending"])

    assert in_the_file(b"granada@example.com")
    capsys.readouterr()
    (left,) = parsed(capsys, "dead", "--state", "pending")
    assert "granada@example.com" == left["payload"]["customer_email"]
