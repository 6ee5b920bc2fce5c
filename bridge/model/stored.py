"""What the store gives back of an event, and how much of everything it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bridge.model.delivery import Delivery, DeliveryState
from bridge.model.meaning import Event, EventState, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as the store gives it back, with its internal id and fate."""

    id: int
    event: Event
    state: EventState
    reason: str
    steps: tuple[Step, ...] = ()
    deliveries: tuple[Delivery, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much of everything there is."""

    events: Mapping[EventState, int]
    deliveries: Mapping[DeliveryState, int]
    #: when the oldest pending delivery was created
    oldest_pending_at: datetime | None = None
