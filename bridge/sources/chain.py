"""Certificates as they are fetched → one that a trusted authority gave to a name, or why there is none.

Pure: roots and time are arguments. Imported only when a certificate was fetched, for what the library behind it costs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

_PEM = b"-----BEGIN CERTIFICATE-----"
#: Real chains have two to four.
_MOST_CERTIFICATES = 8


class Distrust(Enum):
    """Why a file's certificate is not trusted."""

    UNREADABLE = "no certificates can be read in it"
    ANOTHERS = "none of them is for the name it should be for"
    NO_RSA = "its key is not RSA of 2048 bits or more"
    NO_CHAIN = "no trusted authority vouches for it now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """A certificate that is its name's."""

    key: RSAPublicKey
    valid_from: datetime
    valid_until: datetime

    def is_by(self, signature: bytes, message: bytes) -> bool:
        """Whether its owner signed this message."""
        try:
            self.key.verify(signature, message, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


def trusted(files: Sequence[bytes], roots: bytes, name: str, now: datetime) -> Trusted | Distrust:
    """The certificate of this name, when the others lead from it to one of the roots (PEM)."""
    others = [certificate for file in files for certificate in _certificates(file)]
    if not others or len(others) > _MOST_CERTIFICATES:
        return Distrust.UNREADABLE
    leaf = next((certificate for certificate in others if name in _names(certificate)), None)
    if leaf is None:
        return Distrust.ANOTHERS
    others.remove(leaf)
    key = _key(leaf)
    if key is None:
        return Distrust.NO_RSA
    if not _is_vouched_for(leaf, others, x509.load_pem_x509_certificates(roots), name, now):
        return Distrust.NO_CHAIN
    return Trusted(key=key, valid_from=leaf.not_valid_before_utc, valid_until=leaf.not_valid_after_utc)


def issuer_address(file: bytes) -> str:
    """Where the last certificate of a file says that its issuer's is; empty when it does not say."""
    certificates = _certificates(file)
    if not certificates:
        return ""
    try:
        access = certificates[-1].extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_INFORMATION_ACCESS).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ""
    for one in access if isinstance(access, x509.AuthorityInformationAccess) else ():
        location = one.access_location
        if one.access_method == AuthorityInformationAccessOID.CA_ISSUERS and isinstance(
            location, x509.UniformResourceIdentifier
        ):
            return location.value
    return ""


def _certificates(file: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file) if _PEM in file else [x509.load_der_x509_certificate(file)]
    except ValueError:
        return []


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []
    return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]


def _key(leaf: x509.Certificate) -> RSAPublicKey | None:
    try:
        key = leaf.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= 2048 else None


def _is_vouched_for(
    leaf: x509.Certificate,
    others: list[x509.Certificate],
    roots: Iterable[x509.Certificate],
    name: str,
    now: datetime,
) -> bool:
    policy = PolicyBuilder().store(Store(list(roots))).time(now)
    # it is no web server's certificate, so either use that authorities give certificates for will do
    for verify in (policy.build_server_verifier(x509.DNSName(name)).verify, policy.build_client_verifier().verify):
        try:
            verify(leaf, others)
        except VerificationError:
            continue
        return True
    return False
