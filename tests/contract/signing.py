"""How senders sign, by hand: each written from its own documentation, with nothing of the code under test."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeAlias
from zlib import crc32

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.unit.sources.authority import LIVE_URL, live
from tests.unit.sources.factories import NOW

SECONDS = int(NOW.timestamp())

Headers: TypeAlias = Mapping[str, bytes]
#: key text, body, seconds → the headers a real sender adds
Sign: TypeAlias = Callable[[str, bytes, int], Headers]


def digest(key: bytes, message: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(key, message, algorithm).digest()


def iso(seconds: int) -> bytes:
    return (NOW + timedelta(seconds=seconds - SECONDS)).strftime("%Y-%m-%dT%H:%M:%SZ").encode()


def body_hex(header: str, prefix: str = "", algorithm: str = "sha256") -> Sign:
    return lambda key, body, _: {header: prefix.encode() + digest(key.encode(), body, algorithm).hex().encode()}


def body_base64(header: str, prefix: str = "", before: bytes = b"") -> Sign:
    return lambda key, body, _: {header: prefix.encode() + base64.b64encode(digest(key.encode(), before + body))}


def plain(before: bytes = b"") -> Sign:
    """A hash of the secret and what is behind it, as HubSpot's older signatures are."""
    return lambda key, body, _: {
        "x-hubspot-signature": hashlib.sha256(key.encode() + before + body).hexdigest().encode()
    }


def timed_list(header: str, form: str, join: bytes) -> Sign:
    def sign(key: str, body: bytes, seconds: int) -> Headers:
        signature = digest(key.encode(), b"%d" % seconds + join + body).hex()
        return {header: form.format(t=seconds, s=signature).encode()}

    return sign


def timed_headers(header: str, timestamp: str, *, v0: bool = False, unit: int = 1) -> Sign:
    def sign(key: str, body: bytes, seconds: int) -> Headers:
        time = b"%d" % (seconds * unit)
        message = (b"v0:" if v0 else b"") + time + b":" + body
        return {timestamp: time, header: (b"v0=" if v0 else b"") + digest(key.encode(), message).hex().encode()}

    return sign


def standard(family: str, key_bytes: Callable[[str], bytes]) -> Sign:
    def sign(key: str, body: bytes, seconds: int) -> Headers:
        signature = digest(key_bytes(key), b"msg_2cQ7.%d." % seconds + body)
        return {
            f"{family}-id": b"msg_2cQ7",
            f"{family}-timestamp": b"%d" % seconds,
            f"{family}-signature": b"v1," + base64.b64encode(signature),
        }

    return sign


def whsec(key: str) -> bytes:
    return base64.b64decode(key.removeprefix("whsec_"))


#: Key pairs by the public half, as it is written; whoever has another public key has none of these.
PRIVATE = {
    "whpk_" + base64.b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode(): private
    for private in (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in range(1, 4))
}


def ed25519(public: str, body: bytes, seconds: int) -> Headers:
    """Standard Webhooks with a key pair: the sender has the private half of the secret that we have."""
    private = PRIVATE.get(public) or Ed25519PrivateKey.from_private_bytes(b"?" * 32)
    return {
        "webhook-id": b"msg_2cQ7",
        "webhook-timestamp": b"%d" % seconds,
        "webhook-signature": b"v1a," + base64.b64encode(private.sign(b"msg_2cQ7.%d." % seconds + body)),
    }


def hubspot(url: str) -> Sign:
    def sign(key: str, body: bytes, seconds: int) -> Headers:
        time = b"%d" % (seconds * 1000)
        signature = digest(key.encode(), b"POST" + url.encode() + body + time)
        return {"x-hubspot-request-timestamp": time, "x-hubspot-signature-v3": base64.b64encode(signature)}

    return sign


def paypal(webhook_id: str, body: bytes, seconds: int) -> Headers:
    message = b"69cd13f0-d67a-11e5|%s|%s|%d" % (iso(seconds), webhook_id.encode(), crc32(body))
    return {
        "paypal-transmission-id": b"69cd13f0-d67a-11e5",
        "paypal-transmission-time": iso(seconds),
        "paypal-transmission-sig": base64.b64encode(live().sign(message)),
        "paypal-auth-algo": b"SHA256withRSA",
        "paypal-cert-url": LIVE_URL.encode(),
    }


def iso_part(key: str, body: bytes, seconds: int) -> Headers:
    """An invented sender that goes the ways no known one goes: SHA-512, hex key, ISO time, an id in a list."""
    time = iso(seconds)
    signature = digest(bytes.fromhex(key), b"<msg_2cQ7>|" + time + b"|" + body, "sha512").hex().encode()
    return {"x-signed": b"id=msg_2cQ7; at=" + time + b"; sig=" + signature}


def bare(name: str, prefix: bytes = b"") -> Sign:
    """No signature at all: the secret as it is."""
    return lambda key, _body, _seconds: {name: prefix + key.encode()}


def credentials(key: str, _body: bytes, _seconds: int) -> Headers:
    return {"authorization": b"Basic " + base64.b64encode(key.encode())}
