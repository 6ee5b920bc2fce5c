"""What waits for a click id, outside its lane: until one comes, a click of the customer is known, or time is up."""

from datetime import timedelta
from typing import Any

import pytest

from bridge.model import Dead, Delivered, EventState, Meaning, Payload, RetryAt, Wait
from bridge.store.base import Recorded
from tests.contract.databases import opened, raw
from tests.contract.store_hand import START, Hand, S, a_conversion, a_lead, a_meaning, a_sale, an_event

TEN = timedelta(minutes=10)
BY_ADDRESS = ("customer", "email")


@pytest.fixture
async def trusted(hand: Hand) -> Hand:
    await hand.trust()
    return hand


def waiting(
    payload: Payload, *names: str, wait: timedelta | None = TEN, source: str = "stripe", **changes: Any
) -> Meaning:
    """A conversion that waits for a click id, under these names."""
    fields = {"claims": names, "wait": wait, "association_namespace": source, **changes}
    return a_meaning(a_conversion(payload, **fields), event=an_event(f"e_{payload.event_name}", source=source))


def clicked(name: str = "click", customer: str = "cus_1", click_id: str = "c", **changes: Any) -> Meaning:
    """A lead of a customer with a click id, of another lane's business."""
    return waiting(a_lead(name, customer, click_id=click_id, **changes), f"lead_{name}")


# ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_without_a_click_it_waits_outside_its_lane_and_says_so(trusted: Hand) -> None:
    (recorded,) = await trusted.record(waiting(a_sale("invoice")))
    await trusted.record(a_sale("other"))

    waits = await trusted.one("invoice")
    assert (EventState.ACCEPTED, 0) == (recorded.state, recorded.due)
    assert (S.WAITING, START + TEN, START + TEN) == (waits.state, waits.due_at, waits.click_by)
    assert "waits for a click id, at most 10 min" == waits.reason
    claimed = await trusted.ask()
    assert ["other"] == [delivery.payload.event_name for delivery in claimed.deliveries]
    assert START + TEN == claimed.ask_again_at


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=1), "1 s"),
        (timedelta(seconds=90), "90 s"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=7), "7 days"),
    ],
    ids=str,
)
async def test_when_the_time_is_up_a_sale_goes_without_one_and_says_so(
    trusted: Hand, span: timedelta, words: str
) -> None:
    await trusted.record(waiting(a_sale("invoice"), wait=span))

    trusted.now += span - timedelta(milliseconds=1)
    assert [] == await trusted.claim()
    trusted.now += timedelta(milliseconds=1)
    sale = await trusted.sent("invoice")

    assert (None, (f"no click id came within {words}",), None) == (sale.payload.click_id, sale.flags, sale.click_by)


async def test_when_the_time_is_up_a_lead_is_dismissed_and_says_so(trusted: Hand) -> None:
    await trusted.record(waiting(a_lead("trial"), "sub_1"), waiting(a_lead("twin"), "sub_1"))
    trial = await trusted.one("trial")

    trusted.now += TEN
    assert [] == await trusted.claim()

    lead, twin = await trusted.one("trial"), await trusted.one("twin")
    assert (S.DISMISSED, "no click id came within 10 min", None) == (lead.state, lead.reason, lead.click_by)
    assert (S.DISMISSED, f"dismissed with delivery {trial.id}") == (twin.state, twin.reason)


async def test_a_lead_that_was_given_up_makes_room_for_one_with_a_click(trusted: Hand) -> None:
    await trusted.record(waiting(a_lead("trial"), "sub_1"))
    trusted.now += TEN
    await trusted.claim()

    await trusted.record(waiting(a_lead("session", click_id="c"), "sub_1"))
    (changed,) = await trusted.store.replay([(await trusted.one("trial")).id], now=trusted.now)

    session = await trusted.one("session")
    assert (False, S.PENDING, S.DUPLICATE) == (changed.done, session.state, (await trusted.one("trial")).state)
    assert ["session"] == await trusted.claim()


async def test_a_lead_that_was_given_up_can_be_replayed(trusted: Hand) -> None:
    await trusted.record(waiting(a_lead("trial"), "sub_1"))
    trusted.now += TEN
    await trusted.claim()

    (changed,) = await trusted.store.replay([(await trusted.one("trial")).id], now=trusted.now)
    await trusted.record(waiting(a_lead("twin", click_id="c"), "sub_1"))

    assert (True, S.DUPLICATE) == (changed.done, (await trusted.one("twin")).state)
    assert "c" == (await trusted.sent("trial")).payload.click_id


async def test_the_time_runs_on_while_the_tracker_is_paused(trusted: Hand) -> None:
    """It is webhooks that are waited for, not the tracker."""
    await trusted.record(waiting(a_sale("invoice")), waiting(a_lead("trial", "cus_2")))
    await trusted.store.pause("lunch", now=START)

    trusted.now += TEN
    await trusted.claim()

    assert [S.PENDING, S.DISMISSED] == await trusted.states("invoice", "trial")


async def test_a_dry_run_waits_for_nothing(trusted: Hand) -> None:
    await trusted.record(waiting(a_sale("invoice")), dry_run=True)

    assert [S.DRY_RUN] == await trusted.states("invoice")


async def test_what_has_a_click_id_waits_for_nothing(trusted: Hand) -> None:
    (recorded,) = await trusted.record(waiting(a_sale("invoice", click_id="c")))

    assert (1, S.PENDING) == (recorded.due, (await trusted.one("invoice")).state)


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in two"])
async def test_what_finds_a_click_waits_for_nothing(trusted: Hand, *, together: bool) -> None:
    records: list[Recorded] = []
    meanings = [clicked(), waiting(a_sale("invoice"))]
    for batch in [meanings] if together else [[meaning] for meaning in meanings]:
        records += await trusted.record(*batch)

    assert [1, 1] == [record.due for record in records]
    assert "c" == (await trusted.sent("invoice")).payload.click_id


@pytest.mark.parametrize(
    "click",
    [
        clicked(timestamp=START - timedelta(days=91)),
        clicked(timestamp=START + timedelta(hours=2)),
        clicked(customer="cus_2"),
        waiting(a_lead("click", click_id="c"), source="shop"),
    ],
    ids=["too old", "too late", "another's", "of another source"],
)
async def test_a_click_that_cannot_be_its_own_does_not_end_the_wait(trusted: Hand, click: Meaning) -> None:
    await trusted.record(waiting(a_sale("first")))

    await trusted.record(click)
    await trusted.record(waiting(a_sale("second")))
    await trusted.end(await trusted.sent("click"), Delivered())

    assert [S.WAITING, S.WAITING] == await trusted.states("first", "second")
    trusted.now += TEN
    assert None is (await trusted.sent("second")).payload.click_id


async def test_a_lead_goes_as_soon_as_any_click_of_its_customer_is_known_and_takes_none(trusted: Hand) -> None:
    await trusted.record(waiting(a_lead("second half"), "l_1"))

    await trusted.record(clicked("deferred", deferred=True, timestamp=START - timedelta(days=300)))

    lead = await trusted.sent("second half")
    assert (None, ()) == (lead.payload.click_id, lead.flags)


# ── a click of the customer ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_click_of_the_customer_makes_it_due_at_once(trusted: Hand) -> None:
    await trusted.record(waiting(a_sale("invoice")), waiting(a_sale("other", "cus_2")))
    trusted.later(seconds=5)

    (recorded,) = await trusted.record(clicked(timestamp=START - timedelta(days=1)))

    assert recorded.clicked
    sale = await trusted.sent("invoice")
    assert "c" == sale.payload.click_id
    assert sale.flags[0].endswith(", 1 day before")
    assert [S.WAITING] == await trusted.states("other")


async def test_a_click_of_the_address_makes_it_due_where_the_rule_looks_for_it(trusted: Hand) -> None:
    by_address = waiting(a_sale("open", customer_email="Ada@example.com"), fill=BY_ADDRESS)
    by_customer = waiting(a_sale("shy", "cus_2", customer_email="ada@example.com"))
    await trusted.record(by_address, by_customer)

    await trusted.record(
        waiting(a_lead("click", "ada", click_id="c", customer_email="ada@example.com"), source="forms")
    )

    sale = await trusted.sent("open")
    assert "c" == sale.payload.click_id
    assert ", the same address, " in sale.flags[0]
    assert [S.WAITING] == await trusted.states("shy")


async def test_a_lead_that_is_delivered_wakes_nothing_that_waits_for_a_click(trusted: Hand) -> None:
    await trusted.record(waiting(a_sale("invoice")), a_lead("lead"))
    await trusted.end(await trusted.sent("lead"), Delivered())

    assert [] == await trusted.claim()
    waits = await trusted.one("invoice")
    assert (S.WAITING, START + TEN) == (waits.state, waits.due_at)


async def test_the_trackers_own_waiting_is_another_thing(trusted: Hand) -> None:
    """A 404 after a wait for a click: it waits for the tracker, and no time is up."""
    await trusted.record(waiting(a_sale("invoice")))
    trusted.now += TEN
    until = trusted.now + timedelta(hours=1)
    await trusted.end(await trusted.sent("invoice"), Wait(until=until, reason="not yet"))

    waits = await trusted.one("invoice")
    assert (S.WAITING, until, None, "not yet") == (waits.state, waits.due_at, waits.click_by, waits.reason)
    trusted.now = until
    assert ["invoice"] == await trusted.claim()


@pytest.mark.parametrize("days", [1, 6, 30])
async def test_a_clock_set_back_makes_nothing_wait_longer_than_it_could(trusted: Hand, days: int) -> None:
    trusted.now += timedelta(days=30)
    await trusted.record(waiting(a_sale("invoice"), wait=timedelta(days=7)))
    trusted.now -= timedelta(days=30)

    await trusted.claim()
    trusted.now += timedelta(days=7)

    assert ["invoice"] == await trusted.claim()


# ── another webhook of the same payment ──────────────────────────────────────────────────────────────────────────

INVOICE = waiting(a_sale("invoice", "cus_1"), "in_1", "pi_1")
SESSION = waiting(a_sale("session", "cus_1", click_id="c"), "in_1")
GUEST = waiting(a_sale("session", "ada@example.com", click_id="c"), "in_1")


@pytest.mark.parametrize("session", [SESSION, GUEST], ids=["the same customer", "another customer"])
@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in two"])
async def test_the_click_id_of_a_duplicate_goes_to_the_one_that_waits(
    trusted: Hand, session: Meaning, *, together: bool
) -> None:
    if together:
        await trusted.record(INVOICE, session)
    else:
        await trusted.record(INVOICE)
        trusted.later(seconds=3)
        await trusted.record(session)
    (event,) = await trusted.store.find_events("e_session")

    sale = await trusted.sent("invoice")

    assert ("c", None) == (sale.payload.click_id, sale.filled_from)
    assert (f"click id from event {event.id} (stripe), which tells of the same payment",) == sale.flags
    assert [S.DUPLICATE] == await trusted.states("session")
    assert [] == await trusted.claim()


@pytest.mark.parametrize("session", [SESSION, GUEST], ids=["the same customer", "another customer"])
async def test_the_other_way_round_the_session_goes_at_once(trusted: Hand, session: Meaning) -> None:
    await trusted.record(session)
    await trusted.record(INVOICE)

    assert [S.PENDING, S.DUPLICATE] == await trusted.states("session", "invoice")
    assert "c" == (await trusted.sent("session")).payload.click_id


async def test_what_was_not_tried_yet_takes_it_too_though_it_does_not_wait(trusted: Hand) -> None:
    await trusted.record(waiting(a_sale("invoice", "cus_9"), "in_1", wait=None))

    await trusted.record(GUEST)

    assert "c" == (await trusted.sent("invoice")).payload.click_id


async def test_what_was_tried_keeps_what_it_has_and_says_that_it_was_too_late(trusted: Hand) -> None:
    await trusted.record(waiting(a_sale("invoice", "cus_9"), "in_1", wait=None))
    await trusted.end(await trusted.sent("invoice"), RetryAt(at=START, reason="busy"))

    await trusted.record(GUEST)

    invoice = await trusted.sent("invoice")
    assert (None, ("click id came too late",)) == (invoice.payload.click_id, invoice.flags)


@pytest.mark.parametrize("is_over", [True, False], ids=["delivered", "in the air"])
async def test_what_is_in_the_air_or_there_keeps_what_it_has(trusted: Hand, *, is_over: bool) -> None:
    await trusted.record(waiting(a_sale("invoice", "cus_9"), "in_1", wait=None))
    first = await trusted.sent("invoice")
    if is_over:
        await trusted.end(first, Delivered())
        await trusted.record(GUEST)
    else:
        await trusted.record(GUEST)
        await trusted.end(first, Delivered())

    invoice = await trusted.one("invoice")
    assert (S.DELIVERED, None, ("click id came too late",)) == (invoice.state, invoice.payload.click_id, invoice.flags)


async def test_too_late_for_the_payment_is_in_time_for_its_renewals(trusted: Hand) -> None:
    await trusted.record(waiting(a_sale("invoice", "cus_9"), "in_1", wait=None))
    await trusted.end(await trusted.sent("invoice"), Delivered())

    await trusted.record(GUEST)
    await trusted.record(waiting(a_sale("renewal", "cus_9", timestamp=START + timedelta(days=200)), "in_2"))

    assert "c" == (await trusted.sent("renewal")).payload.click_id


async def test_two_that_both_have_one_keep_their_own(trusted: Hand) -> None:
    await trusted.record(waiting(a_sale("invoice", click_id="own"), "in_1"))

    await trusted.record(SESSION)

    invoice = await trusted.sent("invoice")
    assert ("own", ()) == (invoice.payload.click_id, invoice.flags)


async def test_when_the_holder_dies_the_next_takes_the_click_id_along(trusted: Hand) -> None:
    await trusted.record(GUEST)
    await trusted.record(waiting(a_sale("invoice", "cus_9"), "in_1"))
    session = await trusted.sent("session")

    settled = await trusted.end(session, Dead(reason="no amount"))

    invoice = await trusted.sent("invoice")
    assert (invoice.id, "c") == (settled.promoted, invoice.payload.click_id)
    assert (f"click id from event {session.event_id} (stripe), which tells of the same payment",) == invoice.flags


async def test_when_an_attempted_holder_dies_the_oldest_duplicate_takes_the_click_id_of_a_younger_one(
    trusted: Hand,
) -> None:
    await trusted.record(waiting(a_sale("first", "a"), "in_1", wait=None))
    first = await trusted.sent("first")
    await trusted.record(waiting(a_sale("second", "b"), "in_1"), waiting(a_sale("third", "d", click_id="c"), "in_1"))

    await trusted.end(first, Dead(reason="no"))

    assert "c" == (await trusted.sent("second")).payload.click_id


async def test_after_a_dead_holder_a_newcomer_takes_its_click_id(trusted: Hand) -> None:
    await trusted.record(GUEST)
    await trusted.end(await trusted.sent("session"), Dead(reason="no"))

    await trusted.record(waiting(a_sale("invoice", "cus_9"), "in_1", wait=None))

    assert "c" == (await trusted.sent("invoice")).payload.click_id


async def test_the_click_id_of_a_merged_sale_is_the_survivors(trusted: Hand) -> None:
    """`both` says that a and b are one sale: when a dies, b stands for it, with what `both` and a know."""
    await trusted.record(waiting(a_sale("a", "cus_a"), "in_1", wait=None), waiting(a_sale("b", "cus_b"), "pi_1"))
    a = await trusted.sent("a")
    await trusted.record(waiting(a_sale("both", "cus_c", click_id="c"), "in_1", "pi_1"))

    await trusted.end(a, Dead(reason="no"))

    assert "c" == (await trusted.sent("b")).payload.click_id


async def test_a_lead_that_waits_takes_the_click_id_of_the_same_lead(trusted: Hand) -> None:
    await trusted.record(waiting(a_lead("trial", "cus_1"), "sub_1"))
    await trusted.record(waiting(a_lead("session", "ada@example.com", click_id="c"), "sub_1"))

    lead = await trusted.sent("trial")

    assert ("c", True) == (lead.payload.click_id, lead.flags[0].endswith("which tells of the same lead"))


@pytest.mark.parametrize("first", ["invoice", "session"])
async def test_both_orders_survive_a_crash_in_between(url: str, first: str) -> None:
    order = [INVOICE, GUEST] if first == "invoice" else [GUEST, INVOICE]
    now = START
    for meaning in order:
        store = await opened(url)
        await store.greet("us", now=now)
        hand = Hand(store)
        hand.now = now
        await hand.record(meaning)
        now += timedelta(seconds=5)
        await store.close()
    store = await opened(url)
    hand = Hand(store)
    hand.now = now

    delivery = await hand.sent(first)
    await hand.end(delivery, Delivered(), cautious=False)
    hand.later(days=1)

    assert "c" == delivery.payload.click_id
    assert [] == await hand.claim()
    await store.close()


async def test_a_row_that_cannot_be_read_stops_nobody(trusted: Hand, url: str) -> None:
    await trusted.record(waiting(a_sale("spoilt"), "in_1"), waiting(a_sale("sound", "cus_2"), "in_2"))
    assert [(1,)] == raw(url, "UPDATE deliveries SET payload = 'x' WHERE lane = 'cus_1'")
    await trusted.record(waiting(a_sale("twin", "cus_3", click_id="c"), "in_1"))

    trusted.now += TEN

    assert ["sound"] == await trusted.claim()
    assert ["twin"] == await trusted.claim()
