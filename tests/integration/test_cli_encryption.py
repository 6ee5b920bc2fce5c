"""`trackbridge encryption`: a key is made, what is stored goes under it, under another, and back into clear."""

import os
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from bridge.cli import encryption, main
from bridge.encryption import keys_of, number_of, text_of
from bridge.store.database_vault import DatabaseVault
from bridge.store.resealing import Resealed, RowId, Table
from tests.integration.cli_hand import Text, a_mapping, a_quiz, parsed, printed, received, said

pytestmark = pytest.mark.usefixtures("clean_room")

ONE, TWO = bytes(range(32)), bytes(range(100, 132))


@pytest.fixture
def stored(clean_room: Path) -> Path:
    """Two events and their deliveries, in clear."""
    a_mapping(clean_room, amount="total")
    received(a_quiz(1), a_quiz(2))
    return clean_room


def with_keys(monkeypatch: pytest.MonkeyPatch, *lines: bytes | str) -> None:
    text = "\n".join(line if isinstance(line, str) else text_of(line) for line in lines)
    monkeypatch.setenv("TRACKBRIDGE_ENCRYPTION_KEY", text)


def story(capsys: Text) -> list[str]:
    """All that is told of the first event, but for how long ago it came."""
    return [line for line in printed(capsys, "events", "show", "1") if " ago" not in line]


def in_the_files(text: bytes) -> bool:
    return any(text in file.read_bytes() for file in Path().glob("trackbridge.db*"))


def test_a_new_key_goes_to_stdout_alone(capsys: Text) -> None:
    (line,) = printed(capsys, "encryption", "new-key")

    assert keys_of(line).writes
    assert [line] != printed(capsys, "encryption", "new-key")


def test_without_a_key_everything_is_in_clear_and_that_is_said(stored: Path, capsys: Text) -> None:
    assert [
        "new rows     in clear",
        "keys needed  none",
        "events       all like that",
        "deliveries   all like that",
        "attempts     all like that",
    ] == printed(capsys, "encryption")


def test_a_key_is_put_on_changed_and_taken_off(stored: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    assert in_the_files(b"buyer1@example.com")
    shown = story(capsys)

    with_keys(monkeypatch, ONE)
    assert {"events": 2, "deliveries": 2, "attempts": 0} == parsed(capsys, "encryption", "--json")["rows_to_change"]
    assert "events       2 to change" in printed(capsys, "encryption", "apply", "--dry-run")
    assert in_the_files(b"buyer1@example.com")
    told = f"4 rows changed; everything is encrypted with key {number_of(ONE)}"
    assert [told] == printed(capsys, "encryption", "apply")
    assert not in_the_files(b"buyer1@example.com")
    assert shown == story(capsys)

    with_keys(monkeypatch, TWO, ONE)
    assert shown == story(capsys)
    changed = parsed(capsys, "encryption", "apply", "--json")
    assert {
        "encrypts_with": number_of(TWO),
        "keys_needed": [number_of(TWO)],
        "rows_changed": 4,
        "rows_spoiled": 0,
        "rewritten": True,
    } == changed

    with_keys(monkeypatch, TWO)
    assert shown == story(capsys)
    assert [told.replace("4", "0", 1).replace(number_of(ONE), number_of(TWO))] == printed(capsys, "encryption", "apply")

    with_keys(monkeypatch, "none", TWO)
    assert ["4 rows changed; everything is in clear"] == printed(capsys, "encryption", "apply")
    monkeypatch.delenv("TRACKBRIDGE_ENCRYPTION_KEY")
    assert shown == story(capsys)


@pytest.mark.parametrize(
    "command",
    [
        ("events",),
        ("events", "show", "1"),
        ("dead",),
        ("replay", "1"),
        ("dismiss", "1"),
        ("remap", "1"),
        ("forget", "--customer", "cus_1"),
        ("tracker",),
        ("encryption",),
        ("encryption", "apply"),
        ("restore-check",),
        ("migrate-store", "sqlite:///trackbridge.db", "sqlite:///new.db"),
    ],
    ids=" ".join,
)
def test_commands_need_the_key_and_say_so(
    command: tuple[str, ...], stored: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_keys(monkeypatch, ONE)
    main(["encryption", "apply"])
    with_keys(monkeypatch, TWO)

    told = "\n".join(said(capsys, *command, code=3))

    assert f"encrypted with the key number {number_of(ONE)}" in told
    assert "fix: add the key as a further line" in told
    assert text_of(TWO) not in told


def test_config_tells_keys_by_their_numbers(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch, TWO, ONE)

    told = "\n".join(printed(capsys, "config"))

    assert f"encrypts with {number_of(TWO)}, decrypts {number_of(ONE)}" in told
    assert text_of(TWO) not in told


def test_ctrl_c_ends_between_two_commits_and_the_next_run_does_the_rest(
    stored: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_keys(monkeypatch, ONE)
    monkeypatch.setattr(encryption, "_MOST_ROWS", 1)
    reseal, calls = DatabaseVault.reseal, []

    async def pressed(self: DatabaseVault, table: Table, ids: Sequence[RowId]) -> Resealed:
        calls.append(ids)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return await reseal(self, table, ids)

    monkeypatch.setattr(DatabaseVault, "reseal", pressed)

    assert 130 == main(["encryption", "apply"])
    assert "stopped: 3 rows are done. Run it again: it goes on with the others\n" == capsys.readouterr().err
    assert {"events": 0, "deliveries": 1, "attempts": 0} == parsed(capsys, "encryption", "--json")["rows_to_change"]
    assert [f"1 row changed; everything is encrypted with key {number_of(ONE)}"] == printed(
        capsys, "encryption", "apply"
    )


def test_a_value_that_does_not_open_is_told_and_left(
    stored: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_keys(monkeypatch, ONE)
    main(["encryption", "apply"])
    with closing(sqlite3.connect("trackbridge.db", isolation_level=None)) as db:
        db.execute("UPDATE deliveries SET payload = ? WHERE id = 1", [f"~tb1:{number_of(ONE)}:AAAA"])
    with_keys(monkeypatch, TWO, ONE)

    told = said(capsys, "encryption", "apply")

    assert ["1 row holds a value that does not open; it was left as it is"] == told
    with_keys(monkeypatch, TWO)
    assert any("cannot be read" in line for line in printed(capsys, "events", "show", "1"))
