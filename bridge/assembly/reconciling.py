"""The scheduled look at Stripe's list of events: which source it feeds, and with whose key."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from bridge import notices
from bridge.assembly.clock import utcnow
from bridge.config import Settings
from bridge.intake import Intake
from bridge.library import Library, Source
from bridge.notices import Notice
from bridge.reconcile import Progress, keep_reconciled, reconcile
from bridge.reload import Reloader
from bridge.store.base import Store
from bridge.stripe_api import stripe_api


async def reconciled(
    settings: Settings,
    reloader: Reloader,
    store: Store,
    intake: Intake,
    tell: Callable[[Notice], None],
    turn: Callable[[], Awaitable[None]],
) -> None:
    """Look every so often until cancelled, each time by the mapping then in force; what was missing is told."""
    key = settings.stripe_key.reveal() if settings.stripe_key else ""

    async def look(since: datetime, until: datetime) -> Progress:
        source = _of_stripe(reloader.library)
        if source is None:
            return Progress(until=until)
        async with stripe_api(key, base_url=settings.stripe_base_url) as api:
            done = await reconcile(api, source, store=store, intake=intake, since=since, until=until, clock=utcnow)
        if done.gaps:
            tell(notices.gaps(utcnow(), source=source.name, count=len(done.gaps), since=since))
        return done

    await keep_reconciled(look, every=settings.reconcile_every, clock=utcnow, turn=turn)


def _of_stripe(library: Library) -> Source | None:
    """The source called stripe, when it is on: one key is one account's, and that is where its webhooks go."""
    source = library.sources.get("stripe")
    return source if source is not None and source.is_on and source.mapping.types else None
