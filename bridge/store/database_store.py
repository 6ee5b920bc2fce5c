"""The store over one backend: every verb of `base.Store`, each handed to the one writer or to the reader.

Nothing is kept in memory that the database does not know, save two things: leases whose commit was never confirmed,
so that the next claim frees them, and until when each lease is, so that nobody else's is ever given back.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeAlias

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
from bridge.store.backend import Backend
from bridge.store.base import LEASE, Claimed, Heard, Judge, Recorded, Settled, Settlement
from bridge.store.claim import Leases
from bridge.store.database import Connection
from bridge.store.database_console import DatabaseConsole
from bridge.store.database_fleet import DatabaseFleet
from bridge.store.database_vault import DatabaseVault
from bridge.store.encoding import clean, encode_meaning, to_ms
from bridge.store.lessons import Learnt, Lesson, Link, Matter, Unlinked
from bridge.store.record import Recording, record
from bridge.store.wanted import DeliveryFilter, EventFilter

#: No lease ends then.
_NEVER: Final = -1

_Forget: TypeAlias = Callable[[Connection, Sequence[int]], int]


class DatabaseStore(DatabaseConsole, DatabaseFleet, DatabaseVault):
    """`base.Store` over one backend. Use it from one loop only."""

    def __init__(self, backend: Backend, db: Connection) -> None:
        super().__init__(backend, db)
        #: one work for all, so that those that come together are done together
        self._together = self._record
        #: leased by a claim that nobody got an answer to
        self._unanswered: dict[int, int] = {}
        #: leased here, and until when by the database
        self._leases: dict[int, int] = {}
        #: how far the database's clock is ahead of the caller's
        self._ahead = timedelta()

    async def record(self, meanings: Sequence[Meaning], *, now: datetime, dry_run: bool = False) -> list[Recorded]:
        """Remember events with their deliveries, claims and associations: all of one call in one commit."""
        encoded = [encode_meaning(meaning) for meaning in meanings]
        return await self._writer.together(
            self._together, Recording(meanings=encoded, now_ms=to_ms(now), dry_run=dry_run), hasty=True
        )

    def _record(self, db: Connection, calls: Sequence[Recording]) -> list[list[Recorded]]:
        moment = self._backend.moment(db)
        return record(db, calls if moment is None else [replace(call, now_ms=to_ms(moment)) for call in calls])

    async def claim(
        self, *, limit: int, pace: Pace, clock: Callable[[], datetime], lease: timedelta = LEASE
    ) -> Claimed:
        """Lease the oldest due heads of their lanes, within pause, caution and rate."""
        freed, self._unanswered = self._unanswered, {}
        leased: dict[int, int] = {}

        def verb(db: Connection) -> Claimed:
            said = clock()
            now = self._now(db, said)
            self._ahead = now - said
            claim.release(db, freed)
            claimed = claim.claim(db, limit=limit, pace=pace, now=now, lease=lease, unheld=self._backend.unheld)
            leased.update({delivery.id: claim.lease_until(now, lease) for delivery in claimed.deliveries})
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
        for number in leased:
            self._unanswered.pop(number, None)
        self._leases |= leased
        return self._by_the_callers_clock(claimed)

    def _by_the_callers_clock(self, claimed: Claimed) -> Claimed:
        at = claimed.ask_again_at
        return replace(claimed, ask_again_at=at - self._ahead) if at is not None and self._ahead else claimed

    def _give_back(self, leased: dict[int, int], answer: "asyncio.Future[Claimed]") -> None:
        """Whoever claimed is gone: free what it got, now or with the next claim."""
        answer.exception()
        released = self._writer.alone(lambda db: claim.release(db, leased))
        released.add_done_callback(lambda done: self._unanswered.update(leased) if done.exception() else None)

    async def settle(self, settlements: Sequence[Settlement], judge: Judge, *, now: datetime) -> list[Settled]:
        """Write attempts and their consequences."""
        settled = await self._writer.alone(
            lambda db: settle.settle(db, settlements, judge, self._now(db, now), ahead=self._ahead)
        )
        self._let_go(one.delivery.id for one in settlements)
        return settled

    def _let_go(self, delivery_ids: Iterable[int]) -> None:
        for number in delivery_ids:
            self._leases.pop(number, None)

    def _ours(self, delivery_ids: Iterable[int]) -> Leases:
        """The leases that were taken here; where nobody else takes any, whatever there is of these."""
        unknown = _NEVER if self._backend.is_shared else None
        return {number: self._leases.get(number, unknown) for number in delivery_ids}

    async def release(self, delivery_ids: Sequence[int], *, now: datetime) -> None:  # noqa: ARG002 - part of the verb
        """Give back leases of deliveries that were never sent."""
        ours = self._ours(delivery_ids)
        await self._writer.alone(lambda db: claim.release(db, ours))
        self._let_go(ours)

    async def park(self, delivery_ids: Sequence[int], *, until: datetime, asked: bool, now: datetime) -> None:
        """Give leases back of deliveries whose sender is asked first."""
        ours = self._ours(delivery_ids)

        def verb(db: Connection) -> None:
            at = self._now(db, now)
            learn.park(db, ours, until=until + (at - now), asked=asked, now=at)

        await self._writer.alone(verb)
        self._let_go(ours)

    async def matter(self, delivery_id: int) -> Matter | None:
        """What a question about a delivery begins with."""
        return await self._reader.read(lambda db: learn.matter(db, delivery_id))

    async def learn(self, lesson: Lesson, *, now: datetime) -> Learnt:
        """Write what was asked about a parked delivery, once."""
        return await self._writer.alone(lambda db: learn.learn(db, lesson, self._now(db, now)))

    async def unlinked(self, *, limit: int, now: datetime) -> list[Unlinked]:
        """Money that went back, about whose sale its sender is to be asked now."""
        return await self._reader.read(lambda db: linking.unlinked(db, now, limit))

    async def link(self, learnt: Link, *, now: datetime) -> int | None:  # noqa: ARG002 - part of the verb
        """Keep what was learnt of it, as if its event had said so."""
        return await self._writer.alone(lambda db: linking.link(db, learnt))

    async def rescue(self, *, now: datetime) -> int:
        """Return every lease that a dead process left to its lane as an unsure try."""

        def verb(db: Connection) -> int:
            at = self._now(db, now)
            left = settle.left(db, at if self._backend.is_shared else None)
            return settle.rescue(db, at, self._backend.unheld(db, left))

        return await self._writer.alone(verb)

    async def greet(self, fingerprint: str, *, now: datetime, pace: Pace | None = None, joins: bool = False) -> Tracker:
        """Begin serving: empty bucket, one request at a time."""
        return await self._writer.alone(
            lambda db: trackers.greet(db, fingerprint, self._now(db, now), pace, joins=joins)
        )

    async def pause(self, reason: str, *, now: datetime) -> Tracker:
        """Hold every delivery back until `resume`."""
        return await self._writer.alone(lambda db: trackers.pause(db, reason, self._now(db, now)))

    async def resume(self, *, now: datetime) -> Tracker:
        """Lift whatever pause there is and go on carefully."""
        return await self._writer.alone(lambda db: trackers.resume(db, self._now(db, now)))

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
        row = (clean(revision), clean(source), clean(text))

        def verb(db: Connection) -> None:
            when = to_ms(self._now(db, now))
            db.execute("INSERT INTO revisions VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (*row, when))

        await self._writer.alone(verb)

    async def last_heard(self, source: str, rule: str = "", *, after: int = 0) -> Heard:
        """When a source last sent an event, or a rule of it last made a delivery."""
        return await self._reader.read(lambda db: heard.last_heard(db, source, rule, after))

    async def sources_seen(self) -> frozenset[str]:
        """Every source that ever had an event accepted here."""
        return await self._reader.read(queries.sources_seen)

    async def events(self, wanted: EventFilter) -> list[StoredEvent]:
        """Events with their deliveries, as filtered."""
        return await self._reader.read(lambda db: queries.events(db, wanted, self._now(db)))

    async def known_events(self, source: str, keys: Sequence[str]) -> frozenset[str]:
        """Those of these event keys that are recorded."""
        return await self._reader.read(lambda db: known.event_keys(db, source, keys))

    async def find_events(self, reference: str) -> list[StoredEvent]:
        """Events by internal id, by the source's id or key, or by one of their deliveries."""
        return await self._reader.read(lambda db: queries.find_events(db, reference, self._now(db)))

    async def deliveries(self, wanted: DeliveryFilter) -> list[Delivery]:
        """Deliveries, as filtered."""
        return await self._reader.read(lambda db: queries.deliveries(db, wanted, self._now(db)))

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
        return await self._reader.read(lambda db: standing.backlog(db, self._now(db, now)))

    async def ping(self) -> None:
        """Raise StoreError unless the database can be written now: it writes, and waits until that is on disk."""
        beat = "UPDATE tracker SET beats = beats + 1 WHERE id = 1"
        await self._writer.alone(lambda db: db.execute(beat).rowcount, hasty=True)

    async def close(self) -> None:
        """Finish what is queued, then let go of the database."""
        await asyncio.gather(self._writer.close(), self._reader.close())
        self._backend.close()


def _of(forget: _Forget, event_ids: Sequence[int]) -> Callable[[Connection], int]:
    return lambda db: forget(db, event_ids)
