"""What asks Stripe in the background, with the key of now: look-ups before sales are sent, the scheduled look."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from importlib import import_module
from typing import Final

from bridge import logs
from bridge.assembly.duties import duty
from bridge.config import Settings
from bridge.intake import Intake
from bridge.metrics import Metrics
from bridge.notices import Notice
from bridge.reload import Reloader
from bridge.store.base import Store
from bridge.worker import Lookups, Worker

_log = logs.get("bridge.serve")

#: What of the settings it works by.
MADE_OF: Final = ("stripe_key", "stripe_base_url", "reconcile_every")


class StripeSide:
    """Both, begun anew whenever their settings change; what is given up in the middle is asked again."""

    def __init__(
        self,
        *,
        store: Store,
        reloader: Reloader,
        worker: Worker,
        intake: Intake,
        metrics: Metrics,
        tell: Callable[[Notice], None],
        turn: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._reloader = reloader
        self._worker = worker
        self._intake = intake
        self._metrics = metrics
        self._tell = tell
        self._turn = turn
        self._lookups = contextlib.AsyncExitStack()
        self._looking: asyncio.Task[None] | None = None

    async def use(self, settings: Settings) -> None:
        """Ask by these settings from now on, or nobody."""
        before, self._lookups = self._lookups, contextlib.AsyncExitStack()
        self._worker.ask_with(await self._lookups.enter_async_context(self._asking(settings)))
        await before.aclose()
        await self._end_looking()
        if settings.reconcile_every:
            self._look(settings)

    async def aclose(self) -> None:
        """Ask no more."""
        await self._end_looking()
        await self._lookups.aclose()

    def _asking(self, settings: Settings) -> "contextlib.AbstractAsyncContextManager[Lookups | None]":
        """What asks before sales are sent, for those who have a key."""
        if settings.stripe_key is None:
            return contextlib.nullcontext()
        # Stripe's library costs time and memory: only those who use its API pay for it
        module = import_module("bridge.assembly.looking")
        made: contextlib.AbstractAsyncContextManager[Lookups] = module.looking(
            settings, self._reloader, self._store, self._metrics
        )
        return made

    def _look(self, settings: Settings) -> None:
        """The scheduled look, where it is wanted."""
        if settings.stripe_key is None:
            logs.event(_log, logging.WARNING, "reconcile.off", why="STRIPE_API_KEY is not set")
            return
        module = import_module("bridge.assembly.reconciling")
        work: Coroutine[None, None, None] = module.reconciled(
            settings, self._reloader, self._store, self._intake, self._tell, self._turn
        )
        self._looking = duty(work, "reconcile")

    async def _end_looking(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
            self._looking = None
