"""The frozen nouns that travel down the river: Webhook → Verified → Event → Conversion → Delivery → Outcome.

Every value is immutable and checked by whoever makes the next one. Times are aware UTC, money is an int of
minor units by ISO 4217 exponent. Nothing here does I/O.
"""

from bridge.model.delivery import Attempt, Delivery, DeliveryState, Outcome, Sent
from bridge.model.incoming import Json, Node, Verified, Webhook
from bridge.model.meaning import Conversion, Event, EventState, FillFrom, Lead, Meaning, Payload, Reversal, Sale, Step
from bridge.model.replica import Replica, Seen
from bridge.model.stored import Backlog, Counts, StoredEvent, StoredReversal, went_back
from bridge.model.verdict import Dead, Decision, Delivered, Pause, RetryAt, Tracker, Wait

__all__ = [
    "Attempt",
    "Backlog",
    "Conversion",
    "Counts",
    "Dead",
    "Decision",
    "Delivered",
    "Delivery",
    "DeliveryState",
    "Event",
    "EventState",
    "FillFrom",
    "Json",
    "Lead",
    "Meaning",
    "Node",
    "Outcome",
    "Pause",
    "Payload",
    "Replica",
    "RetryAt",
    "Reversal",
    "Sale",
    "Seen",
    "Sent",
    "Step",
    "StoredEvent",
    "StoredReversal",
    "Tracker",
    "Verified",
    "Wait",
    "Webhook",
    "went_back",
]
