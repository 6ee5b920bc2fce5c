"""claim: oldest first within each lane, one at a time per customer, within pause, caution and rate."""

import asyncio
from datetime import datetime, timedelta

import pytest

from bridge.model import Delivered, Pause, RetryAt, Wait
from bridge.rate import Pace
from bridge.store import Store
from bridge.store.base import DeliveryFilter, EventFilter, Settlement
from tests.contract.databases import raw
from tests.contract.store_hand import FREE, START, Hand, S, a_conversion, a_meaning, a_sale, an_outcome


@pytest.fixture
async def trusted(hand: Hand) -> Hand:
    """A store that is past its first success, so that several may go at once."""
    await hand.trust()
    return hand


# ── lanes ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_one_customers_deliveries_go_one_by_one_in_order(trusted: Hand) -> None:
    await trusted.record(*(a_sale(name) for name in "abc"))

    for name in "abc":
        (delivery,) = (await trusted.ask()).deliveries
        assert name == delivery.payload.event_name
        assert [] == await trusted.claim()
        await trusted.end(delivery, Delivered())


async def test_lanes_do_not_wait_for_each_other(trusted: Hand) -> None:
    await trusted.record(*(a_sale(f"{customer}{step}", customer) for step in (1, 2) for customer in "xyz"))

    assert ["x1", "y1", "z1"] == await trusted.claim()


async def test_claims_at_once_never_get_the_same_delivery(trusted: Hand) -> None:
    await trusted.record(*(a_sale(f"s{number}", f"cus_{number}") for number in range(40)))

    answers = await asyncio.gather(*(trusted.claim(limit=7) for _ in range(8)))

    assert sorted(f"s{number}" for number in range(40)) == sorted(name for names in answers for name in names)


async def test_what_is_due_longer_goes_first(trusted: Hand) -> None:
    await trusted.record(a_sale("a", "cus_1"), a_sale("b", "cus_2"))
    a, b = (await trusted.ask()).deliveries
    await trusted.end(a, RetryAt(at=START + timedelta(seconds=20), reason="busy"))
    await trusted.end(b, RetryAt(at=START + timedelta(seconds=10), reason="busy"))
    trusted.later(seconds=30)

    assert ["b", "a"] == await trusted.claim()


async def test_a_head_that_is_due_later_holds_its_lane_and_only_that(trusted: Hand) -> None:
    await trusted.record(a_sale("head"), a_sale("behind"), a_sale("other", "cus_2"))
    head, other = (await trusted.ask()).deliveries
    await trusted.end(head, RetryAt(at=START + timedelta(minutes=1), reason="busy"))
    await trusted.end(other, Delivered())

    claimed = await trusted.ask()
    assert ((), START + timedelta(minutes=1)) == (claimed.deliveries, claimed.ask_again_at)
    trusted.later(minutes=1)
    assert ["head"] == await trusted.claim()


async def test_what_waits_lets_its_lane_pass_and_comes_back_as_the_older_one(trusted: Hand) -> None:
    await trusted.record(a_sale("a"), a_sale("b"), a_sale("c"))
    a = await trusted.claim_one()
    await trusted.end(a, Wait(until=START + timedelta(minutes=1), reason="not yet"))
    b = await trusted.claim_one()
    assert "b" == b.payload.event_name
    trusted.later(minutes=1)
    assert [] == await trusted.claim()
    assert [S.PENDING] == await trusted.states("a")

    await trusted.end(b, Delivered())
    assert ["a"] == await trusted.claim()


async def test_an_older_one_that_comes_back_goes_before_a_head_that_was_not_taken(trusted: Hand) -> None:
    await trusted.record(a_sale("a"), a_sale("b"))
    await trusted.end(await trusted.claim_one(), Wait(until=START + timedelta(minutes=1), reason="not yet"))
    trusted.later(minutes=1)

    assert ["a"] == await trusted.claim()


async def test_when_waiting_ends_is_when_asking_again_makes_sense(trusted: Hand) -> None:
    await trusted.record(a_sale("a"))
    await trusted.end(await trusted.claim_one(), Wait(until=START + timedelta(minutes=1), reason="not yet"))

    assert START + timedelta(minutes=1) == (await trusted.ask()).ask_again_at


async def test_nothing_known_to_become_due_is_no_time(trusted: Hand) -> None:
    assert None is (await trusted.ask()).ask_again_at


async def test_more_that_is_due_than_asked_for_says_so(trusted: Hand) -> None:
    await trusted.record(a_sale("a", "cus_1"), a_sale("b", "cus_2"))

    claimed = await trusted.ask(limit=1)

    assert (1, START) == (len(claimed.deliveries), claimed.ask_again_at)


async def test_asking_for_nothing_leases_nothing(trusted: Hand) -> None:
    await trusted.record(a_sale("a"))

    assert [] == await trusted.claim(limit=0)
    assert ["a"] == await trusted.claim()


async def test_a_released_delivery_is_as_if_it_had_not_been_claimed(trusted: Hand) -> None:
    await trusted.record(a_sale("a"), a_sale("b"))
    before = await trusted.one("a")
    delivery = await trusted.claim_one()

    await trusted.store.release([delivery.id, 4711], now=START)

    assert before == await trusted.one("a")
    assert ["a"] == await trusted.claim()


async def test_releasing_what_is_not_leased_changes_nothing(trusted: Hand) -> None:
    await trusted.record(a_sale("a"))
    delivery = await trusted.claim_one()
    await trusted.end(delivery, Delivered())

    await trusted.store.release([delivery.id], now=START)

    assert [S.DELIVERED] == await trusted.states("a")


async def test_a_claim_whose_caller_is_gone_gives_back_what_it_got(trusted: Hand) -> None:
    """Otherwise nobody would send it before the next start, and then as an unsure repeat."""
    await trusted.record(a_sale("a"))
    claiming = asyncio.create_task(trusted.claim())
    await asyncio.sleep(0)
    claiming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    await trusted.store.ping()

    assert ["a"] == await trusted.claim()
    assert 0 == (await trusted.one("a")).tries


# ── the budget's clock ───────────────────────────────────────────────────────────────────────────────────────────


async def test_the_budget_runs_from_the_first_try_and_stands_still_while_paused(trusted: Hand) -> None:
    await trusted.record(a_sale("a"))
    trusted.later(hours=5)
    first = await trusted.claim_one()
    assert 0 == first.age_seconds
    await trusted.end(first, RetryAt(at=trusted.now, reason="busy"))
    trusted.later(seconds=100)
    assert 100 == (await trusted.claim_one()).age_seconds
    await trusted.rescue()

    await trusted.store.pause("lunch", now=trusted.now)
    trusted.later(hours=50)
    await trusted.store.resume(now=trusted.now)
    trusted.later(seconds=11)

    assert 136 == (await trusted.claim_one()).age_seconds


async def test_a_probes_budget_stands_still_as_well(trusted: Hand) -> None:
    await trusted.record(a_sale("a"))
    await trusted.end(await trusted.claim_one(), RetryAt(at=START, reason="busy"))
    trusted.later(seconds=7)
    probe_at = trusted.now + timedelta(hours=1)
    first = await trusted.claim_one()
    pause = Pause(reason="401", retry_at=trusted.now)
    row = {"paused_since": trusted.now, "probe_at": probe_at}
    await trusted.end(first, pause, an_outcome(401, started_at=trusted.now), **row)
    trusted.now = probe_at

    assert 7 == (await trusted.claim_one()).age_seconds


# ── pause ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_operators_pause_sends_nothing_and_has_no_end(trusted: Hand) -> None:
    await trusted.record(a_sale("a"))
    tracker = await trusted.store.pause("closed", now=START)
    trusted.later(days=300)
    claimed = await trusted.ask()

    assert ((), None) == (claimed.deliveries, claimed.ask_again_at)
    assert (True, "closed", START) == (tracker.paused_by_operator, tracker.pause_reason, tracker.paused_since)
    assert tracker == await trusted.store.tracker()


async def test_resume_lifts_a_pause_and_goes_on_carefully(trusted: Hand) -> None:
    await trusted.record(a_sale("a", "cus_1"), a_sale("b", "cus_2"))
    await trusted.store.pause("closed", now=START)
    trusted.later(seconds=30)

    tracker = await trusted.store.resume(now=trusted.now)

    assert (False, False, True, 30.0) == (
        tracker.is_paused,
        tracker.paused_by_operator,
        tracker.cautious,
        tracker.paused_seconds,
    )
    assert ["a"] == await trusted.claim()
    assert [] == await trusted.claim()


async def test_resume_without_a_pause_changes_nothing(trusted: Hand) -> None:
    before = await trusted.store.tracker()

    assert before == await trusted.store.resume(now=START + timedelta(days=1))


async def test_an_operators_pause_takes_over_one_that_runs(trusted: Hand) -> None:
    await trusted.set(paused_since=START, pause_reason="401", probe_at=START + timedelta(seconds=5))
    trusted.later(seconds=3)

    tracker = await trusted.store.pause("closed", now=trusted.now)
    trusted.later(seconds=3)
    await trusted.record(a_sale("a"))

    assert (START, None, "closed") == (tracker.paused_since, tracker.probe_at, tracker.pause_reason)
    assert [] == await trusted.claim()
    assert 6.0 == (await trusted.store.resume(now=trusted.now)).paused_seconds


async def test_a_pause_with_an_end_sends_nothing_before_it_and_one_at_a_time_after(trusted: Hand) -> None:
    until = START + timedelta(hours=1)
    await trusted.set(paused_since=START, pause_reason="429", paused_until=until)
    await trusted.record(a_sale("a", "cus_1"), a_sale("b", "cus_2"))
    trusted.later(minutes=59)
    claimed = await trusted.ask()
    assert ((), until) == (claimed.deliveries, claimed.ask_again_at)

    trusted.later(minutes=2)
    claimed = await trusted.ask()

    assert (["a"], None) == ([one.payload.event_name for one in claimed.deliveries], claimed.ask_again_at)
    assert (False, True, 3660.0) == (
        claimed.tracker.is_paused,
        claimed.tracker.cautious,
        claimed.tracker.paused_seconds,
    )
    assert claimed.tracker == await trusted.store.tracker()
    assert [] == await trusted.claim()


async def test_a_pause_is_over_on_disk_even_when_nothing_is_due(trusted: Hand) -> None:
    await trusted.set(paused_since=START, paused_until=START + timedelta(hours=1))
    trusted.later(hours=1)

    await trusted.ask()

    assert not (await trusted.store.tracker()).is_paused


# ── probes ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def paused_without_end(hand: Hand, *, probed_lane: str = "cus_1") -> None:
    at = START + timedelta(seconds=5)
    await hand.set(paused_since=START, pause_reason="401", probe_at=at, probed_lane=probed_lane)


async def test_a_probe_is_one_delivery_of_another_customer_and_not_repeated_at_once(trusted: Hand) -> None:
    await paused_without_end(trusted)
    await trusted.record(a_sale("a", "cus_1"), a_sale("b", "cus_2"), a_sale("c", "cus_3"))
    claimed = await trusted.ask()
    assert ((), START + timedelta(seconds=5)) == (claimed.deliveries, claimed.ask_again_at)

    trusted.later(seconds=5)
    claimed = await trusted.ask()

    assert ["b"] == [one.payload.event_name for one in claimed.deliveries]
    assert (1, "cus_2", trusted.now + timedelta(seconds=10)) == (
        claimed.tracker.probes,
        claimed.tracker.probed_lane,
        claimed.tracker.probe_at,
    )
    assert [] == await trusted.claim()


async def test_probes_come_at_5_10_20_seconds_up_to_5_minutes(trusted: Hand) -> None:
    await paused_without_end(trusted)
    await trusted.record(a_sale("a"))
    delays = []
    for _ in range(9):
        tracker = await trusted.store.tracker()
        assert tracker.probe_at is not None
        delays.append((tracker.probe_at - trusted.now).total_seconds())
        trusted.now = tracker.probe_at
        await trusted.end(await trusted.claim_one(), Pause(reason="401"), an_outcome(401, started_at=trusted.now))

    assert [5, 10, 20, 40, 80, 160, 300, 300, 300] == delays


async def test_while_a_probe_is_on_its_way_nothing_else_goes(trusted: Hand) -> None:
    await paused_without_end(trusted)
    await trusted.record(a_sale("a", "cus_1"), a_sale("b", "cus_2"))
    trusted.later(seconds=5)
    await trusted.claim_one()
    trusted.later(hours=1)

    claimed = await trusted.ask()

    assert ((), None) == (claimed.deliveries, claimed.ask_again_at)


async def test_a_probe_takes_the_only_lane_when_there_is_no_other(trusted: Hand) -> None:
    await paused_without_end(trusted)
    await trusted.record(a_sale("a", "cus_1"))
    trusted.later(seconds=5)

    assert ["a"] == await trusted.claim()


async def test_a_probe_may_be_a_head_that_is_not_due_yet_when_no_other_customers_is(trusted: Hand) -> None:
    await trusted.record(a_sale("a", "cus_1"), a_sale("b", "cus_2"))
    for delivery in (await trusted.ask()).deliveries:
        await trusted.end(delivery, RetryAt(at=START + timedelta(hours=1), reason="busy"))
    await paused_without_end(trusted)
    trusted.later(seconds=5)

    assert ["b"] == await trusted.claim()


async def test_a_due_head_of_another_customer_probes_before_one_that_is_not_due(trusted: Hand) -> None:
    await trusted.record(a_sale("later", "cus_2"))
    await trusted.end(await trusted.claim_one(), RetryAt(at=START + timedelta(hours=1), reason="busy"))
    await paused_without_end(trusted)
    await trusted.record(a_sale("same", "cus_1"), a_sale("due", "cus_3"))
    trusted.later(seconds=5)

    assert ["due"] == await trusted.claim()


async def test_a_probe_keeps_to_the_rate(trusted: Hand) -> None:
    await paused_without_end(trusted)
    await trusted.store.greet("", now=START)
    await trusted.record(a_sale("a"))
    trusted.later(seconds=5)

    claimed = await trusted.ask(pace=Pace(n=2))

    assert ((), START + timedelta(seconds=60, milliseconds=1), 0) == (
        claimed.deliveries,
        claimed.ask_again_at,
        (await trusted.store.tracker()).probes,
    )


# ── caution and rate ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_new_store_sends_one_at_a_time(hand: Hand) -> None:
    await hand.record(a_sale("a", "cus_1"), a_sale("b", "cus_2"))

    claimed = await hand.ask()
    assert (1, None) == (len(claimed.deliveries), claimed.ask_again_at)
    assert [] == await hand.claim()
    await hand.end(claimed.deliveries[0], RetryAt(at=START + timedelta(hours=1), reason="busy"))
    assert ["b"] == await hand.claim()


async def test_the_bucket_is_empty_after_a_start_and_says_when_the_next_may_go(trusted: Hand) -> None:
    await trusted.store.greet("", now=START)
    await trusted.set(cautious=False)
    await trusted.record(*(a_sale(f"s{number}", f"cus_{number}") for number in range(9)))
    pace = Pace(n=60)

    claimed = await trusted.ask(pace=pace)
    assert claimed.ask_again_at is not None
    assert 0 == len(claimed.deliveries)
    wait = (claimed.ask_again_at - START).total_seconds()
    assert pytest.approx(1 / pace.per_second, abs=0.002) == wait
    trusted.now = claimed.ask_again_at
    assert ["s0"] == await trusted.claim(pace=pace)
    trusted.later(hours=1)
    assert ["s1", "s2", "s3", "s4", "s5"] == await trusted.claim(pace=pace)
    assert [] == await trusted.claim(pace=pace)


async def test_a_claim_that_gets_nothing_takes_nothing_out_of_the_bucket(trusted: Hand) -> None:
    before = await trusted.store.tracker()
    trusted.later(minutes=1)

    await trusted.claim(pace=Pace(n=60))

    assert before == await trusted.store.tracker()


# ── greet ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_greet_empties_the_bucket_and_asks_for_care(trusted: Hand) -> None:
    await trusted.set(fingerprint="f", tokens=4.0, proven=True, failures=2, failing_lanes=("cus_9",))

    tracker = await trusted.store.greet("f", now=START)

    assert (0.0, START, True, True, 2) == (
        tracker.tokens,
        tracker.tokens_at,
        tracker.cautious,
        tracker.proven,
        tracker.failures,
    )


async def test_another_token_makes_void_what_failed_before_and_probes_at_once(trusted: Hand) -> None:
    until = START + timedelta(hours=20)
    await trusted.set(
        fingerprint="old",
        paused_since=START,
        paused_until=until,
        proven=True,
        failures=3,
        failing_lanes=("x", "y"),
        not_found_lanes=("x",),
    )
    trusted.later(seconds=7)

    tracker = await trusted.store.greet("new", now=trusted.now)

    assert ("new", False, 0, (), ()) == (
        tracker.fingerprint,
        tracker.proven,
        tracker.failures,
        tracker.failing_lanes,
        tracker.not_found_lanes,
    )
    assert (START, None, trusted.now) == (tracker.paused_since, tracker.paused_until, tracker.probe_at)
    await trusted.record(a_sale("a"))
    assert ["a"] == await trusted.claim()


async def test_another_token_does_not_lift_an_operators_pause(trusted: Hand) -> None:
    await trusted.store.pause("closed", now=START)

    tracker = await trusted.store.greet("new", now=START)

    assert (True, None) == (tracker.paused_by_operator, tracker.probe_at)


async def test_the_trackers_row_survives_a_round_trip_whole(trusted: Hand) -> None:
    row = {
        "paused_since": START,
        "pause_reason": "a\0b",
        "paused_until": START + timedelta(milliseconds=1),
        "probe_at": START,
        "probes": 3,
        "probed_lane": "cus_ü",
        "paused_seconds": 1.5,
        "failures": 2,
        "failing_lanes": ("a", "b"),
        "proven": True,
        "not_found_lanes": ("c",),
        "last_success_at": START,
        "throttles": 4,
        "tokens": 0.25,
        "tokens_at": START,
        "fingerprint": "f",
    }

    await trusted.set(**row)
    tracker = await trusted.store.tracker()

    assert {**row, "pause_reason": "a\ufffdb"} == {name: getattr(tracker, name) for name in row}


async def test_a_claim_looks_at_no_clock_but_the_given_one(store: Store) -> None:
    hand = Hand(store)
    await hand.record(a_sale("a"))

    assert () == (await store.claim(limit=1, pace=FREE, clock=lambda: START - timedelta(seconds=1))).deliveries


# ── rows that another version, or a hand, has written ────────────────────────────────────────────────────────────


def spoil(url: str, name: str, payload: str) -> None:
    """Write into the database beside the store, as nothing of this version would."""
    ((delivery_id,),) = raw(url, "SELECT id FROM deliveries WHERE payload LIKE ?", (f'%"{name}"%',))
    assert [(1,)] == raw(url, "UPDATE deliveries SET payload = ? WHERE id = ?", (payload, delivery_id))


ODD_PAYLOADS = {
    "a key of a newer version": '{"event_name":"odd","timestamp":0,"coupon":"X"}',
    "a key is missing": '{"event_name":"odd"}',
    "no JSON": "{",
    "no map": "[]",
    "a time past all times": '{"event_name":"odd","timestamp":999999999999999999}',
}


@pytest.mark.parametrize("payload", ODD_PAYLOADS.values(), ids=ODD_PAYLOADS)
async def test_a_row_that_cannot_be_read_dies_alone(trusted: Hand, url: str, payload: str) -> None:
    await trusted.record(a_sale("odd"), a_sale("behind"), a_sale("other", "cus_2"))
    spoil(url, "odd", payload)

    assert ["other"] == await trusted.claim()
    assert ["behind"] == await trusted.claim()
    (dead,) = await trusted.store.deliveries(DeliveryFilter(states=(S.DEAD,)))
    assert "its stored payload cannot be read by this version" == dead.reason
    assert 4 == len(await trusted.store.events(EventFilter()))


async def test_a_probe_that_cannot_be_read_makes_room_for_another(trusted: Hand, url: str) -> None:
    await trusted.record(a_sale("odd"), a_sale("fine", "cus_2"))
    spoil(url, "odd", "{")
    await trusted.store.greet("another token", now=trusted.now)

    first = await trusted.ask()
    assert ((), trusted.now) == (first.deliveries, first.ask_again_at)
    assert ["fine"] == await trusted.claim()


async def test_the_oldest_duplicate_takes_the_place_of_one_that_cannot_be_read(trusted: Hand, url: str) -> None:
    await trusted.record(a_meaning(a_conversion(a_sale("odd"), claims=["in_1"])))
    spoil(url, "odd", "{")
    await trusted.record(a_meaning(a_conversion(a_sale("again"), claims=["in_1"])))

    assert [] == await trusted.claim()
    assert ["again"] == await trusted.claim()


async def test_a_row_that_cannot_be_read_any_more_is_settled_as_it_was_claimed(trusted: Hand, url: str) -> None:
    await trusted.record(a_sale("odd"), a_sale("other", "cus_2"))
    odd, other = (await trusted.ask()).deliveries
    spoil(url, "odd", "{")
    tried = [Settlement(delivery=one, outcome=an_outcome()) for one in (odd, other)]

    await trusted.store.settle(tried, lambda _, __, tracker, ___: (Delivered(), tracker), now=trusted.now)

    found = await trusted.store.deliveries(DeliveryFilter(states=(S.DELIVERED,)))
    assert {odd.id, other.id} <= {delivery.id for delivery in found}


# ── a clock that is set back ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_clock_set_back_costs_no_more_than_filling_the_bucket(trusted: Hand) -> None:
    pace = Pace(n=60)
    await trusted.set(tokens=0.0, tokens_at=START + timedelta(days=2))
    await trusted.record(*(a_sale(f"s{number}", f"cus_{number}") for number in range(9)))
    assert [] == await trusted.claim(pace=pace)
    trusted.later(minutes=1)

    assert 5 == len(await trusted.claim(pace=pace))


@pytest.mark.parametrize(
    ("row", "costs"),
    [
        ({"paused_until": START + timedelta(days=300)}, timedelta(hours=24)),
        ({"probe_at": START + timedelta(days=300)}, timedelta(minutes=5)),
    ],
    ids=["a pause with an end", "a pause without one"],
)
async def test_a_clock_set_back_costs_no_more_than_the_longest_pause(
    trusted: Hand, row: dict[str, datetime], costs: timedelta
) -> None:
    await trusted.set(paused_since=START + timedelta(days=300), pause_reason="429", **row)
    await trusted.record(a_sale("a"))

    first = await trusted.ask()
    assert ((), START + costs) == (first.deliveries, first.ask_again_at)
    trusted.now += costs
    assert ["a"] == await trusted.claim()


async def test_a_clock_set_back_costs_a_head_no_more_than_the_longest_retry(trusted: Hand) -> None:
    await trusted.record(a_sale("a"))
    far = START + timedelta(days=300)
    await trusted.end(await trusted.claim_one(), RetryAt(at=far, reason="busy"))

    assert START + timedelta(hours=1) == (await trusted.ask()).ask_again_at
    trusted.later(hours=1)
    assert ["a"] == await trusted.claim()


async def test_a_clock_set_back_costs_what_waits_no_more_than_a_day_and_an_hour(trusted: Hand) -> None:
    await trusted.record(a_sale("a"))
    await trusted.end(await trusted.claim_one(), Wait(until=START + timedelta(days=300), reason="not yet"))

    assert START + timedelta(hours=25) == (await trusted.ask()).ask_again_at
    trusted.later(hours=25)
    assert ["a"] == await trusted.claim()


# ── an operator's pause over the tracker's ───────────────────────────────────────────────────────────────────────


async def test_resume_ends_the_operators_pause_and_not_what_the_tracker_asked_for(trusted: Hand) -> None:
    until = START + timedelta(hours=1)
    await trusted.set(paused_since=START, paused_until=until, pause_reason="429")
    await trusted.record(a_sale("a"))
    await trusted.store.pause("mine", now=trusted.now)
    await trusted.store.resume(now=trusted.now)

    asked = await trusted.ask()
    assert ((), until) == (asked.deliveries, asked.ask_again_at)
    assert not asked.tracker.paused_by_operator
    trusted.later(hours=1)
    assert ["a"] == await trusted.claim()
