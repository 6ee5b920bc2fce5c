"""What the store gives back of an event, and how much of everything it holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bridge.model.delivery import Delivery, DeliveryState
from bridge.model.meaning import Event, EventState, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReversal:
    """A refund or a dispute as the store gives it back, with the sale it is of."""

    id: int
    #: the event that told of it
    event_id: int
    source: str
    rule: str
    kind: Literal["refund", "dispute"]
    #: the names of the sale, as its sender writes them
    of: tuple[str, ...]
    #: minor units by ISO 4217 exponent
    amount: int
    currency: str
    happened_at: datetime
    #: the delivery that holds the sale now; None when no such sale is known
    sale: int | None = None
    #: False: another tells the same, with an amount that is at least as large
    counts: bool = True
    #: what its sender said when it was asked which sale it is of
    note: str = ""


def went_back(reversals: Iterable[StoredReversal]) -> dict[tuple[str, str], int]:
    """How much, by kind and currency: what is told more than once counts once."""
    sums: dict[tuple[str, str], int] = {}
    for one in reversals:
        if one.counts:
            sums[one.kind, one.currency] = sums.get((one.kind, one.currency), 0) + one.amount
    return sums


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as the store gives it back, with its internal id and fate."""

    id: int
    event: Event
    state: EventState
    reason: str
    steps: tuple[Step, ...] = ()
    deliveries: tuple[Delivery, ...] = field(default=())
    #: what this event says went back
    reversals: tuple[StoredReversal, ...] = ()
    #: what went back of its own sales, whatever event said so
    returned: tuple[StoredReversal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is on its way at one moment, and what holds up the rest."""

    #: pending, in lanes whose front may go now
    due: int = 0
    #: pending, in lanes whose front is tried again later: the fronts, and all that stand behind them
    held: int = 0
    held_lanes: int = 0
    #: why, by number of lanes, the most first
    held_by: tuple[tuple[str, int], ...] = ()
    #: when the first of these fronts is tried again
    next_at: datetime | None = None
    #: out of their lanes until something arrives
    waiting: int = 0
    waiting_lanes: int = 0
    #: for what, by number of deliveries, the most first
    waiting_for: tuple[tuple[str, int], ...] = ()
    dead: int = 0
    dead_lanes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much of everything there is."""

    events: Mapping[EventState, int]
    deliveries: Mapping[DeliveryState, int]
    #: when the oldest pending delivery was created
    oldest_pending_at: datetime | None = None
    #: refunds and disputes that were ever told of, by source and kind
    reversals: Mapping[tuple[str, str], int] = field(default_factory=dict)
