"""What pages and commands ask for: filters of events and deliveries, and a page of what they let through."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from bridge.model import DeliveryState, EventState

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events a page or a command wants, newest first."""

    source: str | None = None
    state: EventState | None = None
    since: datetime | None = None
    #: received at that time or before it
    until: datetime | None = None
    customer: str | None = None
    #: only those that have this text somewhere in what `search` looks at, whatever its case
    grep: str | None = None
    #: only those with a smaller internal id: the page after one that ended there
    before: int | None = None
    #: only those after this internal id, oldest first (for following)
    after: int | None = None
    #: bodies can be large, and a list shows none
    bodies: bool = True
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries a page or a command wants, newest first."""

    states: tuple[DeliveryState, ...] = ()
    source: str | None = None
    since: datetime | None = None
    #: recorded at that time or before it
    until: datetime | None = None
    customer: str | None = None
    #: only those whose reason has this text, whatever its case
    reason: str | None = None
    #: only those that have this text somewhere in what `search` looks at, whatever its case
    grep: str | None = None
    #: only those with a smaller id: the page after one that ended there
    before: int | None = None
    #: only those with a greater one, oldest first
    after: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T_co]):
    """The newest of what a filter lets through, and how much more there is."""

    rows: tuple[T_co, ...] = ()
    #: how many there are, this page among them
    total: int = 0
    #: counting stopped there: there are more
    is_more: bool = False
    #: looking for a text stopped at this id; None: nothing was left out
    searched_to: int | None = None
