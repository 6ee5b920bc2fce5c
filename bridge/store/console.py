"""The verbs of the command line and the admin pages: what operators ask of the store, and what they do to it.

A part of `base.Store`, under the same guarantees.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bridge.model import Delivery, Meaning, StoredEvent
from bridge.store.persons import Erased, Person, Sighting
from bridge.store.reports import Activity, Changed, Cursor, Line, News, Remapped, Restored, Story
from bridge.store.wanted import DeliveryFilter, EventFilter, Page


class Console(Protocol):
    """The verbs. `now` is aware UTC."""

    async def page_of_events(self, wanted: EventFilter) -> Page[StoredEvent]:
        """The newest events as filtered, without bodies, and how many there are."""
        ...

    async def stories(self, reference: str) -> list[Story]:
        """The events that a reference means, with everything that is known about them."""
        ...

    async def page_of_deliveries(self, wanted: DeliveryFilter) -> Page[Delivery]:
        """The newest deliveries as filtered, and how many there are."""
        ...

    async def event_ids(self, wanted: EventFilter) -> list[int]:
        """Every event that is meant, by internal id, oldest first; `limit` is not asked."""
        ...

    async def delivery_ids(self, wanted: DeliveryFilter) -> list[int]:
        """Every delivery that is meant, oldest first; `limit` is not asked."""
        ...

    async def deliveries_by_id(self, delivery_ids: Sequence[int]) -> list[Delivery]:
        """Those of these deliveries that there are, by id."""
        ...

    async def lines(self, delivery_ids: Sequence[int]) -> Mapping[int, Line]:
        """Of these deliveries, those that stand behind another of their customer, or hold others up."""
        ...

    async def newest(self) -> Cursor:
        """Where somebody begins to follow who wants to know only what is new."""
        ...

    async def news(self, since: Cursor, *, limit: int) -> News:
        """What came in and what happened to deliveries since, in whatever process; at most `limit` of each."""
        ...

    async def activity(self, *, now: datetime) -> Mapping[str, Activity]:
        """What came from each source that was ever seen."""
        ...

    async def replay(
        self, delivery_ids: Sequence[int], *, now: datetime, again: bool = False, rehearse: bool = False
    ) -> list[Changed]:
        """Send dead (or dismissed) deliveries again with a fresh budget; one whose claim is held stays a duplicate.

        `again`: delivered ones too, under the claims and the invoice id they have; nobody takes their place should
        they die of it. `rehearse`: say what would be done, and change nothing.
        """
        ...

    async def remap(self, event_id: int, meaning: Meaning, *, now: datetime, rehearse: bool = False) -> Remapped | None:
        """Bring what today's rules make of a stored event into effect; None when there is none, or it was forgotten.

        What was never attempted is replaced, a dead letter succeeded by a new delivery; what was attempted, delivered
        or dismissed stays. Its key stays, and so do business keys: a repeat changes nothing, nothing counts twice.
        """
        ...

    async def dismiss(
        self, delivery_ids: Sequence[int], *, only: bool, now: datetime, rehearse: bool = False
    ) -> list[Changed]:
        """Give deliveries up, and their duplicates with them unless `only`; `sending` and delivered ones refuse.

        `rehearse`: say what would be done, and change nothing.
        """
        ...

    async def find_person(self, person: Person, *, after: int, limit: int) -> Sighting:
        """Look for a person in so many events after that one: texts, bodies, deliveries."""
        ...

    async def addresses_of(self, customer: str) -> frozenset[str]:
        """The e-mail addresses that a customer's deliveries name."""
        ...

    async def events_of(self, customers: Iterable[str]) -> list[int]:
        """The events with deliveries of these customers."""
        ...

    async def theirs(self, event_ids: Sequence[int], person: Person) -> list[Delivery]:
        """The deliveries of these events that are the person's."""
        ...

    async def erase(self, event_ids: Sequence[int], shared: Sequence[int], person: Person) -> Erased:
        """Remove what these events, and these batches' bodies, hold of a person; keys stay. One short commit."""
        ...

    async def unlink(self, person: Person) -> int:
        """Remove a person's clicks, and what the tracker's row knows of them."""
        ...

    async def fold(self) -> bool:
        """Clear away what was deleted, as far as that holds nobody up; False when others kept it from being done."""
        ...

    async def remains(self, person: Person) -> int | None:
        """How often one of the person's addresses still stands in the raw bytes of the database's files.

        None when nobody can look there: PostgreSQL's files are its server's.
        """
        ...

    async def rewrite(self, *, most: int) -> bool:
        """Write everything anew, without what was deleted, unless it is larger than `most` bytes; False when it is."""
        ...

    async def restored(self) -> Restored:
        """What of this database may have been sent since, were it put back from a backup; nothing is changed."""
        ...

    async def doubt(self, *, now: datetime, send_leads: bool, rehearse: bool = False) -> Restored:
        """Take what is unsent for something that may have arrived: sales go again, flagged; leads are held as dead.

        One commit, for a database that nobody serves from; `send_leads` lets leads go again as well.
        """
        ...

    async def trust(self) -> Restored:
        """Take this database for the newest there is: nothing was sent since."""
        ...

    async def mark_backup(self, *, now: datetime) -> None:
        """Say of this database that it is a backup: serve does not take it until somebody has checked it."""
        ...
