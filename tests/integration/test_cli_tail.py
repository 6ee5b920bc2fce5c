"""`trackbridge tail`: across processes, and how it ends."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.model import Delivered
from bridge.store import Store
from tests.contract.store_hand import Hand, a_conversion, a_meaning, a_sale, an_event
from tests.integration.cli_hand import (
    NOW,
    Text,
    a_graveyard,
    printed,
    with_store,
)
from tests.support import clean_environment, wait_until

pytestmark = pytest.mark.usefixtures("clean_room")


@pytest.fixture
def followed(clean_room: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """`trackbridge tail` as processes of their own, ended whatever happens."""
    started: list[subprocess.Popen[str]] = []

    def follow(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "tail", *arguments],
            cwd=clean_room,
            env=clean_environment(PYTHONPATH=str(Path(__file__).parents[2])),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield follow
    for process in started:
        process.kill()
        process.communicate()


def test_tail_begins_with_the_last_ones(capsys: Text) -> None:
    a_graveyard(1, delivered=1)

    lines = printed(capsys, "tail", "-n", "2", "--no-follow")

    clock = NOW.strftime("%m-%d %H:%M:%S")
    assert [
        f"{clock}        2  stripe        dead          without a type: 422: no amount; 49.99 USD s0",
        f"{clock}        3  quiz          delivered     without a type: 49.99 USD s1",
    ] == lines
    assert [] == printed(capsys, "tail", "-n", "0", "--no-follow")
    assert [lines[1]] == printed(capsys, "tail", "--source", "quiz", "--no-follow")


def test_tail_follows_what_other_processes_do_and_ends_well_with_ctrl_c(
    followed: Callable[..., "subprocess.Popen[str]"],
) -> None:
    a_graveyard(1)
    tail = followed("-n", "1", "--json")
    assert tail.stdout is not None
    first = json.loads(tail.stdout.readline())

    async def work(store: Store) -> None:
        hand = Hand(store)
        hand.now = NOW
        await hand.record(a_meaning(a_conversion(a_sale("new", "cus_new"), claims=["in_new"]), key="e_new"))
        await hand.end(await hand.claim_one(), Delivered(), cautious=False)
        await store.dismiss([2], only=False, now=NOW)

    with_store(work)
    news = [json.loads(tail.stdout.readline()) for _ in range(3)]
    tail.send_signal(signal.SIGINT)

    assert 0 == tail.wait(10)
    assert ("event", 2) == (first["kind"], first["id"])
    assert {("event", "accepted"), ("delivery", "delivered"), ("delivery", "dismissed")} == {
        (one["kind"], one["state"]) for one in news
    }
    delivered = next(one for one in news if one["state"] == "delivered")
    assert {"number": 1, "status": 200, "verdict": "delivered"} == delivered["last_attempt"]
    assert "" == (tail.stderr.read() if tail.stderr else "?")


def test_tail_ends_when_nobody_reads_it_any_more_though_nothing_happens(
    followed: Callable[..., "subprocess.Popen[str]"],
) -> None:
    a_graveyard(1)
    tail = followed("-n", "1")
    assert tail.stdout is not None
    tail.stdout.readline()

    tail.stdout.close()

    assert 0 == tail.wait(10)


def test_tail_of_one_source_is_silent_about_the_others(followed: Callable[..., "subprocess.Popen[str]"]) -> None:
    a_graveyard(1)
    tail = followed("-n", "0", "--source", "quiz")

    async def record(store: Store) -> None:
        hand = Hand(store)
        for number in range(500):
            source = "quiz" if number == 499 else "stripe"
            await hand.record(
                a_meaning(a_sale(f"n{number}", f"c{number}"), event=an_event(f"n{number}", source=source))
            )

    assert tail.stdout is not None
    wait_until(lambda: Path("trackbridge.db-shm").exists(), what="tail to have the database open")
    with_store(record)
    line = tail.stdout.readline()

    assert "  quiz          pending       without a type: 49.99 USD n499" in line
