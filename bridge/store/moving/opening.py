"""From an address to one end of a move, whichever kind of database it names."""

from datetime import datetime

from bridge.encryption import NO_KEYS, EncryptionKeys
from bridge.store.moving import sqlite_end
from bridge.store.moving.ends import End
from bridge.store.sealing import Seals


def take(url: str, *, create: bool, now: datetime, keys: EncryptionKeys = NO_KEYS) -> End:
    """Open a database as one end, while nobody serves from it. Raises ConfigError."""
    return sqlite_end.take(url, create=create, now=now, seals=Seals(keys))


def look(url: str, *, now: datetime, keys: EncryptionKeys = NO_KEYS) -> End | None:
    """Open a database only to look at it; None when there is none yet. Raises ConfigError."""
    return sqlite_end.look(url, now=now, seals=Seals(keys))


def same(url: str, other: str) -> bool:
    """Whether two addresses name one database."""
    return place_of(url) == place_of(other)


def place_of(url: str) -> str:
    """What an address names, without who asks and by which password."""
    return sqlite_end.place_of(sqlite_end.path_of(url))
