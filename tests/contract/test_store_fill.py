"""A sale without a click id takes its customer's click right before its first try, says so, and keeps it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.model import Dead, Delivered, Meaning, Payload, RetryAt, Wait
from bridge.store.database_store import DatabaseStore
from bridge.store.emails import email_hash
from tests.contract.databases import BACKENDS, fresh, opened, raw
from tests.contract.store_hand import START, Hand, S, a_conversion, a_lead, a_meaning, a_sale, an_event

DAY = timedelta(days=1)


@pytest.fixture
async def trusted(hand: Hand) -> Hand:
    await hand.trust()
    return hand


def told(payload: Payload, *, source: str = "stripe", namespace: str = "", **changes: Any) -> Meaning:
    """What an event of a source says, by default in that source's own namespace."""
    conversion = a_conversion(payload, **{"association_namespace": namespace or source, **changes})
    return a_meaning(conversion, event=an_event(f"{source}_{payload.event_name}", source=source))


def a_click(name: str = "click", customer: str = "cus_1", click_id: str = "c", **changes: Any) -> Payload:
    return a_lead(name, customer, click_id=click_id, **changes)


async def is_sent(hand: Hand, name: str) -> str | None:
    return (await hand.sent(name)).payload.click_id


# ── whose click ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_sale_takes_the_click_of_its_customer_and_says_where_it_is_from(trusted: Hand) -> None:
    await trusted.record(told(a_click("click", timestamp=START - 2 * DAY), source="typeform", namespace="crm"))
    await trusted.record(told(a_sale("sale"), namespace="crm"))

    sale = await trusted.sent("sale")
    (event,) = await trusted.store.find_events("typeform_click")

    assert "c" == sale.payload.click_id
    assert (f"click id from event {event.id} (typeform), 2 days before",) == sale.flags
    assert event.id == sale.filled_from
    kept = await trusted.one("sale")
    assert (sale.payload, sale.flags, sale.filled_from) == (kept.payload, kept.flags, kept.filled_from)


async def test_its_own_click_id_wins(trusted: Hand) -> None:
    await trusted.record(told(a_click()), told(a_sale("sale", click_id="own")))

    sale = await trusted.sent("sale")

    assert ("own", (), None) == (sale.payload.click_id, sale.flags, sale.filled_from)


@pytest.mark.parametrize(
    ("customer", "namespace"), [("cus_2", "stripe"), ("cus_1", "shop"), ("cus_1", "@email")], ids=str
)
async def test_a_click_is_for_its_customer_in_its_namespace_only(trusted: Hand, customer: str, namespace: str) -> None:
    await trusted.record(told(a_click(customer=customer), namespace=namespace))

    await trusted.record(told(a_sale("sale")))

    assert None is await is_sent(trusted, "sale")


async def test_a_lead_takes_none_because_the_second_half_of_a_deferred_one_must_have_none(trusted: Hand) -> None:
    await trusted.record(told(a_click("first", deferred=True)))
    await trusted.record(told(a_lead("second"), fill=("customer", "email")))

    assert None is await is_sent(trusted, "second")


async def test_a_rule_may_say_that_nothing_is_filled(trusted: Hand) -> None:
    await trusted.record(told(a_click()))

    await trusted.record(told(a_sale("sale"), fill=()))

    assert None is await is_sent(trusted, "sale")


@pytest.mark.parametrize(
    ("age", "click_id", "word"),
    [
        (timedelta(0), "c", "at the same time"),
        (timedelta(seconds=1), "c", "1 second before"),
        (timedelta(minutes=90), "c", "1 hour before"),
        (90 * DAY, "c", "90 days before"),
        (90 * DAY + timedelta(milliseconds=1), None, ""),
        (timedelta(seconds=-12), "c", "12 seconds after"),
        (timedelta(hours=-1), "c", "1 hour after"),
        (timedelta(hours=-1, milliseconds=-1), None, ""),
    ],
    ids=str,
)
async def test_a_click_precedes_the_sale_by_90_days_at_most_and_an_hour_is_granted(
    trusted: Hand, age: timedelta, click_id: str | None, word: str
) -> None:
    await trusted.record(told(a_click(timestamp=START - age)))
    await trusted.record(told(a_sale("sale")))

    sale = await trusted.sent("sale")

    assert click_id == sale.payload.click_id
    assert [word] * bool(word) == [flag.partition(", ")[2] for flag in sale.flags]


async def test_of_several_clicks_the_latest_before_the_sale_counts_whatever_came_last(trusted: Hand) -> None:
    clicks = [(-3, "old"), (-1, "right"), (-2, "older"), (1, "later")]
    await trusted.record(
        *(told(a_click(click_id, click_id=click_id, timestamp=START + day * DAY)) for day, click_id in clicks)
    )
    await trusted.record(told(a_sale("sale")))

    assert "right" == await is_sent(trusted, "sale")


async def test_to_tell_of_a_click_again_makes_it_no_younger(trusted: Hand) -> None:
    await trusted.record(told(a_click("a", click_id="first", timestamp=START - 100 * DAY)))
    await trusted.record(told(a_click("b", click_id="second", timestamp=START - 50 * DAY)))
    await trusted.record(told(a_click("c", click_id="first", timestamp=START - DAY)))
    await trusted.record(told(a_sale("sale")))

    assert "second" == await is_sent(trusted, "sale")


async def test_a_click_that_comes_late_is_as_old_as_it_is(trusted: Hand) -> None:
    """Webhooks come in any order: of two tellings the earlier one dates the click."""
    await trusted.record(told(a_click("b", timestamp=START + 2 * DAY)))
    await trusted.record(told(a_click("a", timestamp=START - DAY)))
    await trusted.record(told(a_sale("sale")))
    (event,) = await trusted.store.find_events("stripe_a")

    sale = await trusted.sent("sale")

    assert (f"click id from event {event.id} (stripe), 1 day before",) == sale.flags


# ── renewals ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def pay(hand: Hand, name: str, days: int, **changes: Any) -> str | None:
    """A payment so many days after the start goes to the tracker; its click id."""
    await hand.record(told(a_sale(name, timestamp=START + days * DAY, **changes)))
    delivery = await hand.sent(name)
    await hand.end(delivery, Delivered())
    return delivery.payload.click_id


async def test_a_click_that_led_to_a_sale_counts_for_the_renewals_after_90_days_too(trusted: Hand) -> None:
    assert "c" == await pay(trusted, "first", 0, click_id="c")

    assert ["c", "c", "c"] == [await pay(trusted, f"renewal {days}", days) for days in (30, 120, 300)]


async def test_a_sale_that_took_a_click_hands_it_on_to_its_renewals(trusted: Hand) -> None:
    await trusted.record(told(a_click("click", timestamp=START - 10 * DAY)))

    assert ["c", "c"] == [await pay(trusted, "first", 0), await pay(trusted, "renewal", 200)]


async def test_a_click_that_never_led_to_a_sale_ends_after_90_days(trusted: Hand) -> None:
    await trusted.record(told(a_click("click")))

    assert None is await pay(trusted, "late", 91)


async def test_a_later_click_wins_over_the_one_that_led_to_the_first_sale(trusted: Hand) -> None:
    await pay(trusted, "first", 0, click_id="c")
    await trusted.record(told(a_click("click", click_id="newer", timestamp=START + 100 * DAY)))

    assert "newer" == await pay(trusted, "renewal", 120)


async def test_a_sale_before_the_first_payment_is_no_renewal(trusted: Hand) -> None:
    """It is told late: by then the click has led to a sale, but not when this one was made."""
    await trusted.record(told(a_click("click")))
    await pay(trusted, "paid", 200, click_id="c")

    assert None is await pay(trusted, "between", 100)


# ── e-mail ───────────────────────────────────────────────────────────────────────────────────────────────────────

EMAIL = {"customer_email": "Ada@Example.com "}


async def test_by_address_a_click_is_found_across_sources_where_the_reading_rule_allows_it(trusted: Hand) -> None:
    await trusted.record(told(a_click(customer="ada", **EMAIL), source="typeform"))
    await trusted.record(told(a_sale("shy", "cus_1", customer_email="ada@example.com")))
    await trusted.record(told(a_sale("open", "cus_2", customer_email="ada@example.com"), fill=("customer", "email")))
    (event,) = await trusted.store.find_events("typeform_click")

    assert None is await is_sent(trusted, "shy")
    sale = await trusted.sent("open")
    assert ("c", (f"click id from event {event.id} (typeform), the same address, at the same time",)) == (
        sale.payload.click_id,
        sale.flags,
    )


async def test_the_customers_own_click_comes_before_that_of_the_address(trusted: Hand) -> None:
    await trusted.record(told(a_click("by address", "ada", "theirs", **EMAIL), source="typeform"))
    await trusted.record(told(a_click("by id", "cus_1", "own", timestamp=START - DAY)))

    await trusted.record(told(a_sale("sale", **EMAIL), fill=("customer", "email")))

    assert "own" == await is_sent(trusted, "sale")


async def test_a_sale_that_was_credited_by_its_address_makes_its_customer_known(trusted: Hand) -> None:
    await trusted.record(told(a_click(customer="ada", **EMAIL), source="typeform"))
    await trusted.record(told(a_sale("first", **EMAIL), fill=("customer", "email")))
    await trusted.end(await trusted.sent("first"), Delivered())

    assert "c" == await pay(trusted, "renewal", 200)


@pytest.mark.parametrize("days", [90, 91])
async def test_by_address_90_days_are_the_limit(trusted: Hand, days: int) -> None:
    await pay(trusted, "other", 0, click_id="c", customer="ada", **EMAIL)
    await trusted.record(
        told(a_sale("sale", "cus_2", timestamp=START + days * DAY, **EMAIL), fill=("email",), source="shop")
    )

    assert ("c" if days == 90 else None) == await is_sent(trusted, "sale")


async def test_of_an_address_only_a_keyed_hash_is_kept(trusted: Hand, url: str) -> None:
    await trusted.record(told(a_click(customer="ada", **EMAIL)))
    store = trusted.store
    assert isinstance(store, DatabaseStore)

    rows = raw(url, "SELECT namespace, customer, click_id FROM associations ORDER BY namespace")
    ((key,),) = raw(url, "SELECT value FROM secrets WHERE name = 'email'")
    addresses = ("ada@example.com", " ADA@example.COM\n", "ada@example.org")
    hashed = await store._reader.read(lambda db: [email_hash(db, text) for text in addresses])

    assert [("@email", hashed[0], "c"), ("stripe", "ada", "c")] == rows
    assert 32 == len(key)
    assert hashed[0] == hashed[1] != hashed[2]
    # hexadecimal digits alone may well spell "ada"
    assert 64 == len(hashed[0])
    assert set(hashed[0]) <= set("0123456789abcdef")


@pytest.mark.parametrize("backend", BACKENDS)
async def test_two_databases_hash_an_address_differently(tmp_path: Path, backend: str) -> None:
    hashes = set()
    for name in "ab":
        store = await opened(f"sqlite:///{tmp_path / name}.db" if backend == "sqlite" else fresh())
        hashes.add(await store._reader.read(lambda db: email_hash(db, "ada@example.com")))
        await store.close()

    assert 2 == len(hashes)


# ── frozen ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_was_sent_is_sent_again_whatever_became_known_meanwhile(trusted: Hand) -> None:
    await trusted.record(told(a_sale("sale")))
    await trusted.end(await trusted.sent("sale"), RetryAt(at=START, reason="busy"))
    await trusted.record(told(a_click()))
    await trusted.end(await trusted.sent("sale"), Dead(reason="no"))

    await trusted.store.replay([(await trusted.one("sale")).id], now=trusted.now)

    assert None is await is_sent(trusted, "sale")


async def test_a_replay_keeps_the_click_and_where_it_is_from(trusted: Hand) -> None:
    await trusted.record(told(a_click(timestamp=START - DAY)), told(a_sale("sale", "cus_1", timestamp=START)))
    first = await trusted.sent("sale")
    await trusted.end(first, Dead(reason="no"))
    await trusted.record(told(a_click("newer", click_id="newer", timestamp=START)))

    await trusted.store.replay([first.id], now=trusted.now)
    await trusted.end(await trusted.sent("sale"), Delivered(flags=("already there",)))

    assert ("c", (*first.flags, "already there")) == (
        (await trusted.one("sale")).payload.click_id,
        (await trusted.one("sale")).flags,
    )


async def test_what_waits_for_the_tracker_was_tried_and_keeps_what_it_has(trusted: Hand) -> None:
    await trusted.record(told(a_sale("sale")))
    await trusted.end(await trusted.sent("sale"), Wait(until=START + DAY, reason="not yet"))

    await trusted.record(told(a_click(timestamp=START)))

    assert S.WAITING is (await trusted.one("sale")).state
    assert None is await is_sent(trusted, "sale")


async def test_a_lease_that_is_given_back_takes_the_click_with_it(trusted: Hand) -> None:
    """It was not tried: until it is, its own click id may still come."""
    await trusted.record(told(a_click("click", "cus_2", "theirs")))
    await trusted.record(told(a_sale("sale", "cus_2"), claims=["in_1"]))
    leased = await trusted.sent("sale")
    await trusted.store.release([leased.id], now=trusted.now)

    given_back = await trusted.one("sale")
    await trusted.record(told(a_sale("twin", "cus_2", click_id="own"), claims=["in_1"]))

    assert ("theirs", None, (), None) == (
        leased.payload.click_id,
        given_back.payload.click_id,
        given_back.flags,
        given_back.filled_from,
    )
    assert "own" == await is_sent(trusted, "sale")


async def test_a_try_that_a_crash_interrupted_is_repeated_with_the_same_click(trusted: Hand) -> None:
    await trusted.record(told(a_click()), told(a_sale("sale")))
    first = await trusted.sent("sale")
    await trusted.rescue()
    await trusted.record(told(a_click("newer", click_id="newer", timestamp=START + timedelta(seconds=1))))

    again = await trusted.sent("sale")

    assert (first.payload, first.flags) == (again.payload, again.flags)


async def test_the_click_of_a_forgotten_event_is_forgotten_unless_another_told_of_it(trusted: Hand) -> None:
    old, later = START - 500 * DAY, START - 10 * DAY
    for name, customer, click_id, at in (
        ("a", "cus_1", "once", old),
        ("b", "cus_2", "again", old),
        ("c", "cus_2", "again", later),
    ):
        lead = a_lead(
            name, customer, click_id=click_id, timestamp=START - DAY, customer_email=f"{customer}@example.com"
        )
        event = an_event(name, received_at=at)
        await trusted.record(a_meaning(a_conversion(lead, association_namespace="stripe"), event=event))
        await trusted.end(await trusted.sent(name), Delivered())
    await trusted.record(a_sale("newest", "cus_9"))

    await trusted.store.prune(bodies_before=START - 30 * DAY, keys_before=START - 400 * DAY)
    await trusted.record(*(told(a_sale(f"of {customer}", customer)) for customer in ("cus_1", "cus_2")))
    await trusted.record(
        *(
            told(
                a_sale(f"by {customer}", "x", customer_email=f"{customer}@example.com"), source="shop", fill=("email",)
            )
            for customer in ("cus_1", "cus_2")
        )
    )

    assert [None, "again"] == [await is_sent(trusted, f"of {customer}") for customer in ("cus_1", "cus_2")]
    first = await trusted.sent("by cus_1")
    await trusted.end(first, Delivered())
    assert [None, "again"] == [first.payload.click_id, await is_sent(trusted, "by cus_2")]
