"""A certificate authority of our own, built as PayPal's is: a root, one between, certificates of two names."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from bridge.sources import Certificate, Lack
from bridge.sources.chain import Trusted
from tests.unit.sources.factories import NOW

LIVE = "messageverificationcerts.paypal.com"
SANDBOX = "messageverificationcerts.sandbox.paypal.com"
LIVE_URL = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-5edc0ac2"
SANDBOX_URL = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-90621ecd"

Issuer = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A certificate with its private key, and the certificate that vouches for it."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    issuer: x509.Certificate

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message, padding.PKCS1v15(), SHA256())

    def pem(self, *, alone: bool = False) -> bytes:
        """As PayPal serves it, with or without the certificate between it and the root."""
        return pem(self.certificate, *(() if alone else (self.issuer,)))


@cache
def key(number: int, size: int = 2048) -> rsa.RSAPrivateKey:
    """A key for each number: making one takes a while."""
    del number
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


def root(name: str = "Our Root") -> Issuer:
    return _root(name)


@cache
def between() -> Issuer:
    return _authority("Our Intermediate", root())


def roots(*names: str) -> bytes:
    return pem(*(root(name)[0] for name in names or ("Our Root",)))


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def a_signer(
    name: str = LIVE,
    *,
    issuer: Issuer | None = None,
    number: int = 1,
    size: int = 2048,
    days: tuple[int, int] = (-30, 300),
    usage: ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
    issuer_url: str = "",
    common_name_alone: bool = False,
    is_authority: bool = False,
) -> Signer:
    """A certificate for this name, by the authority between where no other is named."""
    issuer = issuer or between()
    private = key(number, size)
    builder = _builder(name, issuer, private.public_key(), days).add_extension(
        x509.BasicConstraints(ca=is_authority, path_length=None), critical=True
    )
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if not common_name_alone:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    if issuer_url:
        access = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issuer_url)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return Signer(certificate=builder.sign(issuer[1], SHA256()), key=private, issuer=issuer[0])


@cache
def live() -> Signer:
    return a_signer(LIVE, number=1)


@cache
def sandbox() -> Signer:
    return a_signer(SANDBOX, number=2)


def certificates(url: str, name: str) -> Certificate | Lack:
    """The two that are known; whatever else is asked for is not there."""
    known = {(LIVE_URL, LIVE): live(), (SANDBOX_URL, SANDBOX): sandbox()}
    signer = known.get((url, name))
    return Lack.REFUSED if signer is None else as_trusted(signer)


def as_trusted(signer: Signer) -> Trusted:
    leaf = signer.certificate
    return Trusted(
        key=signer.key.public_key(), valid_from=leaf.not_valid_before_utc, valid_until=leaf.not_valid_after_utc
    )


def at(days: int) -> datetime:
    return NOW + timedelta(days=days)


@cache
def _root(name: str) -> Issuer:
    return _authority(name, None)


def _authority(name: str, issuer: Issuer | None) -> Issuer:
    private = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, issuer, private.public_key(), (-1000, 1000))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = builder.add_extension(usage, critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
    builder = builder.add_extension(identifier, critical=False)
    return builder.sign(issuer[1] if issuer else private, SHA256()), private


def _builder(
    name: str, issuer: Issuer | None, public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, days: tuple[int, int]
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at(days[0]))
        .not_valid_after(at(days[1]))
    )
    if issuer is None:
        return builder
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer[1].public_key())
    return builder.add_extension(by, critical=False)
