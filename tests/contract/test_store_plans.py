"""SQLite's plans: no verb of the running bridge walks a table, and a stuck lane costs nobody anything.

Not by timing: by what SQLite says it will do, and by counting its steps.
"""

import itertools
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.model import Dead, Delivered, EventState, RetryAt, Reversal
from bridge.store import open_store
from bridge.store.database_store import DatabaseStore
from bridge.store.lessons import Link
from tests.contract.store_hand import START, Hand, a_conversion, a_lead, a_meaning, a_sale, an_event

#: A walk over a whole table, or over an index that holds all of it. What a subquery reads has steps of its own.
WALK = re.compile(r"SCAN (?!wanted|json_each|tracker|sources_seen|CONSTANT|front\b|\(subquery)")


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[DatabaseStore]:
    store = await open_store(f"sqlite:///{tmp_path / 'bridge.db'}", exclusive=True)
    assert isinstance(store, DatabaseStore)
    yield store
    await store.close()


def writing(store: DatabaseStore) -> sqlite3.Connection:
    assert isinstance(store._writer._db, sqlite3.Connection)
    return store._writer._db


def walks(db: sqlite3.Connection, statements: list[str]) -> list[str]:
    """Steps of these statements' plans that walk through a table, each with its statement."""
    found = []
    for sql in statements:
        if not sql.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            continue
        plan = [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]
        found += [f"{step}: {' '.join(sql.split())}" for step in plan if WALK.search(step)]
    return found


async def a_days_work(hand: Hand) -> None:
    """Every writing verb at least once, with duplicates, deaths, promotions and associations."""
    click = a_conversion(a_sale("click", click_id="c", customer_email="a@b"), association_namespace="stripe")
    follow = a_conversion(a_lead("follow"), needs_association=True, association_namespace="stripe")
    await hand.trust()
    for name in "abc":
        await hand.record(a_meaning(a_conversion(a_sale(name, f"cus_{name}"), claims=["in_1", f"pi_{name}"])))
    await hand.record(a_meaning(click), a_meaning(follow), a_sale("aside", "cus_4"), a_sale("replayed", "cus_5"))
    for delivery in (await hand.ask()).deliveries:
        match delivery.payload.event_name:
            case "a" | "replayed":
                await hand.end(delivery, Dead(reason="no"))
            case "aside":
                await hand.end(delivery, RetryAt(at=START, reason="busy", steps_aside=True))
            case _:
                await hand.end(delivery, Delivered())
    await hand.store.replay([(await hand.one("replayed")).id], now=hand.now)
    await hand.store.release([one.id for one in (await hand.ask()).deliveries], now=hand.now)
    await hand.ask()
    await hand.store.rescue(now=hand.now)
    await hand.store.dismiss([(await hand.one("replayed")).id], only=False, now=hand.now)
    await hand.record(
        a_meaning(event=an_event("first item", item=0), state=EventState.IGNORED),
        a_meaning(a_sale("open", "cus_6"), event=an_event("last item", item=1)),
    )
    await attributions(hand)
    await hand.store.prune(bodies_before=START.replace(year=2027), keys_before=START.replace(year=2027))


async def attributions(hand: Hand) -> None:
    """What waits for a click and finds one, or not; what is filled and given back; what went back."""
    hand.later(minutes=5)
    kinds: dict[str, Any] = {
        "association_namespace": "stripe",
        "wait": timedelta(minutes=1),
        "fill": ("customer", "email"),
    }
    by_address = a_conversion(a_sale("by address", "cus_7", customer_email="A@b"), **kinds)
    in_vain = a_conversion(a_sale("in vain", "cus_8"), claims=["in_8"], **kinds)
    lead = a_conversion(a_lead("nobody's", "cus_9"), claims=["l_9"], **kinds)
    await hand.record(a_meaning(by_address), a_meaning(in_vain), a_meaning(lead))
    await hand.record(a_meaning(a_conversion(a_sale("too", "cus_10", click_id="d"), claims=["in_8"], **kinds)))
    await hand.record(
        a_meaning(a_conversion(a_sale("waits", "cus_11", customer_email="n@b"), claims=["in_11"], **kinds))
    )
    await hand.record(a_meaning(a_conversion(a_lead("n", "cus_12", click_id="e", customer_email="n@b"), **kinds)))
    hand.later(minutes=5)
    await hand.store.release([one.id for one in (await hand.ask()).deliveries], now=hand.now)
    for delivery in (await hand.ask()).deliveries:
        await hand.end(delivery, Dead(reason="no") if delivery.lane == "cus_8" else Delivered())
    refund = Reversal(
        item=0,
        rule="refund",
        kind="refund",
        of=("in_8",),
        sale=("in_8",),
        claims=("r_1",),
        amount=5,
        currency="USD",
        timestamp=START,
    )
    for key in ("re_1", "re_2"):
        await hand.record(a_meaning(event=an_event(key), state=EventState.IGNORED, reversals=(refund,)))
    for one in await hand.store.unlinked(limit=5, now=hand.now):
        link = Link(reversal_id=one.reversal_id, event_id=one.event_id, names=("in_9",), note="asked")
        await hand.store.link(link, now=hand.now)


async def test_no_verb_that_writes_walks_a_table(sqlite: DatabaseStore) -> None:
    statements: list[str] = []
    writing(sqlite).set_trace_callback(statements.append)

    await a_days_work(Hand(sqlite))
    writing(sqlite).set_trace_callback(None)

    assert len(statements) > 100
    assert [] == walks(writing(sqlite), statements)


async def test_the_check_above_would_see_a_walk(sqlite: DatabaseStore) -> None:
    assert 1 == len(walks(writing(sqlite), ["SELECT * FROM deliveries WHERE rule = 'x'"]))


async def test_claim_finds_due_heads_through_the_index_of_heads(sqlite: DatabaseStore) -> None:
    statements: list[str] = []
    hand = Hand(sqlite)
    await hand.trust()
    await hand.record(a_sale("a"))
    writing(sqlite).set_trace_callback(statements.append)
    await hand.claim_one()
    writing(sqlite).set_trace_callback(None)

    (heads,) = [one for one in statements if "head = 1 AND due_at <=" in one]
    ((detail,),) = [[row["detail"]] for row in writing(sqlite).execute(f"EXPLAIN QUERY PLAN {heads}")]
    assert "SEARCH deliveries USING INDEX deliveries_due (due_at<?)" == detail.replace("COVERING ", "")


@pytest.mark.parametrize("paused", [False, True], ids=["the one that goes alone", "a probe"])
async def test_a_single_head_is_chosen_among_heads_in_their_index(sqlite: DatabaseStore, paused: bool) -> None:
    statements: list[str] = []
    hand = Hand(sqlite)
    if paused:
        await hand.set(paused_since=START, pause_reason="401", probe_at=START)
    await hand.record(a_sale("a"))
    writing(sqlite).set_trace_callback(statements.append)
    await hand.claim_one()
    writing(sqlite).set_trace_callback(None)

    (heads,) = [one for one in statements if "ORDER BY due_at, id LIMIT 1000" in " ".join(one.split())]
    plan = [row["detail"] for row in writing(sqlite).execute(f"EXPLAIN QUERY PLAN {heads}")]
    (search,) = [step for step in plan if "deliveries" in step]
    assert "USING INDEX deliveries_due" in search


async def steps_of(store: DatabaseStore, verb: Awaitable[object]) -> int:
    """How many steps SQLite's machine makes for a verb."""
    counter = itertools.count()

    def count() -> None:
        next(counter)

    writing(store).set_progress_handler(count, 1)
    await verb
    writing(store).set_progress_handler(None, 0)
    return next(counter)


async def test_a_claim_costs_the_same_with_2000_stuck_lanes_as_with_20(tmp_path: Path) -> None:
    """Their heads are tried again later: the index of heads is left before it comes to them."""

    async def steps(stuck: int) -> int:
        store = await open_store(f"sqlite:///{tmp_path / f'{stuck}.db'}", exclusive=True)
        assert isinstance(store, DatabaseStore)
        hand = Hand(store)
        await hand.trust()
        crowd = [a_conversion(a_sale(f"s{number}", f"stuck {number}"), item=number) for number in range(stuck)]
        await hand.record(a_meaning(*crowd, event=an_event("crowd")))
        while heads := (await hand.ask()).deliveries:
            for head in heads:
                await hand.end(head, RetryAt(at=START + timedelta(minutes=30), reason="busy"))
        await hand.record(a_sale("other", "cus_2"))
        count = await steps_of(store, hand.claim(limit=1))
        await store.close()
        return count

    assert await steps(20) == await steps(2_000)


@pytest.mark.parametrize("kind", ["retry", "sending"])
async def test_a_stuck_lane_costs_the_same_with_20000_behind_it_as_with_20(tmp_path: Path, kind: str) -> None:
    async def steps(followers: int) -> list[int]:
        store = await open_store(f"sqlite:///{tmp_path / f'{followers}.db'}", exclusive=True)
        assert isinstance(store, DatabaseStore)
        hand = Hand(store)
        await hand.trust()
        await hand.record(a_sale("head", "stuck"))
        head = await hand.claim_one()
        if kind == "retry":
            await hand.end(head, RetryAt(at=START.replace(year=2027), reason="busy"))
        crowd = [a_conversion(a_sale(f"s{number}", "stuck"), item=number) for number in range(followers)]
        await hand.record(a_meaning(*crowd, event=an_event("crowd")))
        await hand.record(a_sale("other", "cus_2"))
        counts = [
            await steps_of(store, hand.record(a_sale("one more", "stuck"))),
            await steps_of(store, hand.claim(limit=1)),
            await steps_of(store, hand.end(await hand.one("other"), Delivered())),
        ]
        await store.close()
        return counts

    few, many = await steps(20), await steps(20_000)

    assert [0, 0, 0] != few
    assert few == many
