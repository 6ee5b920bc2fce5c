"""A move takes everything along or nothing, and afterwards one of the two databases is served from, never both."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from bridge.errors import ConfigError, StoreError
from bridge.model import DeliveryState, Replica
from bridge.store import Store, open_store
from bridge.store.marks import Mark, Marked, put, read, take
from bridge.store.moving import go, opening, plan, undo
from bridge.store.moving.ends import STAYS, End, tables_that_go
from tests.contract.databases import opened
from tests.contract.moving_hand import KEYS, contents, move, something_of_everything
from tests.contract.store_hand import START, Hand, a_meaning, a_sale
from tests.postgres import Server

S = DeliveryState


WAYS = ("sqlite to sqlite", "sqlite to postgres", "postgres to sqlite")


@pytest.fixture(params=WAYS)
def ways(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """From where to where."""

    def place(kind: str, name: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name}.db"
        server: Server = request.getfixturevalue("postgres_server")
        return server.fresh_database()

    source, _, target = request.param.split()
    return place(source, "bridge"), place(target, "target")


@pytest.fixture
def url(ways: tuple[str, str]) -> str:
    return ways[0]


@pytest.fixture
def target(ways: tuple[str, str]) -> str:
    return ways[1]


@pytest.fixture
async def source(url: str) -> str:
    """A database with something of everything, encrypted, which nobody serves from."""
    store = await served(url)
    await something_of_everything(store)
    await store.close()
    return url


async def served(url: str, *, exclusive: bool = True, unchecked: bool = False) -> Store:
    return await opened(url, exclusive=exclusive, unchecked=unchecked, keys=KEYS)


def name_of(url: str) -> str:
    """What it is called in front of people, for a pattern."""
    return re.escape(opening.place_of(url))


def nothing(_: int, __: int) -> None:
    """Nobody looks."""


def by_hand(url: str, work: Callable[[End], None]) -> None:
    """Change a database as a crash, or somebody with an SQL shell, may leave it."""
    end = opening.take(url, create=True, now=START, keys=KEYS)
    with closing(end), end.transaction():
        work(end)


def spoil(url: str, table: str, *, refuses: bool) -> None:
    """Let a new database refuse every row of a table, or write something else instead."""
    with closing(opening.take(url, create=True, now=START)):
        pass
    if url.startswith("sqlite:"):
        does = "SELECT raise(ABORT, 'no')" if refuses else f"UPDATE {table} SET delivery_id = 7"
        by_sql(url, f"CREATE TRIGGER spoil AFTER INSERT ON {table} BEGIN {does}; END")
        return
    does = "RAISE EXCEPTION 'no'" if refuses else "NEW.delivery_id = 7"
    by_sql(url, f"CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {quoted(does)}; RETURN NEW; END'")
    by_sql(url, f"CREATE TRIGGER spoil BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION spoil()")


def mend(url: str, table: str) -> None:
    by_sql(url, "DROP TRIGGER spoil" + ("" if url.startswith("sqlite:") else f" ON {table}"))


def quoted(text: str) -> str:
    return text.replace("'", "''")


def by_sql(url: str, statement: str) -> None:
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db:
            db.execute(statement)
        return
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


async def test_everything_arrives_as_it_was_but_for_what_was_being_sent(source: str, target: str) -> None:
    before = contents(source)

    move(source, target)

    after = contents(target)
    assert [] == [table for table, rows in before.items() if not rows], "a table that is empty here proves nothing"
    changed = {table for table, rows in before.items() if rows != after[table]}
    assert {"deliveries", "attempts"} == changed
    sending = {row for row in before["deliveries"] if "'sending'" in row}
    assert sending == set(before["deliveries"]) - set(after["deliveries"])
    assert len(sending) == len(after["attempts"]) - len(before["attempts"]) > 0


def test_every_table_of_the_schema_goes_or_is_one_that_stays(url: str) -> None:
    with closing(opening.take(url, create=True, now=START, keys=KEYS)) as end:
        tables = set(end.tables())

    assert tables == tables_that_go().keys() | STAYS
    assert {"migrations", "marks", "replicas"} == STAYS


async def test_what_is_encrypted_goes_as_it_is_and_nothing_of_it_in_clear(source: str, target: str) -> None:
    move(source, target)

    there = contents(target)
    assert not [table for table, rows in there.items() if any("ada@example.com" in row for row in rows)]
    assert 1 == len(there["encryption_keys"])
    with pytest.raises(ConfigError, match="decrypt"):
        await opened(target)


async def test_what_was_being_sent_is_an_unsure_try(source: str, target: str) -> None:
    move(source, target)

    store = await served(target)
    hand = Hand(store)
    sent = await hand.one("being sent")
    assert (S.PENDING, True, 1) == (sent.state, sent.unsure, sent.tries)
    await store.close()


async def test_events_are_still_known_claims_are_still_held_and_lanes_go_on_in_order(source: str, target: str) -> None:
    move(source, target)

    store = await served(target)
    hand = Hand(store)
    (known,) = await hand.record(a_sale("line 1", "cus_5"))
    (twin,) = await hand.record(a_meaning(a_sale("first", "cus_2"), key="another"))
    assert (True, False) == (known.known, twin.known)
    await store.resume(now=hand.now)
    await hand.trust()
    lines = [name for name in [await hand.claim(limit=1) for _ in range(9)] if name and name[0].startswith("line")]
    assert [["line 0"]] == lines, "one of a customer at a time, the oldest"
    await store.close()


async def test_the_old_database_is_refused_and_says_where_everything_went(source: str, target: str) -> None:
    move(source, target)

    for exclusive in (True, False):
        with pytest.raises(ConfigError, match=f"was moved to {name_of(target)}") as refused:
            await served(source, exclusive=exclusive)
        assert ["database-moved"] == [problem.code for problem in refused.value.problems]


async def test_how_far_it_is_is_told(url: str, target: str) -> None:
    store = await served(url)
    hand = Hand(store)
    await hand.record(*[a_sale(f"s{number}", f"cus_{number}") for number in range(1_000)])
    await store.close()

    shown = move(url, target)

    assert shown == sorted(shown)
    assert {done for done, _ in shown} >= {500, 1_000, 1_500}
    assert 1 == len({total for _, total in shown})


async def test_a_rehearsal_counts_and_changes_nothing(source: str, target: str) -> None:
    before = contents(source)

    planned = plan(source, target, now=START, keys=KEYS)

    assert {table: len(rows) for table, rows in before.items()} == planned.rows
    assert before == contents(source)
    assert opening.look(target, now=START) is None, "nothing was made there"
    await (await served(source)).close()


async def test_a_database_that_is_served_is_not_moved_nor_moved_into(source: str, target: str) -> None:
    for url in (source, target):
        serving = await open_store(url, exclusive=True, keys=KEYS)
        await serving.beat(Replica(id="r1", host="here", version="1"), now=datetime.now(UTC))
        with pytest.raises(ConfigError) as refused:
            go(source, target, now=START, show=nothing, keys=KEYS)
        assert ["database-in-use"] == [problem.code for problem in refused.value.problems]
        await serving.sources_seen()
        await serving.leave("r1")
        await serving.close()

    move(source, target)


async def test_data_are_never_moved_into_other_data(source: str, target: str) -> None:
    other = await served(target)
    await Hand(other).record(a_sale("of another installation"))
    await other.close()

    for attempt in (
        lambda: plan(source, target, now=START, keys=KEYS),
        lambda: go(source, target, now=START, show=nothing, keys=KEYS),
    ):
        with pytest.raises(ConfigError, match="has data of its own"):
            attempt()

    await (await served(source)).close()


async def test_a_database_on_which_serve_was_tried_but_took_nothing_in_is_empty(source: str, target: str) -> None:
    tried = await served(target)
    await tried.greet("another", now=START)
    await tried.remember_revision("r0", "quiz", "source: quiz", now=START)
    await tried.close()

    move(source, target)

    assert contents(source)["revisions"] == contents(target)["revisions"]
    assert contents(source)["secrets"] == contents(target)["secrets"]
    assert contents(source)["tracker"] == contents(target)["tracker"]


async def test_a_move_into_itself_is_refused(source: str) -> None:
    with pytest.raises(ConfigError, match="same database"):
        go(source, source, now=START, show=nothing, keys=KEYS)


async def test_what_cannot_be_copied_changes_nothing_and_the_old_one_is_served_on(source: str, target: str) -> None:
    spoil(target, "attempts", refuses=True)

    with pytest.raises(StoreError):
        go(source, target, now=START, show=nothing, keys=KEYS)

    assert [] == contents(target)["events"]
    await (await served(source)).close()
    mend(target, "attempts")
    move(source, target)
    assert contents(source)["attempts"] != []


async def test_a_copy_that_is_not_the_same_is_not_kept(source: str, target: str) -> None:
    spoil(target, "claims", refuses=False)

    with pytest.raises(StoreError, match="claims did not arrive as it was sent"):
        go(source, target, now=START, show=nothing, keys=KEYS)

    assert [] == contents(target)["claims"]


async def test_a_move_that_was_killed_before_everything_was_there_begins_anew(source: str, target: str) -> None:
    went = Marked(at_ms=1, move="killed", place=opening.place_of(target))
    by_hand(source, lambda end: put(end.db, Mark.MOVING, went))
    with pytest.raises(ConfigError, match="did not end"):
        await served(source)
    before = contents(source)

    move(source, target)

    assert before["events"] == contents(target)["events"]
    with pytest.raises(ConfigError, match="was moved"):
        await served(source)


async def test_a_move_that_was_killed_when_everything_was_there_is_ended_without_copying(
    source: str, target: str
) -> None:
    move(source, target)

    def forget_the_end(end: End) -> None:
        moved = read(end.db)[Mark.MOVED]
        take(end.db, Mark.MOVED)
        put(end.db, Mark.MOVING, moved)

    by_hand(source, forget_the_end)
    store = await served(target)
    await Hand(store).record(a_sale("taken in since"))
    await store.close()

    assert go(source, target, now=START, show=nothing, keys=KEYS).had_arrived

    assert any("taken in since" in row for row in contents(target)["deliveries"])
    with pytest.raises(ConfigError, match="was moved"):
        await served(source)
    assert go(source, target, now=START, show=nothing, keys=KEYS).had_arrived, "and once more changes nothing"


async def test_a_move_that_began_goes_nowhere_else(source: str, target: str, tmp_path: Path) -> None:
    went = Marked(at_ms=1, move="killed", place=opening.place_of(target))
    by_hand(source, lambda end: put(end.db, Mark.MOVING, went))

    with pytest.raises(ConfigError, match=f"a move to {name_of(target)} began"):
        go(source, f"sqlite:///{tmp_path / 'elsewhere.db'}", now=START, show=nothing, keys=KEYS)

    assert not undo(source, now=START, keys=KEYS)
    await (await served(source)).close()


async def test_a_move_that_is_taken_back_leaves_a_database_to_be_checked(source: str, target: str) -> None:
    move(source, target)

    assert undo(source, now=START, keys=KEYS)

    with pytest.raises(ConfigError, match="restore-check"):
        await served(source)
    store = await served(source, unchecked=True)
    assert START == (await store.restored()).backup_at
    await store.doubt(now=START, send_leads=False)
    await store.close()
    await (await served(source)).close()
    with pytest.raises(ConfigError, match="has not moved"):
        undo(source, now=START, keys=KEYS)


async def test_a_backup_is_not_moved_before_it_was_checked(url: str, target: str) -> None:
    store = await served(url)
    await store.mark_backup(now=START)
    await store.close()

    with pytest.raises(ConfigError, match="restore-check"):
        go(url, target, now=START, show=nothing, keys=KEYS)
