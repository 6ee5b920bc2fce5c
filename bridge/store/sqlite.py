"""The store in one SQLite file: every verb of `base.Store`, each handed to the one writer or to the reader.

Who writes: this process's writer, and for an instant at a time the command line's. Nothing is kept in memory that
the file does not know, save one thing: leases whose commit was never confirmed, so that the next claim frees them.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias

from bridge.model import Attempt, Backlog, Counts, Delivery, Meaning, StoredEvent, StoredReversal, Tracker
from bridge.rate import Pace
from bridge.store import (
    claim,
    heard,
    known,
    learn,
    linking,
    prune,
    queries,
    settle,
    standing,
    trackers,
)
from bridge.store.base import LEASE, Claimed, Heard, Judge, Recorded, Settled, Settlement
from bridge.store.connection import Connected
from bridge.store.database import Connection
from bridge.store.encoding import clean, encode_meaning, to_ms
from bridge.store.lessons import Learnt, Lesson, Link, Matter, Unlinked
from bridge.store.opening import Lock
from bridge.store.reader import Reader
from bridge.store.record import Recording, record
from bridge.store.sqlite_console import SQLiteConsole
from bridge.store.sqlite_fleet import SQLiteFleet
from bridge.store.wanted import DeliveryFilter, EventFilter
from bridge.store.writer import Writer

_Forget: TypeAlias = Callable[[Connection, Sequence[int]], int]


class SQLiteStore(SQLiteConsole, SQLiteFleet):
    """`base.Store` over one file. Use it from one loop only."""

    def __init__(self, path: Path, db: Connected, lock: Lock | None) -> None:
        self._writer = Writer(path, db)
        self._reader = Reader(path, db.seals)
        self._lock = lock
        #: leased by a claim that nobody got an answer to
        self._unanswered: set[int] = set()

    async def record(self, meanings: Sequence[Meaning], *, now: datetime, dry_run: bool = False) -> list[Recorded]:
        """Remember events with their deliveries, claims and associations: all of one call in one commit."""
        encoded = [encode_meaning(meaning) for meaning in meanings]
        return await self._writer.together(record, Recording(meanings=encoded, now_ms=to_ms(now), dry_run=dry_run))

    async def claim(
        self, *, limit: int, pace: Pace, clock: Callable[[], datetime], lease: timedelta = LEASE
    ) -> Claimed:
        """Lease the oldest due heads of their lanes, within pause, caution and rate."""
        freed, self._unanswered = self._unanswered, set()
        leased: set[int] = set()

        def verb(db: Connection) -> Claimed:
            claim.release(db, freed)
            claimed = claim.claim(db, limit=limit, pace=pace, now=clock(), lease=lease)
            leased.update(delivery.id for delivery in claimed.deliveries)
            return claimed

        answer = self._writer.alone(verb)
        try:
            claimed = await asyncio.shield(answer)
        except asyncio.CancelledError:
            answer.add_done_callback(lambda _: self._give_back(freed | leased, answer))
            raise
        except BaseException:
            # the commit may have arrived all the same: nobody will send these, so nobody may wait for them
            self._unanswered |= freed | leased
            raise
        self._unanswered -= leased
        return claimed

    def _give_back(self, leased: set[int], answer: "asyncio.Future[Claimed]") -> None:
        """Whoever claimed is gone: free what it got, now or with the next claim."""
        answer.exception()
        released = self._writer.alone(lambda db: claim.release(db, leased))
        released.add_done_callback(lambda done: self._unanswered.update(leased) if done.exception() else None)

    async def settle(self, settlements: Sequence[Settlement], judge: Judge, *, now: datetime) -> list[Settled]:
        """Write attempts and their consequences."""
        return await self._writer.alone(lambda db: settle.settle(db, settlements, judge, now))

    async def release(self, delivery_ids: Sequence[int], *, now: datetime) -> None:  # noqa: ARG002 - part of the verb
        """Give back leases of deliveries that were never sent."""
        await self._writer.alone(lambda db: claim.release(db, delivery_ids))

    async def park(self, delivery_ids: Sequence[int], *, until: datetime, asked: bool, now: datetime) -> None:
        """Give leases back of deliveries whose sender is asked first."""
        await self._writer.alone(lambda db: learn.park(db, delivery_ids, until=until, asked=asked, now=now))

    async def matter(self, delivery_id: int) -> Matter | None:
        """What a question about a delivery begins with."""
        return await self._reader.read(lambda db: learn.matter(db, delivery_id))

    async def learn(self, lesson: Lesson, *, now: datetime) -> Learnt:
        """Write what was asked about a parked delivery, once."""
        return await self._writer.alone(lambda db: learn.learn(db, lesson, now))

    async def unlinked(self, *, limit: int, now: datetime) -> list[Unlinked]:
        """Money that went back, about whose sale its sender is to be asked now."""
        return await self._reader.read(lambda db: linking.unlinked(db, now, limit))

    async def link(self, learnt: Link, *, now: datetime) -> int | None:  # noqa: ARG002 - part of the verb
        """Keep what was learnt of it, as if its event had said so."""
        return await self._writer.alone(lambda db: linking.link(db, learnt))

    async def rescue(self, *, now: datetime) -> int:
        """Return every lease that a dead process left to its lane as an unsure try."""
        return await self._writer.alone(lambda db: settle.rescue(db, now))

    async def greet(self, fingerprint: str, *, now: datetime, pace: Pace | None = None, joins: bool = False) -> Tracker:
        """Begin serving: empty bucket, one request at a time."""
        return await self._writer.alone(lambda db: trackers.greet(db, fingerprint, now, pace, joins=joins))

    async def pause(self, reason: str, *, now: datetime) -> Tracker:
        """Hold every delivery back until `resume`."""
        return await self._writer.alone(lambda db: trackers.pause(db, reason, now))

    async def resume(self, *, now: datetime) -> Tracker:
        """Lift whatever pause there is and go on carefully."""
        return await self._writer.alone(lambda db: trackers.resume(db, now))

    async def prune(self, *, bodies_before: datetime, keys_before: datetime) -> int:
        """Forget what retention allows: how many events lost their bodies or went altogether."""
        bodies = max(to_ms(bodies_before), to_ms(keys_before))
        count = await self._prune(prune.forget_bodies, before_ms=bodies, forgotten=False)
        return count + await self._prune(prune.forget_keys, before_ms=to_ms(keys_before), forgotten=True)

    async def _prune(self, forget: _Forget, *, before_ms: int, forgotten: bool) -> int:
        count, after = 0, prune.START
        while True:
            question = partial(prune.old_events, before_ms=before_ms, forgotten=forgotten, after=after)
            old = await self._reader.read(question)
            if not old:
                return count
            after = old[-1]
            count += await self._writer.alone(_of(forget, [event_id for _, event_id in old]))

    async def remember_revision(self, revision: str, source: str, text: str, *, now: datetime) -> None:
        """Keep a mapping's text by its hash."""
        row = (clean(revision), clean(source), clean(text), to_ms(now))
        await self._writer.alone(
            lambda db: db.execute("INSERT INTO revisions VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row).rowcount
        )

    async def last_heard(self, source: str, rule: str = "", *, after: int = 0) -> Heard:
        """When a source last sent an event, or a rule of it last made a delivery."""
        return await self._reader.read(lambda db: heard.last_heard(db, source, rule, after))

    async def sources_seen(self) -> frozenset[str]:
        """Every source that ever had an event accepted here."""
        return await self._reader.read(queries.sources_seen)

    async def events(self, wanted: EventFilter) -> list[StoredEvent]:
        """Events with their deliveries, as filtered."""
        return await self._reader.read(lambda db: queries.events(db, wanted, datetime.now(UTC)))

    async def known_events(self, source: str, keys: Sequence[str]) -> frozenset[str]:
        """Those of these event keys that are recorded."""
        return await self._reader.read(lambda db: known.event_keys(db, source, keys))

    async def find_events(self, reference: str) -> list[StoredEvent]:
        """Events by internal id, by the source's id or key, or by one of their deliveries."""
        return await self._reader.read(lambda db: queries.find_events(db, reference, datetime.now(UTC)))

    async def deliveries(self, wanted: DeliveryFilter) -> list[Delivery]:
        """Deliveries, as filtered."""
        return await self._reader.read(lambda db: queries.deliveries(db, wanted, datetime.now(UTC)))

    async def attempts(self, delivery_id: int) -> list[Attempt]:
        """Every try of a delivery, oldest first."""
        return await self._reader.read(lambda db: queries.attempts(db, delivery_id))

    async def reversals(self, *, events: Sequence[int] = (), deliveries: Sequence[int] = ()) -> list[StoredReversal]:
        """Refunds and disputes that these events told of, and those of the sales that these deliveries are."""
        return await self._reader.read(lambda db: queries.reversals_of(db, events, deliveries))

    async def tracker(self) -> Tracker:
        """What is known of the tracker now."""
        return await self._reader.read(trackers.read_tracker)

    async def counts(self) -> Counts:
        """How much of everything there is."""
        return await self._reader.read(queries.counts)

    async def backlog(self, *, now: datetime) -> Backlog:
        """What is on its way, and what holds up the rest."""
        return await self._reader.read(lambda db: standing.backlog(db, now))

    async def ping(self) -> None:
        """Raise StoreError unless the database can be written now: it writes, and waits until that is on disk."""
        await self._writer.alone(lambda db: db.execute("UPDATE tracker SET beats = beats + 1 WHERE id = 1").rowcount)

    async def close(self) -> None:
        """Finish what is queued, then let go of the database."""
        await self._writer.close()
        await self._reader.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _of(forget: _Forget, event_ids: Sequence[int]) -> Callable[[Connection], int]:
    return lambda db: forget(db, event_ids)
