"""PayPal's scheme: which certificates are asked for, what is proven by one, and what is said while it comes."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from zlib import crc32

import pytest

from bridge import sources
from bridge.errors import CannotSign, Refused
from bridge.model import Webhook
from bridge.sources import Certificate, Lack
from bridge.sources.paypal import OLDEST_SECONDS
from tests.unit.sources.authority import LIVE, LIVE_URL, SANDBOX, SANDBOX_URL, Signer, as_trusted, certificates, live
from tests.unit.sources.authority import sandbox as sandboxed
from tests.unit.sources.factories import BODY, NOW, a_scheme, a_webhook, refusal

WEBHOOK_ID = "8PT597110X687430LKGECATA"
TIME = "2026-02-03T04:05:06Z"


def verifier(*ids: str, given: sources.Certificates = certificates) -> sources.Verifier:
    return sources.bind(a_scheme("{scheme: paypal, secret: $S}"), ids or (WEBHOOK_ID,), certificates=given)


def a_signed(
    body: bytes = BODY,
    *,
    webhook_id: str = WEBHOOK_ID,
    url: str = LIVE_URL,
    signer: Signer | None = None,
    time: str = TIME,
    replaced: Mapping[str, str] = MappingProxyType({}),
) -> Webhook:
    """As PayPal signs it; some headers are replaced afterwards."""
    message = f"69cd13f0-d67a-11e5|{time}|{webhook_id}|{crc32(body)}".encode()
    own = {
        "paypal_transmission_id": "69cd13f0-d67a-11e5",
        "paypal_transmission_time": time,
        "paypal_transmission_sig": base64.b64encode((signer or live()).sign(message)).decode(),
        "paypal_auth_algo": "SHA256withRSA",
        "paypal_cert_url": url,
    }
    return a_webhook(body, query=b"", token=b"", **(own | dict(replaced)))


def test_what_paypal_signs_is_proven() -> None:
    verified = verifier().verify(a_signed(), NOW)

    assert "signature 1" == verified.by
    assert frozenset({"paypal-transmission-id", "paypal-transmission-time"}) == verified.signed_headers


def test_the_sandbox_has_certificates_of_its_own() -> None:
    webhook = a_signed(url=SANDBOX_URL, signer=sandboxed())

    assert "signature 1" == verifier().verify(webhook, NOW).by
    assert "mismatch" == refusal(verifier(), a_signed(signer=sandboxed()))
    assert "mismatch" == refusal(verifier(), a_signed(url=SANDBOX_URL))


def test_either_of_two_webhook_ids_proves() -> None:
    both = verifier("0000000000", WEBHOOK_ID)

    assert "signature 2" == both.verify(a_signed(), NOW).by
    assert "mismatch" == refusal(both, a_signed(webhook_id="1111111111"))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (LIVE_URL, LIVE),
        (SANDBOX_URL, SANDBOX),
        ("https://api-m.paypal.com/v1/notifications/certs/CERT-1", LIVE),
        ("https://api-m.sandbox.paypal.com/v1/notifications/certs/CERT_1", SANDBOX),
    ],
)
def test_a_certificate_is_asked_for_at_paypals_hosts_under_its_hosts_name(url: str, name: str) -> None:
    asked: list[tuple[str, str]] = []

    def given(url: str, name: str) -> Lack:
        asked.append((url, name))
        return Lack.REFUSED

    assert "mismatch" == refusal(verifier(given=given), a_signed(url=url))
    assert [(url, name)] == asked


@pytest.mark.parametrize(
    "url",
    [
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "HTTPS://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://API.paypal.com/v1/notifications/certs/CERT-1",
        "https://evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://evil-api.paypal.com/v1/notifications/certs/CERT-1",
        "https://www.paypal.com/v1/notifications/certs/CERT-1",
        "https://messageverificationcerts.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:443/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com./v1/notifications/certs/CERT-1",
        "https://api.paypal.com\\@evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/",
        "https://api.paypal.com/v1/notifications/certs/../../../evil",
        "https://api.paypal.com/v1/notifications/certs/..%2f..%2fevil",
        "https://api.paypal.com/v1/notifications/certs/CERT-1/more",
        "https://api.paypal.com/v1/notifications/certs/CERT-1?a=1",
        "https://api.paypal.com/v1/notifications/certs/CERT-1#evil",
        "https://api.paypal.com//v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/other/CERT-1",
        "https://127.0.0.1/v1/notifications/certs/CERT-1",
        "https://[::1]/v1/notifications/certs/CERT-1",
        "https:api.paypal.com/v1/notifications/certs/CERT-1",
        "//api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/" + "C" * 101,
    ],
)
def test_no_certificate_is_asked_for_elsewhere(url: str) -> None:
    def given(url: str, name: str) -> Lack:
        raise AssertionError(f"asked for {url} {name}")

    assert "malformed" == refusal(verifier(given=given), a_signed(url=url))


def test_while_the_certificate_comes_paypal_is_told_to_come_again() -> None:
    with pytest.raises(Refused) as caught:
        verifier(given=lambda url, name: Lack.COMING).verify(a_signed(), NOW)

    assert ("unavailable", 503, "certificate", 5) == (
        caught.value.word,
        caught.value.status,
        caught.value.detail,
        caught.value.retry_after,
    )


def test_without_anybody_who_fetches_certificates_nothing_is_proven() -> None:
    unbound = sources.bind(a_scheme("{scheme: paypal, secret: $S}"), [WEBHOOK_ID])

    with pytest.raises(Refused, match="certificate"):
        unbound.verify(a_signed(), NOW)


@pytest.mark.parametrize(("days", "proves"), [(-31, False), (-29, True), (299, True), (301, False)])
def test_a_certificate_proves_while_it_is_valid(days: int, proves: bool) -> None:
    now = NOW + timedelta(days=days)
    webhook = a_signed(time=now.strftime("%Y-%m-%dT%H:%M:%SZ"))

    if proves:
        assert "signature 1" == verifier().verify(webhook, now).by
    else:
        with pytest.raises(Refused, match="mismatch"):
            verifier().verify(webhook, now)


@pytest.mark.parametrize(
    ("seconds", "detail"), [(OLDEST_SECONDS, ""), (OLDEST_SECONDS + 1, "stale"), (-300, ""), (-301, "future")]
)
def test_a_webhook_may_be_as_old_as_paypal_tries(seconds: int, detail: str) -> None:
    now = NOW + timedelta(seconds=seconds)

    if detail:
        with pytest.raises(Refused, match=detail):
            verifier().verify(a_signed(), now)
    else:
        assert "signature 1" == verifier().verify(a_signed(), now).by


@pytest.mark.parametrize(
    ("header", "value", "detail"),
    [
        ("paypal_auth_algo", "SHA1withRSA", "malformed"),
        ("paypal_auth_algo", "none", "malformed"),
        ("paypal_auth_algo", "", "missing"),
        ("paypal_cert_url", "", "missing"),
        ("paypal_transmission_id", "", "missing"),
        ("paypal_transmission_id", "another", "mismatch"),
        ("paypal_transmission_id", "a|b", "malformed"),
        ("paypal_transmission_id", "x" * 129, "malformed"),
        ("paypal_transmission_time", "2026-02-03T04:05:07Z", "mismatch"),
        ("paypal_transmission_time", "2026-02-03T04:05:06", "malformed"),
        ("paypal_transmission_time", "soon", "malformed"),
        ("paypal_transmission_sig", "", "missing"),
        ("paypal_transmission_sig", "====", "malformed"),
        ("paypal_transmission_sig", "AAAA", "mismatch"),
        ("paypal_transmission_sig", "A" * 1_400, "malformed"),
        ("paypal_transmission_sig", "QUJDRB==", "malformed"),
    ],
)
def test_an_odd_header_is_refused(header: str, value: str, detail: str) -> None:
    assert detail == refusal(verifier(), a_signed(replaced={header: value}))


def test_another_body_is_not_proven() -> None:
    assert "mismatch" == refusal(verifier(), replace(a_signed(), body=BODY.replace(b"4999", b"1")))


def test_a_checksum_is_written_without_a_sign() -> None:
    """More than 2^31: as a signed number it would be negative."""
    body = next(b"%d" % n for n in range(99) if crc32(b"%d" % n) > 2**31)

    assert "signature 1" == verifier().verify(a_signed(body), NOW).by


def test_nobody_but_paypal_can_sign() -> None:
    assert not verifier().signs
    with pytest.raises(CannotSign, match="only PayPal has"):
        verifier().sign(a_webhook(), NOW)


def test_a_certificate_is_what_proves_and_nothing_of_it_is_trusted_here() -> None:
    """The verifier asks whoever it was given; who vouches for a certificate is not its business."""

    def given(url: str, name: str) -> Certificate:
        return as_trusted(sandboxed())

    assert "signature 1" == verifier(given=given).verify(a_signed(signer=sandboxed()), NOW).by
