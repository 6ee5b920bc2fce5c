"""The store's contract once more, with a key: what its tests say must hold of sealed rows as well.

Each file here takes the tests of one beside this folder as they are. Those that look at bodies or payloads in the raw
database are not among them.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.encryption import EncryptionKeys
from bridge.store import Store
from bridge.store.resealing import TABLES
from tests.contract.databases import opened

KEY = bytes(range(32))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'bridge.db'}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await opened(url, keys=EncryptionKeys(writes=KEY, reads=(KEY,)))
    yield store
    # whatever a verb has written is sealed: none of them may forget it
    clear = {table.name: (await store.look_for_stale(table, ())).stale for table in TABLES}
    await store.close()
    assert {"events": (), "deliveries": (), "attempts": ()} == clear
