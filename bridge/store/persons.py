"""A person as the store can find one: customer ids, and e-mail addresses wherever and however they are written.

An address is found in any case, percent-encoded as forms write it and escaped as JSON may write it; not as a part of
another address.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

#: What stands for a customer whose data was removed.
FORGOTTEN: Final = "[forgotten]"

_INSIDE: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789._+-")
_DOMAIN: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whose data is meant."""

    #: customer_external_ids, as sent
    customers: frozenset[str] = frozenset()
    #: addresses in small letters
    emails: frozenset[str] = frozenset()
    #: these texts as a part of other addresses, too
    loosely: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Where a person was found among some events."""

    #: events that are about the person
    events: tuple[int, ...] = ()
    #: events that hold a body for a whole batch, in which the person is named
    shared: tuple[int, ...] = ()
    #: customer ids of deliveries with one of the addresses
    customers: frozenset[str] = frozenset()
    #: the last event that was looked at; None: there was none left
    last: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What one transaction removed."""

    events: int = 0
    deliveries: int = 0
    #: keys that were made of an address: gone, so that what they kept out would count again
    keys: int = 0
    #: events left as they are, since something of theirs is still under way or dead
    left: tuple[int, ...] = ()


class Finder:
    """Looks for addresses in texts and bodies."""

    def __init__(self, person: Person) -> None:
        self._emails = [email.strip().lower().encode() for email in person.emails if email.strip()]
        self._loosely = person.loosely
        self._escapes = _escapes(self._emails)

    def is_in(self, text: str | bytes | None) -> bool:
        """Whether any of the addresses stands there."""
        if not text or not self._emails:
            return False
        data = (text if isinstance(text, bytes) else text.encode(errors="replace")).lower()
        if self._stands_in(data):
            return True
        plain = unquote_to_bytes(data) if b"%" in data else data
        if b"\\u" in plain:
            for written, meant in self._escapes:
                plain = plain.replace(written, meant)
        return plain != data and self._stands_in(plain.lower())

    def _stands_in(self, data: bytes) -> bool:
        return any(email in data and (self._loosely or _stands_alone(data, email)) for email in self._emails)


def _stands_alone(data: bytes, email: bytes) -> bool:
    """Whether it is an address somewhere, and not only a part of longer ones."""
    at = data.find(email)
    while at >= 0:
        end = at + len(email)
        before, after = data[at - 1 : at], data[end : end + 2]
        begins = not before or before[0] not in _INSIDE
        goes_on = bool(after) and (after[0] in _DOMAIN or (after[:1] == b"." and after[1:] and after[1] in _DOMAIN))
        if begins and not goes_on:
            return True
        at = data.find(email, at + 1)
    return False


def _escapes(emails: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """How JSON may write each character of the addresses."""
    chars = {char for email in emails for char in email.decode()}
    return [(f"\\u{ord(char):04x}".encode(), char.encode()) for char in sorted(chars) if ord(char) < 0x10000]


def spellings(emails: Iterable[str]) -> list[bytes]:
    """Every way an address may stand in the database's own files, in small letters."""
    found: list[bytes] = []
    for email in emails:
        local, at, domain = email.partition("@")
        found += [
            email.encode(),
            json.dumps(email)[1:-1].encode(),
            quote(email, safe="").lower().encode(),
            f"{quote(local)}%40{domain}".lower().encode(),
            f"{local}\\u0040{domain}".encode(),
        ]
        found += [f"{local}{at}{domain}".encode("utf-16-le")]
    return list(dict.fromkeys(found))
