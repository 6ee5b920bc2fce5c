"""E-mail addresses as keyed hashes: two events of one address can be joined, and the address is not kept for it.

HMAC-SHA256 with a key of this database, over the address in small letters without blanks around it.
"""

import hmac
from typing import Final

from bridge.store.database import Connection
from bridge.store.encoding import clean
from bridge.store.sealing import HASH_KEY

#: The namespace of associations whose customer is such a hash; no mapping's namespace has an @.
EMAIL: Final = "@email"


def email_hash(db: Connection, email: str) -> str:
    """What is kept of an address: the same for the same address, and nothing without this database's key."""
    return Hasher(db).of(email)


class Hasher:
    """The same for many addresses of one transaction: the key is read when the first one comes."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._keyed: hmac.HMAC | None = None

    def of(self, email: str) -> str:
        """The hash of an address."""
        if self._keyed is None:
            (key,) = self._db.execute("SELECT value FROM secrets WHERE name = 'email'").fetchone()
            self._keyed = hmac.new(self._db.seals.opened_data(HASH_KEY, "email", key), digestmod="sha256")
        # with the key worked in once: half the work for each further address
        mac = self._keyed.copy()
        mac.update(clean(email).strip().lower().encode())
        return mac.hexdigest()
