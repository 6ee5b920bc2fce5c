"""What operators see of customers that are held up, what they typed by mistake, and output that cannot go anywhere."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.model import Dead, Outcome, RetryAt, Sent, Wait
from bridge.store import Store
from tests.contract.store_hand import Hand, a_conversion, a_lead, a_meaning, a_sale, an_outcome
from tests.integration.cli_hand import (
    Text,
    a_graveyard,
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


@pytest.fixture
def held_up(clean_room: Path) -> None:
    """2 fails and holds 3 and 4 up; 5 waits and lets 6 pass; 7 is dead and keeps its duplicate 8."""

    async def fill(store: Store) -> None:
        hand = Hand(store)
        hand.now = datetime.now(UTC)
        await hand.trust()
        await hand.record(a_sale("a"), a_sale("b"), a_sale("c"), a_sale("w", "cus_2"))
        later = hand.now + timedelta(minutes=9, seconds=30)
        for delivery in (await hand.ask()).deliveries:
            waits = Wait(until=later, reason="the tracker does not know them yet: 404 who")
            await hand.end(delivery, waits if delivery.lane == "cus_2" else RetryAt(at=later, reason="500 boom"))
        await hand.record(a_sale("passes", "cus_2"))
        held = a_conversion(a_lead("d", "cus_3"), claims=["once"], when_unsure="hold")
        await hand.record(a_meaning(held, key="first"))
        await hand.end(
            await hand.sent("d"), Dead(reason="outcome unknown (reset) and its rule says hold"), sent_maybe()
        )
        await hand.record(a_meaning(held, key="second"))

    with_store(fill)


def sent_maybe() -> Outcome:
    return an_outcome(None, sent=Sent.MAYBE, error="reset", started_at=datetime.now(UTC))


@pytest.mark.usefixtures("held_up")
def test_lists_say_behind_whom_a_delivery_stands_and_how_many_it_holds_up(capsys: Text) -> None:
    whys = {line.split()[0]: line.split("  ")[-1].strip() for line in printed(capsys, "dead", "--state", "pending")[1:]}

    assert {"2": "2 behind it; 500 boom", "3": "behind d2", "4": "behind d2"} == {
        number: whys[number] for number in ("2", "3", "4")
    }
    became = [line.split("  ")[-1] for line in printed(capsys, "events", "--customer", "cus_1")[1:]]
    assert ["49.99 USD c, behind d2", "49.99 USD b, behind d2", "49.99 USD a, 2 behind it, due in 9 min"] == became
    assert {"2": (None, 2), "3": (2, 0)} == {
        str(one["id"]): (one["behind"], one["holds_up"])
        for one in parsed(capsys, "dead", "--state", "pending")
        if one["id"] in (2, 3)
    }


@pytest.mark.usefixtures("held_up")
def test_what_is_dead_or_waits_holds_up_nobody_and_that_is_said(capsys: Text) -> None:
    assert ["1 of 1, 1 customer; nothing waits behind them"] == said(capsys, "dead", "--state", "waiting")
    assert "  in line      stepped out: its customer's others do not wait for it" in printed(
        capsys, "events", "show", "d5"
    )
    assert "  in line      first of its customer, 2 behind it" in printed(capsys, "events", "show", "d2")
    (dead,) = printed(capsys, "dead")[1:]
    assert "1 behind it; outcome unknown (reset)" in dead


def test_a_source_that_never_sent_anything_is_said_with_the_nearest_that_did(capsys: Text) -> None:
    a_graveyard(2)

    assert ['nothing ever came from "quizz": did you mean "quiz"?'] == said(capsys, "events", "--source", "quizz")
    assert ['nothing ever came from "quizz": did you mean "quiz"?'] == said(capsys, "dead", "--source", "quizz")
    assert ["no events like this"] == said(capsys, "events", "--source", "quiz", "--state", "ignored")


@pytest.mark.parametrize("command", ["events", "dead", "replay", "remap"])
def test_an_end_before_the_beginning_is_a_mistake(command: str, capsys: Text) -> None:
    a_graveyard(1)

    (line,) = said(capsys, command, "--since", "1h", "--until", "2h", code=2)
    assert line.startswith("--until (")
    assert line.endswith("nothing lies between them")


def test_an_age_beyond_all_calendars_is_no_time(capsys: Text) -> None:
    assert (
        'expected 30m, 12h, 7d or an ISO 8601 time, got "999999d"'
        in said(capsys, "events", "--since", "999999d", code=2)[-1]
    )


def test_numbers_can_be_gone_on_with_where_somebody_stopped(capsys: Text) -> None:
    a_graveyard(3)

    assert ["4: will be sent again"] == printed(capsys, "replay", "4", "2", "3", "--after", "3")
    assert {2: "dead", 3: "dead", 4: "pending"} == {number: state for number, state in states().items() if number > 1}


def test_events_by_their_ids_can_be_gone_on_with_too(clean_room: Path, capsys: Text) -> None:
    a_mapping(clean_room)
    received(a_quiz(1), a_quiz(2))
    a_mapping(clean_room, amount="total")

    assert ["1 event: 1 changed, 0 stay as they are", "deliveries: 1 added"] == said(
        capsys, "remap", "q1", "q2", "--after", "1"
    )


def test_a_rehearsal_names_no_number_that_is_not_given_out_yet(clean_room: Path, capsys: Text) -> None:
    a_mapping(clean_room)
    received(a_quiz(1))
    a_mapping(clean_room, amount="total")

    (event,) = parsed(capsys, "remap", "1", "--dry-run")
    assert [("added", None)] == [(one["what"], one["now"]["id"]) for one in event["deliveries"]]


RULES = """\
source: quiz
verify: {scheme: token, path: true, secret: "${QUIZ_WEBHOOK_SECRET}"}
event: {id: id, type: type}
rules:
  - {name: paid, types: [bought], when: paid && total > `0`, track: lead, event_name: x, once_per: [id],
     fields: {customer_external_id: customer, click_id: click}}
  - {name: moved, types: [moved, gone], track: lead, event_name: x, once_per: [id],
     fields: {customer_external_id: customer, click_id: click}}
"""


def test_a_story_says_of_every_rule_why_it_did_or_did_not_match(clean_room: Path, capsys: Text) -> None:
    (clean_room / "mappings").mkdir()
    mapping = clean_room / "mappings" / "quiz.yaml"
    mapping.write_text(RULES, encoding="utf-8")
    received(a_quiz(1, paid=False), a_quiz(2, type="else"))

    lines = printed(capsys, "events", "show", "q1")
    assert [
        "  paid   skipped    when is not met: paid is false",
        "  moved  not tried  it is for moved, gone",
    ] == lines[lines.index("rules") + 1 :][:2]
    lines = printed(capsys, "events", "show", "q2")
    assert [
        "  paid   not tried  it is for bought",
        "  moved  not tried  it is for moved, gone",
    ] == lines[lines.index("rules") + 1 :][:2]
    # mapped by rules that are not today's: what they made of it is all that can be said
    mapping.write_text(RULES.replace("moved, gone", "moved"), encoding="utf-8")
    assert "  paid  skipped  when is not met" in printed(capsys, "events", "show", "q1")


def test_forgetting_somebody_without_an_address_does_not_claim_to_have_looked_for_one(capsys: Text) -> None:
    a_graveyard(0, delivered=1)

    lines = said(capsys, "forget", "--customer", "cus_0")
    assert ["no address is known of that person, so the database's files were not searched for one"] == lines


def run(*arguments: str, stdout: str) -> subprocess.CompletedProcess[bytes]:
    """A command in a shell that sends its output there."""
    line = f'exec "$0" -m bridge "$@" {stdout}'
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        ["/bin/sh", "-c", line, sys.executable, *arguments],
        capture_output=True,
        check=False,
        env=environment,
        timeout=60,
    )


def test_output_that_cannot_be_written_is_no_bug_of_ours() -> None:
    a_graveyard(1)

    full = run("events", "--json", stdout=">/dev/full")
    assert (1, b"the output cannot be written: No space left on device\n") == (full.returncode, full.stderr)


def test_closed_streams_lead_nowhere_and_not_into_each_other() -> None:
    a_graveyard(1)

    assert (0, b"") == ((none := run("dead", stdout=">&-")).returncode, none.stdout)
    quiet = run("dead", "--json", stdout="2>&-")
    assert (0, b"]\n") == (quiet.returncode, quiet.stdout[-2:])
