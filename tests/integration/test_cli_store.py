"""The commands that change single deliveries and the tracker, and what doctor finds in the store."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.cli import main
from bridge.model import DeliveryState, RetryAt, Wait
from bridge.store import Store
from tests.contract.store_hand import Hand, a_conversion, a_sale
from tests.integration.cli_hand import THEN, THEN_TEXT, Text, an_old_meaning, parsed, printed, with_store
from tests.support import STRIPE_SECRET

pytestmark = pytest.mark.usefixtures("clean_room")


@pytest.mark.usefixtures("filled")
def test_dead_lists_what_needs_a_person_and_what_can_be_done(capsys: Text) -> None:
    assert 0 == main(["dead"])

    said = capsys.readouterr()
    assert [
        "id  event  recorded  source  what              customer  tries  why",
        "2   2      2 d ago   stripe  1000 JPY renewal  cus_2     1      422: invoiceId too long\\u001b[2J",
    ] == said.out.splitlines()
    hints = "trackbridge replay ID sends one again, trackbridge dismiss ID gives it up"
    assert f"1 of 1, 1 customer; nothing waits behind them; {hints}\n" == said.err
    assert [2] == [delivery["id"] for delivery in parsed(capsys, "dead")]


def state_of(number: int) -> DeliveryState:
    async def look(store: Store) -> DeliveryState:
        (event,) = await store.find_events(str(number))
        return event.deliveries[0].state

    return with_store(look)


@pytest.mark.usefixtures("filled")
def test_replay_sends_again_what_is_dead_and_says_why_not_of_the_rest(capsys: Text) -> None:
    assert 1 == main(["replay", "2", "1", "99", "2"])

    said = capsys.readouterr()
    assert "2: will be sent again\n" == said.out
    assert "1: not replayed: already delivered\n99: not replayed: there is no such delivery\n" == said.err
    assert DeliveryState.PENDING is state_of(2)


@pytest.mark.usefixtures("filled")
def test_all_dead_can_be_replayed_at_once(capsys: Text) -> None:
    assert [{"delivery": 2, "done": True, "why": ""}] == parsed(capsys, "replay", "--all-dead")
    assert 0 == main(["replay", "--all-dead"])
    assert "nothing is dead\n" == capsys.readouterr().err


@pytest.mark.usefixtures("filled")
def test_a_rehearsed_replay_changes_nothing(capsys: Text) -> None:
    assert 1 == main(["replay", "2", "1", "--dry-run"])

    said = capsys.readouterr()
    assert [
        "id  now   would send        customer  why it stopped",
        "2   dead  1000 JPY renewal  cus_2     422: invoiceId too long\\u001b[2J",
    ] == said.out.splitlines()
    assert "1: would not be replayed: already delivered\n1 would be sent again; nothing was changed\n" == said.err
    assert [2] == [delivery["id"] for delivery in parsed(capsys, "replay", "--all-dead", "--dry-run")]
    assert DeliveryState.DEAD is state_of(2)


@pytest.mark.usefixtures("filled")
def test_dismiss_gives_up_and_can_be_taken_back(capsys: Text) -> None:
    assert 1 == main(["dismiss", "2", "1"])

    said = capsys.readouterr()
    assert "2: dismissed\n" == said.out
    assert "1: not dismissed: already delivered\n" == said.err
    assert DeliveryState.DISMISSED is state_of(2)
    assert ["2: will be sent again"] == printed(capsys, "replay", "2")


@pytest.mark.usefixtures("filled")
def test_dismiss_takes_duplicates_with_it_unless_only(capsys: Text) -> None:
    async def twins(store: Store) -> None:
        hand = Hand(store)
        hand.now = THEN
        for number, claim in enumerate(("a", "a", "b", "b")):
            sale = a_sale(f"sale {number}", f"cus_{claim}")
            await hand.record(an_old_meaning(a_conversion(sale, claims=(f"stripe:{claim}",)), key=f"evt_twin_{number}"))

    with_store(twins)

    assert ["4: dismissed: its duplicate was dismissed with it"] == printed(capsys, "dismiss", "4")
    assert ["6: dismissed: delivery 7 takes its place"] == printed(capsys, "dismiss", "--only", "6")


@pytest.mark.usefixtures("filled")
def test_tracker_tells_whether_anything_is_sent(capsys: Text) -> None:
    lines = printed(capsys, "tracker")

    assert "tracker    open" == lines[0]
    assert f"succeeded  {THEN_TEXT} (2 d ago)" == lines[1] or "succeeded  never yet" == lines[1]
    assert [
        "open       1, the oldest recorded 2 d ago",
        "backlog    1 waiting, less than a minute at 60/min",
        "dead       1 delivery of 1 customer: trackbridge dead",
    ] == lines[2:]


def test_tracker_tells_what_holds_customers_up(capsys: Text) -> None:
    async def hold_up(store: Store) -> None:
        hand = Hand(store)
        hand.now = datetime.now(UTC)
        await hand.trust()
        await hand.record(a_sale("a"), a_sale("b"), a_sale("c", "cus_2"), a_sale("d", "cus_3"))
        again = hand.now + timedelta(minutes=9, seconds=30)
        for delivery in (await hand.ask()).deliveries:
            if delivery.lane == "cus_3":
                await hand.end(delivery, Wait(until=again, reason="the tracker does not know them yet: 404"))
            else:
                await hand.end(delivery, RetryAt(at=again, reason="500 \x07"))

    with_store(hold_up)

    assert [
        "backlog    nothing to send now",
        "held up    3 deliveries of 2 customers, 2 × 500 \\u0007; the next try in 9 min",
        "not yet    1 delivery of 1 customer, 1 × the tracker does not know them yet: 404",
        "dead       0",
    ] == printed(capsys, "tracker")[3:]
    left = parsed(capsys, "tracker")["backlog"]
    assert (0, 0.0, "nothing to send now") == (left["due"], left["seconds"], left["told"])
    assert {"lanes": 2, "deliveries": 3, "by": [{"why": "500 \x07", "lanes": 2}]} == {
        name: left["held"][name] for name in ("lanes", "deliveries", "by")
    }


@pytest.mark.usefixtures("filled")
def test_an_operators_pause_holds_until_resume(capsys: Text) -> None:
    lines = printed(capsys, "tracker", "pause", "--reason", "new account\x07")

    assert lines[0].startswith("tracker    paused since ")
    assert "why        new account\\u0007" == lines[1]
    assert "goes on    when somebody says: trackbridge tracker resume" == lines[2]
    told = parsed(capsys, "tracker")
    assert (True, True, "new account\x07") == (told["paused"], told["paused_by_operator"], told["pause_reason"])
    assert 1 == told["deliveries"]["dead"]
    assert "tracker    open, one request at a time until the first success" == printed(capsys, "tracker", "resume")[0]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"paused_until": THEN + timedelta(days=3, hours=1)}, "goes on    in 1 d, as the tracker asked"),
        ({"probe_at": THEN}, "goes on    by itself, as soon as a probe gets through; the next one: now"),
    ],
    ids=["retry-after", "probes"],
)
def test_a_pause_says_when_it_ends(row: dict[str, Any], told: str, capsys: Text) -> None:
    async def pause(store: Store) -> None:
        hand = Hand(store)
        hand.now = THEN
        await hand.set(paused_since=THEN, pause_reason="429", **row)

    with_store(pause)

    assert told == printed(capsys, "tracker")[2]


@pytest.mark.usefixtures("filled")
def test_doctor_names_what_in_the_store_needs_a_person(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", STRIPE_SECRET)
    monkeypatch.setenv("TRACKBRIDGE_DRY_RUN", "1")
    main(["tracker", "pause", "--reason", "new account"])
    capsys.readouterr()

    checks = parsed(capsys, "doctor", "--base-url", "http://127.0.0.1:9", code=1)

    assert [
        ("token", "dry run: nothing is sent to the tracker", "unset TRACKBRIDGE_DRY_RUN when you are ready"),
        ("deliveries", "1 dead", "trackbridge dead"),
        ("events", "1 could not be mapped", "trackbridge events --state unmapped"),
        ("delivering", "paused: new account", "trackbridge tracker"),
    ] == [(one["check"], one["what"], one["fix"]) for one in checks if one["state"] == "warning"]
