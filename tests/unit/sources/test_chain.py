"""Who vouches for a certificate: a trusted root, now, for the name that was asked for; and nobody else."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from bridge.sources import chain
from bridge.sources.chain import Distrust, Trusted
from tests.unit.sources import authority
from tests.unit.sources.authority import LIVE, SANDBOX, Signer, a_signer, at, between, live, pem, root, roots, sandbox
from tests.unit.sources.factories import NOW


def judged(*files: bytes, name: str = LIVE, trust: bytes = b"", days: int = 0) -> Trusted | Distrust:
    return chain.trusted(files, trust or roots(), name, at(days))


def test_a_certificate_that_leads_to_a_trusted_root_is_trusted_and_proves_what_its_owner_signed() -> None:
    found = judged(live().pem())

    assert isinstance(found, Trusted)
    assert (at(-30), at(300)) == (found.valid_from.replace(microsecond=0), found.valid_until)
    assert found.is_by(live().sign(b"message"), b"message")
    assert not found.is_by(live().sign(b"message"), b"massage")
    assert not found.is_by(sandbox().sign(b"message"), b"message")
    assert not found.is_by(b"", b"message")


def binary(signer: Signer) -> bytes:
    return signer.certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "files",
    [
        [live().pem(alone=True), pem(between()[0])],
        [live().pem(alone=True), between()[0].public_bytes(Encoding.DER)],
        [binary(live()), pem(between()[0])],
        [live().pem() + pem(root()[0])],
        [pem(between()[0]) + live().pem(alone=True)],
        [b"Some text before it\n" + live().pem() + b"\nand behind"],
        [pem(authority.root("Another Root")[0]) + live().pem()],
    ],
    ids=["two files", "the second binary", "the first binary", "with the root", "another order", "text", "more"],
)
def test_a_chain_may_be_written_in_several_ways(files: list[bytes]) -> None:
    assert isinstance(judged(*files), Trusted)


def test_a_certificate_for_clients_will_do_and_one_for_mail_will_not() -> None:
    client = a_signer(usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    mail = a_signer(usage=ExtendedKeyUsageOID.EMAIL_PROTECTION)

    assert isinstance(judged(client.pem()), Trusted)
    assert Distrust.NO_CHAIN == judged(mail.pem())


@pytest.mark.parametrize(("days", "is_trusted"), [(-31, False), (-29, True), (0, True), (299, True), (301, False)])
def test_a_certificate_is_trusted_while_it_is_valid(days: int, is_trusted: bool) -> None:
    assert is_trusted == isinstance(judged(live().pem(), days=days), Trusted)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", Distrust.UNREADABLE),
        (b"<html>no</html>", Distrust.UNREADABLE),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", Distrust.UNREADABLE),
        (live().pem(alone=True)[:-200], Distrust.UNREADABLE),
        (b"\x30\x82\xff\xff" + b"\0" * 99, Distrust.UNREADABLE),
        (live().pem() * 5, Distrust.UNREADABLE),
        (pem(between()[0]), Distrust.ANOTHERS),
        (sandbox().pem(), Distrust.ANOTHERS),
        (a_signer(f"evil.{LIVE}").pem(), Distrust.ANOTHERS),
        (a_signer(f"{LIVE}.evil.example").pem(), Distrust.ANOTHERS),
        (a_signer("*.paypal.com").pem(), Distrust.ANOTHERS),
        (a_signer(common_name_alone=True).pem(), Distrust.ANOTHERS),
        (a_signer(number=3, size=1024).pem(), Distrust.NO_RSA),
        (live().pem(alone=True), Distrust.NO_CHAIN),
        (a_signer(issuer=root("Another Root")).pem(), Distrust.NO_CHAIN),
        (a_signer(days=(-30, -1)).pem(), Distrust.NO_CHAIN),
        (a_signer(days=(1, 30)).pem(), Distrust.NO_CHAIN),
        (a_signer(is_authority=True).pem(), Distrust.NO_CHAIN),
        (a_signer(issuer=(live().certificate, between()[1])).pem() + pem(between()[0]), Distrust.NO_CHAIN),
    ],
)
def test_what_nobody_vouches_for_is_not_trusted(file: bytes, why: Distrust) -> None:
    assert why == judged(file)


def test_a_root_that_signs_itself_is_trusted_only_when_it_is_ours() -> None:
    signer = a_signer(issuer=root("Another Root"))

    assert isinstance(judged(signer.pem(alone=True), trust=roots("Our Root", "Another Root")), Trusted)
    assert Distrust.NO_CHAIN == judged(signer.pem() + roots("Another Root"))


def test_the_name_is_compared_without_case() -> None:
    assert isinstance(judged(a_signer(SANDBOX.upper()).pem(), name=SANDBOX), Trusted)


@pytest.mark.parametrize(
    ("file", "address"),
    [
        (a_signer(issuer_url="http://ca.example/between.crt").pem(alone=True), "http://ca.example/between.crt"),
        (a_signer(issuer_url="ldap://ca.example").pem(alone=True), "ldap://ca.example"),
        (live().pem(), ""),
        (b"no certificate", ""),
    ],
)
def test_where_the_issuers_certificate_is_stands_in_the_certificate(file: bytes, address: str) -> None:
    assert address == chain.issuer_address(file)


def test_the_time_is_an_argument() -> None:
    assert Distrust.NO_CHAIN == chain.trusted([live().pem()], roots(), LIVE, NOW.replace(year=2031))
