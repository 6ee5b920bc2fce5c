"""One bridge with one of everything for all tests of the pages: a start costs more than a page."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from bridge.assembly import Running
from tests.contract.store_hand import Hand
from tests.integration.admin.hand import Browser, an_admin, fill
from tests.integration.web_hand import a_bridge


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bridge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A bridge that sends nothing; whoever changes something makes what he changes himself."""
    async with a_bridge(tmp_path_factory.mktemp("admin")) as running:
        await fill(running)
        yield running


@pytest.fixture
def hand(bridge: Running) -> Hand:
    """By the clock of the bridge: one that is far behind would make everything due."""
    made = Hand(bridge.store)
    made.now = datetime.now(UTC)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def admin(bridge: Running) -> AsyncIterator[Browser]:
    """Somebody who is signed in."""
    async with an_admin(bridge) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(bridge: Running) -> AsyncIterator[Browser]:
    """Somebody who is not."""
    async with an_admin(bridge, sign_in=False) as browser:
        yield browser
