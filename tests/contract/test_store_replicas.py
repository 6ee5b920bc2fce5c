"""Serves on one database know of each other: rows of the living, who told what, leases, and how one joins."""

from datetime import timedelta
from typing import Any

import pytest

from bridge.model import Delivered, Pause, Replica
from bridge.rate import Pace
from bridge.store import Store
from bridge.store.fleet import KEPT, LIVE
from tests.contract.store_hand import Hand, a_lead, an_outcome

PACE = Pace(n=60, seconds=60.0)


def a_replica(name: str = "one", **changes: Any) -> Replica:
    fields = {"id": name, "host": f"host {name}", "version": "1.2.3", "duties": frozenset({"house", "reconcile"})}
    return Replica(**{**fields, **changes})


async def test_a_replica_that_beats_is_seen_with_all_it_says(hand: Hand) -> None:
    said = a_replica(sources={"stripe": "r1", "quiz": "r\0"}, settings={"CMS_RATE_LIMIT": "60/min"}, idle="no token")
    began = hand.now
    await hand.store.beat(said, now=hand.now)
    hand.later(seconds=10)

    (seen,) = await hand.store.beat(said, now=hand.now)

    assert (began, hand.now, True) == (seen.started_at, seen.seen_at, seen.is_live)
    assert {"stripe": "r1", "quiz": "r\ufffd"} == seen.replica.sources
    assert ("one", "host one", "1.2.3", "no token") == (
        seen.replica.id,
        seen.replica.host,
        seen.replica.version,
        seen.replica.idle,
    )
    assert {"CMS_RATE_LIMIT": "60/min"} == seen.replica.settings
    assert {"house", "reconcile"} == seen.replica.duties
    assert (seen,) == await hand.store.replicas(now=hand.now)


async def test_what_a_replica_says_anew_takes_the_place_of_what_it_said(hand: Hand) -> None:
    await hand.store.beat(a_replica(sources={"stripe": "r1"}), now=hand.now)

    (seen,) = await hand.store.beat(a_replica(sources={"stripe": "r2"}), now=hand.now)

    assert {"stripe": "r2"} == seen.replica.sources


async def test_one_that_leaves_is_gone_and_one_that_is_not_there_may_leave(hand: Hand) -> None:
    await hand.store.beat(a_replica(), now=hand.now)

    await hand.store.leave("one")
    await hand.store.leave("one")

    assert () == await hand.store.replicas(now=hand.now)


async def test_one_that_is_not_heard_of_is_shown_as_gone_before_its_row_goes(hand: Hand) -> None:
    await hand.store.beat(a_replica(), now=hand.now)
    hand.now += LIVE

    (seen,) = await hand.store.replicas(now=hand.now)
    assert not seen.is_live

    hand.now += KEPT
    assert ["two"] == [seen.replica.id for seen in await hand.store.beat(a_replica("two"), now=hand.now)]
    assert ["two"] == [seen.replica.id for seen in await hand.store.replicas(now=hand.now)]


async def test_where_several_may_serve_they_see_each_other_the_oldest_first(hand: Hand) -> None:
    if not hand.store.is_shared:
        pytest.skip("one process serves from a file")
    for name in ("b", "a", "c"):
        await hand.store.beat(a_replica(name), now=hand.now)
        hand.later(seconds=1)

    assert ["b", "a", "c"] == [seen.replica.id for seen in await hand.store.beat(a_replica("a"), now=hand.now)]

    hand.now += LIVE - timedelta(seconds=2)
    assert ["a", "c"] == [seen.replica.id for seen in await hand.store.beat(a_replica("c"), now=hand.now)]


async def test_where_only_one_can_serve_the_row_of_the_one_before_goes_at_once(hand: Hand) -> None:
    if hand.store.is_shared:
        pytest.skip("several may serve")
    await hand.store.beat(a_replica("killed"), now=hand.now)

    assert ["two"] == [seen.replica.id for seen in await hand.store.beat(a_replica("two"), now=hand.now)]


async def test_the_first_who_wants_to_tell_does_and_the_others_not(store: Store, hand: Hand) -> None:
    hour = timedelta(hours=1)

    assert await store.announce("paused 1", holds=hour, now=hand.now)
    assert not await store.announce("paused 1", holds=hour, now=hand.now)
    assert await store.announce("paused 2", holds=hour, now=hand.now)
    hand.later(minutes=59)
    assert not await store.announce("paused 1", holds=hour, now=hand.now)
    hand.later(minutes=1)
    assert await store.announce("paused 1", holds=hour, now=hand.now)


async def test_one_that_joins_leaves_the_bucket_and_the_trust_as_they_are(hand: Hand) -> None:
    await hand.store.greet("fingerprint", now=hand.now, pace=PACE)
    await hand.trust()
    hand.later(minutes=1)
    await hand.record(a_lead("one", "cus_1"), a_lead("two", "cus_2"))

    joined = await hand.store.greet("fingerprint", now=hand.now, pace=PACE, joins=True)

    assert not joined.cautious
    assert ["one", "two"] == await hand.claim(pace=PACE)


async def test_one_that_joins_with_another_token_has_everybody_careful(hand: Hand) -> None:
    await hand.store.greet("fingerprint", now=hand.now, pace=PACE)
    await hand.trust()

    joined = await hand.store.greet("another", now=hand.now, pace=PACE, joins=True)

    assert (True, "another", False, 0.0) == (joined.cautious, joined.fingerprint, joined.proven, joined.tokens)


async def test_a_lease_that_was_not_settled_in_time_is_freed_as_an_unsure_try(hand: Hand) -> None:
    await hand.trust()
    await hand.record(a_lead("one"))
    await hand.store.claim(limit=1, pace=Pace(n=0), clock=lambda: hand.now, lease=timedelta(seconds=40))
    if hand.store.is_shared:
        hand.later(seconds=40, milliseconds=-1)
        assert 0 == await hand.store.rescue(now=hand.now)
        hand.later(milliseconds=1)

    assert 1 == await hand.store.rescue(now=hand.now)

    again = await hand.claim_one()
    assert ("one", True, 1) == (again.payload.event_name, again.unsure, again.tries)


async def test_a_try_that_is_settled_after_others_have_taken_it_up_counts_once(hand: Hand) -> None:
    """A replica froze in the middle of a try; its lease ran out, another one delivers, and then it wakes up."""
    await hand.trust()
    await hand.record(a_lead("one"), a_lead("next"))
    lost, began = await hand.claim_one(), hand.now
    hand.later(minutes=1)
    await hand.store.rescue(now=hand.now)
    taken_up = await hand.claim_one()

    await hand.end(lost, Delivered(), an_outcome(started_at=began))
    assert [] == [name for name in await hand.claim() if name == "one"]
    await hand.end(taken_up, Delivered())

    one = await hand.one("one")
    assert ("delivered", 3) == (one.state.value, len(await hand.store.attempts(one.id)))


async def test_a_probe_whose_replica_dies_holds_up_the_others_no_longer_than_its_lease(hand: Hand) -> None:
    await hand.trust()
    await hand.record(a_lead("one", "cus_1"), a_lead("two", "cus_2"))
    await hand.end(await hand.sent("one"), Pause(reason="refused"), paused_since=hand.now, probe_at=hand.now)
    probe = await hand.claim()
    assert 1 == len(probe)
    hand.later(seconds=20)
    assert [] == await hand.claim()

    hand.later(seconds=6)
    assert 1 == await hand.store.rescue(now=hand.now)

    assert 1 == len(await hand.claim())


async def test_the_only_careful_try_whose_replica_dies_holds_up_the_others_no_longer_than_its_lease(hand: Hand) -> None:
    await hand.store.greet("fingerprint", now=hand.now)
    await hand.record(a_lead("one", "cus_1"), a_lead("two", "cus_2"))
    assert 1 == len(await hand.claim())
    assert [] == await hand.claim()

    hand.later(seconds=26)
    assert 1 == await hand.store.rescue(now=hand.now)

    assert 1 == len(await hand.claim())
