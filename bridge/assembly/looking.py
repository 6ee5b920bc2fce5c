"""Look-ups with the operator's key: apart from the others, because Stripe's library costs time and memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.asking import Asker
from bridge.assembly.clock import utcnow
from bridge.config import Settings
from bridge.errands import Errands
from bridge.inquiry import Question
from bridge.lookups import Lookups
from bridge.metrics import Metrics
from bridge.model import Json
from bridge.reload import Reloader
from bridge.store.base import Store
from bridge.stripe_api import stripe_api

#: A look-up that fails is begun again half a minute later: there is no need to try long.
_PAUSES = (0.5,)
_TIMEOUT_SECONDS = 8.0


@asynccontextmanager
async def looking(settings: Settings, reloader: Reloader, store: Store, metrics: Metrics) -> AsyncIterator[Lookups]:
    """The look-ups, by the mappings in force; ended with what they are in the middle of."""
    key = settings.stripe_key.reveal() if settings.stripe_key else ""
    async with stripe_api(
        key, base_url=settings.stripe_base_url, pauses=_PAUSES, timeout_seconds=_TIMEOUT_SECONDS
    ) as api:

        async def ask(question: Question) -> dict[str, Json] | None:
            return await api.read(question.path, account=question.account, **question.parameters)

        asker = Asker(ask, metrics=metrics)
        made = Lookups(memory=store, asker=asker, library=lambda: reloader.library, metrics=metrics, clock=utcnow)
        errands = Errands(
            memory=store, asker=asker, lookups=made, library=lambda: reloader.library, metrics=metrics, clock=utcnow
        )
        running = asyncio.create_task(errands.run())
        try:
            yield made
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await made.aclose()
