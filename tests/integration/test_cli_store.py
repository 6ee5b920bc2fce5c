"""The commands that look into the store, and those that change it: what they print, for people and for scripts."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bridge.cli import main
from bridge.model import Dead, Delivered, DeliveryState, EventState, Meaning, RetryAt, Sent, Step, Wait
from bridge.store import Store, open_store
from tests.contract.store_hand import Hand, a_conversion, a_lead, a_sale, an_event, an_outcome
from tests.support import STRIPE_SECRET, clean_environment

T = TypeVar("T")
Text = pytest.CaptureFixture[str]

#: Two days ago and a bit, so that every listing says `2 d ago`.
THEN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2, minutes=5)
THEN_TEXT = THEN.strftime("%Y-%m-%d %H:%M:%S UTC")


@pytest.fixture(autouse=True)
def clean_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    async def go() -> T:
        store = await open_store("sqlite:///trackbridge.db", exclusive=True)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(go())


def a_meaning(*conversions: Any, key: str, state: EventState = EventState.ACCEPTED, **changes: Any) -> Meaning:
    event = an_event(
        key, received_at=THEN, type="checkout.session.completed", body=b'{"id": 1}', **changes.pop("event", {})
    )
    return Meaning(event=event, state=state, conversions=conversions, **changes)


@pytest.fixture
def filled(clean_room: Path) -> None:
    """One event of each sort: 1 delivered, 2 dead, 3 a test, 4 unmapped, 5 on its way."""

    async def fill(store: Store) -> None:
        hand = Hand(store)
        hand.now = THEN
        steps = (Step(rule="checkout", result="matched"), Step(rule="trial", result="skipped", why="when is not met"))
        sale = a_sale("purchase", "cus_1", click_id="click_1", timestamp=THEN)
        await hand.record(a_meaning(a_conversion(sale, rule="checkout"), key="evt_paid", steps=steps))
        answer = an_outcome(started_at=THEN, text='{"status": true}', is_json=True)
        await hand.end(await hand.claim_one(), Delivered(flags=("already there",)), answer, cautious=False)
        late = a_sale("renewal", "cus_2", amount=1000, currency="JPY", timestamp=THEN)
        await hand.record(a_meaning(a_conversion(late), key="evt_renewed"))
        refused = an_outcome(422, started_at=THEN, text="no\x1b[2J", message="no")
        await hand.end(await hand.claim_one(), Dead(reason="422: invoiceId too long\x1b[2J"), refused)
        await hand.record(
            a_meaning(key="evt_test", state=EventState.IGNORED, reason="test mode", event={"test": True}),
            a_meaning(
                key="sha256:ab",
                state=EventState.UNMAPPED,
                reason="cannot map: amount is missing",
                event={"source": "quiz", "source_id": None},
            ),
            a_meaning(a_conversion(a_lead("signup", "ada@example.com", timestamp=THEN)), key="evt_lead"),
        )

    with_store(fill)


def printed(capsys: Text, *arguments: str, code: int = 0) -> list[str]:
    """The lines a command prints as data."""
    assert code == main(list(arguments))
    return capsys.readouterr().out.splitlines()


def parsed(capsys: Text, *arguments: str, code: int = 0) -> Any:
    assert code == main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("filled")
def test_events_lists_what_came_in_newest_first_and_what_became_of_it(capsys: Text) -> None:
    assert [
        "id  received  source  type                        source's id  customer         state      what became of it",
        "5   2 d ago   stripe  checkout.session.completed  evt_lead     ada@example.com  pending    lead signup",
        "4   2 d ago   quiz    checkout.session.completed                                unmapped   amount is missing",
        "3   2 d ago   stripe  checkout.session.completed  evt_test                      ignored    test mode",
        "2   2 d ago   stripe  checkout.session.completed  evt_renewed  cus_2            dead       "
        "1000 JPY renewal: 422: invoiceId too long\\u001b[…",
        "1   2 d ago   stripe  checkout.session.completed  evt_paid     cus_1            delivered  49.99 USD purchase",
    ] == printed(capsys, "events")


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["--state", "unmapped"], [4]),
        (["--source", "stripe"], [5, 3, 2, 1]),
        (["--customer", "cus_2"], [2]),
        (["--limit", "2"], [5, 4]),
        (["--since", "3d"], [5, 4, 3, 2, 1]),
        (["--since", "1d"], []),
        (["--since", THEN.isoformat()], [5, 4, 3, 2, 1]),
        (["--since", "2099-01-01"], []),
        (["--until", "1d"], [5, 4, 3, 2, 1]),
        (["--until", "3d"], []),
        (["--since", "3d", "--until", THEN.isoformat()], [5, 4, 3, 2, 1]),
        (["--before", "3"], [2, 1]),
        (["--before", "d3"], [2, 1]),
        (["--grep", "EVT_R"], [2]),
        (["--grep", "test mode"], [3]),
        (["--grep", "ADA@example"], [5]),
        (["--grep", "purchase"], [1]),
        (["--grep", "evt_", "--state", "accepted", "--limit", "2"], [5, 2]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value and isinstance(value[0], str) else "",
)
@pytest.mark.usefixtures("filled")
def test_a_listing_can_be_narrowed_down(arguments: list[str], ids: list[int], capsys: Text) -> None:
    assert ids == [event["id"] for event in parsed(capsys, "events", *arguments)]


@pytest.mark.usefixtures("filled")
def test_a_listing_that_was_cut_says_so(capsys: Text) -> None:
    main(["events", "--limit", "2"])
    assert "2 of 5; older: --before 4\n" == capsys.readouterr().err
    main(["events", "--limit", "2", "--before", "4", "--source", "stripe"])
    assert "2 of 3; older: --before 2\n" == capsys.readouterr().err
    main(["events", "--before", "2"])
    assert "1 of 1\n" == capsys.readouterr().err
    main(["events", "--since", "1d"])
    assert "no events like this\n" == capsys.readouterr().err


@pytest.mark.usefixtures("filled")
def test_a_search_that_found_nothing_says_where_it_looked(capsys: Text) -> None:
    assert 0 == main(["events", "--grep", "no\x1bsuch"])
    said = capsys.readouterr().err
    assert said.startswith('no events like this; "no\\u001bsuch" was looked for in ids, keys, types, ')
    assert said.endswith("never bodies\n")


@pytest.mark.usefixtures("filled")
def test_a_search_that_ended_early_says_where(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.store.filters.MOST_SEARCHED", 3)

    main(["events", "--grep", "evt_lead"])
    assert "1 of 1; searched down to 3; further: --before 3\n" == capsys.readouterr().err
    main(["events", "--grep", "evt_paid"])
    assert "; searched down to 3; further: --before 3\n" in capsys.readouterr().err
    assert [1] == [event["id"] for event in parsed(capsys, "events", "--grep", "evt_paid", "--before", "3")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--state", "dead"], "that is a delivery's state: trackbridge dead --state dead"),
        (["--state", "lost"], 'expected accepted, ignored, unmapped, got "lost"'),
        (["--grep", " "], "expected a text to look for"),
        (["--before", "x"], 'expected a number as listings print it, got "x"'),
        (["--until", "soon"], 'expected 30m, 12h, 7d or an ISO 8601 time, got "soon"'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_no_filter_can_be_is_told(arguments: list[str], told: str, capsys: Text) -> None:
    assert 2 == main(["events", *arguments])
    assert told in capsys.readouterr().err


def test_an_empty_store_has_no_events_yet(capsys: Text) -> None:
    async def nothing(_: Store) -> None: ...

    with_store(nothing)

    assert 0 == main(["events"])
    assert "no events yet\n" == capsys.readouterr().err
    assert [] == parsed(capsys, "events")
    assert 0 == main(["dead"])
    assert "nothing is dead\n" == capsys.readouterr().err


@pytest.mark.usefixtures("filled")
def test_a_narrow_terminal_cuts_the_widest_columns(monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    lines = printed(capsys, "events")

    assert all(len(line) <= 60 for line in lines)
    assert "1   2 d ago   stripe  delivered  49.99 USD purchase" == lines[-1]
    monkeypatch.setenv("COLUMNS", "40")
    assert "1   2 d ago   delivered  49.99 USD purc…" == printed(capsys, "events")[-1]


@pytest.mark.usefixtures("filled")
def test_the_story_of_a_delivered_event_is_told_whole(capsys: Text) -> None:
    assert [
        "event 1: checkout.session.completed from stripe",
        f"  received     {THEN_TEXT} (2 d ago), 9 bytes",
        "  verified by  signature, by the first of its secrets",
        "  source's id  evt_paid",
        "  mapping      revision r1",
        "  outcome      accepted",
        "",
        "rules",
        "  checkout  matched",
        "  trial     skipped  when is not met",
        "",
        "delivery 1: sale purchase 49.99 USD",
        "  state        delivered",
        "  note         already there",
        "  by rule      checkout",
        "  click id     click_1",
        "  customer     cus_1",
        f"  timestamp    {THEN.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}",
        "  invoice      purchase",
        "  amount       49.99 USD",
        "  key          stripe:purchase:cus_1: its own",
        f"  try 1        {THEN_TEXT}  200 in 12 ms: delivered",
        '               {"status": true}',
        "  next         nothing; trackbridge replay --again 1 tells the tracker once more",
    ] == printed(capsys, "events", "show", "1")


@pytest.mark.usefixtures("filled")
def test_the_story_of_a_dead_one_names_the_next_step_and_escapes_what_the_tracker_wrote(capsys: Text) -> None:
    lines = printed(capsys, "events", "show", "evt_renewed")

    assert "  state        dead: 422: invoiceId too long\\u001b[2J" in lines
    assert [f"  try 1        {THEN_TEXT}  422 in 12 ms: dead", "               no\\u001b[2J"] == lines[-5:-3]
    assert [
        "  next         trackbridge replay 2 sends it as it is",
        "               or mend the mapping, then trackbridge remap 2 --dry-run",
        "               or trackbridge dismiss 2 gives it up",
    ] == lines[-3:]


@pytest.mark.usefixtures("filled")
def test_the_story_of_an_event_without_deliveries_says_why(capsys: Text) -> None:
    lines = printed(capsys, "events", "show", "4")

    assert "  source's id  none; known by sha256:ab" in lines
    assert [
        "  outcome      unmapped: cannot map: amount is missing",
        "  next         mend the mapping of quiz, then trackbridge remap 4 --dry-run",
        "               trackbridge events show 4 --body > payload.json gives what to try it with",
    ] == lines[-3:]


@pytest.mark.usefixtures("filled")
def test_a_story_for_scripts_has_every_attempt(capsys: Text) -> None:
    (event,) = parsed(capsys, "events", "show", "evt_paid")

    assert ("evt_paid", "accepted", "delivered") == (
        event["source_id"],
        event["state"],
        event["deliveries"][0]["state"],
    )
    assert THEN.isoformat(timespec="milliseconds").replace("+00:00", "Z") == event["received_at"]
    assert {
        "track": "sale",
        "event_name": "purchase",
        "click_id": "click_1",
        "customer_external_id": "cus_1",
        "customer_name": None,
        "customer_email": None,
        "customer_avatar": None,
        "timestamp": event["received_at"],
        "invoice_id": "purchase",
        "amount": 4999,
        "currency": "USD",
    } == event["deliveries"][0]["payload"]
    assert {
        "1": [
            {
                "number": 1,
                "started_at": event["received_at"],
                "duration_ms": 12.5,
                "sent": "yes",
                "status": 200,
                "verdict": "delivered",
                "reason": "already there",
                "answer": '{"status": true}',
                "counted": True,
            }
        ]
    } == event["attempts"]


@pytest.mark.usefixtures("filled")
def test_a_body_can_be_had_as_it_came(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert 0 == main(["events", "show", "evt_paid", "--body"])
    assert b'{"id": 1}' == capsysbinary.readouterr().out


def test_an_item_of_a_batch_says_which_one_it_is_and_shows_no_body(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    batch = b'[{"id": "a"}, {"id": "b"}]'

    async def fill(store: Store) -> None:
        items = [an_event(key, item=number, body=batch, received_at=THEN) for number, key in enumerate("ab")]
        await Hand(store).record(*[Meaning(event=event, state=EventState.IGNORED) for event in items])

    with_store(fill)

    assert 0 == main(["events", "show", "b"])
    told = capsysbinary.readouterr().out.decode()
    assert 0 == main(["events", "show", "b", "--json"])
    (item,) = json.loads(capsysbinary.readouterr().out)
    assert 0 == main(["events", "show", "b", "--body"])
    body, note = capsysbinary.readouterr()

    assert "\n  item         1, counted from 0, of one webhook; its other items are events 1 (item 0)\n" in told
    assert "{" not in told
    assert (1, "b") == (item["item"], item["key"])
    assert (batch, b"this is the whole batch, and the event is item 1 of it, counted from 0\n") == (body, note)


@pytest.mark.usefixtures("filled")
def test_an_event_that_is_not_there_is_a_failure(capsys: Text) -> None:
    assert 1 == main(["events", "show", "evt_nobody"])
    assert 'there is no event "evt_nobody": trackbridge events lists them\n' == capsys.readouterr().err


@pytest.mark.usefixtures("filled")
def test_dead_lists_what_needs_a_person_and_what_can_be_done(capsys: Text) -> None:
    assert 0 == main(["dead"])

    said = capsys.readouterr()
    assert [
        "id  event  recorded  source  what              customer  tries  why",
        "2   2      2 d ago   stripe  1000 JPY renewal  cus_2     1      422: invoiceId too long\\u001b[2J",
    ] == said.out.splitlines()
    assert "1 of 1; trackbridge replay ID sends one again, trackbridge dismiss ID gives it up\n" == said.err
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
            await hand.record(a_meaning(a_conversion(sale, claims=(f"stripe:{claim}",)), key=f"evt_twin_{number}"))

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
        "dead       1 of 1 customer: trackbridge dead",
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
        "backlog    nothing waiting",
        "held up    3 of 2 customers, 2 × 500 \\u0007; the next try in 9 min",
        "not yet    1 of 1 customer, 1 × the tracker does not know them yet: 404",
        "dead       0",
    ] == printed(capsys, "tracker")[3:]
    left = parsed(capsys, "tracker")["backlog"]
    assert (0, 0.0, "nothing waiting") == (left["due"], left["seconds"], left["told"])
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
def test_a_try_without_an_answer_says_whether_it_was_sent(capsys: Text) -> None:
    async def fail(store: Store) -> None:
        hand = Hand(store)
        hand.now = THEN
        for sent in (Sent.NO, Sent.MAYBE):
            delivery = await hand.claim_one()
            outcome = an_outcome(None, sent=sent, error="timeout", started_at=THEN)
            await hand.end(delivery, Dead(reason="timeout"), outcome)
            await store.replay([delivery.id], now=THEN)

    with_store(fail)

    lines = printed(capsys, "events", "show", "5")
    tries = [line.partition("UTC  ")[2] for line in lines if line.startswith("  try ")]
    assert ["not sent in 12 ms: dead", "no answer in 12 ms: dead"] == tries


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
