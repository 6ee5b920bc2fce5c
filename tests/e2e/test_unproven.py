"""What a stranger can send: 401 for anything unproven, never a 500, and nothing of it on disk."""

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support import BridgeProcess, a_checkout, bridge_process, stripe_headers, stripe_signature

BODY = a_checkout(1)
GOOD = stripe_signature(BODY)
T, V1 = GOOD.split(",")

UNPROVEN: dict[str, tuple[bytes, list[tuple[bytes, bytes]]]] = {
    "no signature": (BODY, []),
    "empty signature": (BODY, [(b"Stripe-Signature", b"")]),
    "tampered body": (BODY.replace(b"4999", b"4998"), [(b"Stripe-Signature", GOOD.encode())]),
    "another secret": (BODY, [(b"Stripe-Signature", stripe_signature(BODY, secret="whsec_other").encode())]),
    "empty secret": (BODY, [(b"Stripe-Signature", stripe_signature(BODY, secret="").encode())]),
    "ten minutes old": (BODY, [(b"Stripe-Signature", stripe_signature(BODY, at=time.time() - 600).encode())]),
    "an hour ahead": (BODY, [(b"Stripe-Signature", stripe_signature(BODY, at=time.time() + 3600).encode())]),
    "timestamp swapped": (BODY, [(b"Stripe-Signature", f"t={int(time.time()) - 1},{V1}".encode())]),
    "signature cut": (BODY, [(b"Stripe-Signature", GOOD[:-1].encode())]),
    "only v0": (BODY, [(b"Stripe-Signature", GOOD.replace("v1=", "v0=").encode())]),
    "no timestamp": (BODY, [(b"Stripe-Signature", V1.encode())]),
    "junk": (BODY, [(b"Stripe-Signature", b"===,,,=")]),
    "odd byte": (BODY, [(b"Stripe-Signature", GOOD.encode() + b"\xff")]),
    "header twice": (BODY, [(b"Stripe-Signature", GOOD.encode()), (b"Stripe-Signature", GOOD.encode())]),
    "huge timestamp": (BODY, [(b"Stripe-Signature", b"t=" + b"9" * 5000 + b"," + V1.encode())]),
    "negative timestamp": (BODY, [(b"Stripe-Signature", b"t=-1," + V1.encode())]),
    "github's header": (BODY, [(b"X-Hub-Signature-256", b"sha256=" + V1[3:].encode())]),
    "bearer token": (BODY, [(b"Authorization", b"Bearer whsec_anything")]),
    "not utf-8": (b"\xff\xfe" + BODY, [(b"Stripe-Signature", stripe_signature(b"\xff\xfe" + BODY).encode())]),
    "empty body": (b"", [(b"Stripe-Signature", GOOD.encode())]),
}


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgeProcess]:
    with bridge_process(tmp_path_factory.mktemp("unproven"), CMS_BEARER_TOKEN="") as running:
        yield running.start()


@pytest.mark.parametrize("name", UNPROVEN)
def test_an_unproven_request_is_answered_401_with_one_plain_word(bridge: BridgeProcess, name: str) -> None:
    body, headers = UNPROVEN[name]

    answer = httpx.post(f"{bridge.url}/webhooks/stripe", content=body, headers=headers)

    assert 401 == answer.status_code
    assert {"error"} == set(answer.json())
    assert answer.json()["error"].isalpha()


PROVEN_BUT_ODD = {
    "deep": b"[" * 20_000 + b"]" * 20_000,
    "deep object": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "not json": b"hello",
    "empty": b"",
    "a number": b"17",
    "null": b"null",
    "nan": b'{"id": NaN}',
    "huge integer": b'{"id": ' + b"9" * 10_000 + b"}",
    "huge exponent": b'{"id":"e","type":"invoice.paid","livemode":true,"data":{"object":{"amount_paid":1e999999999}}}',
    "lone surrogate": b'{"id": "\\ud800", "type": "\\udfff", "livemode": true}',
    "nul": b'{"id": "a\\u0000b", "type": "\\u0000", "livemode": true}',
    "duplicate keys": b'{"id": "evt_1", "id": "evt_2"}',
    "wrong types": b'{"id": {"a": []}, "type": ["x"], "created": "yesterday", "livemode": "yes"}',
    "empty object": b"{}",
    "many keys": json.dumps({str(number): number for number in range(60_000)}).encode(),
}


@pytest.mark.parametrize("name", PROVEN_BUT_ODD)
def test_odd_but_proven_is_kept_and_explained_never_a_500(bridge: BridgeProcess, name: str) -> None:
    body = PROVEN_BUT_ODD[name]

    answer = httpx.post(f"{bridge.url}/webhooks/stripe", content=body, headers=stripe_headers(body))

    assert 200 == answer.status_code, answer.text
    assert answer.json()["status"] in ("unmapped", "ignored", "duplicate")


def test_a_body_that_is_too_large_is_413_before_anything_is_proven(bridge: BridgeProcess) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    declared = httpx.post(f"{bridge.url}/webhooks/stripe", content=b"x" * (1024 * 1024 + 1))
    chunked = httpx.post(f"{bridge.url}/webhooks/stripe", content=chunks())

    assert [413, 413] == [declared.status_code, chunked.status_code]


def test_unknown_is_404_known_without_secret_is_503(bridge: BridgeProcess) -> None:
    unknown = httpx.post(f"{bridge.url}/webhooks/nobody", content=b"{}")
    off = httpx.post(f"{bridge.url}/webhooks/typeform", content=b"{}")
    other_method = httpx.put(f"{bridge.url}/webhooks/stripe", content=b"{}")

    assert [404, 503, 405] == [unknown.status_code, off.status_code, other_method.status_code]
    assert "30" == off.headers["retry-after"]


def test_a_trailing_slash_is_served_not_redirected(bridge: BridgeProcess) -> None:
    body = a_checkout("slash")

    answer = httpx.post(f"{bridge.url}/webhooks/stripe/", content=body, headers=stripe_headers(body))

    assert 200 == answer.status_code


@pytest.mark.parametrize(
    "path",
    ["/webhooks/", "/webhooks", "/webhooks/../admin", "/webhooks/%2e%2e", "/webhooks/stripe/a/b", "/webhooks/STRIPE"],
)
def test_odd_paths_lead_nowhere(bridge: BridgeProcess, path: str) -> None:
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=5) as raw:
        raw.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        answer = raw.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 404 ")


def test_nothing_unproven_was_stored(bridge: BridgeProcess) -> None:
    """Runs last in this file: every event on disk came from a proven request."""
    before = json.loads(bridge.run("events", "--json").stdout)
    for body, headers in UNPROVEN.values():
        httpx.post(f"{bridge.url}/webhooks/stripe", content=body, headers=headers)

    assert before == json.loads(bridge.run("events", "--json").stdout)
