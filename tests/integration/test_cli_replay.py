"""`trackbridge replay` of many: narrowed down, rehearsed, stopped in between, and of what was delivered."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from bridge.cli import main
from bridge.store.database_console import DatabaseConsole
from tests.integration.cli_hand import (
    Text,
    a_graveyard,
    parsed,
    printed,
    said,
    states,
)

pytestmark = pytest.mark.usefixtures("clean_room")


def test_many_are_counted_and_few_are_named(capsys: Text) -> None:
    a_graveyard(25)

    assert ["25 will be sent again"] == printed(capsys, "replay", "--all-dead")
    assert {"pending"} == set(list(states().values())[1:])
    assert ["nothing is dead"] == said(capsys, "replay", "--all-dead")


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["--source", "quiz"], [3]),
        (["--customer", "cus_2"], [4]),
        (["--reason", "no AMOUNT", "--after", "3"], [4]),
        (["--grep", "s0"], [2]),
        (["--since", "1h"], [2, 3, 4]),
        (["--since", "2099-01-01"], []),
        (["--until", "2099-01-01", "--state", "dead"], [2, 3, 4]),
        (["--all-dead", "--after", "2"], [3, 4]),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else "",
)
def test_what_is_replayed_can_be_narrowed_down(arguments: list[str], ids: list[int], capsys: Text) -> None:
    a_graveyard(3)

    assert ids == [one["id"] for one in parsed(capsys, "replay", *arguments, "--dry-run")]
    assert ids == [one["delivery"] for one in parsed(capsys, "replay", *arguments)]
    assert ids == [number for number, state in states().items() if state == "pending"]


def test_delivered_ones_go_again_only_when_asked_and_with_a_warning(capsys: Text) -> None:
    a_graveyard(0, delivered=2)
    assert ["2: not replayed: already delivered"] == said(capsys, "replay", "2", code=1)

    assert 0 == main(["replay", "--again", "--state", "delivered", "--customer", "cus_0"])

    told = capsys.readouterr()
    assert "2: will be sent again: though delivered\n" == told.out
    assert told.err.startswith("warning: the tracker has been told of these.")
    assert ["pending", "delivered"] == list(states().values())[1:]


def test_a_rehearsal_says_what_would_not_go_and_why(capsys: Text) -> None:
    a_graveyard(1, delivered=1)

    assert 1 == main(["replay", "2", "3", "99", "--dry-run"])

    told = capsys.readouterr()
    assert ["2   dead  49.99 USD s0  cus_0     422: no amount"] == told.out.splitlines()[1:]
    assert [
        "3: would not be replayed: already delivered",
        "99: would not be replayed: there is no such delivery",
        "1 would be sent again; nothing was changed",
    ] == told.err.splitlines()
    assert "dead" == states()[2]


def test_ctrl_c_ends_between_two_portions_and_says_where_to_go_on(
    clean_room: Path, monkeypatch: pytest.MonkeyPatch, capsys: Text
) -> None:
    monkeypatch.setattr("bridge.cli.batches.MOST_TOGETHER", 2)
    a_graveyard(7)
    pressed = CtrlC(monkeypatch, after=2)

    assert 130 == main(["replay", "--all-dead"])

    told = capsys.readouterr()
    assert pressed.calls == 2
    assert [f"{number}: will be sent again" for number in range(2, 6)] == told.out.splitlines()
    assert "stopped: 3 left; what was done is done. The same command with --after 5 does the rest\n" == told.err
    assert [*["pending"] * 4, *["dead"] * 3] == list(states().values())[1:]
    assert [6, 7, 8] == [one["delivery"] for one in parsed(capsys, "replay", "--all-dead", "--after", "5")]


class CtrlC:
    """Presses Ctrl-C while the store is at work on the second portion."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
        original = DatabaseConsole.replay
        self.calls = 0

        async def replay(store: Any, *arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == after:
                os.kill(os.getpid(), signal.SIGINT)
            return await original(store, *arguments, **options)

        monkeypatch.setattr(DatabaseConsole, "replay", replay)
