"""`trackbridge events show`: one event's whole story, for people and for scripts."""

import json

import pytest

from bridge.cli import main
from bridge.model import Dead, EventState, Meaning, Reversal, Sent
from bridge.store import Store
from bridge.store.lessons import Link
from tests.contract.store_hand import Hand, a_conversion, a_meaning, a_sale, an_event, an_outcome
from tests.integration.cli_hand import THEN, THEN_TEXT, Text, parsed, printed, with_store

pytestmark = pytest.mark.usefixtures("clean_room")


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


def a_refund(key: str, name: str, amount: int) -> Meaning:
    claim = f'["sale","stripe","","{name}"]'
    back = Reversal(
        item=0,
        rule="refund",
        kind="refund",
        of=(name,),
        sale=(claim,),
        claims=(f'["refund","stripe","","{key}"]',),
        amount=amount,
        currency="USD",
        timestamp=THEN,
    )
    event = an_event(key, type="refund.created", received_at=THEN)
    return Meaning(event=event, state=EventState.IGNORED, reason="refund", reversals=(back,))


def test_a_sale_shows_what_went_back_and_each_refund_its_sale(capsys: Text) -> None:
    """The first refund comes before the sale, the second after it."""
    claim = '["sale","stripe","","pi_1"]'

    async def fill(store: Store) -> None:
        hand = Hand(store)
        await hand.record(a_refund("re_1", "pi_1", 1500))
        await hand.record(a_meaning(a_conversion(a_sale("purchase"), claims=[claim]), event=an_event("evt_sale")))
        await hand.record(a_refund("re_2", "pi_1", 500))

    with_store(fill)
    of_sale = [line for line in printed(capsys, "events", "show", "evt_sale") if "went back" in line]
    (one,) = parsed(capsys, "events", "show", "re_1")

    assert [
        "  went back    refund 15.00 USD of delivery 1, said by event 1",
        "  went back    refund 5.00 USD of delivery 1, said by event 3",
    ] == of_sale
    assert "  went back    refund 15.00 USD of delivery 1" in printed(capsys, "events", "show", "re_1")
    assert "  went back    refund 5.00 USD of delivery 1" in printed(capsys, "events", "show", "re_2")
    assert [1] == [back["sale"] for back in one["reversals"]]


def test_a_refund_without_its_sale_says_why_and_what_would_find_it(capsys: Text) -> None:
    async def fill(store: Store) -> None:
        await Hand(store).record(a_refund("re_1", "pi_1", 1500), a_refund("re_2", "order_2", 1500))

    with_store(fill)
    lines = printed(capsys, "events", "show", "re_1")
    assert "  went back    refund 15.00 USD of pi_1, no sale known here" in lines
    assert "since API version 2025-03-31" in lines[-2]
    assert "with STRIPE_API_KEY" in lines[-1]
    assert not any("STRIPE_API_KEY" in line for line in printed(capsys, "events", "show", "re_2"))

    async def ask(store: Store) -> None:
        one, _ = await store.unlinked(limit=5, now=THEN)
        link = Link(reversal_id=one.reversal_id, event_id=one.event_id, note="Stripe knows no invoice of it")
        await store.link(link, now=THEN)

    with_store(ask)
    lines = printed(capsys, "events", "show", "re_1")
    assert "  went back    refund 15.00 USD of pi_1, no sale known here (Stripe knows no invoice of it)" in lines
    assert not any("STRIPE_API_KEY" in line for line in lines)


@pytest.mark.usefixtures("filled")
def test_an_event_that_is_not_there_is_a_failure(capsys: Text) -> None:
    assert 1 == main(["events", "show", "evt_nobody"])
    assert 'there is no event "evt_nobody": trackbridge events lists them\n' == capsys.readouterr().err


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
