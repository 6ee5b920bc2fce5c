"""The stores that must keep the contract: every one of its tests runs on both kinds of database.

On PostgreSQL the clock is the caller's, as in a file, so that tests can move it; that the database's own is used
otherwise has tests of its own. One server for all, with one database for each test that asks for one.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bridge.store import Store
from tests.contract.databases import opened, template
from tests.contract.store_hand import Hand
from tests.postgres import Server

BACKENDS = ("sqlite",)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose databases live for a test."""
    with Server.start(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> str:
    """The name of a database at this version's schema, with nothing in it, to be copied."""
    return template(postgres_server)


@pytest.fixture
def postgres_url(postgres_server: Server, postgres_template: str) -> str:
    """A database of one's own."""
    return postgres_server.fresh_database(like=postgres_template)


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bridge.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await opened(url)
    yield store
    await store.close()


@pytest.fixture
def hand(store: Store) -> Hand:
    return Hand(store)
