"""The verbs of `console.Console`: what operators ask and do, handed to the writer or to the reader."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bridge.model import Delivery, Meaning, StoredEvent
from bridge.store import forget, operate, queries, remap, restored, stories
from bridge.store.database import Connection
from bridge.store.database_part import DatabasePart
from bridge.store.encoding import clean, encode_meaning, to_ms
from bridge.store.persons import Erased, Person, Sighting
from bridge.store.reports import Activity, Changed, Cursor, Line, News, Remapped, Restored, Story
from bridge.store.wanted import DeliveryFilter, EventFilter, Page
from bridge.store.writer import rehearsed


class DatabaseConsole(DatabasePart):
    """What operators ask and do."""

    async def page_of_events(self, wanted: EventFilter) -> Page[StoredEvent]:
        """The newest events as filtered, without bodies, and how many there are."""
        return await self._reader.read(lambda db: queries.page_of_events(db, wanted, self._now(db)))

    async def stories(self, reference: str) -> list[Story]:
        """The events that a reference means, with everything that is known about them."""
        return await self._reader.read(lambda db: stories.stories(db, reference, self._now(db)))

    async def page_of_deliveries(self, wanted: DeliveryFilter) -> Page[Delivery]:
        """The newest deliveries as filtered, and how many there are."""
        return await self._reader.read(lambda db: queries.page_of_deliveries(db, wanted, self._now(db)))

    async def event_ids(self, wanted: EventFilter) -> list[int]:
        """Every event that is meant, oldest first."""
        return await self._reader.read(lambda db: queries.event_ids(db, wanted))

    async def delivery_ids(self, wanted: DeliveryFilter) -> list[int]:
        """Every delivery that is meant, oldest first."""
        return await self._reader.read(lambda db: queries.delivery_ids(db, wanted))

    async def deliveries_by_id(self, delivery_ids: Sequence[int]) -> list[Delivery]:
        """Those of these deliveries that there are, by id."""
        return await self._reader.read(lambda db: queries.deliveries_by_id(db, delivery_ids, self._now(db)))

    async def lines(self, delivery_ids: Sequence[int]) -> Mapping[int, Line]:
        """Of these deliveries, those that stand behind another of their customer, or hold others up."""
        return await self._reader.read(lambda db: stories.lines(db, delivery_ids))

    async def newest(self) -> Cursor:
        """Where somebody begins to follow who wants to know only what is new."""
        return await self._reader.read(stories.newest)

    async def news(self, since: Cursor, *, limit: int) -> News:
        """What came in and what happened to deliveries since."""
        return await self._reader.read(lambda db: stories.news(db, since, limit, self._now(db)))

    async def activity(self, *, now: datetime) -> Mapping[str, Activity]:
        """What came from each source that was ever seen."""
        return await self._reader.read(lambda db: stories.activity(db, self._now(db, now)))

    async def replay(
        self, delivery_ids: Sequence[int], *, now: datetime, again: bool = False, rehearse: bool = False
    ) -> list[Changed]:
        """Send dead (or dismissed) deliveries again with a fresh budget."""

        def verb(db: Connection) -> list[Changed]:
            return operate.replay(db, delivery_ids, to_ms(self._now(db, now)), again=again)

        return await self._writer.alone(rehearsed(verb) if rehearse else verb)

    async def remap(self, event_id: int, meaning: Meaning, *, now: datetime, rehearse: bool = False) -> Remapped | None:
        """Bring what today's rules make of a stored event into effect."""
        encoded = encode_meaning(meaning)

        def verb(db: Connection) -> Remapped | None:
            return remap.remap(db, event_id, encoded, to_ms(self._now(db, now)))

        return await self._writer.alone(rehearsed(verb) if rehearse else verb)

    async def dismiss(
        self, delivery_ids: Sequence[int], *, only: bool, now: datetime, rehearse: bool = False
    ) -> list[Changed]:
        """Give deliveries up, and their duplicates with them unless `only`."""

        def verb(db: Connection) -> list[Changed]:
            return operate.dismiss(db, delivery_ids, to_ms(self._now(db, now)), only=only)

        return await self._writer.alone(rehearsed(verb) if rehearse else verb)

    async def find_person(self, person: Person, *, after: int, limit: int) -> Sighting:
        """Look for a person in so many events after that one."""
        return await self._reader.read(lambda db: forget.search(db, person, after, limit))

    async def addresses_of(self, customer: str) -> frozenset[str]:
        """The e-mail addresses that a customer's deliveries name."""
        return await self._reader.read(lambda db: forget.addresses_of(db, clean(customer)))

    async def events_of(self, customers: Iterable[str]) -> list[int]:
        """The events with deliveries of these customers."""
        return await self._reader.read(lambda db: forget.events_of(db, map(clean, customers)))

    async def theirs(self, event_ids: Sequence[int], person: Person) -> list[Delivery]:
        """The deliveries of these events that are the person's."""
        ids = await self._reader.read(lambda db: forget.theirs(db, event_ids, person))
        return await self.deliveries_by_id(ids)

    async def erase(self, event_ids: Sequence[int], shared: Sequence[int], person: Person) -> Erased:
        """Remove what these events, and these batches' bodies, hold of a person."""
        return await self._writer.alone(lambda db: forget.erase(db, event_ids, shared, person))

    async def unlink(self, person: Person) -> int:
        """Remove a person's clicks, and what the tracker's row knows of them."""
        return await self._writer.alone(lambda db: forget.unlink(db, person))

    async def fold(self) -> bool:
        """Clear away what was deleted, as far as that holds nobody up."""
        return await self._reader.apart(self._backend.fold)

    async def remains(self, person: Person) -> int | None:
        """How often one of the person's addresses still stands in the raw bytes of the database's files."""
        return await self._reader.apart(lambda: self._backend.remains(person))

    async def rewrite(self, *, most: int) -> bool:
        """Write everything anew, unless it is larger than `most` bytes."""
        return await self._reader.apart(lambda: self._backend.rewrite(most=most))

    async def restored(self) -> Restored:
        """What of this database may have been sent since, were it put back from a backup."""
        return await self._reader.read(restored.look)

    async def doubt(self, *, now: datetime, send_leads: bool, rehearse: bool = False) -> Restored:
        """Take what is unsent for something that may have arrived."""

        def verb(db: Connection) -> Restored:
            return restored.doubt(db, self._now(db, now), send_leads=send_leads)

        return await self._writer.alone(rehearsed(verb) if rehearse else verb)

    async def trust(self) -> Restored:
        """Take this database for the newest there is."""
        return await self._writer.alone(restored.trust)

    async def mark_backup(self, *, now: datetime) -> None:
        """Say of this database that it is a backup."""
        await self._writer.alone(lambda db: restored.mark_backup(db, self._now(db, now)))
