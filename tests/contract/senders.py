"""Every sender we know, signing by hand.

Nothing here uses the code under test to sign: each sender is written from its own documentation with `hmac` alone.
"""

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeAlias

from bridge.model import Webhook
from tests.unit.sources.factories import BODY, NOW

SECONDS = int(NOW.timestamp())
URL = "https://hooks.example.com/webhooks/a-source"

Headers: TypeAlias = Mapping[str, bytes]
#: key text, body, seconds → the headers a real sender adds
Sign: TypeAlias = Callable[[str, bytes, int], Headers]


def digest(key: bytes, message: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(key, message, algorithm).digest()


def body_hex(header: str, prefix: str = "", algorithm: str = "sha256") -> Sign:
    return lambda key, body, _: {header: prefix.encode() + digest(key.encode(), body, algorithm).hex().encode()}


def body_base64(header: str, prefix: str = "", before: bytes = b"") -> Sign:
    return lambda key, body, _: {header: prefix.encode() + base64.b64encode(digest(key.encode(), before + body))}


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


def hubspot(key: str, body: bytes, seconds: int) -> Headers:
    time = b"%d" % (seconds * 1000)
    signature = digest(key.encode(), b"POST" + URL.encode() + body + time)
    return {"x-hubspot-request-timestamp": time, "x-hubspot-signature-v3": base64.b64encode(signature)}


def iso_part(key: str, body: bytes, seconds: int) -> Headers:
    """An invented sender that goes the ways no known one goes: SHA-512, hex key, ISO time, an id in a list."""
    time = (NOW + timedelta(seconds=seconds - SECONDS)).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    signature = digest(bytes.fromhex(key), b"<msg_2cQ7>|" + time + b"|" + body, "sha512").hex().encode()
    return {"x-signed": b"id=msg_2cQ7; at=" + time + b"; sig=" + signature}


def _whsec(key: str) -> bytes:
    return base64.b64decode(key.removeprefix("whsec_"))


@dataclass(frozen=True, kw_only=True)
class Sender:
    """A sender with its mapping's `verify:` section."""

    name: str
    verify: str
    sign: Sign
    #: the header with the signature
    header: str
    #: a header of its own, or "" when the time is in the signature header, or there is none
    timestamp: str = ""
    tolerance: int = 0
    milliseconds: bool = False
    id: str = ""
    #: what separates the parts of the signature header; empty: it is one part
    separator: bytes = b""
    is_base64: bool = False
    algorithm: str = "sha256"
    #: the one in use, the one before, somebody else's
    secrets: tuple[str, str, str] = ("s3cr3t-one/+=", "s3cr3t-two/+=", "s3cr3t-elsewhere")

    def webhook(self, *, secret: str | None = None, body: bytes = BODY, age: int = 0) -> Webhook:
        """A webhook that this sender signed `age` seconds ago, with the secret in use where none is named."""
        headers = self.sign(self.secrets[0] if secret is None else secret, body, SECONDS - age)
        return Webhook(
            source=self.name,
            headers=((b"user-agent", b"sender/1"), *((name.encode(), value) for name, value in headers.items())),
            body=body,
            received_at=NOW,
        )


_WHSEC = (
    "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u",
    "whsec_bm1sa2ppaGdmZWRjYmE5ODc2NTQzMjEw",
    "whsec_enp6enp6enp6enp6enp6enp6enp6enp6",
)
_STANDARD: dict[str, Any] = {"separator": b" ", "is_base64": True, "tolerance": 300}


def _preset(name: str, header: str, sign: Sign, extra: str = "", **facts: Any) -> Sender:
    section = f"scheme: {name}\nsecret: ${{SECRET}}\n{extra}"
    return replace(Sender(name=name, verify=section, sign=sign, header=header), **facts)


SENDERS: tuple[Sender, ...] = (
    _preset(
        "stripe",
        "stripe-signature",
        timed_list("stripe-signature", "t={t},v1={s}", b"."),
        tolerance=300,
        separator=b",",
    ),
    _preset(
        "standard-webhooks",
        "webhook-signature",
        standard("webhook", _whsec),
        timestamp="webhook-timestamp",
        id="webhook-id",
        secrets=_WHSEC,
        **_STANDARD,
    ),
    _preset(
        "svix",
        "svix-signature",
        standard("svix", _whsec),
        timestamp="svix-timestamp",
        id="svix-id",
        secrets=_WHSEC,
        **_STANDARD,
    ),
    _preset(
        "polar",
        "webhook-signature",
        standard("webhook", str.encode),
        timestamp="webhook-timestamp",
        id="webhook-id",
        secrets=_WHSEC,
        **_STANDARD,
    ),
    _preset("typeform", "typeform-signature", body_base64("typeform-signature", "sha256="), is_base64=True),
    _preset("tally", "tally-signature", body_base64("tally-signature"), is_base64=True),
    _preset("github", "x-hub-signature-256", body_hex("x-hub-signature-256", "sha256=")),
    _preset("meta", "x-hub-signature-256", body_hex("x-hub-signature-256", "sha256=")),
    _preset("intercom", "x-hub-signature", body_hex("x-hub-signature", "sha1=", "sha1"), algorithm="sha1"),
    _preset("calcom", "x-cal-signature-256", body_hex("x-cal-signature-256")),
    _preset(
        "calendly",
        "calendly-webhook-signature",
        timed_list("calendly-webhook-signature", "t={t},v1={s}", b"."),
        tolerance=180,
        separator=b",",
    ),
    _preset(
        "hubspot",
        "x-hubspot-signature-v3",
        hubspot,
        f"url: {URL}",
        timestamp="x-hubspot-request-timestamp",
        tolerance=300,
        milliseconds=True,
        is_base64=True,
    ),
    _preset(
        "webflow",
        "x-webflow-signature",
        timed_headers("x-webflow-signature", "x-webflow-timestamp", unit=1000),
        timestamp="x-webflow-timestamp",
        tolerance=300,
        milliseconds=True,
    ),
    _preset(
        "slack",
        "x-slack-signature",
        timed_headers("x-slack-signature", "x-slack-request-timestamp", v0=True),
        timestamp="x-slack-request-timestamp",
        tolerance=300,
    ),
    _preset(
        "zoom",
        "x-zm-signature",
        timed_headers("x-zm-signature", "x-zm-request-timestamp", v0=True),
        timestamp="x-zm-request-timestamp",
        tolerance=300,
    ),
    _preset("shopify", "x-shopify-hmac-sha256", body_base64("x-shopify-hmac-sha256"), is_base64=True),
    _preset("woocommerce", "x-wc-webhook-signature", body_base64("x-wc-webhook-signature"), is_base64=True),
    _preset("lemonsqueezy", "x-signature", body_hex("x-signature")),
    _preset("razorpay", "x-razorpay-signature", body_hex("x-razorpay-signature")),
    _preset("gocardless", "webhook-signature", body_hex("webhook-signature")),
    _preset("xero", "x-xero-signature", body_base64("x-xero-signature"), is_base64=True),
    _preset(
        "paddle",
        "paddle-signature",
        timed_list("paddle-signature", "ts={t};h1={s}", b":"),
        tolerance=300,
        separator=b";",
    ),
    _preset(
        "square",
        "x-square-hmacsha256-signature",
        body_base64("x-square-hmacsha256-signature", before=URL.encode()),
        f"url: {URL}",
        is_base64=True,
    ),
    _preset("hmac", "x-signature", body_hex("x-signature"), "header: X-Signature"),
    replace(
        _preset(
            "hmac",
            "x-signed",
            iso_part,
            """
header: X-Signed
pattern: id={id}; at={timestamp}; sig={signature}
algorithm: sha512
key: hex
signed: <{id}>|{timestamp}|{body}
timestamp: {unit: iso}
""",
            tolerance=300,
            separator=b";",
            algorithm="sha512",
            secrets=("00ff" * 16, "ff00" * 16, "abcd" * 16),
        ),
        name="hmac-iso",
    ),
)
