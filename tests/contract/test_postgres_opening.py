"""Opening PostgreSQL: what is wrong with it is told as a Problem with a fix, and never with the URL or its password."""

import asyncio
from collections.abc import Callable
from typing import LiteralString

import psycopg
import pytest

from bridge.errors import ConfigError, Problem
from bridge.store import open_store
from bridge.store.base import EventFilter
from bridge.store.postgres.location import locate
from bridge.store.steps import shipped
from tests.contract.databases import opened, raw
from tests.contract.store_hand import START, Hand, a_sale
from tests.postgres import PASSWORD, ROLE, Server
from tests.support import free_port

Change = Callable[[str], str]


async def problem(url: str, *, exclusive: bool = True) -> Problem:
    with pytest.raises(ConfigError) as caught:
        await open_store(url, exclusive=exclusive)
    (found,) = caught.value.problems
    told = str(caught.value)
    assert "TRACKBRIDGE_DATABASE_URL" == found.place.file
    assert found.fix
    assert url not in told
    assert PASSWORD not in told
    assert "secret" not in told
    return found


@pytest.fixture
def new_url(postgres_server: Server) -> str:
    """A database without any tables."""
    return postgres_server.fresh_database()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%secret@h/db",
        "postgresql://u:secret@h:port/db",
        "postgresql://u:secret@h/db?nosuch=1",
        "postgresql://u:secret@h/db?prepare_threshold=secret",
        "postgresql://u:secret@h/db?prepare_threshold=0",
        "postgresql://u:p@secret@h/db",
        "postgresql://u:p@h/secret@h/db",
        "postgresql://u:5432/secret@h/db",
        "postgres://u:secret@[::1/db",
    ],
)
async def test_a_url_that_is_none_is_a_problem(url: str) -> None:
    found = await problem(url)

    assert ("database-url", "this is no URL of a PostgreSQL database") == (found.code, found.what)


async def test_a_url_without_a_database_is_a_problem() -> None:
    assert "the URL names no database" == (await problem("postgresql://host")).what


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda url: url.replace("%257", "%258"), "the password is wrong, or the user is unknown"),
        (lambda url: url.replace("//bridge:", "//nobody:"), "the password is wrong, or the user is unknown"),
        (lambda url: f"{url}_elsewhere", "there is no such database, or no such user"),
        (lambda url: url.replace("127.0.0.1", "no-such-host.invalid"), "the host's name is unknown"),
        (lambda url: f"{url}?sslmode=require", "it does not speak TLS, and sslmode asks for it"),
        (lambda url: f"postgresql://u:secret@127.0.0.1:{free_port()}/db", "nobody listens there"),
    ],
    ids=["password", "user", "database", "host", "tls", "port"],
)
async def test_a_server_that_lets_nobody_in_is_a_problem(new_url: str, change: Change, why: str) -> None:
    found = await problem(change(new_url))

    assert "database-unreachable" == found.code
    assert found.what.startswith('cannot connect to the database "')
    assert found.what.endswith(f": {why}")


async def test_another_programs_tables_are_left_alone(new_url: str) -> None:
    raw(new_url, "CREATE TABLE migrations (id INTEGER, version TEXT)")

    found = await problem(new_url)

    assert "database-foreign" == found.code
    assert found.what.endswith("holds another program's tables")
    assert [("migrations",)] == raw(
        new_url, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )


async def test_a_schema_of_its_own_beside_another_programs_tables_will_do(
    new_url: str, postgres_server: Server
) -> None:
    raw(new_url, "CREATE TABLE theirs (id INTEGER)")
    raw(new_url, f"CREATE SCHEMA {ROLE} AUTHORIZATION {ROLE}")

    await (await opened(new_url)).close()

    with psycopg.connect(new_url) as connection:
        assert ("bridge",) == connection.execute(
            "SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = 'events'"
        ).fetchone()


async def test_a_command_needs_a_database_that_serve_has_made(new_url: str) -> None:
    found = await problem(new_url, exclusive=False)

    assert "database-missing" == found.code
    assert "`trackbridge serve` makes them when it first starts" == found.why

    await (await opened(new_url)).close()
    await (await opened(new_url, exclusive=False)).close()


async def test_a_command_changes_no_schema_that_others_use(new_url: str) -> None:
    await (await opened(new_url)).close()
    last = shipped("postgres")[-1].number
    raw(new_url, "DELETE FROM migrations WHERE number = ?", (last,))

    found = await problem(new_url, exclusive=False)

    assert "database-older" == found.code
    assert f"is at schema {last - 1}; this version needs {last}" in found.what


async def test_a_newer_schema_is_not_touched(new_url: str) -> None:
    await (await opened(new_url)).close()
    raw(new_url, "INSERT INTO migrations (number, name, applied_at, since) VALUES (999, 'add_wings', 0, 999)")

    found = await problem(new_url)

    assert "database-newer" == found.code
    assert f"(schema 999; this version knows {shipped('postgres')[-1].number})" in found.what


async def test_a_newer_schema_that_lets_older_code_go_on_is_used(new_url: str) -> None:
    await (await opened(new_url)).close()
    last = shipped("postgres")[-1].number
    raw(new_url, "INSERT INTO migrations (number, name, applied_at, since) VALUES (?, 'add_wings', 0, ?)", (999, last))

    store = await opened(new_url)
    await Hand(store).record(a_sale("a"))
    await store.close()
    await (await opened(new_url, exclusive=False)).close()


STATEMENTS: list[tuple[LiteralString, str, str]] = [
    ("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}", "database-unusable", "(no permission) (42501)"),
    ("ALTER DATABASE {name} SET default_transaction_read_only = on", "database-unusable", "(read-only) (25006)"),
    ("ALTER DATABASE {name} SET search_path = nowhere", "database-schema", "has no schema for this user's tables"),
]


@pytest.mark.parametrize(("sql", "code", "words"), STATEMENTS, ids=["no permission", "read-only", "no schema"])
async def test_a_database_in_which_nothing_can_be_made_is_a_problem(
    postgres_server: Server, new_url: str, sql: str, code: str, words: str
) -> None:
    name = new_url.rpartition("/")[2]
    for statement in (f"ALTER DATABASE {name} OWNER TO postgres", sql.format(name=name, role=ROLE)):
        raw(new_url, statement)

    found = await problem(new_url)

    assert code == found.code
    assert words in found.what


async def test_a_database_that_is_not_unicode_is_a_problem(postgres_server: Server) -> None:
    postgres_server.sql(
        "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C' OWNER bridge"
    )

    found = await problem(postgres_server.url("latin"))

    assert ("database-encoding", True) == (found.code, found.what.endswith("keeps texts as LATIN1"))


async def test_serves_that_start_at_once_make_everything_once(new_url: str) -> None:
    stores = await asyncio.gather(*(opened(new_url) for _ in range(4)))
    for store in stores:
        await store.close()

    numbers = raw(new_url, "SELECT number FROM migrations ORDER BY number")
    assert [(step.number,) for step in shipped("postgres")] == numbers


async def test_everything_is_there_after_closing_and_opening(postgres_url: str) -> None:
    for name in "ab":
        store = await opened(postgres_url.replace("postgresql:", "postgres:"))
        await Hand(store).record(a_sale(name))
        await store.pause("lunch", now=START)
        await store.close()

    store = await opened(f"{postgres_url}?prepare_threshold=1&application_name=ours", exclusive=False)
    assert ["evt_b_cus_1", "evt_a_cus_1"] == [one.event.key for one in await store.events(EventFilter())]
    assert (await store.tracker()).paused_by_operator
    await store.close()


def test_nothing_is_prepared_unless_the_url_says_so() -> None:
    plain, asked = (
        locate("postgresql://u:secret@h/db"),
        locate("postgresql://u:s%3Fe@h/db?prepare_threshold=5&options=-cx"),
    )

    assert (None, 5) == (plain.prepare_threshold, asked.prepare_threshold)
    assert "prepare_threshold" not in asked.conninfo
    assert ("secret" in repr(plain), "secret" in str(plain)) == (False, False)
    assert 'the database "db" on h' == str(plain)
