"""Where a PostgreSQL database is, from its URL; what may be said of that to people, and what may not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bridge.store.marks import VARIABLE, problem
from bridge.store.postgres.connection import DEFAULTS

#: Ours, in a URL's query beside libpq's: prepare a statement when it comes for so many times; not for poolers.
_PREPARE = "prepare_threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A database and how to reach it."""

    conninfo: str = field(repr=False)
    #: None: no statement is prepared, so a pooler may give every transaction another connection
    prepare_threshold: int | None
    #: the database and its server, for people; no user, no password
    name: str

    def __str__(self) -> str:
        return self.name


def locate(url: str) -> Location:
    """The database that a URL names. Raises ConfigError; the URL itself is never shown, it holds a password."""
    try:
        without, threshold = _prepare_threshold(url)
        given = conninfo_to_dict(without)
        if not str(given.get("port") or "0").replace(",", "").isdigit():
            # libpq would look for the host first
            raise ValueError  # noqa: TRY301 - told below, like all others
        _see_quoted(url)
        conninfo = make_conninfo("", **{**DEFAULTS, **given})
    except (psycopg.Error, ValueError):
        # `from None`: their texts quote the URL
        raise problem(
            "database-url",
            "this is no URL of a PostgreSQL database",
            why="what stands in it for @ : / ? # % must be written as %40 %3A %2F %3F %23 %25",
            fix="write postgresql://user:password@host:5432/name, with ?sslmode=verify-full where it is far away",
        ) from None
    database = str(given.get("dbname") or given.get("user") or "")
    if not database:
        raise problem(
            "database-url",
            "the URL names no database",
            fix=f"write its name after the host in {VARIABLE}: postgresql://user:password@host:5432/name",
        )
    return Location(conninfo=conninfo, prepare_threshold=threshold, name=_name(given, database))


def _prepare_threshold(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    said = [value for name, value in options if name == _PREPARE]
    if not said:
        return url, None
    if int(said[-1]) < 1:
        # what is several statements cannot be prepared, and would be at once
        raise ValueError
    left = [(name, value) for name, value in options if name != _PREPARE]
    # nothing of the URL but its query is written anew
    head, _, _ = url.partition("?")
    return f"{head}?{urlencode(left)}" if left else head, int(said[-1])


def _see_quoted(url: str) -> None:
    """Raise ValueError when part of a password with an @ or a / in it would stand as a host or a database's name."""
    users, _, path = url.partition("?")[0].partition("://")[2].partition("/")
    if users.count("@") > 1 or "@" in path:
        raise ValueError


def _name(given: Mapping[str, object], database: str) -> str:
    hosts = str(given.get("host") or given.get("hostaddr") or "the default host")
    port = f":{given['port']}" if given.get("port") else ""
    return f'the database "{database}" on {hosts}{port}'
