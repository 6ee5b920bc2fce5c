"""The store in a PostgreSQL database: several processes serve from it, and take turns to write."""

from bridge.store.postgres.backend import Postgres
from bridge.store.postgres.connection import Connection
from bridge.store.postgres.location import locate
from bridge.store.postgres.opening import open_database
from bridge.store.sealing import Seals
from bridge.store.steps import shipped

__all__ = ["Postgres", "open_backend"]


def open_backend(url: str, *, exclusive: bool, seals: Seals, believes_caller: bool) -> tuple[Postgres, Connection]:
    """The database that a URL names, at this version's schema, with a connection for the writer. Raises ConfigError."""
    location = locate(url)
    db = open_database(location, shipped("postgres"), create=exclusive, seals=seals)
    return Postgres(location, seals, believes_caller=believes_caller), db
