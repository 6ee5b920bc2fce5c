"""PostgreSQL in trouble: a lost connection, a lock, a full disk is a StoreError in time, and the store recovers."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

import psycopg
import pytest

from bridge.errors import StoreError
from bridge.model import Delivered, EventState, Meaning, Wait
from bridge.store.base import EventFilter
from bridge.store.database import Connection
from bridge.store.database_store import DatabaseStore
from bridge.store.postgres import backend
from tests.contract.databases import opened, raw
from tests.contract.store_hand import START, Hand, S, a_conversion, a_lead, a_meaning, a_sale, an_event
from tests.postgres import ROLE, Server


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[DatabaseStore]:
    store = await opened(postgres_url)
    yield store
    await store.close()


@pytest.fixture
async def trusted(store: DatabaseStore) -> Hand:
    hand = Hand(store)
    await hand.trust()
    return hand


#: The server says goodbye, when there is time for it.
LOST = r"the database is being stopped or started \(57P01\)|the connection to the database was lost"


def told(key: str) -> Meaning:
    return a_meaning(event=an_event(key), state=EventState.IGNORED)


async def keys(store: DatabaseStore) -> set[str]:
    return {one.event.key for one in await store.events(EventFilter(limit=1000))}


# ── connections ──────────────────────────────────────────────────────────────────────────────────────────────────


def end_all(url: str) -> None:
    raw(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()",
    )


async def test_connections_that_were_lost_while_nothing_happened_cost_nobody_anything(
    store: DatabaseStore, postgres_url: str
) -> None:
    await store.record([told("a")], now=START)
    assert {"a"} == await keys(store)
    end_all(postgres_url)

    await store.record([told("b")], now=START)

    end_all(postgres_url)
    assert {"a", "b"} == await keys(store)


async def test_a_connection_that_is_lost_in_the_middle_is_said_and_the_next_one_is_new(
    store: DatabaseStore, postgres_url: str
) -> None:
    def broken(db: Connection) -> None:
        end_all(postgres_url)
        db.execute("UPDATE tracker SET beats = 7")

    with pytest.raises(StoreError, match=LOST):
        await store._writer.alone(broken)
    with pytest.raises(StoreError, match=LOST):
        await store._reader.read(broken)

    await store.ping()
    assert set() == await keys(store)
    assert [(1,)] == raw(postgres_url, "SELECT beats FROM tracker")


#: Makes every COMMIT that wrote an event wait.
SLOW_COMMIT = """
    CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION slowly();
"""


@pytest.fixture
def slow_commit(postgres_url: str) -> Iterator[None]:
    raw(postgres_url, SLOW_COMMIT)
    yield
    raw(postgres_url, "DROP FUNCTION slowly() CASCADE")


@contextlib.contextmanager
def waiting_for_a_standby(server: Server) -> Iterator[None]:
    """A COMMIT is on this server's disk and then waits for a standby that is not there."""
    server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    server.sql("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        server.sql("ALTER SYSTEM RESET synchronous_standby_names")
        server.sql("SELECT pg_reload_conf()")


async def killed_while_committing(store: DatabaseStore, url: str, where: str) -> str:
    """The key of the event whose COMMIT was under way; those before it were too quick."""
    look = f"SELECT 1 FROM pg_stat_activity WHERE {where} AND datname = current_database()"
    for number in range(1000):
        call = asyncio.ensure_future(store.record([told(f"e{number}")], now=START))
        while not call.done() and not raw(url, look):
            await asyncio.wait([call], timeout=0.01)
        if not call.done():
            end_all(url)
            with pytest.raises(StoreError):
                await call
            return f"e{number}"
    raise AssertionError("no COMMIT took long enough")


@pytest.mark.usefixtures("slow_commit")
async def test_a_commit_that_was_killed_before_it_was_done_is_an_error(store: DatabaseStore, postgres_url: str) -> None:
    await killed_while_committing(store, postgres_url, "query = 'COMMIT' AND state = 'active'")

    assert set() == await keys(store)


async def test_a_commit_whose_answer_got_lost_is_an_error_though_it_arrived(
    store: DatabaseStore, postgres_url: str, postgres_server: Server
) -> None:
    with waiting_for_a_standby(postgres_server):
        key = await killed_while_committing(store, postgres_url, "wait_event = 'SyncRep'")

    (again,) = await store.record([told(key)], now=START)

    assert again.known
    assert key in await keys(store)


async def test_a_transaction_that_failed_unseen_is_not_taken_for_committed(store: DatabaseStore) -> None:
    """PostgreSQL answers its COMMIT with ROLLBACK, and no error."""

    def swallows(db: Connection) -> str:
        db.execute("UPDATE tracker SET beats = 7")
        with contextlib.suppress(psycopg.Error):
            db.execute("SELECT 1 / 0")
        return "done"

    with pytest.raises(StoreError):
        await store._writer.alone(swallows)

    assert (0,) == await store._reader.read(lambda db: tuple(db.execute("SELECT beats FROM tracker").fetchone()))


# ── locks ────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def holding(url: str, sql: str) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    """Somebody with psql who has begun something and gone to lunch."""
    with psycopg.connect(url) as connection:
        connection.execute(sql.encode())
        yield connection
        connection.rollback()


async def test_a_delivery_that_somebody_holds_holds_nobody_up(trusted: Hand, postgres_url: str) -> None:
    await trusted.record(*(a_sale(name, f"cus_{name}") for name in "abc"))

    with holding(postgres_url, "SELECT 1 FROM deliveries WHERE lane = 'cus_a' FOR UPDATE"):
        claimed = await trusted.ask()
        assert ["b", "c"] == [one.payload.event_name for one in claimed.deliveries]
        assert claimed.ask_again_at is None or claimed.ask_again_at > trusted.now

    assert ["a"] == await trusted.claim()


async def test_more_than_a_claims_worth_that_somebody_holds_holds_nobody_up(trusted: Hand, postgres_url: str) -> None:
    await trusted.record(*(a_sale(f"s{number:03}", f"cus_{number}") for number in range(120)))

    with holding(postgres_url, "SELECT 1 FROM deliveries WHERE id BETWEEN 2 AND 101 FOR UPDATE"):
        assert [f"s{number}" for number in range(100, 108)] == await trusted.claim(limit=8)


@pytest.mark.parametrize("row", [{"cautious": True}, {"paused_since": START}], ids=["caution", "a probe"])
async def test_one_alone_is_another_than_what_somebody_holds(
    trusted: Hand, postgres_url: str, row: dict[str, Any]
) -> None:
    await trusted.set(**row)
    await trusted.record(a_sale("a", "cus_a"), a_sale("b", "cus_b"))

    with holding(postgres_url, "SELECT 1 FROM deliveries WHERE lane = 'cus_a' FOR UPDATE"):
        assert ["b"] == await trusted.claim()


async def test_what_waits_and_is_held_comes_back_later(trusted: Hand, postgres_url: str) -> None:
    await trusted.record(a_lead("a", "cus_a"), a_lead("b", "cus_b"))
    for delivery in (await trusted.ask()).deliveries:
        await trusted.end(delivery, Wait(until=trusted.now, reason="404"))
    trusted.later(seconds=1)

    with holding(postgres_url, "SELECT 1 FROM deliveries WHERE lane = 'cus_a' FOR UPDATE"):
        claimed = await trusted.ask()
        assert ["b"] == [one.payload.event_name for one in claimed.deliveries]
        assert claimed.ask_again_at is None or claimed.ask_again_at > trusted.now

    assert ["a"] == await trusted.claim()


async def test_a_row_that_somebody_holds_costs_only_those_who_need_it(
    trusted: Hand, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "HELD_MS", 50)
    await trusted.record(a_sale("a"))
    delivery = await trusted.claim_one()
    store = trusted.store

    with holding(postgres_url, f"SELECT 1 FROM deliveries WHERE id = {delivery.id} FOR UPDATE"):
        ended, recorded = await asyncio.gather(
            trusted.end(delivery, Delivered()), store.record([told("b")], now=START), return_exceptions=True
        )
        assert isinstance(ended, StoreError)
        assert "somebody else holds what is to be written (55P03)" == str(ended)
        assert not isinstance(recorded, BaseException)

    await trusted.end(delivery, Delivered())


async def test_who_waits_too_long_for_the_turn_says_so(
    store: DatabaseStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "TURN_MS", 50)

    with holding(postgres_url, f"SELECT pg_advisory_xact_lock({backend.TURN[0]}, {backend.TURN[1]})"):
        with pytest.raises(StoreError, match=r"somebody else holds what is to be written \(55P03\)"):
            await store.record([told("a")], now=START)
        assert set() == await keys(store), "who reads waits for nobody"

    await store.record([told("a")], now=START)


async def test_the_turn_is_taken_from_a_replica_that_does_nothing_with_it(
    store: DatabaseStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "IDLE_MS", 200)
    frozen = await opened(postgres_url)
    has_turn, thaw = threading.Event(), threading.Event()

    def freeze(db: Connection) -> None:
        db.execute("UPDATE tracker SET beats = 7")
        has_turn.set()
        thaw.wait(30)
        db.execute("UPDATE tracker SET beats = 8")

    held = asyncio.ensure_future(frozen._writer.alone(freeze))
    await asyncio.to_thread(has_turn.wait)
    began = time.monotonic()

    await store.record([told("a")], now=START)

    assert time.monotonic() - began < 2
    thaw.set()
    with pytest.raises(StoreError, match=r"took too long \(25P03\)|connection to the database was lost"):
        await held
    await frozen.ping()
    await frozen.close()
    assert [(1,)] == raw(postgres_url, "SELECT beats FROM tracker")


def test_a_503_comes_in_time_behind_the_turn() -> None:
    """A request may wait for the batch before it and then for its own."""
    assert 2 * backend.TURN_MS <= 5_000
    assert backend.IDLE_MS <= 10_000 >= backend.STATEMENT_MS


async def test_a_deadlock_is_tried_again(trusted: Hand, postgres_url: str, postgres_server: Server) -> None:
    """Somebody with psql updates the same two rows the other way round."""
    await trusted.record(a_sale("a", "cus_a"), a_sale("b", "cus_b"))
    postgres_server.sql(f"ALTER ROLE {ROLE} SET deadlock_timeout = '10ms'")
    end_all(postgres_url)
    store = trusted.store
    assert isinstance(store, DatabaseStore)
    tries = []
    try:
        with psycopg.connect(postgres_server.admin_url(postgres_url.rpartition("/")[2])) as other:
            other.execute("SET deadlock_timeout = '20s'")
            other.execute("UPDATE deliveries SET reason = '' WHERE lane = 'cus_b'")
            second = threading.Thread(
                target=lambda: other.execute("UPDATE deliveries SET reason = '' WHERE lane = 'cus_a'")
            )

            def crosswise(db: Connection) -> int:
                tries.append(1)
                if len(tries) > 1:
                    second.join()
                    other.commit()
                db.execute("UPDATE deliveries SET reason = 'x' WHERE lane = 'cus_a'")
                if len(tries) == 1:
                    second.start()
                    while not raw(postgres_url, "SELECT 1 FROM pg_locks WHERE NOT granted"):
                        time.sleep(0.01)
                return db.execute("UPDATE deliveries SET reason = 'x' WHERE lane = 'cus_b'").rowcount

            assert 1 == await store._writer.alone(crosswise)
    finally:
        postgres_server.sql(f"ALTER ROLE {ROLE} RESET deadlock_timeout")

    assert 2 == len(tries)
    assert [("x",), ("x",)] == raw(postgres_url, "SELECT reason FROM deliveries WHERE lane IN ('cus_a', 'cus_b')")


# ── what the server says ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def refuses(postgres_url: str) -> Iterator[None]:
    """A server that says an SQLSTATE to every event whose key is one."""
    raw(
        postgres_url,
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'ada@example.com' USING ERRCODE = new.key; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW WHEN (length(new.key) = 5)
            EXECUTE FUNCTION refuse();
        """,
    )
    yield
    raw(postgres_url, "DROP FUNCTION refuse() CASCADE")


@pytest.mark.usefixtures("refuses")
@pytest.mark.parametrize(
    ("code", "words", "for_all"),
    [
        ("53100", "there is no space left for the database", True),
        ("53200", "there is no memory left for the database", True),
        ("53400", "the database is short of something", True),
        ("58030", "the disk under the database answers with an error", True),
        ("XX001", "the database is damaged", True),
        ("42501", "the database cannot be written (no permission)", True),
        ("57014", "the database took too long", True),
        ("40001", "the database ended the transaction in favour of another", False),
        ("23505", "the database refuses this row", False),
        ("54000", "the database refuses this row", False),
    ],
)
async def test_what_the_server_says_is_told_in_words_without_data(
    store: DatabaseStore, code: str, words: str, *, for_all: bool
) -> None:
    bad, good = await asyncio.gather(
        store.record([told(code)], now=START), store.record([told("good one")], now=START), return_exceptions=True
    )

    assert isinstance(bad, StoreError)
    assert f"{words} ({code})" == str(bad)
    assert isinstance(good, StoreError) == for_all
    assert (set() if for_all else {"good one"}) == await keys(store)
    await store.record([told("afterwards")], now=START)


async def test_a_database_that_is_read_only_says_so_and_can_be_read(
    store: DatabaseStore, postgres_url: str, postgres_server: Server
) -> None:
    """As a standby is, or what some providers make of a database whose disk is full."""
    await store.record([told("a")], now=START)
    name = postgres_url.rpartition("/")[2]
    postgres_server.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    end_all(postgres_url)
    try:
        for verb in (store.record([told("b")], now=START), store.ping()):
            with pytest.raises(StoreError, match=r"the database cannot be written \(read-only\) \(25006\)"):
                await verb
        assert {"a"} == await keys(store)
    finally:
        raw(postgres_url, "SET default_transaction_read_only = off")
        postgres_server.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")

    end_all(postgres_url)
    await store.ping()


async def test_a_number_that_no_column_takes_costs_only_its_own(store: DatabaseStore) -> None:
    far = datetime.max.replace(tzinfo=START.tzinfo)
    await store.record([told("a")], now=START)

    await store.record([a_meaning(a_sale("late", timestamp=far), key="b")], now=START)

    assert {"a", "b"} == await keys(store)


async def test_ids_longer_than_an_index_takes_are_kept(trusted: Hand) -> None:
    """255 characters of four bytes each, and the names that are made of them."""
    long = "".join(chr(0x1F300 + number) for number in range(255))
    name = f'["sale","stripe","{long.encode("utf-16-be").hex()}","{long.encode("utf-16-be").hex()[::-1]}"]'
    assert len(name) > 2704

    for key in ("first", "second"):
        await trusted.record(
            a_meaning(
                a_conversion(a_sale(key, long, click_id=long), claims=[name], association_namespace="n"),
                event=an_event(long + key, source_id=long),
            )
        )

    assert ["first"] == await trusted.claim()
    assert S.DUPLICATE is (await trusted.one("second")).state
