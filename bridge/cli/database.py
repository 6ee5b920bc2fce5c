"""One command's visit to the store: open it beside a running bridge, do one thing, let go."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bridge.config import Settings
from bridge.store import Store, open_store

T = TypeVar("T")


def visit(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """Open the store, do the work, close it. Raises ConfigError when there is no such database."""

    async def go() -> T:
        store = await open_store(settings.database_url.reveal(), exclusive=False, keys=settings.encryption_keys)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(go())
