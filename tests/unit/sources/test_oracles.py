"""Stripe's library and the Standard Webhooks library agree with us on what is genuine, and never more than that."""

import base64
from datetime import UTC, datetime

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook as Standard
from standardwebhooks import WebhookVerificationError

from bridge.errors import Refused
from tests.unit.sources.factories import BODY, NOW, a_verifier, a_webhook, refusal

STRIPE_SECRET = "whsec_4eC39HqLyjWDarjtT1zdp7dc"
STANDARD_SECRET = "whsec_" + base64.b64encode(b"0123456789abcdefghijklmn").decode()
SECONDS = int(NOW.timestamp())
STRIPE = a_verifier("{scheme: stripe, secret: $S}", STRIPE_SECRET)
STANDARD = a_verifier("{scheme: standard-webhooks, secret: $S}", STANDARD_SECRET)


def stripe_header(body: bytes = BODY, secret: str = STRIPE_SECRET, seconds: int = SECONDS) -> str:
    """As Stripe's library writes it."""
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, seconds)
    assert isinstance(header, str)
    return header


def stripe_says(header: bytes) -> bool:
    """What Stripe's library alone makes of a header; its many ways to fail count as no."""
    try:
        return bool(stripe.WebhookSignature.verify_header(BODY, header.decode("latin-1"), STRIPE_SECRET))
    except (stripe.SignatureVerificationError, TypeError, ValueError):
        return False


def test_what_stripes_library_signs_is_proven_and_ours_is_the_same() -> None:
    assert "signature 1" == STRIPE.verify(a_webhook(stripe_signature=stripe_header()), NOW).by
    assert [stripe_header().encode()] == STRIPE.sign(a_webhook(), NOW).header(b"stripe-signature")


def test_what_the_standard_library_signs_is_proven_and_ours_is_the_same() -> None:
    signature = Standard(STANDARD_SECRET).sign("msg_1", NOW, BODY.decode())
    webhook = a_webhook(webhook_id="msg_1", webhook_timestamp=str(SECONDS), webhook_signature=signature)

    assert "signature 1" == STANDARD.verify(webhook, NOW).by
    assert [signature.encode()] == STANDARD.sign(a_webhook(), NOW, event_id="msg_1").header(b"webhook-signature")


def test_the_standard_library_proves_what_we_sign() -> None:
    now = datetime.now(UTC)
    signed = STANDARD.sign(a_webhook(), now)
    headers = {name.decode(): value.decode() for name, value in signed.headers}

    Standard(STANDARD_SECRET).verify(signed.body, headers)
    with pytest.raises(WebhookVerificationError):
        Standard(STANDARD_SECRET).verify(signed.body + b" ", headers)


def test_polars_key_is_the_whole_text_of_its_secret() -> None:
    polar = a_verifier("{scheme: polar, secret: $S}", STANDARD_SECRET)
    signature = Standard(STANDARD_SECRET.encode()).sign("msg_1", NOW, BODY.decode())
    webhook = a_webhook(webhook_id="msg_1", webhook_timestamp=str(SECONDS), webhook_signature=signature)

    assert "signature 1" == polar.verify(webhook, NOW).by
    assert "mismatch" == refusal(STANDARD, webhook)


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ("v1={v1}", "missing"),
        ("t={t}", "missing"),
        ("t={t},v0={v1}", "missing"),
        ("t={t},t={t},v1={v1}", "malformed"),
        ("t=1,t={t},v1={v1}", "malformed"),
        ("T={t},v1={v1}", "missing"),
        ("t={t},V1={v1}", "missing"),
        ("t={t};v1={v1}", "missing"),
        ("t={t},v1=", "malformed"),
        ("t={t},v1={v1}=", "malformed"),
        ("t={t},v1=={v1}", "malformed"),
        ("t={t},v1= {v1}", "malformed"),
        ("t= {t},v1={v1}", "malformed"),
        ("t={t}0,v1={v1}", "mismatch"),
        ("t={t},v1={v1},é=1", "malformed"),
        # a name without a value: passed over in other lists, refused by Stripe's library
        ("t={t},v1={v1},t", "mismatch"),
        ("t={t},v1={v1},v1", "mismatch"),
    ],
)
def test_an_odd_stripe_header_is_refused(header: str, detail: str) -> None:
    v1 = stripe_header().partition("v1=")[2]

    assert detail == refusal(STRIPE, a_webhook(stripe_signature=header.format(t=SECONDS, v1=v1)))


@pytest.mark.parametrize("header", ["t={t}, v1={v1}", "v1={v1},t={t}", " t={t},v1=0,v1={v1},v0=1 ", "t={t},,v1={v1},"])
def test_what_proxies_do_to_a_stripe_header_does_no_harm(header: str) -> None:
    v1 = stripe_header().partition("v1=")[2]

    assert "signature 1" == STRIPE.verify(a_webhook(stripe_signature=header.format(t=SECONDS, v1=v1)), NOW).by


@settings(max_examples=800, deadline=None, database=None)
@given(
    parts=st.lists(
        st.sampled_from([stripe_header(), *stripe_header().split(","), "v1=" + "0" * 64, "v0=1", "t=1", ",", "=", " "])
        | st.text(max_size=5),
        max_size=5,
    ),
    join=st.sampled_from([",", ", ", "", ";"]),
)
def test_we_never_let_in_what_stripes_library_refuses(parts: list[str], join: str) -> None:
    header = join.join(parts).encode("utf-8", "replace")

    try:
        STRIPE.verify(a_webhook(stripe_signature=header), NOW)
    except Refused:
        return
    assert stripe_says(b",".join(part.strip(b" ") for part in header.split(b",")))
