"""What is done for all once in a while: forgetting what retention allows, freeing what dead replicas held.

A failing database costs a turn, never the duty.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from bridge import logs
from bridge.errors import StoreError
from bridge.store.base import Store

_log = logs.get("bridge.upkeep")

HOUR_SECONDS: Final = 3600.0
RESCUE_SECONDS: Final = 5.0
#: When the database has just come back, whoever knows what became of a try has so long to write it.
PATIENCE_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long what is kept."""

    days: int
    keys_days: int


class Leases(Protocol):
    """What a rescue asks of the store."""

    async def rescue(self, *, now: datetime) -> int:
        """Free the leases that have expired; how many."""
        ...

    async def ping(self) -> None:
        """Raise StoreError unless the database can be written."""
        ...


async def at_once() -> None:
    """Wait for nobody's turn."""


async def keep_house(
    store: Store,
    *,
    retention: Callable[[], Retention],
    clock: Callable[[], datetime],
    turn: Callable[[], Awaitable[None]] = at_once,
    every_seconds: float = HOUR_SECONDS,
) -> None:
    """Prune now and every hour until cancelled, while it is our turn: bodies and keys, each after their days."""
    while True:
        await turn()
        now, kept = clock(), retention()
        try:
            pruned = await store.prune(
                bodies_before=now - timedelta(days=kept.days),
                keys_before=now - timedelta(days=max(kept.keys_days, kept.days)),
            )
            if pruned:
                logs.event(_log, logging.INFO, "store.pruned", events=pruned)
        except StoreError as error:
            logs.event(_log, logging.ERROR, "store.unavailable", verb="prune", why=str(error))
        await asyncio.sleep(every_seconds)


async def keep_rescuing(
    store: Leases,
    *,
    clock: Callable[[], datetime],
    wake: Callable[[], None],
    every_seconds: float = RESCUE_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Free expired leases until cancelled: for databases from which several serve.

    After a time without the database those who were cut off settle first: their leases have expired as well, and what
    they know of their tries is better than calling them unsure.
    """
    while True:
        await asyncio.sleep(every_seconds)
        try:
            rescued = await store.rescue(now=clock())
        except StoreError as error:
            logs.event(_log, logging.ERROR, "store.unavailable", verb="rescue", why=str(error))
            await _answers(store, every_seconds)
            await asyncio.sleep(patience_seconds)
            continue
        if rescued:
            logs.event(_log, logging.WARNING, "deliveries.rescued", rescued=rescued)
            wake()


async def _answers(store: Leases, every_seconds: float) -> None:
    """Wait until the database can be written."""
    while True:
        try:
            await store.ping()
        except StoreError:
            await asyncio.sleep(every_seconds / 5)
        else:
            return
