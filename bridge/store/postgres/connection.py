"""One PostgreSQL connection as the store wants it: nothing is set for its whole life, so a pooler may stand between.

Whatever a transaction needs is said within it. Bounds on every wait make sure that neither a frozen replica nor a
network that has gone silent holds the others up for longer than seconds.
"""

import contextlib
import os
import socket
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import TransactionStatus

from bridge.store.database import Parameters
from bridge.store.postgres.dialect import translated
from bridge.store.postgres.row import Row, row_factory
from bridge.store.sealing import UNSEALED, Seals

#: What the URL does not say. A peer that is silent is given up after about ten seconds.
DEFAULTS: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "application_name": "trackbridge",
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class _Number(Dumper):
    """Truth as 1 and 0, like everywhere in the schema."""

    oid = psycopg.adapters.types["int2"].oid

    def dump(self, obj: bool) -> Buffer | None:  # noqa: FBT001 - it is what is dumped
        return b"1" if obj else b"0"


class Connection:
    """`database.Connection` over psycopg's."""

    def __init__(self, raw: psycopg.Connection[Row], seals: Seals) -> None:
        self.raw = raw
        self.seals = seals
        #: when the transaction began, by the database's clock
        self.moment: datetime | None = None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, or it is not known."""
        return self.raw.info.transaction_status is not TransactionStatus.IDLE

    def execute(self, sql: str, parameters: Parameters = (), /) -> psycopg.Cursor[Row]:
        """Run one statement of the verbs."""
        return self.raw.cursor(binary=True).execute(translated(sql).encode(), parameters or None)

    def executemany(self, sql: str, parameters: Iterable[Parameters], /) -> psycopg.Cursor[Row]:
        """Run one statement of the verbs for each of these, all in one journey."""
        cursor = self.raw.cursor(binary=True)
        rows = list(parameters)
        if rows:
            cursor.executemany(translated(sql).encode(), rows)
        return cursor

    def close(self) -> None:
        """Let go of the database."""
        self.raw.close()

    def cut(self) -> None:
        """End it while another thread works on it."""
        with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.raw.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)


def connect(conninfo: str, *, prepare_threshold: int | None, seals: Seals = UNSEALED) -> Connection:
    """Open the database; transactions are begun and ended by hand. Raises psycopg.Error."""
    raw = psycopg.connect(
        conninfo,
        autocommit=True,
        prepare_threshold=prepare_threshold,
        row_factory=row_factory,
        client_encoding="utf8",
    )
    raw.adapters.register_dumper(bool, _Number)
    return Connection(raw, seals)


def commit(db: Connection) -> None:
    """End the transaction. To COMMIT one that has failed PostgreSQL answers without an error, and undoes it."""
    done = db.raw.execute("COMMIT").statusmessage
    if done != "COMMIT":
        raise psycopg.errors.TransactionRollback(f"the answer to COMMIT was {done}")
