"""From a database URL to an open PostgreSQL database: everything that can be wrong with it, told as Problems.

Several serves may use one database. What tells them apart from another program is the schema's own record of its steps.
"""

from datetime import UTC, datetime
from typing import Final

import psycopg

from bridge.errors import ConfigError
from bridge.store.encoding import to_ms
from bridge.store.keyring import check_keys
from bridge.store.marks import VARIABLE, problem
from bridge.store.postgres import errors
from bridge.store.postgres.connection import Connection, connect
from bridge.store.postgres.location import Location
from bridge.store.postgres.migrations import applied, migrate, tables
from bridge.store.sealing import Seals
from bridge.store.steps import Step, check_newer

#: Everything that the statements use is in it, and its makers still mend it.
_LEAST: Final = 14

#: How a server that does not let us in says so. It gives no code, so its words must do; in another language than
#: English the more general Problem is told.
_REFUSED: Final = (
    ("password authentication failed", "the password is wrong, or the user is unknown"),
    ("no password supplied", "the server wants a password"),
    ("no pg_hba.conf entry", "the server lets nobody in from here, or not without TLS"),
    ("does not exist", "there is no such database, or no such user"),
    ("permission denied for database", "this user may not use that database"),
    ("too many connections", "all its connections are taken"),
    ("remaining connection slots", "all its connections are taken"),
    ("certificate", "its certificate, or ours, is not accepted"),
    ("does not support SSL", "it does not speak TLS, and sslmode asks for it"),
    ("could not translate host name", "the host's name is unknown"),
    ("failed to resolve host", "the host's name is unknown"),
    ("Name or service not known", "the host's name is unknown"),
    ("Connection refused", "nobody listens there"),
    ("timeout expired", "it does not answer"),
    ("timed out", "it does not answer"),
    ("starting up", "it is just starting"),
    ("shutting down", "it is being stopped"),
)


def open_database(location: Location, steps: tuple[Step, ...], *, create: bool, seals: Seals) -> Connection:
    """Open the database and, to serve, bring it to this version's schema. Raises ConfigError."""
    db = None
    try:
        db = connect(location.conninfo, prepare_threshold=location.prepare_threshold, seals=seals)
        _check_server(db, location)
        _check_ours(db, location, steps, create=create)
        if create:
            migrate(db, steps, now_ms=to_ms(datetime.now(UTC)))
        check_keys(db)
    except BaseException as error:
        if db is not None:
            db.close()
        if isinstance(error, psycopg.Error):
            # `from None`: its text may hold the host, the user, and what the server made of them
            raise _unusable(location, error, is_in=db is not None) from None
        raise
    return db


def _check_server(db: Connection, location: Location) -> None:
    version = db.raw.info.server_version // 10_000
    if version < _LEAST:
        raise problem(
            "database-version",
            f"{location} is on PostgreSQL {version}: {_LEAST} or newer is needed",
            fix="use a newer server",
        )
    (encoding,) = db.raw.execute("SHOW server_encoding").fetchone() or ("",)
    if encoding != "UTF8":
        raise problem(
            "database-encoding",
            f"{location} keeps texts as {encoding}",
            why="webhooks may hold any character, and only UTF-8 has them all",
            fix="CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
        )
    (schema,) = db.raw.execute("SELECT current_schema()").fetchone() or (None,)
    if schema is None:
        raise problem(
            "database-schema",
            f"{location} has no schema for this user's tables",
            why="the schemas of its search_path are not there, or are closed to it",
            fix="CREATE SCHEMA AUTHORIZATION of that user, or ALTER ROLE … SET search_path",
        )


def _check_ours(db: Connection, location: Location, steps: tuple[Step, ...], *, create: bool) -> None:
    # in this order: another serve that starts at the same moment may make them in between
    there, found = tables(db), applied(db)
    check_newer(str(location), steps, found)
    if there and not found:
        raise problem(
            "database-foreign",
            f"{location} holds another program's tables",
            why="trackbridge keeps its tables in a database, or a schema, of its own",
            fix=f"CREATE DATABASE for it, and set {VARIABLE} to that",
        )
    if not create and not found:
        raise problem(
            "database-missing",
            f"{location} holds no tables yet",
            why="`trackbridge serve` makes them when it first starts",
            fix=f"start serve, or set {VARIABLE} as it is set there",
        )
    if not create and max(number for number, _ in found) < steps[-1].number:
        raise problem(
            "database-older",
            f"{location} is at schema {max(number for number, _ in found)}; this version needs {steps[-1].number}",
            why="`trackbridge serve` brings it there when it starts; a command does not change what others use",
            fix="start serve in this version first",
        )


def _unusable(location: Location, error: psycopg.Error, *, is_in: bool) -> ConfigError:
    if not is_in:
        why = next((why for words, why in _REFUSED if words in str(error)), "")
        return problem(
            "database-unreachable",
            f"cannot connect to {location}" + (f": {why}" if why else ""),
            fix=f"check {VARIABLE}, or see the server's log",
        )
    return problem(
        "database-unusable",
        f"cannot use {location}: {errors.as_store_error(error)}",
        fix="let this user make and change tables there (GRANT CREATE ON SCHEMA), or see the server's log",
    )
