"""What PostgreSQL really does for a day's work: it looks things up, however much else there is, with statistics or not.

Its own auto_explain writes every plan into its log, with what each step of it looked at.
"""

import re
from collections.abc import AsyncIterator

import pytest

from bridge.store.base import DeliveryFilter, EventFilter
from bridge.store.database_store import DatabaseStore
from tests.contract.databases import opened, raw
from tests.contract.store_hand import START, Hand
from tests.contract.test_store_plans import a_days_work
from tests.postgres import ROLE, Server

BYSTANDERS = 3_000
#: Read as a whole, and they stay small.
SMALL = ("sources_seen", "reversal_counts", "migrations", "marks", "replicas")
#: What the test itself looks at.
HAND = "SELECT * FROM deliveries  ORDER BY id DESC"
EXPLAINS = {
    "session_preload_libraries": "'auto_explain'",
    '"auto_explain.log_min_duration"': "0",
    '"auto_explain.log_analyze"': "on",
    '"auto_explain.log_timing"': "off",
    '"auto_explain.log_parameter_max_length"': "0",
}


@pytest.fixture
async def explained(postgres_url: str, postgres_server: Server) -> AsyncIterator[DatabaseStore]:
    for name, value in EXPLAINS.items():
        raw(postgres_url, f"ALTER ROLE {ROLE} SET {name} = {value}")
    store = await opened(postgres_url)
    yield store
    await store.close()
    for name in EXPLAINS:
        raw(postgres_url, f"ALTER ROLE {ROLE} RESET {name}")


def bystanders(url: str) -> None:
    """Others' events: delivered, or at the front of their lanes and not due today."""
    # what the database was used for before has left its marks in what the planner knows
    raw(url, "TRUNCATE events, deliveries, claims, attempts, associations")
    due = int(START.timestamp() * 1000) + 40 * 60_000
    among = f"FROM generate_series(10000, {9_999 + BYSTANDERS}) AS n"
    raw(
        url,
        f"""
        INSERT INTO events (id, source, key, source_id, type, received_at, test, verified_by, revision, headers, query,
                            state, reason, steps, body)
        SELECT n, 'stripe', 'b' || n, 'b' || n, 't', 0, 0, 's', 'r', '[]', '', 'accepted', '', '[]', 'x' {among}
        """,
    )
    raw(
        url,
        f"""
        INSERT INTO deliveries (id, event_id, source, item, rule, kind, lane, state, head, due_at, created_at,
                                when_unsure, claims, namespace, payload)
        SELECT n, n, 'stripe', 0, 'r', 'sale', 'b' || n, CASE WHEN n % 2 = 0 THEN 'delivered' ELSE 'pending' END,
               n % 2, {due}, {due}, 'repeat', '["b' || n || '"]', 'stripe', '{{}}' {among}
        """,
    )
    raw(url, "INSERT INTO sources_seen VALUES ('stripe')")
    raw(url, f"INSERT INTO claims SELECT 'b' || n, n {among}")
    raw(url, f"INSERT INTO associations SELECT 'stripe', 'b' || n, 'c', 0, n, n, NULL {among}")
    raw(url, f"INSERT INTO attempts SELECT n, 1, 0, 1, 'yes', 200, 'delivered', '', '', 1 {among}")


def walks(log: str) -> list[str]:
    """Plans with a step that read a table, or threw away what an index gave it, as many rows as there are others."""
    found = []
    for plan in re.split(r"\n(?=\d{4}-\d\d-\d\d )", log):
        if "Query Text" not in plan or HAND in plan:
            continue
        seen = [float(number) for number in re.findall(r"(?:Rows Removed by [\w ]+: |actual rows=)(\d+)", plan)]
        scans = [table for table in re.findall(r"Seq Scan on (\w+)", plan) if table not in SMALL]
        if scans or max(seen, default=0) >= BYSTANDERS / 3:
            found.append(plan)
    return found


@pytest.mark.parametrize("analyzed", [False, True], ids=["a new database", "with statistics"])
async def test_no_verb_that_writes_walks_a_table(
    explained: DatabaseStore, postgres_url: str, postgres_server: Server, *, analyzed: bool
) -> None:
    bystanders(postgres_url)
    if analyzed:
        raw(postgres_url, "ANALYZE")
    begun = len(postgres_server.log)

    await a_days_work(Hand(explained))

    log = postgres_server.log[begun:]
    assert log.count("Query Text") > 300, "auto_explain is at work"
    assert [] == walks(log)


@pytest.mark.parametrize("analyzed", [False, True], ids=["a new database", "with statistics"])
async def test_what_pages_ask_is_looked_up(
    explained: DatabaseStore, postgres_url: str, postgres_server: Server, *, analyzed: bool
) -> None:
    bystanders(postgres_url)
    if analyzed:
        raw(postgres_url, "ANALYZE")
    begun = len(postgres_server.log)

    for wanted in (
        EventFilter(),
        EventFilter(source="stripe"),
        EventFilter(customer="b10001"),
        EventFilter(after=12_900),
    ):
        assert await explained.events(wanted)
    assert await explained.deliveries(DeliveryFilter(customer="b10001"))
    assert await explained.deliveries(DeliveryFilter())
    assert 1 == len(await explained.find_events("b10001"))
    assert 1 == len(await explained.stories("d10001"))
    assert {"b10001"} == await explained.known_events("stripe", ["b10001", "none"])
    await explained.activity(now=START)
    await explained.last_heard("stripe")

    log = postgres_server.log[begun:]
    assert log.count("Query Text") > 30
    # how many came from a source in a week is counted, by its index
    assert [] == [plan for plan in walks(log) if "count(*)" not in plan]
