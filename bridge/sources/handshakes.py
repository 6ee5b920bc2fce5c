"""What a sender asks for besides webhooks: a ping before there is a secret, a challenge to be echoed, an empty refusal.

A `Handshake` belongs to a scheme; it answers with a `Reply`, with None where there is nothing to answer, or raises
Refused. What is echoed is a plain token only: nothing that could be signed as a webhook, shown as a page, or be long.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import assert_never
from urllib.parse import unquote_to_bytes

from bridge.model import Json, Verified, Webhook
from bridge.sources.proof import refused
from bridge.sources.scheme import Greeting

#: What a challenge may be made of. A colon, a brace or a full stop could make it the text of a webhook to be signed.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=")
_MOST_CHALLENGE = 256
_MOST_QUERY = 4096
#: A ping names its webhook by a number, and says no more.
_PING = b"webhook_id="
_MOST_PING = len(_PING) + 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that a sender asks for in a form of its own."""

    status: int
    body: bytes
    content_type: bytes = b"text/plain"


class Handshake:
    """Most senders have none."""

    #: whether what is refused is answered without a body
    empty_refusal = False

    def ping(self, webhook: Webhook) -> Reply | None:  # noqa: ARG002  # for those who have one
        """The answer to a POST that needs no proof and means nothing; None: it is to be proven as any other."""
        return None

    def challenge(self, webhook: Webhook) -> Reply | None:  # noqa: ARG002  # see ping
        """The answer to a GET or HEAD; None: this sender makes none. Raises Refused when it asks with a wrong token."""
        return None

    def reply(self, verified: Verified, document: Json) -> Reply | None:  # noqa: ARG002  # see ping
        """The answer to a proven POST that wants another than ours; None: it is a webhook as any other."""
        return None


class _WooCommerce(Handshake):
    """Asks whether anybody is there, with a form and no proof, and is not activated without a 200."""

    def ping(self, webhook: Webhook) -> Reply | None:
        body = webhook.body
        if len(body) > _MOST_PING or not body.startswith(_PING) or not body[len(_PING) :].isdigit():
            return None
        return Reply(status=200, body=b"ok")


class _Meta(Handshake):
    """Asks by GET, with a token that we chose, for its challenge back."""

    def __init__(self, verify_token: str) -> None:
        self._expected = sha256(verify_token.encode()).digest() if verify_token else None

    def challenge(self, webhook: Webhook) -> Reply | None:
        asked = _hub(webhook.query) if webhook.method == "GET" else {}
        if not asked:
            return None
        sent, mode, challenge = asked.get(b"hub.verify_token"), asked.get(b"hub.mode"), asked.get(b"hub.challenge")
        if self._expected is None or sent is None:
            raise refused("missing", status=403)
        if not hmac.compare_digest(self._expected, sha256(sent).digest()):
            raise refused("mismatch", status=403)
        if mode != b"subscribe" or challenge is None or not _is_plain(challenge):
            raise refused("malformed", status=403)
        return Reply(status=200, body=challenge)


class _Slack(Handshake):
    """Sends a signed challenge when its address is entered."""

    def reply(self, verified: Verified, document: Json) -> Reply | None:  # noqa: ARG002  # it is proven, and that is all
        if not isinstance(document, dict) or document.get("type") != "url_verification":
            return None
        challenge = _plain(document.get("challenge"))
        return Reply(status=200, body=challenge) if challenge else None


class _Zoom(Handshake):
    """Sends a signed token and wants it back with its own HMAC, by the secret that proved it."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._keys = {f"signature {number}": key for number, key in keys.items()}

    def reply(self, verified: Verified, document: Json) -> Reply | None:
        if not isinstance(document, dict) or document.get("event") != "endpoint.url_validation":
            return None
        payload, key = document.get("payload"), self._keys.get(verified.by)
        token = _plain(payload.get("plainToken")) if isinstance(payload, dict) else b""
        if not token or key is None:
            return None
        answer = {"plainToken": token.decode("ascii"), "encryptedToken": hmac.new(key, token, sha256).hexdigest()}
        return Reply(status=200, body=json.dumps(answer).encode(), content_type=b"application/json")


class _Xero(Handshake):
    """Sends right and wrong signatures when its address is entered, and wants the wrong ones refused in silence."""

    empty_refusal = True


class _Intercom(Handshake):
    """Asks whether anybody is there, by HEAD, and takes no address that does not answer it."""

    def challenge(self, webhook: Webhook) -> Reply | None:
        return Reply(status=200, body=b"") if webhook.method == "HEAD" else None


#: What most senders have.
NO_HANDSHAKE = Handshake()


def handshake(greeting: Greeting | None, keys: Mapping[int, bytes], verify_token: str) -> Handshake:
    """The handshake of this kind, with the keys by the numbers of their secrets; no `verify_token` lets no GET in."""
    match greeting:
        case None:
            return NO_HANDSHAKE
        case Greeting.WOOCOMMERCE:
            return _WooCommerce()
        case Greeting.META:
            return _Meta(verify_token)
        case Greeting.SLACK:
            return _Slack()
        case Greeting.ZOOM:
            return _Zoom(keys)
        case Greeting.XERO:
            return _Xero()
        case Greeting.INTERCOM:
            return _Intercom()
        case _:
            assert_never(greeting)


def _hub(query: bytes) -> dict[bytes, bytes]:
    """The parameters of a hub's handshake by their names; a name that comes twice is refused."""
    if len(query) > _MOST_QUERY:
        raise refused("malformed", status=403)
    found: dict[bytes, bytes] = {}
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        name = unquote_to_bytes(name)
        if not name.startswith(b"hub."):
            continue
        if name in found:
            raise refused("malformed", status=403)
        found[name] = unquote_to_bytes(value)
    return found


def _plain(value: Json) -> bytes:
    """A challenge of a document as bytes; empty when it is none that we echo."""
    if not isinstance(value, str) or not value.isascii():
        return b""
    text = value.encode("ascii")
    return text if _is_plain(text) else b""


def _is_plain(text: bytes) -> bool:
    return 0 < len(text) <= _MOST_CHALLENGE and _PLAIN.issuperset(text)
