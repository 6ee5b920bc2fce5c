"""The stores that must keep the contract. A second backend is one more line in `BACKENDS`."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bridge.store import Store, open_store
from tests.contract.store_hand import Hand

BACKENDS: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{folder / 'bridge.db'}",
}


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return BACKENDS[request.param](tmp_path)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await open_store(url, exclusive=True)
    yield opened
    await opened.close()


@pytest.fixture
def hand(store: Store) -> Hand:
    return Hand(store)
