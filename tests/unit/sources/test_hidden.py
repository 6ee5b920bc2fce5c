"""What a body may be kept as: without the token that its sender echoes, in whatever spelling."""

import base64
import json
from urllib.parse import quote

import pytest

from tests.unit.sources.factories import a_verifier

TOKEN = "s3cr3t/to ken+é%"
PLACES = ("path: true", "query: key", "header: X-Token")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "spelling",
    [
        TOKEN,
        quote(TOKEN),
        quote(TOKEN, safe=""),
        quote(TOKEN).lower(),
        json.dumps(TOKEN)[1:-1],
        json.dumps(TOKEN, ensure_ascii=False)[1:-1],
        json.dumps(TOKEN)[1:-1].replace("/", "\\/"),
        quote(TOKEN).replace("/", "\\/"),
    ],
)
def test_an_echoed_token_is_hidden(place: str, spelling: str) -> None:
    verifier = a_verifier(f"{{scheme: token, {place}, secret: $S}}", TOKEN)

    hidden = verifier.hidden(f"webhookURL=https://a.example/webhooks/jotform/{spelling}&again={spelling}.".encode())

    assert b"webhookURL=https://a.example/webhooks/jotform/[redacted]&again=[redacted]." == hidden


def test_every_secret_is_hidden_while_it_is_being_changed() -> None:
    verifier = a_verifier("{scheme: token, path: true, secret: $S}", "s3cr3t-new", "s3cr3t-new-and-longer")

    assert b'{"a":"[redacted]","b":"[redacted]"}' == verifier.hidden(b'{"a":"s3cr3t-new-and-longer","b":"s3cr3t-new"}')


@pytest.mark.parametrize(
    "echoed",
    [
        "bob:s3cr3t-one",
        "s3cr3t-one",
        quote("bob:s3cr3t-one", safe=""),
        base64.b64encode(b"bob:s3cr3t-one").decode(),
    ],
)
def test_credentials_are_hidden_whole_and_the_password_alone(echoed: str) -> None:
    verifier = a_verifier("{scheme: basic, secret: $S}", "bob:s3cr3t-one")

    assert b"s3cr3t-one" not in verifier.hidden(f"https://{echoed}@a.example".encode())
    assert b"[redacted]" in verifier.hidden(f"https://{echoed}@a.example".encode())


def test_a_secret_as_short_as_a_word_does_not_take_the_body_apart() -> None:
    verifier = a_verifier("{scheme: token, path: true, secret: $S}", "true")

    assert b'{"paid": true}' == verifier.hidden(b'{"paid": true}')


@pytest.mark.parametrize("section", ["{scheme: stripe, secret: $S}", "{scheme: typeform, secret: $S}", "scheme: none"])
def test_a_key_that_is_never_sent_is_not_looked_for(section: str) -> None:
    body = b"s3cr3t-one"

    assert body is a_verifier(section, "s3cr3t-one").hidden(body)


def test_a_body_that_echoes_nothing_is_the_same() -> None:
    body = b'{"id": 1}'

    assert body is a_verifier("{scheme: token, path: true, secret: $S}", TOKEN).hidden(body)
