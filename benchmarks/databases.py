"""A PostgreSQL to measure with: a server of our own from the tests' wheel, as durable as in production, or one that is
named. It shares the load generator's core, so the server under test has its own.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks.machine import LOAD_CORE, BenchmarkError, on_core
from tests.postgres import Server, unavailable


@dataclass(slots=True)
class Databases:
    """Makes databases, and looks into them."""

    #: a role that may make databases
    url: str
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def fresh(self) -> str:
        """The address of a new, empty database."""
        name = f"trackbridge_bench_{next(self._numbers)}"
        with psycopg.connect(self.url, autocommit=True) as hand:
            hand.execute(f"DROP DATABASE IF EXISTS {name}".encode())
            hand.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop(self, url: str) -> None:
        """Remove one again, whoever is still connected."""
        name = urlsplit(url).path[1:]
        with psycopg.connect(self.url, autocommit=True) as hand:
            hand.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())

    def number(self, url: str, question: str) -> int:
        """One number out of a database."""
        with psycopg.connect(url, autocommit=True) as hand:
            row = hand.execute(question.encode()).fetchone()
        return int(row[0]) if row else 0


@contextlib.contextmanager
def postgres(scratch: Path, url: str) -> Iterator[Databases]:
    """The server that is named, or one of our own for as long as the block lasts."""
    if url:
        yield Databases(url)
        return
    if why := unavailable():
        raise BenchmarkError(why)
    folder = scratch / "postgres"
    folder.mkdir(exist_ok=True)
    with on_core(LOAD_CORE):
        server = Server.start(folder, durable=True)
    with server:
        yield Databases(server.admin_url())
