"""Ways to forge: each takes a sender's genuine webhook and changes one thing."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from bridge.model import Webhook
from tests.contract.senders import SECONDS, Sender
from tests.unit.sources.factories import BODY, NOW

Change: TypeAlias = Callable[[bytes], bytes]


def with_header(webhook: Webhook, name: str, *values: bytes) -> Webhook:
    """The webhook with these values under a header, in place of those it had."""
    kept = tuple(pair for pair in webhook.headers if pair[0] != name.encode())
    return replace(webhook, headers=kept + tuple((name.encode(), value) for value in values))


def changed(sender: Sender, change: Change, header: str = "") -> Webhook:
    """A genuine webhook with one header changed; its signature's where none is named."""
    webhook = sender.webhook()
    name = header or sender.header
    return with_header(webhook, name, change(webhook.header(name.encode())[0]))


def signature(sender: Sender, webhook: Webhook) -> bytes:
    """The text of the signature alone, without what stands around it."""
    value = webhook.header(sender.header.encode())[0]
    size = hashlib.new(sender.algorithm).digest_size
    return value[-4 * ((size + 2) // 3) :] if sender.is_base64 else value[-2 * size :]


def resigned(sender: Sender, make: Change) -> Webhook:
    """A genuine webhook whose signature is replaced by what `make` makes of it."""
    text = signature(sender, sender.webhook())
    return changed(sender, lambda value: value.replace(text, make(text)))


def raw(sender: Sender, text: bytes) -> bytes:
    return base64.b64decode(text) if sender.is_base64 else bytes.fromhex(text.decode())


def written(sender: Sender, digest: bytes) -> bytes:
    return base64.b64encode(digest) if sender.is_base64 else digest.hex().encode()


def other_encoding(sender: Sender) -> Webhook:
    return resigned(sender, lambda text: raw(sender, text).hex().encode() if sender.is_base64 else _base64(text))


def spare_bits(sender: Sender) -> Webhook:
    """Base64's last character carries bits that decode to nothing: a second spelling of the same digest."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return resigned(sender, lambda text: text[:-2] + bytes([alphabet[alphabet.index(text[-2]) + 1]]) + text[-1:])


def timed(sender: Sender, make: Change) -> Webhook:
    """A genuine webhook with its timestamp's text changed, wherever it stands."""
    text = b"%d" % (SECONDS * 1000 if sender.milliseconds else SECONDS)
    if sender.name == "hmac-iso":
        text = NOW.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    return changed(sender, lambda value: value.replace(text, make(text)), sender.timestamp or sender.header)


def without(sender: Sender, header: str) -> Webhook:
    return with_header(sender.webhook(), header)


def twice(sender: Sender, header: str) -> Webhook:
    webhook = sender.webhook()
    value = webhook.header(header.encode())[0]
    return with_header(webhook, header, value, value)


def many(sender: Sender, count: int) -> Webhook:
    """The genuine signature before a great many others."""
    text = signature(sender, sender.webhook())
    separator = sender.separator or b","
    junk = separator.join([b"v1=00", b"v1,AAAA", b"h1=00", b"sig=00", b"00"] * (count // 5))
    return changed(sender, lambda value: value.replace(text, text + separator + junk))


def moved(sender: Sender, count: int) -> Webhook:
    """The body's first bytes moved to the end of the timestamp, or back."""
    webhook = sender.webhook(body=b"12345" + BODY)
    name = sender.timestamp.encode()
    time, body = webhook.header(name)[0], webhook.body
    time, body = (time + body[:count], body[count:]) if count > 0 else (time[:count], time[count:] + body)
    return replace(with_header(webhook, sender.timestamp, time), body=body)


def id_border(sender: Sender) -> Webhook:
    """Id and time say `msg.1770091506` and a time that the body begins with: the signed bytes are the same."""
    webhook = sender.webhook(body=b"%d.{}" % SECONDS)
    forged = with_header(webhook, sender.id, b"msg_2cQ7.%d" % SECONDS)
    return replace(forged, body=b"{}")


def _base64(text: bytes) -> bytes:
    return base64.b64encode(bytes.fromhex(text.decode()))
