"""What PostgreSQL's errors mean to people. Its own texts are never passed on: they may hold data, names, addresses."""

from typing import Final

import psycopg

from bridge.errors import StoreError

#: How the database says no. The second is a text with half a character in it, the third a machine without memory.
REFUSALS: Final = (psycopg.Error, UnicodeEncodeError, MemoryError)

#: The beginning of an SQLSTATE → what it means.
_MEANINGS: Final = (
    ("08", "the connection to the database was lost"),
    ("25006", "the database cannot be written (read-only)"),
    ("25P0", "the database ended the transaction: it took too long"),
    ("28", "the database does not let this user in"),
    ("3D", "there is no such database"),
    ("42501", "the database cannot be written (no permission)"),
    ("42P01", "the database has no tables of trackbridge's"),
    ("53100", "there is no space left for the database"),
    ("53200", "there is no memory left for the database"),
    ("53300", "the database has no connection left"),
    ("53", "the database is short of something"),
    ("55P03", "somebody else holds what is to be written"),
    ("57014", "the database took too long"),
    ("57P", "the database is being stopped or started"),
    ("58", "the disk under the database answers with an error"),
    ("XX001", "the database is damaged"),
    ("XX002", "the database is damaged"),
    ("40", "the database ended the transaction in favour of another"),
)
#: A row that somebody holds is that row's trouble; to be ended in favour of another is over when it was repeated.
_OF_ONE: Final = ("55P03", "40")
_LOST: Final = "the connection to the database was lost"


def code(error: Exception) -> str:
    """The SQLSTATE; nothing where the server said none, as when it cannot be reached."""
    return getattr(error, "sqlstate", None) or ""


def meaning(error: Exception) -> str:
    """What an error means, when it is about more than one row."""
    if isinstance(error, MemoryError):
        return "there is no memory left"
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and not code(error):
        return _LOST
    return next((meaning for prefix, meaning in _MEANINGS if code(error).startswith(prefix)), "")


def as_store_error(error: Exception) -> StoreError:
    """The same error in words for people, without any data."""
    if isinstance(error, StoreError):
        return error
    return StoreError(f"{meaning(error) or 'the database refuses this row'} ({code(error) or type(error).__name__})")


def concerns_everybody(error: Exception) -> bool:
    """Whether the database as a whole is in trouble, so that trying row by row would help nobody."""
    return bool(meaning(error)) and not code(error).startswith(_OF_ONE)


def is_passing(error: Exception) -> bool:
    """Whether the same may well go through at once: a deadlock or a serialization failure."""
    return code(error) in ("40001", "40P01")


def is_lost(error: Exception) -> bool:
    """Whether only the connection is gone, so that a new one may do; or read-only for good, as it was when it began."""
    return meaning(error) == _LOST or code(error).startswith(("57P", "25P03", "25006"))
