"""Handshakes: who asks rightly is answered in its own form, and nothing is echoed that could be more than a token."""

import hmac
import json
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import sources
from bridge.errors import Refused
from bridge.model import Json, Webhook
from bridge.sources import Reply
from tests.unit.sources.factories import NOW, a_scheme, a_verifier, a_webhook

TOKEN = "a-verify-token"
GREETERS = ("woocommerce", "meta", "slack", "zoom", "xero", "intercom")


def greeter(name: str, *secrets: str) -> sources.Verifier:
    return sources.bind(a_scheme(f"{{scheme: {name}, secret: $S}}"), secrets or ("s3cr3t-one",))


def meta(token: str = TOKEN) -> sources.Verifier:
    return sources.bind(a_scheme("{scheme: meta, secret: $S, verify_token: $T}"), ["s3cr3t-one"], verify_token=token)


def a_get(query: str) -> Webhook:
    return replace(a_webhook(b"", query=query.encode()), method="GET")


def replied(verifier: sources.Verifier, document: Json) -> Reply | None:
    """What a document, sent and signed by the sender, is answered with."""
    signed = verifier.sign(a_webhook(json.dumps(document).encode()), NOW)
    return verifier.reply(verifier.verify(signed, NOW), document)


@pytest.mark.parametrize("body", [b"webhook_id=7", b"webhook_id=12345678901234567890"])
def test_woocommerces_ping_is_answered_without_proof(body: bytes) -> None:
    assert Reply(status=200, body=b"ok") == greeter("woocommerce").ping(a_webhook(body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"webhook_id=",
        b"webhook_id=-7",
        b"webhook_id=7 ",
        b"webhook_id=7\n",
        b"webhook_id=7&webhook_id=8",
        b"webhook_id=7&id=8",
        b"Webhook_id=7",
        b"webhook_id=\xd9\xa7",
        b"webhook_id=123456789012345678901",
        b"{}",
    ],
)
def test_what_is_no_ping_needs_proof(body: bytes) -> None:
    assert greeter("woocommerce").ping(a_webhook(body)) is None


@pytest.mark.parametrize("name", [name for name in GREETERS if name != "woocommerce"])
def test_nobody_else_pings_without_proof(name: str) -> None:
    assert greeter(name).ping(a_webhook(b"webhook_id=7")) is None


@pytest.mark.parametrize(
    "query",
    [
        f"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={TOKEN}",
        f"hub.verify_token={TOKEN}&x=1&hub.mode=subscribe&hub.challenge=1158201444",
        "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
        + "".join(f"%{ord(char):02x}" for char in TOKEN),
        f"hub%2Emode=subscribe&hub%2Echallenge=1158201444&hub%2Everify_token={TOKEN}",
    ],
)
def test_metas_challenge_is_echoed_to_who_knows_the_token(query: str) -> None:
    assert Reply(status=200, body=b"1158201444") == meta().challenge(a_get(query))


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("hub.mode=subscribe&hub.challenge=1&hub.verify_token=another", "mismatch"),
        ("hub.mode=subscribe&hub.challenge=1&hub.verify_token=", "mismatch"),
        (f"hub.mode=subscribe&hub.challenge=1&hub.verify_token={TOKEN}x", "mismatch"),
        ("hub.mode=subscribe&hub.challenge=1&hub.verify_token=%ff%zz%", "mismatch"),
        ("hub.mode=subscribe&hub.challenge=1", "missing"),
        (f"hub.challenge=1&hub.verify_token={TOKEN}", "malformed"),
        (f"hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={TOKEN}", "malformed"),
        (f"hub.mode=subscribe&hub.verify_token={TOKEN}", "malformed"),
        (f"hub.mode=subscribe&hub.challenge=&hub.verify_token={TOKEN}", "malformed"),
        (f"hub.mode=subscribe&hub.challenge=<script>&hub.verify_token={TOKEN}", "malformed"),
        (f"hub.mode=subscribe&hub.challenge=1%0d%0aX&hub.verify_token={TOKEN}", "malformed"),
        (f"hub.mode=subscribe&hub.challenge={'1' * 257}&hub.verify_token={TOKEN}", "malformed"),
        (f"hub.mode=subscribe&hub.challenge=1&hub.verify_token=x&hub.verify_token={TOKEN}", "malformed"),
        (f"hub.mode=subscribe&hub.challenge=1&hub.verify_token={TOKEN}" + "&a=1" * 2_000, "malformed"),
    ],
)
def test_a_challenge_that_asks_wrongly_is_refused(query: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as caught:
        meta().challenge(a_get(query))

    assert ("unproven", 403) == (caught.value.word, caught.value.status)


def test_without_a_verify_token_every_challenge_is_refused_and_webhooks_are_proven() -> None:
    verifier = meta(token="")

    for sent in ("", TOKEN):
        with pytest.raises(Refused, match="missing"):
            verifier.challenge(a_get(f"hub.mode=subscribe&hub.challenge=1&hub.verify_token={sent}"))
    assert "signature 1" == verifier.verify(verifier.sign(a_webhook(), NOW), NOW).by


@pytest.mark.parametrize("query", ["", "a=1", "challenge=1", "hubmode=subscribe"])
def test_a_get_that_is_no_handshake_has_no_answer(query: str) -> None:
    assert meta().challenge(a_get(query)) is None


@pytest.mark.parametrize("name", GREETERS)
def test_a_head_is_answered_to_whom_asks_by_it(name: str) -> None:
    head = replace(a_get("hub.mode=subscribe&hub.challenge=1"), method="HEAD")

    assert (Reply(status=200, body=b"") if name == "intercom" else None) == greeter(name).challenge(head)


@pytest.mark.parametrize("name", [name for name in GREETERS if name != "meta"])
def test_nobody_else_asks_by_get(name: str) -> None:
    query = f"hub.mode=subscribe&hub.challenge=1&hub.verify_token={TOKEN}"

    assert greeter(name).challenge(a_get(query)) is None


def test_slacks_challenge_is_echoed() -> None:
    document: Json = {"type": "url_verification", "token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWM"}

    assert Reply(status=200, body=b"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWM") == replied(greeter("slack"), document)


@pytest.mark.parametrize(("by", "key"), [(0, b"s3cr3t-new"), (1, b"s3cr3t-old")])
def test_zooms_token_is_signed_by_the_secret_that_proved_it(by: int, key: bytes) -> None:
    both = greeter("zoom", "s3cr3t-new", "s3cr3t-old")
    document: Json = {"event": "endpoint.url_validation", "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"}}
    signed = greeter("zoom", ("s3cr3t-new", "s3cr3t-old")[by]).sign(a_webhook(json.dumps(document).encode()), NOW)

    reply = both.reply(both.verify(signed, NOW), document)

    assert reply is not None
    assert (200, b"application/json") == (reply.status, reply.content_type)
    encrypted = hmac.new(key, b"qgg8vlvZRS6UYooatFL8Aw", "sha256").hexdigest()
    assert {"plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": encrypted} == json.loads(reply.body)


def test_the_token_is_signed_with_the_key_in_the_secret() -> None:
    verifier = a_verifier("{scheme: zoom, key: hex, secret: $S}", b"a-key".hex())
    reply = replied(verifier, {"event": "endpoint.url_validation", "payload": {"plainToken": "abc"}})

    assert reply is not None
    assert hmac.new(b"a-key", b"abc", "sha256").hexdigest() == json.loads(reply.body)["encryptedToken"]


def test_what_nobodys_secret_proved_is_not_signed() -> None:
    document: Json = {"event": "endpoint.url_validation", "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"}}

    assert greeter("zoom").reply(sources.sample(a_webhook()), document) is None


@pytest.mark.parametrize(
    "token",
    [None, 7, "", "v0:1770091506:{}", "a b", "a\n", "é", "<b>", "{}", "x" * 257, ["a"], {"a": "b"}, True],
    ids=repr,
)
def test_what_is_no_plain_token_is_neither_echoed_nor_signed(token: Json) -> None:
    assert replied(greeter("slack"), {"type": "url_verification", "challenge": token}) is None
    assert replied(greeter("zoom"), {"event": "endpoint.url_validation", "payload": {"plainToken": token}}) is None


@pytest.mark.parametrize("name", GREETERS)
@pytest.mark.parametrize(
    "document", [None, 7, "url_verification", [], [{}], {}, {"type": ["url_verification"]}, {"event": {}}], ids=repr
)
def test_any_other_document_is_a_webhook(name: str, document: Json) -> None:
    assert replied(greeter(name), document) is None


def test_a_token_without_its_payload_is_a_webhook() -> None:
    assert replied(greeter("zoom"), {"event": "endpoint.url_validation", "payload": ["plainToken"]}) is None


@pytest.mark.parametrize("name", GREETERS)
def test_only_xero_wants_its_refusals_empty(name: str) -> None:
    assert (name == "xero") == greeter(name).empty_refusal


@pytest.mark.parametrize("section", ["{scheme: stripe, secret: $S}", "{scheme: basic, secret: $S}", "scheme: none"])
def test_most_senders_have_no_handshake(section: str) -> None:
    verifier = a_verifier(section, "bob:s3cr3t-one")
    webhook = a_webhook(b"webhook_id=7", query=f"hub.verify_token={TOKEN}".encode())
    document: Json = {"type": "url_verification", "challenge": "1"}

    assert verifier.ping(webhook) is None
    assert verifier.challenge(webhook) is None
    assert verifier.reply(sources.sample(webhook), document) is None
    assert not verifier.empty_refusal


def test_a_handshake_is_an_axis_of_any_hmac() -> None:
    verifier = a_verifier("{scheme: hmac, header: X, secret: $S, handshake: slack}", "s3cr3t-one")

    assert Reply(status=200, body=b"abc") == replied(verifier, {"type": "url_verification", "challenge": "abc"})


@settings(max_examples=500, deadline=None, database=None)
@given(
    names=st.lists(st.sampled_from(["hub.mode", "hub.challenge", "hub.verify_token", "x"]), max_size=5),
    value=st.binary(max_size=20) | st.sampled_from([b"subscribe", TOKEN.encode(), b"%", b"=&="]),
    body=st.binary(max_size=40),
    name=st.sampled_from(GREETERS),
)
def test_nothing_but_refused_comes_of_a_strangers_handshake(
    names: list[str], value: bytes, body: bytes, name: str
) -> None:
    query = "&".join(f"{one}={quote(value)}" for one in names).encode() + value
    stranger = replace(a_webhook(body, query=query), method="GET")
    verifier = meta() if name == "meta" else greeter(name)

    verifier.ping(stranger)
    try:
        reply = verifier.challenge(stranger)
    except Refused:
        return
    assert reply is None or TOKEN.encode() in query
