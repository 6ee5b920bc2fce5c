"""forget: nothing of a person is left, down to the bytes of the file; what prevents double counting is."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest

from bridge import forgetting
from bridge.forgetting import Found
from bridge.model import Dead, Delivered, Event, EventState, Meaning, RetryAt, Step
from bridge.store.base import EventFilter
from bridge.store.persons import Erased, Finder, Person
from tests.contract.databases import contents, raw
from tests.contract.store_hand import START, Hand, S, a_conversion, a_lead, a_meaning, a_sale, an_event, an_outcome

ADA = "ada@example.com"
BEN = "ben@example.com"


def about(email: str = ADA, **more: object) -> bytes:
    return json.dumps({"id": 1, "email": email, "name": "Ada Lovelace", **more}).encode()


def told(
    name: str, customer: str = "cus_ada", email: str | None = ADA, body: bytes | None = None, **event: Any
) -> Meaning:
    """One sale of a customer, and a body with the address."""
    sale = a_sale(name, customer, customer_email=email, customer_name="Ada Lovelace", click_id=f"click_{name}")
    conversion = a_conversion(sale, claims=[f"in_{name}"], association_namespace="stripe")
    raw = about(email or "nobody@example.com") if body is None else body
    headers = (("x-customer", email or ""),)
    made = an_event(f"evt_{name}", body=raw, headers=headers, query=f"e={quote_plus(email or '')}", **event)
    return a_meaning(conversion, event=made, steps=(Step(rule="r", result="note", why=f"saw {email}"),))


async def deliver(hand: Hand) -> None:
    """Everything that is due, with an answer that repeats the address."""
    while claimed := (await hand.ask()).deliveries:
        for delivery in claimed:
            answer = an_outcome(text=json.dumps({"ok": delivery.payload.customer_email}), started_at=hand.now)
            await hand.end(delivery, Delivered(), answer, cautious=False)


async def find(hand: Hand, *emails: str, customers: Sequence[str] = ()) -> Found:
    person = Person(customers=frozenset(customers), emails=frozenset(emails))
    return await forgetting.find(hand.store, person, lambda _: None)


async def forget(hand: Hand, *emails: str, customers: Sequence[str] = ()) -> Erased:
    found = await find(hand, *emails, customers=customers)
    await forgetting.end(hand.store, found, now=hand.now)
    return await forgetting.erase(hand.store, found, lambda _: None)


async def files(hand: Hand, url: str) -> bytes:
    assert await hand.store.fold()
    return contents(url)


# ── what goes, what stays ────────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_of_a_person_is_left_and_everybody_else_is_as_before(hand: Hand, url: str) -> None:
    await hand.record(told("a"), told("b", "cus_ben", BEN), told("c"))
    await deliver(hand)

    async def others() -> tuple[object, ...]:
        (stored,) = await hand.store.find_events("evt_b")
        return stored.event, stored.event.body, stored.steps, await hand.one("b"), await hand.store.attempts(2)

    before = await others()
    assert ADA.encode() in await files(hand, url)

    erased = await forget(hand, ADA)

    assert Erased(events=2, deliveries=2) == erased
    left = await files(hand, url)
    for text in (b"ada@example", b"cus_ada", b"click_a", b"click_c", b"saw ada"):
        assert text not in left
    assert b"ben@example" in left
    assert before == await others()
    (stored,) = await hand.store.find_events("evt_a")
    assert (b"", (), "", ()) == (stored.event.body, stored.event.headers, stored.event.query, stored.steps)
    (delivery,) = stored.deliveries
    assert ("[forgotten]", None, None, None, 4999, "a") == (
        delivery.lane,
        delivery.payload.customer_email,
        delivery.payload.customer_name,
        delivery.payload.click_id,
        delivery.payload.amount,  # type: ignore[union-attr]  # a sale
        delivery.payload.invoice_id,  # type: ignore[union-attr]
    )
    assert [] == await hand.store.attempts(1)


async def test_keys_and_claims_still_keep_repeats_out(hand: Hand) -> None:
    await hand.record(told("a"))
    await deliver(hand)
    await forget(hand, ADA)

    known, other = await hand.record(told("a"), a_meaning(a_conversion(a_sale("x"), claims=["in_a"]), key="x"))

    assert (True, False, 0) == (known.known, other.known, other.due)


async def test_the_clicks_of_a_person_go_by_customer_and_by_address(hand: Hand, url: str) -> None:
    await hand.record(told("a"), told("b", "cus_ben", BEN))
    await deliver(hand)

    await forget(hand, ADA)

    lead = a_conversion(a_lead("l", "cus_ada"), needs_association=True, association_namespace="stripe")
    (recorded,) = await hand.record(a_meaning(lead))
    assert "no click id" == recorded.reason
    assert [("click_b",)] == raw(url, "SELECT DISTINCT click_id FROM associations")


async def test_forgetting_again_finds_nothing(hand: Hand) -> None:
    await hand.record(told("a"))
    await deliver(hand)
    await forget(hand, ADA)

    assert (await find(hand, ADA)).is_nothing
    assert (await find(hand, customers=["cus_ada"])).is_nothing
    assert Erased() == await forget(hand, ADA)


async def test_what_retention_took_loses_its_customer_too(hand: Hand, url: str) -> None:
    await hand.record(told("a"), told("z", "cus_z", None, b"{}"))
    await deliver(hand)
    await hand.store.prune(bodies_before=START + timedelta(days=1), keys_before=START - timedelta(days=1))

    await forget(hand, customers=["cus_ada"])

    assert b"cus_ada" not in await files(hand, url)


async def test_what_was_forgotten_can_neither_be_replayed_nor_remapped(hand: Hand) -> None:
    await hand.record(told("a"))
    await deliver(hand)
    await forget(hand, ADA)

    (changed,) = await hand.store.replay([1], now=hand.now, again=True)

    assert (False, "its payload is past retention") == (changed.done, changed.why)
    assert await hand.store.remap(1, told("a"), now=hand.now) is None


async def test_a_duplicate_of_theirs_takes_nobodys_place(hand: Hand) -> None:
    """It would be sent under no customer at all."""
    await hand.record(told("a", "cus_ben", BEN))
    await hand.record(a_meaning(a_conversion(a_sale("b", "cus_ada", customer_email=ADA), claims=["in_a"]), key="b"))
    await forget(hand, ADA)

    await hand.end(await hand.claim_one(), Dead(reason="no"))

    assert [] == await hand.claim()


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        about("Ada@Example.COM"),
        b'{"e": "ada\\u0040example.com"}',
        b'{"e": "\\u0061da@example.com"}',
        b"name=Ada&email=ada%40example.com&x=1",
        b"payload=%7B%22email%22%3A%22ada%5Cu0040example.com%22%7D",
        b"Ada <ada@example.com>, hello",
        b"ada@example.com",
        b"mailto:ada@example.com.",
    ],
    ids=lambda body: body[:24].decode(),
)
async def test_an_address_is_found_however_a_body_writes_it(hand: Hand, url: str, body: bytes) -> None:
    await hand.record(a_meaning(event=an_event("e", body=body), state=EventState.IGNORED))

    assert (1,) == (await find(hand, ADA)).events
    await forget(hand, ADA)
    assert b"example.com" not in await files(hand, url)


@pytest.mark.parametrize(
    "other",
    ["granada@example.com", "ada@example.com.au", "ada@example.community", "x.ada@example.com", "b+ada@example.com"],
)
async def test_a_part_of_somebody_elses_address_is_nobodys(hand: Hand, other: str) -> None:
    await hand.record(told("a", "cus_x", other))
    await deliver(hand)

    found = await find(hand, ADA)

    assert found.is_nothing
    assert not await forgetting.is_shadow(hand.store, found.person)


@pytest.mark.parametrize(
    "event",
    [
        {"source_id": f"sub:{ADA}"},
        {"headers": (("x", ADA),)},
        {"query": "email=ada%40example.com"},
        {"type": ADA},
        {"account": ADA},
    ],
    ids=lambda event: next(iter(event)),
)
async def test_an_address_is_found_wherever_an_event_has_it(hand: Hand, url: str, event: dict[str, Any]) -> None:
    fields = {"key": "k", "body": b"{}", **event}
    await hand.record(a_meaning(event=an_event(**fields), state=EventState.UNMAPPED, reason="no"))

    await forget(hand, ADA)

    assert b"ada" not in await files(hand, url)
    assert 1 == len(await hand.store.find_events("k"))


async def test_a_key_made_of_the_address_goes_and_is_told(hand: Hand, url: str) -> None:
    lead = a_conversion(a_lead("l", ADA), claims=[f'["lead:l","quiz","","{ADA}"]', "other"])
    await hand.record(a_meaning(lead, event=an_event(ADA, body=b"{}")))
    await deliver(hand)

    erased = await forget(hand, ADA)

    assert 2 == erased.keys
    assert b"ada" not in await files(hand, url)
    again, other = await hand.record(
        a_meaning(lead, event=an_event(ADA)), a_meaning(a_conversion(a_lead("m"), claims=["other"]), key="m")
    )
    assert (False, 0) == (again.known, other.due)


async def test_a_customer_is_found_with_everything_their_addresses_name(hand: Hand) -> None:
    await hand.record(
        told("a"),
        a_meaning(event=an_event("ignored", body=about(ADA)), state=EventState.IGNORED),
        told("b", "cus_ben", BEN),
        told("old", "cus_ada", "old@example.com"),
        a_meaning(event=an_event("older", body=about("old@example.com")), state=EventState.IGNORED),
    )

    found = await find(hand, customers=["cus_ada"])

    assert (1, 2, 4, 5) == found.events
    assert {ADA, "old@example.com"} == found.person.emails


async def test_an_address_brings_along_the_whole_of_its_customer(hand: Hand) -> None:
    await hand.record(told("a"), told("b", email=None, body=b"{}"))

    found = await find(hand, ADA)

    assert ([1, 2], {"cus_ada"}) == ([*found.events], set(found.person.customers))


async def test_a_customer_id_that_others_share_is_not_taken_along(hand: Hand) -> None:
    """A company's account, or a mapping that gives everybody the same id."""
    await hand.record(told("a", "acme"), told("b", "acme", BEN), told("c", "acme", None, b"{}"))
    await deliver(hand)

    found = await find(hand, ADA)
    await forget(hand, ADA)

    assert ([1], {"acme"}, set()) == ([*found.events], set(found.mixed), set(found.person.customers))
    assert ["[forgotten]", "acme", "acme"] == sorted(one.lane for one in (await hand.all()).values())


# ── under way ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", [S.PENDING, S.WAITING, S.SENDING, S.DEAD], ids=lambda state: state.value)
async def test_what_is_still_to_be_sent_or_dead_is_dismissed_first_unless_it_is_being_sent(
    hand: Hand, state: S
) -> None:
    await hand.trust()
    await hand.record(told("a"))
    match state:
        case S.WAITING:
            await hand.end(await hand.claim_one(), RetryAt(at=START, reason="busy", steps_aside=True))
        case S.SENDING:
            await hand.claim_one()
        case S.DEAD:
            await hand.end(await hand.claim_one(), Dead(reason=f"422: {ADA} is wrong"))
        case _:
            pass
    found = await find(hand, ADA)
    assert [state] == [delivery.state for delivery in found.under_way]

    refused = await forgetting.erase(hand.store, found, lambda _: None)
    stuck = await forgetting.end(hand.store, found, now=hand.now)
    erased = await forgetting.erase(hand.store, found, lambda _: None)

    assert (0, (2,)) == (refused.events, refused.left)
    is_sent = state is S.SENDING
    assert (is_sent, not is_sent) == (bool(stuck), bool(erased.events))
    (delivery,) = (await hand.store.find_events("evt_a"))[0].deliveries
    assert (ADA if is_sent else None) == delivery.payload.customer_email
    assert is_sent or ADA not in delivery.reason


async def test_an_event_with_somebody_elses_delivery_keeps_that(hand: Hand) -> None:
    both = (
        a_conversion(a_sale("a", "cus_ada", customer_email=ADA), claims=["in_a"]),
        a_conversion(a_sale("b", "cus_ben", customer_email=BEN), claims=["in_b"], item=1),
    )
    await hand.trust()
    await hand.record(a_meaning(*both, event=an_event("both", body=about(ADA, other=BEN))))
    for delivery in (await hand.ask()).deliveries:
        is_ada = delivery.lane == "cus_ada"
        await hand.end(delivery, Delivered() if is_ada else Dead(reason="no"))

    await forget(hand, ADA)

    found = await hand.all()
    assert (None, BEN) == (found["a"].payload.customer_email, found["b"].payload.customer_email)
    (stored,) = await hand.store.find_events("both")
    assert b"" == stored.event.body
    (mine, theirs) = await hand.store.replay([found["a"].id, found["b"].id], now=hand.now, again=True)
    assert (False, True) == (mine.done, theirs.done)
    assert ["b"] == await hand.claim()


# ── batches ──────────────────────────────────────────────────────────────────────────────────────────────────────


def an_item(number: int, email: str, body: bytes) -> Meaning:
    sale = a_sale(f"s{number}", f"cus_{number}", customer_email=email)
    return a_meaning(sale, event=an_event(f"item {number}", item=number, body=body))


async def test_a_shared_body_goes_with_the_first_person_of_it_and_the_others_keep_their_deliveries(
    hand: Hand, url: str
) -> None:
    body = json.dumps([{"email": ADA}, {"email": BEN}, {"email": "cy@example.com"}]).encode()
    await hand.trust()
    await hand.record(*(an_item(n, email, body) for n, email in enumerate([ADA, BEN, "cy@example.com"])))
    for delivery in (await hand.ask()).deliveries:
        await hand.end(delivery, Delivered() if delivery.lane != "cus_2" else Dead(reason="no"))

    await forget(hand, BEN)

    assert [b"", b"", b""] == [one.event.body for one in await hand.store.events(EventFilter(limit=3))]
    left = await files(hand, url)
    assert (False, True, True) == (b"ben@" in left, b"ada@" in left, b"cy@" in left)
    found = await hand.all()
    assert [ADA, None, "cy@example.com"] == [found[f"s{n}"].payload.customer_email for n in range(3)]
    (again,) = await hand.store.replay([found["s2"].id], now=hand.now)
    assert again.done


async def test_a_batch_that_only_names_somebody_loses_its_body_alone(hand: Hand) -> None:
    body = json.dumps([{"email": BEN, "referred_by": ADA}]).encode()
    await hand.record(an_item(0, BEN, body))
    await deliver(hand)

    found = await find(hand, ADA)
    await forget(hand, ADA)

    assert ((), (1,)) == (found.events, found.shared)
    (stored,) = await hand.store.find_events("item 0")
    assert (b"", BEN) == (stored.event.body, stored.deliveries[0].payload.customer_email)


# ── the tracker's row, the files ─────────────────────────────────────────────────────────────────────────────────


async def test_the_trackers_row_knows_no_customer_any_more(hand: Hand, url: str) -> None:
    await hand.record(told("a"))
    await deliver(hand)
    lanes = ("cus_ada", "cus_ben")
    await hand.set(failing_lanes=lanes, not_found_lanes=lanes, probed_lane="cus_ada")

    await forget(hand, ADA)

    tracker = await hand.store.tracker()
    assert ("[forgotten] 0", "cus_ben") == tracker.failing_lanes
    assert b"cus_ada" not in await files(hand, url)


def test_no_address_means_nothing_is_found() -> None:
    finder = Finder(Person(emails=frozenset(["", " "])))
    assert not finder.is_in("anything@example.com")
    assert not finder.is_in(None)


async def test_many_events_are_looked_through_and_removed_in_portions(hand: Hand, url: str) -> None:
    events: list[Event] = [an_event(f"e{n}", body=about(ADA if n % 3 else BEN)) for n in range(450)]
    await hand.record(*(a_meaning(event=event, state=EventState.IGNORED) for event in events))
    shown: list[int] = []
    found = await forgetting.find(hand.store, Person(emails=frozenset([ADA])), shown.append)

    assert (300, [200, 400, 600]) == (len(found.events), shown)
    assert 300 == (await forgetting.erase(hand.store, found, lambda _: None)).events
    left = await files(hand, url)
    assert (False, True) == (b"ada@" in left, b"ben@" in left)
