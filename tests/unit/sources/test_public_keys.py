"""Standard Webhooks with key pairs: a public key proves, a shared secret beside it too, and only the latter signs."""

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook as Standard

from bridge.errors import CannotSign, Refused
from bridge.model import Webhook
from tests.unit.sources.factories import BODY, NOW, a_verifier, a_webhook, refusal

SHARED = "whsec_" + base64.b64encode(b"0123456789abcdefghijklmn").decode()
SECONDS = int(NOW.timestamp())
KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in range(3)]
PUBLIC = [
    "whpk_" + base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode() for key in KEYS
]


def v1a(key: int = 0, body: bytes = BODY) -> str:
    signature = KEYS[key].sign(b"msg_1.%d." % SECONDS + body)
    return "v1a," + base64.b64encode(signature).decode()


def v1(body: bytes = BODY) -> str:
    return Standard(SHARED).sign("msg_1", NOW, body.decode())


def a_signed(*signatures: str, family: str = "webhook") -> Webhook:
    headers = {
        f"{family}_id": "msg_1",
        f"{family}_timestamp": str(SECONDS),
        f"{family}_signature": " ".join(signatures),
    }
    return a_webhook(BODY, query=b"", token=b"", **headers)


@pytest.mark.parametrize(("scheme", "family"), [("standard-webhooks", "webhook"), ("svix", "svix")])
def test_a_public_key_proves_what_its_private_half_signed(scheme: str, family: str) -> None:
    verifier = a_verifier(f"{{scheme: {scheme}, secret: $S}}", PUBLIC[0])

    assert "signature 1" == verifier.verify(a_signed(v1a(), family=family), NOW).by
    assert "mismatch" == refusal(verifier, a_signed(v1a(1), family=family))
    assert "mismatch" == refusal(verifier, replace(a_signed(v1a(), family=family), body=BODY + b" "))


@pytest.mark.parametrize(
    ("secrets", "signatures", "by"),
    [
        ([SHARED, PUBLIC[0]], [v1()], "signature 1"),
        ([SHARED, PUBLIC[0]], [v1a()], "signature 2"),
        ([PUBLIC[0], SHARED], [v1a()], "signature 1"),
        ([PUBLIC[0], SHARED], [v1()], "signature 2"),
        ([PUBLIC[0], PUBLIC[1]], [v1a(1)], "signature 2"),
        ([PUBLIC[0], PUBLIC[1]], [v1a(2), v1a(1)], "signature 2"),
        ([SHARED, PUBLIC[0]], [v1a(2), v1()], "signature 1"),
        ([PUBLIC[0]], [v1(), v1a()], "signature 1"),
        ([SHARED], [v1a(), v1()], "signature 1"),
    ],
)
def test_both_kinds_of_secret_may_stand_side_by_side(secrets: list[str], signatures: list[str], by: str) -> None:
    verifier = a_verifier("{scheme: standard-webhooks, secret: $S}", *secrets)

    assert by == verifier.verify(a_signed(*signatures), NOW).by


@pytest.mark.parametrize(
    ("secret", "signatures", "detail"),
    [
        (SHARED, [v1a()], "missing"),
        (PUBLIC[0], [v1()], "missing"),
        (PUBLIC[0], ["v1a,"], "missing"),
        (PUBLIC[0], ["v1a," + v1a()[4:-4]], "malformed"),
        (PUBLIC[0], ["v1," + v1a()[4:]], "missing"),
        (SHARED, ["v1," + v1a()[4:]], "malformed"),
        (PUBLIC[0], ["v1a," + base64.b64encode(bytes(64)).decode()], "mismatch"),
        (PUBLIC[0], ["v2," + v1a()[4:]], "missing"),
    ],
)
def test_a_signature_of_the_other_kind_proves_nothing(secret: str, signatures: list[str], detail: str) -> None:
    verifier = a_verifier("{scheme: standard-webhooks, secret: $S}", secret)

    assert detail == refusal(verifier, a_signed(*signatures))


def test_a_public_key_cannot_sign_and_a_shared_secret_beside_it_does() -> None:
    alone = a_verifier("{scheme: standard-webhooks, secret: $S}", PUBLIC[0])
    both = a_verifier("{scheme: standard-webhooks, secret: $S}", PUBLIC[0], SHARED)

    assert (False, True) == (alone.signs, both.signs)
    with pytest.raises(CannotSign, match="only the sender has the private one"):
        alone.sign(a_webhook(), NOW)
    assert "signature 2" == both.verify(both.sign(a_webhook(), NOW), NOW).by


def test_a_key_that_is_no_point_of_the_curve_proves_nothing() -> None:
    odd = "whpk_" + base64.b64encode(b"\xff" * 32).decode()

    assert "mismatch" == refusal(a_verifier("{scheme: standard-webhooks, secret: $S}", odd), a_signed(v1a()))


def test_any_pattern_may_have_such_signatures() -> None:
    section = """
scheme: hmac
header: X-Signed
pattern: "s={signature};e={ed25519}"
encoding: hex
signed: "{body}"
secret: $S
"""
    verifier = a_verifier(section, PUBLIC[0])

    assert "signature 1" == verifier.verify(a_webhook(x_signed=f"e={KEYS[0].sign(BODY).hex()}"), NOW).by


@settings(max_examples=300, deadline=None, database=None)
@given(index=st.integers(0, 63), mask=st.integers(1, 255))
def test_no_byte_of_the_signature_can_be_another(index: int, mask: int) -> None:
    signature = bytearray(base64.b64decode(v1a()[4:]))
    signature[index] ^= mask
    verifier = a_verifier("{scheme: standard-webhooks, secret: $S}", PUBLIC[0])

    with pytest.raises(Refused, match="mismatch"):
        verifier.verify(a_signed("v1a," + base64.b64encode(signature).decode()), NOW)
