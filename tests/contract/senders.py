"""Every sender we know, each with its mapping's `verify:` section; and the sender of every shipped mapping."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bridge.credentials import PUBLIC_URL, Bound, bind
from bridge.mapping import Mapping, parse
from bridge.model import Webhook
from tests.contract.signing import (
    PRIVATE,
    SECONDS,
    Sign,
    bare,
    body_base64,
    body_hex,
    credentials,
    ed25519,
    hubspot,
    iso,
    iso_part,
    paypal,
    plain,
    standard,
    timed_headers,
    timed_list,
    whsec,
)
from tests.unit.sources.authority import certificates
from tests.unit.sources.factories import BODY, NOW

PUBLIC = "https://hooks.example.com/bridge"
FILES = sorted((Path(__file__).parents[2] / "mappings").glob("*.yaml"))


@dataclass(frozen=True, kw_only=True)
class Sender:
    """A sender with its mapping's `verify:` section."""

    name: str
    verify: str
    sign: Sign
    #: where the proof is: the header with the signature or the token, a parameter's name, or nothing for the path
    header: str
    place: Literal["header", "query", "path"] = "header"
    #: it cannot sign, and sends a secret
    is_token: bool = False
    #: a header of its own, or "" when the time is in the signature header, or there is none
    timestamp: str = ""
    unit: Literal["s", "ms", "iso"] = "s"
    tolerance: int = 0
    #: how far ahead, where that is less
    ahead: int = 0
    id: str = ""
    #: what stands between id and time in the signed bytes
    join: bytes = b"."
    #: what separates the parts of the signature header; empty: it is one part
    separator: bytes = b""
    is_base64: bool = False
    #: bytes of the signature
    size: int = 32
    #: the body must be UTF-8
    is_text: bool = False
    #: what it may be refused with besides the attack's own words: a token or a key of any size is only ever wrong
    words: frozenset[str] = frozenset()
    #: the one in use, the one before, somebody else's
    secrets: tuple[str, str, str] = ("s3cr3t-one/+=", "s3cr3t-two/+=", "s3cr3t-elsewhere")

    def webhook(self, *, secret: str | None = None, body: bytes = BODY, age: int = 0) -> Webhook:
        """A webhook that this sender signed `age` seconds ago, with the secret in use where none is named."""
        signed = self.sign(self.secrets[0] if secret is None else secret, body, SECONDS - age)
        headers = signed if self.place == "header" else {}
        return Webhook(
            source=self.name,
            headers=((b"user-agent", b"sender/1"), *((name.encode(), value) for name, value in headers.items())),
            query=b"a=1&%s=%s&b=2" % (self.header.encode(), signed[self.header]) if self.place == "query" else b"",
            token=signed[self.header] if self.place == "path" else b"",
            body=body,
            received_at=NOW,
        )

    def time(self) -> bytes:
        """The time of a webhook signed now, as it is written."""
        return iso(SECONDS) if self.unit == "iso" else b"%d" % (SECONDS * (1000 if self.unit == "ms" else 1))


_WHSEC = (
    "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u",
    "whsec_bm1sa2ppaGdmZWRjYmE5ODc2NTQzMjEw",
    "whsec_enp6enp6enp6enp6enp6enp6enp6enp6",
)
_TOKENS = ("s3cr3t-one", "s3cr3t-two", "s3cr3t-elsewhere")
_BASIC = ("bob:s3cr3t-one", "bob:s3cr3t-two", "bob:s3cr3t-elsewhere")
_WEBHOOK_IDS = ("8PT597110X687430LKGECATA", "1JE4291016473214C", "0EH40505U7160970P")
_BASE64: dict[str, Any] = {"is_base64": True}
_OF_STANDARD: dict[str, Any] = {"separator": b" ", "is_base64": True, "tolerance": 300, "secrets": _WHSEC}
_MILLISECONDS: dict[str, Any] = {"unit": "ms", "tolerance": 300}


def _sender(name: str, header: str, sign: Sign, extra: str = "", **facts: Any) -> Sender:
    section = f"scheme: {name}\nsecret: ${{SECRET}}\n{extra}"
    return replace(Sender(name=name, verify=section, sign=sign, header=header), **facts)


def _standard(name: str, family: str, sign: Sign, **facts: Any) -> Sender:
    places = {"timestamp": f"{family}-timestamp", "id": f"{family}-id"}
    return _sender(name, f"{family}-signature", sign, **(places | _OF_STANDARD | facts))


def _timed_list(name: str, form: str, join: bytes, separator: bytes, tolerance: int = 300) -> Sender:
    header = {"calendly": "calendly-webhook-signature"}.get(name, f"{name}-signature")
    return _sender(name, header, timed_list(header, form, join), tolerance=tolerance, separator=separator)


def _timed(name: str, header: str, timestamp: str, **facts: Any) -> Sender:
    is_v0, unit = facts.get("unit") != "ms", 1000 if facts.get("unit") == "ms" else 1
    sign = timed_headers(header, timestamp, v0=is_v0, unit=unit)
    return _sender(name, header, sign, timestamp=timestamp, **({"tolerance": 300} | facts))


def _token(name: str, header: str, sign: Sign, extra: str, **facts: Any) -> Sender:
    scheme = "basic" if name == "basic" else "token"
    words = frozenset(("missing", "malformed", "mismatch"))
    common: dict[str, Any] = {"is_token": True, "secrets": _TOKENS, "words": words}
    return replace(_sender(scheme, header, sign, extra, **(common | facts)), name=name)


def senders(url: str) -> tuple[Sender, ...]:
    """Every sender; those that sign their address were given this one."""
    address = f"url: {url}"
    square, v2 = body_base64("x-square-hmacsha256-signature", before=url.encode()), plain(b"POST" + url.encode())
    return (
        _timed_list("stripe", "t={t},v1={s}", b".", b","),
        _standard("standard-webhooks", "webhook", standard("webhook", whsec)),
        replace(
            _standard("standard-webhooks", "webhook", ed25519, size=64, secrets=tuple(PRIVATE)),
            name="standard-webhooks, public key",
        ),
        _standard("svix", "svix", standard("svix", whsec)),
        _standard("polar", "webhook", standard("webhook", str.encode)),
        _sender("typeform", "typeform-signature", body_base64("typeform-signature", "sha256="), **_BASE64),
        _sender("tally", "tally-signature", body_base64("tally-signature"), **_BASE64),
        _sender("github", "x-hub-signature-256", body_hex("x-hub-signature-256", "sha256=")),
        _sender("meta", "x-hub-signature-256", body_hex("x-hub-signature-256", "sha256=")),
        _sender("intercom", "x-hub-signature", body_hex("x-hub-signature", "sha1=", "sha1"), size=20),
        _sender("calcom", "x-cal-signature-256", body_hex("x-cal-signature-256")),
        _timed_list("calendly", "t={t},v1={s}", b".", b",", tolerance=180),
        _sender(
            "hubspot",
            "x-hubspot-signature-v3",
            hubspot(url),
            address,
            timestamp="x-hubspot-request-timestamp",
            **_MILLISECONDS,
            **_BASE64,
        ),
        _sender("hubspot-v1", "x-hubspot-signature", plain(), is_text=True),
        _sender("hubspot-v2", "x-hubspot-signature", v2, address, is_text=True),
        _timed("webflow", "x-webflow-signature", "x-webflow-timestamp", **_MILLISECONDS),
        _timed("slack", "x-slack-signature", "x-slack-request-timestamp"),
        _timed("zoom", "x-zm-signature", "x-zm-request-timestamp"),
        _sender("shopify", "x-shopify-hmac-sha256", body_base64("x-shopify-hmac-sha256"), **_BASE64),
        replace(
            _sender("shopify", "shopify-hmac-sha256", body_base64("shopify-hmac-sha256"), **_BASE64),
            name="shopify, newer headers",
        ),
        _sender("woocommerce", "x-wc-webhook-signature", body_base64("x-wc-webhook-signature"), **_BASE64),
        _sender("lemonsqueezy", "x-signature", body_hex("x-signature")),
        _sender("razorpay", "x-razorpay-signature", body_hex("x-razorpay-signature")),
        _sender("gocardless", "webhook-signature", body_hex("webhook-signature")),
        _sender("xero", "x-xero-signature", body_base64("x-xero-signature"), **_BASE64),
        _sender("mollie", "x-mollie-signature", body_hex("x-mollie-signature", "sha256="), separator=b","),
        _timed_list("paddle", "ts={t};h1={s}", b":", b";"),
        _sender("square", "x-square-hmacsha256-signature", square, address, **_BASE64),
        _sender(
            "paypal",
            "paypal-transmission-sig",
            paypal,
            timestamp="paypal-transmission-time",
            unit="iso",
            tolerance=4 * 86_400,
            ahead=300,
            id="paypal-transmission-id",
            join=b"|",
            size=256,
            words=frozenset(("mismatch",)),
            secrets=_WEBHOOK_IDS,
            **_BASE64,
        ),
        _sender("hmac", "x-signature", body_hex("x-signature"), "header: X-Signature"),
        replace(
            _sender("hmac", "x-signed", iso_part, _ISO_PART, separator=b";", tolerance=300, unit="iso", size=64),
            name="hmac-iso",
            secrets=("00ff" * 16, "ff00" * 16, "abcd" * 16),
        ),
        _token("token, header", "x-token", bare("x-token"), "header: X-Token"),
        _token("token, bearer", "authorization", bare("authorization", b"Bearer "), _BEARER),
        _token("token, query", "key", bare("key"), "query: key", place="query"),
        _token("token, path", "path", bare("path"), "path: true", place="path"),
        _token("basic", "authorization", credentials, "", secrets=_BASIC),
    )


_BEARER = "header: Authorization\nprefix: 'Bearer '"
_ISO_PART = """
header: X-Signed
pattern: id={id}; at={timestamp}; sig={signature}
algorithm: sha512
key: hex
signed: <{id}>|{timestamp}|{body}
timestamp: {unit: iso}
"""

SENDERS = senders(f"{PUBLIC}/webhooks/a-source")
SIGNERS = tuple(sender for sender in SENDERS if not sender.is_token)


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """A shipped mapping with the sender that its section is for."""

    mapping: Mapping
    sender: Sender

    def bound(self, *secrets: str, public_url: str = PUBLIC) -> Bound:
        """Its verifier as the library makes it, with these secrets in its variable."""
        variable = self.mapping.verify.get("secret")
        assert variable is not None
        lookup = {variable.text[2:-1]: "\n".join(secrets), PUBLIC_URL: public_url}.get
        return bind(self.mapping.verify, self.mapping.source, lookup=lookup, certificates=certificates)


#: Shipped mappings whose section says more than a known sender's name: by source, the axes and who signs so.
_OWN_AXES: dict[tuple[str, ...], str] = {
    ("token", "path"): "token, path",
    ("token", "query"): "token, query",
    ("token", "header", "prefix"): "token, bearer",
}
_UTF8 = _standard("standard-webhooks", "webhook", standard("webhook", str.encode), secrets=_TOKENS)


def shipped(file: Path) -> Shipped:
    """The mapping in this file. A section that nobody in the table signs for is an error: the table must grow."""
    mapping = parse(file.read_text(encoding="utf-8"), file=file.name, base=lambda _: None).mapping
    assert mapping is not None, f"{file.name} does not parse"
    said = {key.text: value.text for key, value in mapping.verify.entries}
    axes = tuple(key for key in said if key not in ("scheme", "secret", "verify_token"))
    known = {sender.name: sender for sender in senders(f"{PUBLIC}/webhooks/{mapping.source}")}
    if (said["scheme"], *axes) == ("standard-webhooks", "key") and said["key"] == "utf8":
        sender = _UTF8
    else:
        name = _OWN_AXES[said["scheme"], *axes] if axes else said["scheme"]
        sender = known[name]
        assert not axes or sender.is_token
        assert sender.place != "header" or not axes or sender.header == said["header"].lower()
    return Shipped(mapping=mapping, sender=replace(sender, name=mapping.source))


SHIPPED = [shipped(file) for file in FILES]
