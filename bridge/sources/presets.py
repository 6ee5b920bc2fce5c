"""Senders whose scheme is known: hmac with its axes already written, under the sender's name.

`scheme: typeform` means exactly these lines; an axis written beside it replaces the preset's. Headers, encodings and
templates are the senders' own; nothing here is a secret.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from bridge.errors import Place
from bridge.model import Node

Axes: TypeAlias = Mapping[str, str | tuple[str, ...] | Mapping[str, str]]

_STANDARD_SIGNATURE = "v1,{signature} v1a,{ed25519}"

PRESETS: Mapping[str, Axes] = MappingProxyType(
    {
        "standard-webhooks": {
            "header": "webhook-signature",
            "pattern": _STANDARD_SIGNATURE,
            "encoding": "base64",
            "key": "whsec",
            "signed": "{id}.{timestamp}.{body}",
            "timestamp": {"header": "webhook-timestamp"},
            "id": {"header": "webhook-id"},
        },
        "svix": {
            "header": "svix-signature",
            "pattern": _STANDARD_SIGNATURE,
            "encoding": "base64",
            "key": "whsec",
            "signed": "{id}.{timestamp}.{body}",
            "timestamp": {"header": "svix-timestamp"},
            "id": {"header": "svix-id"},
        },
        # Standard Webhooks, but the key is the whole text of the secret, its whsec_ included
        "polar": {
            "header": "webhook-signature",
            "pattern": "v1,{signature} v1,{signature}",
            "encoding": "base64",
            "key": "utf8",
            "signed": "{id}.{timestamp}.{body}",
            "timestamp": {"header": "webhook-timestamp"},
            "id": {"header": "webhook-id"},
        },
        "typeform": {"header": "typeform-signature", "encoding": "base64", "pattern": "sha256={signature}"},
        "tally": {"header": "tally-signature", "encoding": "base64"},
        "github": {"header": "x-hub-signature-256", "pattern": "sha256={signature}"},
        "meta": {"header": "x-hub-signature-256", "pattern": "sha256={signature}", "handshake": "meta"},
        "intercom": {
            "header": "x-hub-signature",
            "algorithm": "sha1",
            "pattern": "sha1={signature}",
            "handshake": "intercom",
        },
        # without a secret it sends the words no-secret-provided, which are no hex
        "calcom": {"header": "x-cal-signature-256"},
        "calendly": {
            "header": "calendly-webhook-signature",
            "pattern": "t={timestamp},v1={signature}",
            "signed": "{timestamp}.{body}",
            "tolerance": "180",
        },
        # method and address as the app was given them, percent-encoded characters of the address decoded
        "hubspot": {
            "header": "x-hubspot-signature-v3",
            "encoding": "base64",
            "signed": "{method}{url}{body}{timestamp}",
            "timestamp": {"header": "x-hubspot-request-timestamp", "unit": "ms"},
        },
        # what an app sends besides, and what workflows send: hashes without an HMAC
        "hubspot-v1": {"header": "x-hubspot-signature", "algorithm": "plain-sha256"},
        "hubspot-v2": {"header": "x-hubspot-signature", "algorithm": "plain-sha256", "signed": "{method}{url}{body}"},
        "webflow": {
            "header": "x-webflow-signature",
            "signed": "{timestamp}:{body}",
            "timestamp": {"header": "x-webflow-timestamp", "unit": "ms"},
        },
        "slack": {
            "header": "x-slack-signature",
            "pattern": "v0={signature}",
            "signed": "v0:{timestamp}:{body}",
            "timestamp": {"header": "x-slack-request-timestamp"},
            "handshake": "slack",
        },
        "zoom": {
            "header": "x-zm-signature",
            "pattern": "v0={signature}",
            "signed": "v0:{timestamp}:{body}",
            "timestamp": {"header": "x-zm-request-timestamp"},
            "handshake": "zoom",
        },
        # a subscription of the newer kind leaves the x- out
        "shopify": {"header": ("x-shopify-hmac-sha256", "shopify-hmac-sha256"), "encoding": "base64"},
        "woocommerce": {"header": "x-wc-webhook-signature", "encoding": "base64", "handshake": "woocommerce"},
        "lemonsqueezy": {"header": "x-signature"},
        "razorpay": {"header": "x-razorpay-signature"},
        "gocardless": {"header": "webhook-signature"},
        "xero": {"header": "x-xero-signature", "encoding": "base64", "handshake": "xero"},
        # its next-generation webhooks; the prefix is in its own library, not in its documentation
        "mollie": {"header": "x-mollie-signature", "pattern": "sha256={signature},{signature}"},
        "paddle": {
            "header": "paddle-signature",
            "pattern": "ts={timestamp};h1={signature}",
            "signed": "{timestamp}:{body}",
        },
        "square": {"header": "x-square-hmacsha256-signature", "encoding": "base64", "signed": "{url}{body}"},
    }
)


#: Senders that prove themselves as another does, under whose name they are written.
SAME_AS: Mapping[str, str] = MappingProxyType(
    {
        "clerk": "svix",
        "resend": "svix",
        "supabase": "standard-webhooks",
        "formbricks": "standard-webhooks",
        "hubspot-v3": "hubspot",
    }
)


def with_preset(verify: Node, name: str, place: Place) -> Node:
    """The mapping's own entries, and the preset's where it has none; those stand at `place`."""
    written = {key.text for key, _ in verify.entries}
    added = tuple(entry for entry in _nodes(PRESETS[name], place).entries if entry[0].text not in written)
    return Node(kind="map", place=verify.place, entries=(*verify.entries, *added))


def _nodes(axes: Axes, place: Place) -> Node:
    entries = tuple((_scalar(key, place), _value(value, place)) for key, value in axes.items())
    return Node(kind="map", place=place, entries=entries)


def _value(value: str | tuple[str, ...] | Mapping[str, str], place: Place) -> Node:
    match value:
        case str():
            return _scalar(value, place)
        case tuple():
            return Node(kind="list", place=place, items=tuple(_scalar(text, place) for text in value))
        case _:
            return _nodes(value, place)


def _scalar(text: str, place: Place) -> Node:
    return Node(kind="scalar", place=place, text=text)
