"""From an address to one end of a move, whichever kind of database it names."""

from datetime import datetime

from bridge.encryption import NO_KEYS, EncryptionKeys
from bridge.store.moving import postgres_end, sqlite_end
from bridge.store.moving.ends import End
from bridge.store.sealing import Seals


def take(url: str, *, create: bool, now: datetime, keys: EncryptionKeys = NO_KEYS) -> End:
    """Open a database as one end, while nobody serves from it. Raises ConfigError."""
    if _is_postgres(url):
        return postgres_end.take(url, create=create, seals=Seals(keys))
    return sqlite_end.take(url, create=create, now=now, seals=Seals(keys))


def look(url: str, *, now: datetime, keys: EncryptionKeys = NO_KEYS) -> End | None:
    """Open a database only to look at it; None when there is none yet. Raises ConfigError."""
    if _is_postgres(url):
        return postgres_end.look(url, seals=Seals(keys))
    return sqlite_end.look(url, now=now, seals=Seals(keys))


def place_of(url: str) -> str:
    """What an address names, without who asks and by which password."""
    return postgres_end.place_of(url) if _is_postgres(url) else sqlite_end.place_of(sqlite_end.path_of(url))


def _is_postgres(url: str) -> bool:
    return url.startswith(("postgresql://", "postgres://"))
