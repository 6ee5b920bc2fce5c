"""The store's verbs and what each one guarantees; `sqlite` and `postgres` keep them, one contract suite proves it.

Everything trackbridge knows is here. `intake` and `worker` meet nowhere else. Every verb that writes is one
transaction that is on disk (fsync'ed) before it returns; one that raises StoreError changed nothing, or it is
not known whether its commit arrived and repeating it is safe.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeAlias

from bridge.model import (
    Attempt,
    Backlog,
    Counts,
    Decision,
    Delivery,
    EventState,
    Meaning,
    Outcome,
    StoredEvent,
    StoredReversal,
    Tracker,
)
from bridge.rate import Pace
from bridge.store.console import Console
from bridge.store.fleet import Fleet
from bridge.store.lessons import Learnt, Lesson, Link, Matter, Unlinked
from bridge.store.reports import Changed as Changed
from bridge.store.vault import Vault
from bridge.store.wanted import DeliveryFilter as DeliveryFilter
from bridge.store.wanted import EventFilter as EventFilter

#: How long a lease lasts unless it is said otherwise: the default of CMS_TIMEOUT, and 15 s to write what came of it.
LEASE: Final = timedelta(seconds=25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of one event when it was recorded."""

    event_id: int
    state: EventState
    #: this event was known already: nothing was changed, `state` is the stored one
    known: bool
    #: deliveries that are on their way now (pending); 0 for a known event
    due: int = 0
    reason: str = ""
    #: it told of a click: what waited for one may be due
    clicked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a worker may send now, and when asking again makes sense."""

    deliveries: tuple[Delivery, ...] = ()
    #: None: nothing is known to become due; a commit will wake the worker
    ask_again_at: datetime | None = None
    tracker: Tracker = field(default_factory=Tracker)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One try that is over and waits to be written."""

    delivery: Delivery
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a try's end came to, once written."""

    #: as the judge saw it, before the consequence
    delivery: Delivery
    outcome: Outcome
    decision: Decision
    #: the oldest duplicate that now takes a dead delivery's place
    promoted: int | None = None
    tracker: Tracker = field(default_factory=Tracker)


#: Decides a try's consequence inside settle's transaction. Pure: delivery, outcome, tracker, now → decision, tracker.
#: The times of all four are by the same clock: the database's, where it has one.
Judge: TypeAlias = Callable[[Delivery, Outcome, Tracker, datetime], tuple[Decision, Tracker]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """When something last came, and from where the next question goes on."""

    #: None: nothing above the number that was asked from
    at: datetime | None
    after: int


class Store(Console, Fleet, Vault, Protocol):
    """The verbs. `now` is aware UTC; PostgreSQL uses its own clock for due times, leases and pauses."""

    async def record(self, meanings: Sequence[Meaning], *, now: datetime, dry_run: bool = False) -> list[Recorded]:
        """Remember events with their deliveries, claims and associations: all of one call in one commit.

        A known (source, key) changes nothing. Concurrent calls share a commit. Items of one batch (`Event.item`) with
        the same body keep it once, until the last of them that needs it is forgotten.
        """
        ...

    async def claim(
        self, *, limit: int, pace: Pace, clock: Callable[[], datetime], lease: timedelta = LEASE
    ) -> Claimed:
        """Lease the oldest due heads of their lanes, within pause, caution and rate, so that nobody else sends them.

        `clock` is read when the transaction has begun: a claim may have waited for it, and the rate must know. Where
        others serve from the same database, `rescue` frees what was not settled within `lease`.
        """
        ...

    async def settle(self, settlements: Sequence[Settlement], judge: Judge, *, now: datetime) -> list[Settled]:
        """Write attempts and their consequences: lanes move on, duplicates are promoted, the tracker's row follows."""
        ...

    async def release(self, delivery_ids: Sequence[int], *, now: datetime) -> None:
        """Give back leases of deliveries that were never sent, as if they had not been claimed."""
        ...

    async def park(self, delivery_ids: Sequence[int], *, until: datetime, asked: bool, now: datetime) -> None:
        """Give leases back of deliveries whose sender is asked first: heads of their lanes, due again at `until`.

        `asked`: the question is on its way; since when is remembered of the first one.
        """
        ...

    async def matter(self, delivery_id: int) -> Matter | None:
        """What a question about a delivery begins with; None when it was tried already, or is gone."""
        ...

    async def learn(self, lesson: Lesson, *, now: datetime) -> Learnt:
        """Write what was asked about a parked delivery, once: its names are claimed, its click id filled in.

        When another delivery holds one of the names, this one becomes its duplicate, in the same commit. One that
        waits for a click id learns only of one, and its wait is over; the rest it is asked when its time is up.
        """
        ...

    async def unlinked(self, *, limit: int, now: datetime) -> list[Unlinked]:
        """Money that went back, about whose sale its sender is to be asked now."""
        ...

    async def link(self, learnt: Link, *, now: datetime) -> int | None:
        """Keep what was learnt of it, as if its event had said so; the delivery that is its sale, if one is known."""
        ...

    async def rescue(self, *, now: datetime) -> int:
        """Return every lease that a dead process left to its lane as an unsure try; says how many.

        Where other serves may be alive (`is_shared`), only leases that have expired; ask every few seconds there.
        """
        ...

    async def greet(self, fingerprint: str, *, now: datetime, pace: Pace | None = None, joins: bool = False) -> Tracker:
        """Begin serving: empty bucket, one request at a time; another base URL or token probes at once.

        `pace` is kept for who wants to say how long things take. `joins`: others are serving; then the bucket goes
        on, and so does their trust in the tracker, unless base URL or token is another.
        """
        ...

    async def pause(self, reason: str, *, now: datetime) -> Tracker:
        """Hold every delivery back until `resume`, because an operator said so."""
        ...

    async def resume(self, *, now: datetime) -> Tracker:
        """Lift whatever pause there is and go on carefully."""
        ...

    async def prune(self, *, bodies_before: datetime, keys_before: datetime) -> int:
        """Forget what retention allows: bodies, payloads and attempts of settled deliveries; later their keys.

        Many short commits, not one; says how many events lost something.
        """
        ...

    async def remember_revision(self, revision: str, source: str, text: str, *, now: datetime) -> None:
        """Keep a mapping's text by its hash; a known hash changes nothing."""
        ...

    async def last_heard(self, source: str, rule: str = "", *, after: int = 0) -> Heard:
        """When a source last sent an event, or a rule of it last made a delivery: by itself, and no test money."""
        ...

    async def sources_seen(self) -> frozenset[str]:
        """Every source that ever had an event accepted here."""
        ...

    async def events(self, wanted: EventFilter) -> list[StoredEvent]:
        """Events with their deliveries, as filtered."""
        ...

    async def known_events(self, source: str, keys: Sequence[str]) -> frozenset[str]:
        """Those of these event keys that are recorded."""
        ...

    async def find_events(self, reference: str) -> list[StoredEvent]:
        """Events by internal id, by the source's id or key, or by one of their deliveries (`d12`)."""
        ...

    async def deliveries(self, wanted: DeliveryFilter) -> list[Delivery]:
        """Deliveries, as filtered."""
        ...

    async def attempts(self, delivery_id: int) -> list[Attempt]:
        """Every try of a delivery, oldest first."""
        ...

    async def reversals(self, *, events: Sequence[int] = (), deliveries: Sequence[int] = ()) -> list[StoredReversal]:
        """Refunds and disputes that these events told of, and those of the sales that these deliveries are."""
        ...

    async def tracker(self) -> Tracker:
        """What is known of the tracker now."""
        ...

    async def counts(self) -> Counts:
        """How much of everything there is."""
        ...

    async def backlog(self, *, now: datetime) -> Backlog:
        """What is on its way, and what holds up the rest."""
        ...

    async def ping(self) -> None:
        """Raise StoreError unless the database can be written now."""
        ...

    async def close(self) -> None:
        """Finish what is queued, then let go of the database."""
        ...
