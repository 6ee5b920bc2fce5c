"""Forget what retention allows, once an hour; a failing database is tried again an hour later."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bridge import logs
from bridge.errors import StoreError
from bridge.store.base import Store

_log = logs.get("bridge.upkeep")

HOUR_SECONDS = 3600.0


async def keep_house(
    store: Store,
    *,
    retention_days: int,
    keys_days: int,
    clock: Callable[[], datetime],
    every_seconds: float = HOUR_SECONDS,
) -> None:
    """Prune now and every hour until cancelled: bodies after `retention_days`, keys after `keys_days`."""
    while True:
        now = clock()
        try:
            pruned = await store.prune(
                bodies_before=now - timedelta(days=retention_days),
                keys_before=now - timedelta(days=max(keys_days, retention_days)),
            )
            if pruned:
                logs.event(_log, logging.INFO, "store.pruned", events=pruned)
        except StoreError as error:
            logs.event(_log, logging.ERROR, "store.unavailable", verb="prune", why=str(error))
        await asyncio.sleep(every_seconds)
