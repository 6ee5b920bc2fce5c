"""Use case one: verify → read → map → record. What it returns may be acknowledged: it is on disk.

One webhook keeps the library it started with. Mapping never refuses a webhook: what cannot be mapped is kept
with the reason. Unproven requests are counted and the last few remembered without their bodies, never stored; so is
a ping that needs no proof. A proven challenge is an event like any other, answered in its sender's own way.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from bridge import logs, mapping, read
from bridge.errors import Refused
from bridge.metrics import Metrics
from bridge.model import EventState, Meaning, Verified, Webhook
from bridge.sources import Reply, Verifier
from bridge.store.base import Recorded, Store

Answer = Literal["accepted", "duplicate", "ignored", "unmapped"]
V = TypeVar("V")

_log = logs.get("bridge.intake")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the sender is told: the first status that applies, the source's id, and how much is on its way."""

    status: Answer
    event: str
    deliveries: int
    #: how many items a batch had; None for a webhook that is one event
    events: int | None = None


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

    async def accept(self, webhook: Webhook, rules: mapping.Mapping, verifier: Verifier) -> Receipt | Reply:
        """Prove, read, map and record one webhook; a handshake gets the Reply it asks for.

        Raises Refused (not proven, or not to be proven right now) or StoreError (try later).
        """
        ping = verifier.ping(webhook)
        if ping is not None:
            self._metrics.answered(webhook.source, "ping")
            return ping
        verified = self._asked(webhook.source, lambda: verifier.verify(webhook, self._clock()))
        meanings, reply = _understood(rules, verified, verifier)
        receipt = await self._recorded(webhook, meanings)
        return receipt if reply is None else reply

    async def take(self, verified: Verified, rules: mapping.Mapping) -> Receipt:
        """Read, map and record what needs no proof any more: it was asked of the sender itself. Raises StoreError."""
        return await self._recorded(verified.webhook, understand(rules, verified))

    async def _recorded(self, webhook: Webhook, meanings: Sequence[Meaning]) -> Receipt:
        records = await self._store.record(meanings, now=self._clock(), dry_run=self._dry_run)
        due = sum(record.due for record in records)
        if due or any(record.clicked for record in records):
            self._wake()
        receipt = _receipt(meanings, records, due)
        self._tell(receipt, webhook, meanings, records)
        return receipt

    def greet(self, webhook: Webhook, verifier: Verifier) -> Reply | None:
        """Answer a GET or HEAD that is a handshake; None when this sender makes none. Raises Refused."""
        reply = self._asked(webhook.source, lambda: verifier.challenge(webhook))
        if reply is not None:
            self._metrics.answered(webhook.source, "challenge")
        return reply

    def _asked(self, source: str, verdict: Callable[[], V]) -> V:
        """A verifier's verdict; a refusal is counted and remembered, unless it is no more than "not now"."""
        try:
            return verdict()
        except Refused as refused:
            if refused.status == 503:
                logs.event(_log, logging.INFO, "webhook.postponed", source=source, why=refused.detail)
            else:
                self.refusals.append(Refusal(at=self._clock(), source=source, why=refused.detail))
                self._metrics.refused.labels(source, refused.detail).inc()
                logs.event(_log, logging.WARNING, "webhook.refused", source=source, why=refused.detail)
            raise

    def _tell(
        self, receipt: Receipt, webhook: Webhook, meanings: Sequence[Meaning], records: Sequence[Recorded]
    ) -> None:
        self._metrics.answered(webhook.source, receipt.status)
        for meaning, record in zip(meanings, records, strict=True):
            is_unmapped = record.state is EventState.UNMAPPED and not record.known
            logs.event(
                _log,
                logging.WARNING if is_unmapped else logging.INFO,
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
    return _understood(rules, verified, None)[0]


def _understood(
    rules: mapping.Mapping, verified: Verified, verifier: Verifier | None
) -> tuple[tuple[Meaning, ...], Reply | None]:
    body = verified.webhook.body
    echoes = verifier is not None and (rules.redact is not None or verifier.hidden(body) is not body)
    hide = verifier.hidden if verifier is not None and echoes else None
    document = read.read(verified)
    if isinstance(document, read.Unreadable):
        return (mapping.unreadable(rules, verified, document.why, hide=hide),), None
    reply = verifier.reply(verified, document.value) if verifier is not None else None
    if reply is not None:
        return (mapping.handshake(rules, verified, document.value, hide=hide),), reply
    return mapping.apply(rules, verified, document.value, hide=hide), None


def _receipt(meanings: Sequence[Meaning], records: Sequence[Recorded], due: int) -> Receipt:
    states = [record.state for record in records if not record.known]
    if records and not states:
        status: Answer = "duplicate"
    else:
        status = next(word for state, word in _WORST_FIRST if state in states or state is None)
    first = meanings[0].event
    return Receipt(
        status=status,
        event=first.source_id or first.key,
        deliveries=due,
        events=None if first.item is None else len(records),
    )


_WORST_FIRST: tuple[tuple[EventState | None, Answer], ...] = (
    (EventState.UNMAPPED, "unmapped"),
    (EventState.ACCEPTED, "accepted"),
    (EventState.IGNORED, "ignored"),
    (None, "ignored"),
)
