"""Use case one: verify → read → map → record. What it returns may be acknowledged: it is on disk.

One webhook keeps the library it started with. Mapping never refuses a webhook: what cannot be mapped is kept
with the reason. Unproven requests are counted and the last few remembered without their bodies, never stored.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bridge import logs, mapping, read
from bridge.errors import Refused
from bridge.library import Source
from bridge.metrics import Metrics
from bridge.model import EventState, Meaning, Verified, Webhook
from bridge.store.base import Recorded, Store

Answer = Literal["accepted", "duplicate", "ignored", "unmapped"]

_log = logs.get("bridge.intake")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the sender is told: the first status that applies, the source's id, and how much is on its way."""

    status: Answer
    event: str
    deliveries: int
    events: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An unproven request as it is remembered: in memory, a few, without anything it carried."""

    at: datetime
    source: str
    why: str


class Intake:
    """Takes webhooks in. `wake` is called after a commit that made something due."""

    def __init__(
        self,
        *,
        store: Store,
        metrics: Metrics,
        clock: Callable[[], datetime],
        wake: Callable[[], None],
        dry_run: bool = False,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._wake = wake
        self._dry_run = dry_run
        self.refusals: deque[Refusal] = deque(maxlen=50)

    async def accept(self, webhook: Webhook, source: Source) -> Receipt:
        """Prove, read, map and record one webhook. Raises Refused (not proven) or StoreError (try later)."""
        verified = self._verify(webhook, source)
        meanings = understand(source.mapping, verified)
        records = await self._store.record(meanings, now=self._clock(), dry_run=self._dry_run)
        due = sum(record.due for record in records)
        if due:
            self._wake()
        receipt = _receipt(meanings, records, due)
        self._tell(receipt, webhook, meanings, records)
        return receipt

    def _verify(self, webhook: Webhook, source: Source) -> Verified:
        if source.verifier is None:
            raise Refused("unavailable", status=503, detail="its secret is not set")
        try:
            return source.verifier.verify(webhook, self._clock())
        except Refused as refused:
            self.refusals.append(Refusal(at=self._clock(), source=source.name, why=refused.detail))
            self._metrics.refused.labels(source.name, refused.detail).inc()
            logs.event(_log, logging.WARNING, "webhook.refused", source=source.name, why=refused.detail)
            raise

    def _tell(
        self, receipt: Receipt, webhook: Webhook, meanings: Sequence[Meaning], records: Sequence[Recorded]
    ) -> None:
        self._metrics.answered(webhook.source, receipt.status)
        level = logging.WARNING if receipt.status == "unmapped" else logging.INFO
        for meaning, record in zip(meanings, records, strict=True):
            logs.event(
                _log,
                level,
                "event.recorded",
                source=webhook.source,
                event_id=record.event_id,
                source_id=meaning.event.source_id,
                event_type=meaning.event.type,
                state="duplicate" if record.known else record.state.value,
                deliveries=record.due,
                why=record.reason,
            )


def understand(rules: mapping.Mapping, verified: Verified) -> tuple[Meaning, ...]:
    """Read what is proven and ask the rules what it means. Never raises."""
    document = read.read(verified)
    if isinstance(document, read.Unreadable):
        return (mapping.unreadable(rules, verified, document.why),)
    return mapping.apply(rules, verified, document.value)


def _receipt(meanings: Sequence[Meaning], records: Sequence[Recorded], due: int) -> Receipt:
    states = [record.state for record in records if not record.known]
    if records and not states:
        status: Answer = "duplicate"
    else:
        status = next(word for state, word in _WORST_FIRST if state in states or state is None)
    first = meanings[0].event if meanings else None
    event = (first.source_id or first.key) if first else ""
    return Receipt(status=status, event=event, deliveries=due, events=len(records))


_WORST_FIRST: tuple[tuple[EventState | None, Answer], ...] = (
    (EventState.UNMAPPED, "unmapped"),
    (EventState.ACCEPTED, "accepted"),
    (EventState.IGNORED, "ignored"),
    (None, "ignored"),
)
