"""The keys of encryption at rest as the operator writes them: one a line, each 32 random bytes in base64. Pure.

The first line encrypts whatever is written from now on, and every line decrypts. `none` as the first line writes in
clear again and still reads what the others encrypted. A key is never shown, and no message here quotes one.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Final

#: As the first line: write in clear.
NONE: Final = "none"
KEY_BYTES: Final = 32

_NUMBER_BYTES: Final = 4

#: Random bytes have 30 different ones among 32; what somebody thought up has few.
_LEAST_DIFFERENT: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EncryptionKeys:
    """What encrypts, if anything does, and all that decrypts."""

    writes: bytes | None = None
    reads: tuple[bytes, ...] = ()

    def __str__(self) -> str:
        if not self.reads:
            return "not set"
        others = [number_of(key) for key in self.reads if key != self.writes]
        return ", ".join(
            [
                f"encrypts with {number_of(self.writes)}" if self.writes is not None else "encrypts nothing",
                *(f"decrypts {number}" for number in others),
            ]
        )

    def __repr__(self) -> str:
        return f"EncryptionKeys({self})"


#: Nobody gave a key.
NO_KEYS: Final = EncryptionKeys()


def keys_of(text: str) -> EncryptionKeys:
    """Read the lines. Raises ValueError with a clause for the operator that holds nothing of the text."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    writes_clear = bool(lines) and lines[0].lower() == NONE
    reads = tuple(_key(line, number) for number, line in enumerate(lines, start=1) if number > 1 or not writes_clear)
    if writes_clear and not reads:
        raise ValueError('after "none" there are the keys that decrypt; without any, leave it unset')
    if len(set(reads)) < len(reads):
        raise ValueError("the same key stands there twice")
    return EncryptionKeys(writes=None if writes_clear or not reads else reads[0], reads=reads)


def number_of(key: bytes) -> str:
    """By what a key is told from others: it stands beside each value that it encrypted, and says nothing of the key."""
    return hmac.digest(key, b"trackbridge encryption key number", "sha256")[:_NUMBER_BYTES].hex()


def text_of(key: bytes) -> str:
    """A key as the operator keeps it."""
    return base64.b64encode(key).decode("ascii")


def _key(line: str, number: int) -> bytes:
    padded = line.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        key = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"line {number} is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"line {number} is {len(key)} bytes in base64, and a key is {KEY_BYTES}")
    if len(set(key)) < _LEAST_DIFFERENT:
        raise ValueError(f"line {number} is not random")
    return key
