"""The stores that must keep the contract: every one of its tests runs on both kinds of database.

On PostgreSQL the clock is the caller's, as in a file, so that tests can move it; that the database's own is used
otherwise has tests of its own.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.store import Store
from tests.contract.databases import BACKENDS, empty, opened, server
from tests.contract.store_hand import Hand
from tests.postgres import Server


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of one's own, of either kind."""
    return empty(request.param, tmp_path)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await opened(url)
    yield store
    await store.close()


@pytest.fixture
def hand(store: Store) -> Hand:
    return Hand(store)


@pytest.fixture
def postgres_server() -> Server:
    return server()


@pytest.fixture
def postgres_url(tmp_path: Path) -> str:
    """A PostgreSQL database with nothing in it."""
    return empty("postgres", tmp_path)
