"""A PostgreSQL database as one end of a move, whose turn to write nobody else gets meanwhile."""

import contextlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from bridge.store.database import Connection
from bridge.store.encoding import Value
from bridge.store.marks import problem
from bridge.store.moving.ends import Tables
from bridge.store.postgres import connection, errors
from bridge.store.postgres.backend import COPYING, TURN, Postgres
from bridge.store.postgres.location import Location, locate
from bridge.store.postgres.migrations import applied, tables
from bridge.store.postgres.opening import open_database
from bridge.store.replicas import replicas
from bridge.store.sealing import Seals
from bridge.store.steps import shipped

#: How long the turn is waited for: a serve that has just ended may have it for a moment.
_PATIENCE_MS: Final = 10_000

_BEGIN: Final = f"""
    BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL synchronous_commit = on;
    SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL standard_conforming_strings = on;
    SET LOCAL lock_timeout = {_PATIENCE_MS};
    SELECT pg_advisory_xact_lock({COPYING[0]}, {COPYING[1]});
    SELECT pg_advisory_xact_lock({TURN[0]}, {TURN[1]})
"""


class PostgresEnd:
    """`ends.End` over one database."""

    def __init__(self, place: str, db: connection.Connection) -> None:
        self.place = place
        self.db: Connection = db
        self._mine = db

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction in which nobody else can write; undone when the block raises."""
        raw = self._mine.raw
        try:
            raw.execute(_BEGIN.encode())
            yield
            connection.commit(self._mine)
        except BaseException as error:
            with contextlib.suppress(psycopg.Error):
                if not raw.closed and self._mine.in_transaction:
                    raw.execute("ROLLBACK")
            if isinstance(error, errors.REFUSALS):
                raise errors.as_store_error(error) from error
            raise

    def tables(self) -> Tables:
        """The tables that are there."""
        rows = self._mine.raw.execute(
            """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position
            """
        )
        found: dict[str, tuple[str, ...]] = {}
        for table, column in rows:
            found[table] = (*found.get(table, ()), column)
        return found

    def rows(self, table: str, columns: Sequence[str]) -> Generator[tuple[Value, ...], None, None]:
        """Every row, a few at a time."""
        question = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 - our own names
        with self._mine.raw.cursor(binary=True) as cursor:
            yield from map(tuple, cursor.stream(question.encode()))

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """Put these rows in place of whatever is there."""
        raw = self._mine.raw
        raw.execute(f"DELETE FROM {table}".encode())  # noqa: S608 - our own names
        order = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with raw.cursor() as cursor, cursor.copy(order.encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def close(self) -> None:
        """Let go of it."""
        self._mine.close()


def place_of(url: str) -> str:
    """A database as a URL, without who asks and by which password."""
    given = conninfo_to_dict(locate(url).conninfo)
    hosts, ports = str(given.get("host", "localhost")).split(","), str(given.get("port", "")).split(",")
    named = [
        f"{host}:{port}" if port else host for host, port in zip(hosts, [*ports, *[""] * len(hosts)], strict=False)
    ]
    return f"postgresql://{','.join(named)}/{given.get('dbname') or given.get('user')}"


def take(url: str, *, create: bool, seals: Seals) -> PostgresEnd:
    """Open a database as one end of a move. Raises ConfigError, also when somebody serves from it."""
    location = locate(url)
    end = PostgresEnd(place_of(url), open_database(location, shipped("postgres"), create=create, seals=seals))
    try:
        _see_alone(end, Postgres(location, seals))
    except BaseException:
        end.close()
        raise
    return end


def _see_alone(end: PostgresEnd, database: Postgres) -> None:
    """By the database's own clock, nobody was heard of lately."""
    database.look(end.db)
    moment = database.moment(end.db)
    live = [seen.replica.name for seen in replicas(end.db, moment) if seen.is_live] if moment else []
    end.db.execute("ROLLBACK")
    if live:
        raise problem(
            "database-in-use",
            f"{len(live)} serve from {end.place}, or did a moment ago: {', '.join(live)}",
            why="what they take in or send meanwhile would be lost or sent twice",
            fix="stop them, and run this again half a minute later; senders try again meanwhile",
            place=end.place,
        )


def look(url: str, *, seals: Seals) -> PostgresEnd | None:
    """Open a database only to look at it, beside whoever serves from it; None when there is nothing of ours yet."""
    location = locate(url)
    if _is_empty(location):
        return None
    return PostgresEnd(place_of(url), open_database(location, shipped("postgres"), create=False, seals=seals))


def _is_empty(location: Location) -> bool:
    try:
        with contextlib.closing(
            connection.connect(location.conninfo, prepare_threshold=location.prepare_threshold)
        ) as db:
            return not applied(db) and not tables(db)
    except psycopg.Error:
        # told as it is when it is opened in earnest
        return False
