"""Use case three: what Stripe says happened, through the same intake as its webhooks.

Known events change nothing, so a stretch may be read as often as one likes. Progress is told stretch by stretch, in
the order of time: whoever is interrupted has everything up to the last one told.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bridge import logs, sources
from bridge.errors import StoreError
from bridge.intake import Intake, understand
from bridge.library import Source
from bridge.model import Json, Verified, Webhook
from bridge.stripe_api import StripeApi, StripeTrouble
from bridge.upkeep import at_once

#: How an event is proven that was asked of Stripe itself, over TLS, with the operator's key.
FETCHED = "fetched with an API key"
#: How far the first look of a running bridge goes back, and how much every later one repeats of the one before.
FIRST_LOOK = timedelta(days=3)
OVERLAP = timedelta(hours=1)

_log = logs.get("bridge.reconcile")


class Known(Protocol):
    """What a reconciliation asks of the store."""

    async def known_events(self, source: str, keys: Sequence[str]) -> frozenset[str]:
        """Those of the keys that are recorded."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """An event that Stripe has and we had not."""

    id: str
    type: str
    created: int
    #: what became of it: accepted, ignored, unmapped; empty in a dry run
    status: str = ""
    deliveries: int = 0


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far it is, and what was missing."""

    until: datetime
    seen: int = 0
    gaps: list[Gap] = field(default_factory=list)


async def reconcile(
    api: StripeApi,
    source: Source,
    *,
    store: Known,
    intake: Intake,
    since: datetime,
    until: datetime,
    clock: Callable[[], datetime],
    account: str = "",
    dry_run: bool = False,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Feed what was never received, oldest first. Raises StripeTrouble or StoreError; what was fed by then stays.

    A connected account's events are taken in as its webhooks tell them: with the account, which is part of every claim.
    """
    progress = Progress(until=since)
    named = {"account": account} if account else {}
    async for start, told in api.events(sorted(source.mapping.types), since=since, until=until, account=account):
        events = [{**event, **named} for event in told]
        fetched = [_fetched(source, event, clock()) for event in events]
        for event, verified in await _missing(store, source, list(zip(events, fetched, strict=True))):
            status, deliveries = "", 0
            if not dry_run:
                receipt = await intake.take(verified, source.mapping)
                if receipt.status == "duplicate":  # its webhook came meanwhile
                    continue
                status, deliveries = receipt.status, receipt.deliveries
            progress.gaps.append(_gap(event, status, deliveries))
        progress.seen += len(events)
        progress.until = start
        tell(progress)
    return progress


async def keep_reconciled(
    look: Callable[[datetime, datetime], Awaitable[Progress]],
    *,
    every: timedelta,
    clock: Callable[[], datetime],
    turn: Callable[[], Awaitable[None]] = at_once,
) -> None:
    """Look now and every so often until cancelled, each time back to before the last look that succeeded.

    The first look goes back as far as Stripe itself goes on sending: three days. What fails is tried at the next one.
    `turn` waits until it is this replica that looks for all.
    """
    since: datetime | None = None
    while True:
        await turn()
        until = clock()
        try:
            progress = await look(since or until - FIRST_LOOK, until)
        except (StripeTrouble, StoreError) as error:
            logs.event(_log, logging.ERROR, "reconcile.failed", why=str(error))
        else:
            level = logging.WARNING if progress.gaps else logging.INFO
            logs.event(_log, level, "reconcile.done", seen=progress.seen, missing=len(progress.gaps))
            since = until - OVERLAP
        await asyncio.sleep(every.total_seconds())


async def _missing(
    store: Known, source: Source, fetched: Sequence[tuple[dict[str, Json], Verified]]
) -> list[tuple[dict[str, Json], Verified]]:
    """Those whose event key nobody recorded; the key is what the mapping makes of them, as for a webhook."""
    keys = [understand(source.mapping, verified)[0].event.key for _, verified in fetched]
    known = await store.known_events(source.name, keys) if keys else frozenset()
    return [one for one, key in zip(fetched, keys, strict=True) if key not in known]


def _fetched(source: Source, event: dict[str, Json], now: datetime) -> Verified:
    body = json.dumps(event, ensure_ascii=False).encode()
    headers = ((b"content-type", b"application/json"),)
    return sources.fetched(Webhook(source=source.name, headers=headers, body=body, received_at=now), by=FETCHED)


def _gap(event: dict[str, Json], status: str, deliveries: int) -> Gap:
    created = event.get("created")
    return Gap(
        id=str(event.get("id")),
        type=str(event.get("type")),
        created=created if isinstance(created, int) else 0,
        status=status,
        deliveries=deliveries,
    )
