"""`trackbridge remap`: a mended mapping on what is stored, shown field by field."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.cli import main
from bridge.model import Dead, Delivered, EventState
from bridge.store import Store
from tests.contract.store_hand import Hand, a_meaning, an_event, an_outcome
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


@pytest.fixture
def unmapped(clean_room: Path) -> Path:
    """Three events of a mapping that looks for the amount in the wrong place."""
    a_mapping(clean_room)
    received(a_quiz(1), a_quiz(2), a_quiz(3, type="other"))
    a_mapping(clean_room, amount="total")
    return clean_room


@pytest.mark.usefixtures("unmapped")
def test_a_rehearsed_remap_shows_each_payload_and_changes_nothing(capsys: Text) -> None:
    assert 0 == main(["remap", "--state", "unmapped", "--dry-run"])

    told = capsys.readouterr()
    assert [
        "event 1: bought from quiz, unmapped → accepted",
        "  added     a new delivery: 49.99 USD bought",
        "    + track                 sale",
        "    + event_name            bought",
        "    + click_id              click_1",
        "    + customer_external_id  cus_1",
        "    + customer_email        buyer1@example.com",
        f"    + timestamp             {NOW.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}",
        "    + invoice_id            in_1",
        "    + amount                4999",
        "    + currency              USD",
        "",
        "event 2: bought from quiz, unmapped → accepted",
    ] == told.out.splitlines()[:13]
    assert [
        "2 events: 2 would change, 0 stay as they are; nothing was changed",
        "deliveries: 2 added",
    ] == told.err.splitlines()
    assert {} == states()


@pytest.mark.usefixtures("unmapped")
def test_a_mended_mapping_rescues_what_it_could_not_map_once(capsys: Text) -> None:
    assert ["2 events: 2 changed, 0 stay as they are", "deliveries: 2 added"] == said(
        capsys, "remap", "--state", "unmapped"
    )
    assert {1: "pending", 2: "pending"} == states()
    assert ["no events like these"] == said(capsys, "remap", "--state", "unmapped")
    assert [
        "event 1: bought from quiz, still accepted",
        "  same      delivery 1: 49.99 USD bought",
    ] == printed(capsys, "remap", "q1")


def test_what_differs_is_shown_and_what_was_delivered_stays(unmapped: Path, capsys: Text) -> None:
    main(["remap", "--source", "quiz"])

    async def deliver(store: Store) -> None:
        hand = Hand(store)
        hand.now = datetime.now(UTC) + timedelta(minutes=1)  # the command has the clock of now
        await hand.end(await hand.claim_one(), Delivered())

    with_store(deliver)
    capsys.readouterr()
    a_mapping(unmapped, amount="multiply(total, `2`)", name="purchase")

    first, second = parsed(capsys, "remap", "1", "2", "--dry-run")
    lines = printed(capsys, "remap", "1", "2")

    assert ("left", "it is delivered", False) == (
        first["deliveries"][0]["what"],
        first["deliveries"][0]["why"],
        first["changed"],
    )
    assert ("replaced", 4999, 9998) == (
        second["deliveries"][0]["what"],
        second["deliveries"][0]["before"]["payload"]["amount"],
        second["deliveries"][0]["after"]["amount"],
    )
    assert "  left      delivery 1: 49.99 USD bought (it is delivered)" == lines[1]
    replaced = lines.index("  replaced  delivery 2: 49.99 USD bought")
    assert ["    - event_name            bought", "    + event_name            purchase"] == lines[
        replaced + 2 : replaced + 4
    ]
    assert ["    - amount                4999", "    + amount                9998"] == lines[-3:-1]


@pytest.mark.usefixtures("unmapped")
def test_events_are_narrowed_down_by_state_time_and_text(capsys: Text) -> None:
    def events(*arguments: str) -> list[int]:
        return [one["event"] for one in parsed(capsys, "remap", *arguments, "--dry-run")]

    assert [3] == events("--state", "ignored")
    assert [2] == events("--state", "unmapped", "--after", "1")
    assert [1] == events("--grep", "q1")
    assert [1, 2, 3] == events("--since", "1h")
    assert [] == events("--state", "dead")
    assert [1, 3] == events("q3", "1", "q1")


def test_a_dead_letter_is_succeeded_and_the_same_one_is_left_for_replay(unmapped: Path, capsys: Text) -> None:
    main(["remap", "--state", "unmapped"])

    async def kill(store: Store) -> None:
        hand = Hand(store)
        hand.now = datetime.now(UTC) + timedelta(minutes=1)  # the command has the clock of now
        for _ in range(2):
            await hand.end(await hand.claim_one(), Dead(reason="422"), an_outcome(422), cautious=False)

    with_store(kill)
    capsys.readouterr()
    assert [
        "2 events: 0 changed, 2 stay as they are",
        "2 with a dead letter that is the same by today's rules: trackbridge replay sends it as it is",
    ] == said(capsys, "remap", "--state", "dead")
    a_mapping(unmapped, amount="total", name="purchase")

    lines = printed(capsys, "remap", "--state", "dead", "--source", "quiz")

    assert "  renewed   delivery 1 was dead, delivery 3 takes its place" == lines[1]
    assert {1: "dismissed", 2: "dismissed", 3: "pending", 4: "pending"} == states()


def test_what_cannot_be_remapped_says_why_and_fails(clean_room: Path, capsys: Text) -> None:
    a_mapping(clean_room, amount="total")
    received(a_quiz(1))

    async def more(store: Store) -> None:
        await store.record(
            [
                a_meaning(event=an_event("gone", source="gone"), state=EventState.UNMAPPED),
                a_meaning(event=an_event("empty", source="quiz", body=b""), state=EventState.UNMAPPED),
            ],
            now=NOW,
        )

    with_store(more)

    assert 1 == main(["remap", "--state", "unmapped"])

    told = capsys.readouterr()
    assert [
        "event 2: without a type from gone: cannot be remapped: there is no mapping for gone any more",
        "",
        "event 3: without a type from quiz: cannot be remapped: "
        "its body is not kept any more (retention or forget took it)",
    ] == told.out.splitlines()
    assert ["2 events: 0 changed, 0 stay as they are, 2 cannot be remapped"] == told.err.splitlines()
    assert 'there is no event "nobody": trackbridge events lists them' == said(capsys, "remap", "nobody", code=1)[0]


def test_a_remap_by_a_mapping_with_a_problem_or_in_a_dry_run_is_refused(
    unmapped: Path, monkeypatch: pytest.MonkeyPatch, capsys: Text
) -> None:
    monkeypatch.setenv("TRACKBRIDGE_DRY_RUN", "1")
    assert "TRACKBRIDGE_DRY_RUN is on" in said(capsys, "remap", "--state", "unmapped", code=1)[0]
    assert ["2 events: 2 would change, 0 stay as they are; nothing was changed", "deliveries: 2 added"] == said(
        capsys, "remap", "--state", "unmapped", "--dry-run"
    )
    monkeypatch.delenv("TRACKBRIDGE_DRY_RUN")
    (unmapped / "mappings" / "quiz.yaml").write_text("source: [", encoding="utf-8")
    assert 1 == main(["remap", "--state", "unmapped"])
    assert "quiz.yaml" in capsys.readouterr().err
    assert {} == states()
