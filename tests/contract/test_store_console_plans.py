"""What operators do to many events is as cheap for each as what the bridge does: no walk over a table in its way."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.model import Dead, Delivered, EventState
from bridge.store import open_store
from bridge.store.database_store import DatabaseStore
from bridge.store.persons import Person
from tests.contract.store_hand import Hand, a_conversion, a_meaning, a_sale, an_event
from tests.contract.test_store_plans import walks, writing


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[DatabaseStore]:
    store = await open_store(f"sqlite:///{tmp_path / 'bridge.db'}", exclusive=True)
    assert isinstance(store, DatabaseStore)
    yield store
    await store.close()


async def given(hand: Hand) -> None:
    """Deliveries of every sort: 2 dead, 3 delivered, 4 pending with a duplicate, 6 a part of a batch."""
    await hand.trust()
    for name in "ab":
        await hand.record(a_meaning(a_conversion(a_sale(name, f"cus_{name}"), claims=[f"in_{name}"]), key=name))
    dead, delivered = (await hand.ask()).deliveries
    await hand.end(dead, Dead(reason="no"))
    await hand.end(delivered, Delivered())
    for name in "cd":
        await hand.record(a_meaning(a_conversion(a_sale(name, "cus_c"), claims=["in_c", "x"]), key=name))
    await hand.record(a_meaning(event=an_event("item", item=0, body=b"[1]"), state=EventState.UNMAPPED))


async def test_no_replay_remap_or_erasure_walks_a_table(sqlite: DatabaseStore) -> None:
    hand = Hand(sqlite)
    await given(hand)
    statements: list[str] = []
    writing(sqlite).set_trace_callback(statements.append)

    await sqlite.replay([2, 3], now=hand.now, again=True)
    for name, number in (("c", 4), ("d", 5), ("item", 6), ("a", 2)):
        conversion = a_conversion(a_sale(f"new {name}", "cus_new", click_id="c"), claims=[f"in_{name}", f"new_{name}"])
        await sqlite.remap(number, a_meaning(conversion, key=name), now=hand.now)
    await sqlite.remap(4, a_meaning(state=EventState.IGNORED, key="c"), now=hand.now)
    await sqlite.dismiss([2, 3, 4, 5, 6, 7], only=False, now=hand.now)
    await sqlite.erase([2, 3, 4, 5, 6], [6], Person(customers=frozenset(["cus_new"])))
    writing(sqlite).set_trace_callback(None)

    assert len(statements) > 150
    assert [] == walks(writing(sqlite), statements)


async def test_news_and_pages_are_looked_up_not_searched_for(sqlite: DatabaseStore) -> None:
    await given(Hand(sqlite))
    db: sqlite3.Connection = writing(sqlite)
    for sql in (
        "SELECT * FROM deliveries WHERE changed > 5 ORDER BY changed LIMIT 200",
        "SELECT coalesce(max(changed), 0) FROM deliveries WHERE changed IS NOT NULL",
        "SELECT * FROM events WHERE id > 5 ORDER BY id LIMIT 200",
        "SELECT id FROM events WHERE source = 'stripe' AND state = 'unmapped' AND id < 9 ORDER BY id DESC LIMIT 50",
    ):
        assert [] == walks(db, [sql])
