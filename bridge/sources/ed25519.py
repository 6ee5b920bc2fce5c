"""Signatures by a private key that only the sender has, proven with its public one: Standard Webhooks' `v1a`.

Imported only when a source has such a key: the library behind it costs time and memory.
"""

from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class PublicKeys:
    """The public keys of one source by the numbers of the secrets they stand in."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._keys = {number: Ed25519PublicKey.from_public_bytes(key) for number, key in keys.items()}

    def prove(self, signatures: Sequence[bytes], message: bytes) -> int:
        """The number of the key that made one of these signatures; 0 when none did."""
        for number, key in self._keys.items():
            if any(_is_by(key, signature, message) for signature in signatures):
                return number
        return 0


def _is_by(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
