"""What a verifier is given where a certificate proves: somebody who has certificates, or fetches them meanwhile.

`sources` does no I/O: whoever binds a scheme that needs certificates hands in a `Certificates`.
"""

from datetime import datetime
from enum import Enum
from typing import Protocol


class Lack(Enum):
    """Why there is no certificate."""

    COMING = "coming"  # it is asked for: come again
    REFUSED = "refused"  # there is none at this address, or none that can be trusted


class Certificate(Protocol):
    """A certificate that a trusted authority gave to the name that was asked for."""

    @property
    def valid_from(self) -> datetime:
        """The first moment it holds."""
        ...

    @property
    def valid_until(self) -> datetime:
        """The last moment it holds."""
        ...

    def is_by(self, signature: bytes, message: bytes) -> bool:
        """Whether its owner signed this message, with RSA PKCS #1 v1.5 over SHA-256."""
        ...


class Certificates(Protocol):
    """Whoever has certificates."""

    def __call__(self, url: str, name: str) -> Certificate | Lack:
        """The certificate at this address, which must be this name's. Returns at once, and fetches meanwhile."""
        ...


def no_certificates(url: str, name: str) -> Lack:  # noqa: ARG001  # whatever is asked for
    """What a verifier has that is never asked to prove anything, as in `check`."""
    return Lack.COMING
