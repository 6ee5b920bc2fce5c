"""Sealing: what is personal is encrypted before it is written and opened when it is read, if the operator gave a key.

AES-256-GCM, a random nonce for each value; table, column and row are authenticated with it, so that a value which was
changed, or moved to another place, does not open. A stored value says which key sealed it, so keys may change one by
one. Without a key everything passes as it is; a clear text that looks like a sealed one is marked as clear.
"""

import binascii
from os import urandom
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.encryption import NO_KEYS, EncryptionKeys, number_of
from bridge.errors import StoreError

#: What a sealed value begins with: this, the key's number in eight letters, a colon.
MARK: Final = "~tb1:"
#: Stands before a clear value that itself begins with MARK.
CLEAR: Final = "~tb1:........:"
#: So long is the beginning that says which key.
HEAD: Final = len(CLEAR)

_MARK_BYTES: Final = MARK.encode()
_CLEAR_BYTES: Final = CLEAR.encode()
_NONCE: Final = 12
_DIGITS: Final = 8
#: There is nothing in these to hide.
_NOTHING: Final = ("", "[]")

#: Which row of its table a value stands in.
RowKey: TypeAlias = int | str

BODY: Final = "events.body"
HEADERS: Final = "events.headers"
QUERY: Final = "events.query"
STEPS: Final = "events.steps"
EVENT_REASON: Final = "events.reason"
PAYLOAD: Final = "deliveries.payload"
REASON: Final = "deliveries.reason"
TRY_REASON: Final = "attempts.reason"
ANSWER: Final = "attempts.answer"
PAUSE_REASON: Final = "tracker.pause_reason"
HASH_KEY: Final = "secrets.value"
PROOF: Final = "encryption_keys.proof"


class Unopened(ValueError):
    """A sealed value does not open though its key is there: it was changed, or it is not in its place."""

    def __init__(self) -> None:
        super().__init__("a sealed value does not open")


class KeyMissing(StoreError):
    """A value was sealed with a key that this process was not given: it must not take it for spoiled."""

    def __init__(self) -> None:
        super().__init__("something was encrypted with a key that this process does not have; restart it with that key")


class Seals:
    """Seals and opens with the operator's keys; one for all connections of a store, of which one thread seals."""

    __slots__ = ("_cipher", "_ciphers", "_head", "_head_bytes", "has_sealed")

    def __init__(self, keys: EncryptionKeys = NO_KEYS) -> None:
        #: something was sealed since whoever asks set this to False
        self.has_sealed = False
        self.use(keys)

    def use(self, keys: EncryptionKeys) -> None:
        """Seal and open with these keys from now on; call it where nothing is sealed meanwhile."""
        self._ciphers = {number_of(key): AESGCM(_derived(key)) for key in keys.reads}
        number = number_of(keys.writes) if keys.writes is not None else ""
        self._cipher = self._ciphers[number] if number else None
        self._head = f"{MARK}{number}:"
        self._head_bytes = self._head.encode()

    @property
    def number(self) -> str:
        """The number of the key that seals; empty when none does."""
        return self._head[len(MARK) : -1]

    @property
    def numbers(self) -> frozenset[str]:
        """The numbers of all keys that open."""
        return frozenset(self._ciphers)

    def text(self, place: str, row: RowKey, text: str) -> str:
        """A text as it is to be stored."""
        if self._cipher is None:
            return CLEAR + text if text.startswith(MARK) else text
        if text in _NOTHING:
            return text
        self.has_sealed = True
        nonce = urandom(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), _where(place, row))
        return self._head + binascii.b2a_base64(sealed, newline=False).decode("ascii")

    def opened(self, place: str, row: RowKey, stored: str) -> str:
        """The text that was stored. Raises Unopened, KeyMissing."""
        if not stored.startswith(MARK):
            return stored
        if stored.startswith(CLEAR):
            return stored[HEAD:]
        try:
            sealed = binascii.a2b_base64(stored[HEAD:], strict_mode=True)
            return self._open(stored[:HEAD], sealed, place, row).decode()
        except ValueError:
            raise Unopened from None

    def data(self, place: str, row: RowKey, data: bytes) -> bytes:
        """Bytes as they are to be stored."""
        if self._cipher is None:
            return _CLEAR_BYTES + data if data.startswith(_MARK_BYTES) else data
        if not data:
            return data
        self.has_sealed = True
        nonce = urandom(_NONCE)
        return self._head_bytes + nonce + self._cipher.encrypt(nonce, data, _where(place, row))

    def opened_data(self, place: str, row: RowKey, stored: bytes) -> bytes:
        """The bytes that were stored. Raises Unopened, KeyMissing."""
        if not stored.startswith(_MARK_BYTES):
            return stored
        if stored.startswith(_CLEAR_BYTES):
            return stored[HEAD:]
        return self._open(stored[:HEAD].decode("latin-1"), stored[HEAD:], place, row)

    def read(self, place: str, row: RowKey, stored: str) -> str:
        """The text, or nothing of a spoiled one: it must not stop the others. Raises KeyMissing."""
        if not stored.startswith(MARK):
            return stored
        try:
            return self.opened(place, row, stored)
        except Unopened:
            return ""

    def read_data(self, place: str, row: RowKey, stored: bytes) -> bytes:
        """The bytes, or nothing of spoiled ones. Raises KeyMissing."""
        if not stored.startswith(_MARK_BYTES):
            return stored
        try:
            return self.opened_data(place, row, stored)
        except Unopened:
            return b""

    def _open(self, head: str, sealed: bytes, place: str, row: RowKey) -> bytes:
        number = number_in(head)
        if number is None or len(sealed) < _NONCE:
            raise Unopened
        cipher = self._ciphers.get(number)
        if cipher is None:
            raise KeyMissing
        try:
            return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _where(place, row))
        except InvalidTag:
            raise Unopened from None


def number_in(head: str) -> str | None:
    """Which key sealed what begins like this; None when none did."""
    number = head[len(MARK) : HEAD - 1]
    is_number = len(number) == _DIGITS and all(letter in "0123456789abcdef" for letter in number)
    return number if is_number and head.startswith(MARK) and head[HEAD - 1 : HEAD] == ":" else None


def try_key(delivery_id: int, number: int) -> str:
    """Which row an attempt's values stand in."""
    return f"{delivery_id}/{number}"


def _where(place: str, row: RowKey) -> bytes:
    """What is authenticated beside a value."""
    return f"trackbridge {place} {row}".encode()


def _derived(key: bytes) -> bytes:
    """What encrypts: not the operator's key itself, which its number is made of, too."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"trackbridge encryption at rest").derive(key)


#: No key: everything as it is.
UNSEALED: Final = Seals()
