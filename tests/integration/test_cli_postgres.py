"""The command line with PostgreSQL: what it says is as true there, and never holds the password."""

from datetime import timedelta
from pathlib import Path

import pytest

from bridge.cli import main
from bridge.model import Delivered
from bridge.store import Store
from tests.contract.databases import contents, empty
from tests.contract.store_hand import Hand
from tests.integration.cli_hand import NOW, Text, a_mapping, a_quiz, received, with_store
from tests.postgres import PASSWORD

pytestmark = pytest.mark.usefixtures("clean_room")


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = empty("postgres", tmp_path)
    monkeypatch.setenv("TRACKBRIDGE_DATABASE_URL", url)
    return url


def told(capsys: Text) -> str:
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert PASSWORD not in text
    assert "%40" not in text
    return text


def test_the_settings_and_the_doctor_name_the_database_without_its_password(database: str, capsys: Text) -> None:
    assert 0 == main(["config"])
    assert "postgresql://bridge:***@127.0.0.1:" in told(capsys)

    main(["doctor"])
    text = told(capsys)
    assert "postgresql://bridge:***@127.0.0.1:" in text
    assert "opens and can be written" in text


def test_a_database_that_lets_nobody_in_ends_a_command_with_3(
    database: str, capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKBRIDGE_DATABASE_URL", database.replace("%257", "%258"))

    assert 3 == main(["events"])
    assert "the password is wrong, or the user is unknown" in told(capsys)


def test_who_is_forgotten_is_in_no_table_and_it_is_said_where_nobody_can_look(
    database: str, clean_room: Path, capsys: Text
) -> None:
    a_mapping(clean_room, amount="total")
    received(a_quiz(1), a_quiz(2))

    async def deliver(store: Store) -> None:
        hand = Hand(store)
        hand.now = NOW + timedelta(minutes=1)
        await hand.end(await hand.claim_one(), Delivered(), cautious=False)

    with_store(deliver)
    assert b"buyer1@example.com" in contents(database)

    assert 0 == main(["forget", "--email", "buyer1@example.com", "--rewrite"])

    assert "Into PostgreSQL's own files nobody can look from here" in told(capsys)
    assert b"buyer1@example.com" not in contents(database)
    assert b"buyer2@example.com" in contents(database)
