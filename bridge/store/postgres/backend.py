"""A PostgreSQL database as a backend: several replicas serve from it, and whoever writes has the turn.

Every transaction that writes takes one advisory lock first, so that what is proven with one writer (ids by max + 1,
claims, lanes, order, rate, pause) holds over all replicas; a commit carries up to 256 webhooks. Nothing outlives its
transaction. Its clock is the database's, read when the turn was given.
"""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import psycopg

from bridge.errors import StoreError
from bridge.store import database
from bridge.store.persons import Person
from bridge.store.postgres import cleaning, errors
from bridge.store.postgres.connection import Connection, commit, connect
from bridge.store.postgres.location import Location
from bridge.store.sealing import Seals

#: How long the turn is waited for. A request may arrive just behind such a wait and then have its own.
TURN_MS: Final = 2_500
#: How long anything is waited for that somebody else holds within the turn: it holds up everybody. A deadlock is seen
#: sooner, after the second that PostgreSQL takes by default.
HELD_MS: Final = 1_500
#: The turn is taken from a replica that does nothing with it for so long …
IDLE_MS: Final = 5_000
#: … and nothing asked within it may take longer than this; a question may.
STATEMENT_MS: Final = 10_000
QUESTION_MS: Final = 60_000

#: Two numbers that say "trackbridge" and "the turn to write" among a database's advisory locks …
TURN: Final = (0x7472_6163, 1)
#: … and that who has the turn copies a whole database: that is silent for long, and nobody takes it away.
COPYING: Final = (0x7472_6163, 3)

#: Whoever was frozen in the middle of its words has the turn without being idle by PostgreSQL's measure: no timeout of
#: a session ends that. Whoever waits in vain for the turn does.
_END_SILENT: Final = """
    SELECT pg_terminate_backend(l.pid)
    FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s AND l.objid = %s AND l.objsubid = 2
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND a.wait_event = 'ClientRead' AND a.state_change < clock_timestamp() - %s * interval '1 ms'
        AND NOT EXISTS (
            SELECT 1 FROM pg_locks AS c
            WHERE c.pid = l.pid AND c.locktype = 'advisory' AND c.classid = %s AND c.objid = %s AND c.objsubid = 2
        )
"""
#: Every statement of the verbs is made for look-ups in indexes, one after the other. Planned by statistics, that would
#: turn into walks over whole tables whenever those are old, or the planner takes a list for longer than it is.
_PLANS: Final = """
        SET LOCAL enable_seqscan = off;
        SET LOCAL enable_bitmapscan = off;
        SET LOCAL enable_hashjoin = off;
        SET LOCAL enable_mergejoin = off;
        SET LOCAL jit = off;"""

_CLOCK: Final = "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000000) AS BIGINT)"
#: Said while this process could not see it: one that was cut off must not go on where nobody looks any more.
_HAS_GONE: Final = "EXISTS (SELECT 1 FROM marks WHERE name IN ('moving', 'moved'))"


def _begin() -> str:
    """One journey: the transaction, its bounds, the turn, and the time at which it was given."""
    return f"""
        BEGIN ISOLATION LEVEL READ COMMITTED;
        SET LOCAL synchronous_commit = on;
        SET LOCAL statement_timeout = {STATEMENT_MS};
        SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS};
        SET LOCAL lock_timeout = {TURN_MS};
        SELECT pg_advisory_xact_lock({TURN[0]}, {TURN[1]});
        SET LOCAL lock_timeout = {HELD_MS};{_PLANS}
        {_CLOCK}, {_HAS_GONE}
    """


def _look() -> str:
    return f"""
        BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
        SET LOCAL statement_timeout = {QUESTION_MS};
        SET LOCAL idle_in_transaction_session_timeout = {QUESTION_MS};
        SET LOCAL lock_timeout = {TURN_MS};{_PLANS}
        {_CLOCK}
    """


class Postgres:
    """`backend.Backend` over one database."""

    refusals: Final = errors.REFUSALS
    is_shared: Final = True

    def __init__(self, location: Location, seals: Seals, *, believes_caller: bool = False) -> None:
        self._location = location
        self._seals = seals
        self._believes_caller = believes_caller

    def connect(self) -> Connection:
        """A new connection that reads and writes."""
        return connect(self._location.conninfo, prepare_threshold=self._location.prepare_threshold, seals=self._seals)

    def connect_to_read(self) -> Connection:
        """The same: what begins to look is what only reads."""
        return self.connect()

    def begin(self, db: database.Connection) -> None:
        """Take the turn to write, over all replicas. Raises StoreError when everything is elsewhere."""
        try:
            (has_gone,) = self._start(db, _begin())
        except psycopg.errors.LockNotAvailable:
            with contextlib.suppress(psycopg.Error):
                _mine(db).raw.execute("ROLLBACK")
                _mine(db).raw.execute(_END_SILENT, (*TURN, IDLE_MS, *COPYING))
            raise
        if has_gone:
            raise StoreError("the database was moved, or is being moved; serve from the new one")

    def look(self, db: database.Connection) -> None:
        """Begin to see one moment of the database."""
        self._start(db, _look())

    def _start(self, db: database.Connection, statements: str) -> Sequence[object]:
        """Run them; what the last one says beside the time."""
        mine = _mine(db)
        cursor = mine.raw.cursor()
        cursor.execute(statements.encode())
        while cursor.nextset():
            pass
        microseconds, *others = cursor.fetchone() or (0,)
        mine.moment = datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(
            microsecond=microseconds % 1_000_000
        )
        return others

    def commit(self, db: database.Connection) -> None:
        """Commit."""
        commit(_mine(db))

    def moment(self, db: database.Connection) -> datetime | None:
        """When the turn was given, by the database's clock."""
        return None if self._believes_caller else _mine(db).moment

    def unheld(self, db: database.Connection, delivery_ids: Sequence[int]) -> list[int]:
        """Those of the deliveries that nobody has locked: psql, a migration by hand, a tool."""
        if not delivery_ids:
            return []
        cursor = _mine(db).raw.execute(
            "SELECT id FROM deliveries WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            ([*delivery_ids],),
        )
        free = {delivery_id for (delivery_id,) in cursor}
        return [delivery_id for delivery_id in delivery_ids if delivery_id in free]

    def abandon(self, db: database.Connection) -> None:
        """Cut it: whoever waits there for the server finds the connection lost."""
        _mine(db).cut()

    def as_store_error(self, error: Exception) -> StoreError:
        """An error in words for people, without any data."""
        return errors.as_store_error(error)

    def concerns_everybody(self, error: Exception) -> bool:
        """Whether the database as a whole is in trouble."""
        return errors.concerns_everybody(error)

    def is_passing(self, error: Exception) -> bool:
        """Whether it was a deadlock or the like."""
        return errors.is_passing(error)

    def is_lost(self, error: Exception) -> bool:
        """Whether only the connection is gone."""
        return errors.is_lost(error)

    def fold(self) -> bool:
        """Let the space of what was deleted be written over; others need not stop for it."""
        return cleaning.vacuum(self.connect())

    def remains(self, person: Person) -> int | None:  # noqa: ARG002 - part of the protocol
        """The files are the server's: nobody here can look into them."""
        return None

    def rewrite(self, *, most: int) -> bool:
        """Write every table anew, unless they are larger than `most` bytes; nobody reads or writes meanwhile."""
        return cleaning.rewrite(self.connect(), most)

    def close(self) -> None:
        """Nothing outlives its transaction."""


def _mine(db: database.Connection) -> Connection:
    assert isinstance(db, Connection)  # noqa: S101 - a backend is given its own connections
    return db
