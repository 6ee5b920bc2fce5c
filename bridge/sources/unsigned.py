"""Senders that cannot sign: a shared token, Basic credentials, or nothing at all.

A token proves who sends, not what is sent: it covers the whole request and nothing of it in particular. Both sides
are hashed before they are compared, so neither their length nor a common beginning shows in the time it takes.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import assert_never
from urllib.parse import quote_from_bytes, unquote_to_bytes

from bridge.model import Verified, Webhook
from bridge.sources.hidden import Hider
from bridge.sources.proof import is_sample, refused, with_headers
from bridge.sources.scheme import Token
from bridge.sources.verifier import Verifier

_AUTHORIZATION = b"authorization"

#: A query with more parameters than this is not searched for a token.
_MOST_PAIRS = 256


class _Secrets:
    """Secrets by their hashes."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.first = secrets[0].encode()
        self._hashes = [sha256(secret.encode()).digest() for secret in secrets]

    def prove(self, candidate: bytes) -> int:
        """The number of the secret that was sent; every one is compared. Raises Refused when it is none."""
        digest = sha256(candidate).digest()
        proven = 0
        for number, expected in enumerate(self._hashes, start=1):
            if hmac.compare_digest(expected, digest) and not proven:
                proven = number
        if not proven:
            raise refused("mismatch")
        return proven


class TokenVerifier(Verifier):
    """A secret in one header, one query parameter, or the last piece of the path."""

    def __init__(self, token: Token, secrets: Sequence[str]) -> None:
        self._token = token
        self._secrets = _Secrets(secrets)
        self._hider = Hider(secrets)

    def verify(self, webhook: Webhook, now: datetime) -> Verified:  # noqa: ARG002  # a token has no time
        """Prove that the sender knows one of the secrets."""
        number = self._secrets.prove(self._sent(webhook))
        return _verified(webhook, f"token {number}")

    def sign(self, webhook: Webhook, now: datetime, *, event_id: str = "") -> Webhook:  # noqa: ARG002  # see verify
        """Put the first secret where it belongs."""
        token, secret = self._token, self._secrets.first
        match token.at:
            case "header":
                return with_headers(webhook, {token.name: token.prefix + secret})
            case "query":
                others = [pair for pair in webhook.query.split(b"&") if pair and _named(pair) != token.name]
                pair = f"{quote_from_bytes(token.name, safe='')}={quote_from_bytes(secret, safe='')}"
                return replace(webhook, query=b"&".join([*others, pair.encode()]))
            case "path":
                return replace(webhook, token=quote_from_bytes(secret, safe="").encode())
            case _:
                assert_never(token.at)

    def hidden(self, body: bytes) -> bytes:
        """The body without the token: a form tool repeats the whole address it was given."""
        return self._hider.hidden(body)

    def _sent(self, webhook: Webhook) -> bytes:
        token = self._token
        match token.at:
            case "header":
                value = _once(webhook.header(token.name))
                if not value.startswith(token.prefix):
                    raise refused("malformed")
                return _once([value.removeprefix(token.prefix)])
            case "query":
                pairs = webhook.query.split(b"&", _MOST_PAIRS)
                if len(pairs) > _MOST_PAIRS:
                    raise refused("malformed")
                # `+` stays a plus: a secret may hold one, and none holds a space
                return unquote_to_bytes(
                    _once([pair.partition(b"=")[2] for pair in pairs if _named(pair) == token.name])
                )
            case "path":
                return unquote_to_bytes(_once([webhook.token]))
            case _:
                assert_never(token.at)


class BasicVerifier(Verifier):
    """`Authorization: Basic` with one of the secrets, written user:password."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = _Secrets(secrets)
        passwords = [secret.partition(":")[2] for secret in secrets]
        encoded = [base64.b64encode(secret.encode()).decode("ascii") for secret in secrets]
        self._hider = Hider([*secrets, *passwords, *encoded])

    def verify(self, webhook: Webhook, now: datetime) -> Verified:  # noqa: ARG002  # credentials have no time
        """Prove that the sender knows user and password."""
        scheme, _, credentials = _once(webhook.header(_AUTHORIZATION)).partition(b" ")
        if scheme.lower() != b"basic":
            raise refused("malformed")
        try:
            sent = base64.b64decode(credentials.strip(b" "), validate=True)
        except binascii.Error:
            raise refused("malformed") from None
        number = self._secrets.prove(sent)
        return _verified(webhook, f"basic {number}")

    def sign(self, webhook: Webhook, now: datetime, *, event_id: str = "") -> Webhook:  # noqa: ARG002  # see verify
        """Add the first secret's credentials."""
        return with_headers(webhook, {_AUTHORIZATION: b"Basic " + base64.b64encode(self._secrets.first)})

    def hidden(self, body: bytes) -> bytes:
        """The body without the credentials, whole or the password alone, as they are in an address."""
        return self._hider.hidden(body)


class OpenVerifier(Verifier):
    """Scheme none: everybody is let in, and the event says so."""

    signs = False

    def verify(self, webhook: Webhook, now: datetime) -> Verified:  # noqa: ARG002  # nothing is looked at
        """Let it in."""
        return _verified(webhook, "nothing (scheme none)")

    def sign(self, webhook: Webhook, now: datetime, *, event_id: str = "") -> Webhook:  # noqa: ARG002  # see verify
        """There is nothing to add."""
        return webhook


def sample(webhook: Webhook) -> Verified:
    """An example taken as proven, for tests of mappings and for `explain`; never for what came in by HTTP."""
    return _verified(webhook, "example")


def fetched(webhook: Webhook, *, by: str) -> Verified:
    """What was asked of the sender itself, with a key of its API; never for what came in by HTTP."""
    return _verified(webhook, by)


def _verified(webhook: Webhook, by: str) -> Verified:
    return Verified(webhook=webhook, by=by, signed_headers=None, sample=is_sample(webhook))


def _named(pair: bytes) -> bytes:
    return unquote_to_bytes(pair.partition(b"=")[0])


def _once(values: Sequence[bytes]) -> bytes:
    if not any(values):
        raise refused("missing")
    if len(values) > 1:
        raise refused("malformed")
    return values[0].strip(b" \t")
