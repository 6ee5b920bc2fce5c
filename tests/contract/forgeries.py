"""Ways to forge: each takes a sender's genuine webhook and changes one thing."""

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from bridge.model import Webhook
from tests.contract.senders import Sender
from tests.contract.signing import SECONDS
from tests.unit.sources.factories import BODY

Change: TypeAlias = Callable[[bytes], bytes]


def with_header(webhook: Webhook, name: str, *values: bytes) -> Webhook:
    """The webhook with these values under a header, in place of those it had."""
    kept = tuple(pair for pair in webhook.headers if pair[0] != name.encode())
    return replace(webhook, headers=kept + tuple((name.encode(), value) for value in values))


def proofs(sender: Sender, webhook: Webhook, name: str = "") -> list[bytes]:
    """Every value of the sender's proof, wherever it stands, or of another header."""
    if name or sender.place == "header":
        return webhook.header((name or sender.header).encode())
    if sender.place == "path":
        return [webhook.token] if webhook.token else []
    named = sender.header.encode() + b"="
    return [pair.removeprefix(named) for pair in webhook.query.split(b"&") if pair.startswith(named)]


def proven_by(sender: Sender, webhook: Webhook, *values: bytes, name: str = "") -> Webhook:
    """The webhook with these values in its proof's place, or under another header."""
    if name or sender.place == "header":
        return with_header(webhook, name or sender.header, *values)
    if sender.place == "path":
        return replace(webhook, token=b"/".join(values))
    pairs = (sender.header.encode() + b"=" + value for value in values)
    return replace(webhook, query=b"&".join([b"a=1", *pairs]))


def changed(sender: Sender, change: Change, header: str = "") -> Webhook:
    """A genuine webhook with one value changed; its proof's where no header is named."""
    webhook = sender.webhook()
    return proven_by(sender, webhook, change(proofs(sender, webhook, header)[0]), name=header)


def without(sender: Sender, header: str = "") -> Webhook:
    return proven_by(sender, sender.webhook(), name=header)


def twice(sender: Sender, header: str = "") -> Webhook:
    webhook = sender.webhook()
    value = proofs(sender, webhook, header)[0]
    return proven_by(sender, webhook, value, value, name=header)


def signature(sender: Sender, webhook: Webhook) -> bytes:
    """The text of the signature alone, without what stands around it."""
    value = webhook.header(sender.header.encode())[0]
    return value[-4 * ((sender.size + 2) // 3) :] if sender.is_base64 else value[-2 * sender.size :]


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

    def respelt(text: bytes) -> bytes:
        bare = text.rstrip(b"=")
        last = bytes([alphabet[alphabet.index(bare[-1]) + 1]])
        return bare[:-1] + last + b"=" * (len(text) - len(bare))

    return resigned(sender, respelt)


def timed(sender: Sender, make: Change) -> Webhook:
    """A genuine webhook with its timestamp's text changed, wherever it stands."""
    text = sender.time()
    return changed(sender, lambda value: value.replace(text, make(text)), sender.timestamp)


def many(sender: Sender, count: int) -> Webhook:
    """The genuine signature before a great many others."""
    text = signature(sender, sender.webhook())
    separator = sender.separator or b","
    junk = separator.join([b"v1=00", b"v1,AAAA", b"v1a,AAAA", b"sig=00", b"00"] * (count // 5))
    return changed(sender, lambda value: value.replace(text, text + separator + junk))


def moved(sender: Sender, count: int) -> Webhook:
    """The body's first bytes moved to the end of the timestamp, or back."""
    webhook = sender.webhook(body=b"12345" + BODY)
    name = sender.timestamp.encode()
    time, body = webhook.header(name)[0], webhook.body
    time, body = (time + body[:count], body[count:]) if count > 0 else (time[:count], time[count:] + body)
    return replace(with_header(webhook, sender.timestamp, time), body=body)


def id_border(sender: Sender) -> Webhook:
    """The id swallows the time, and the time is what the body begins with: the signed bytes are the same."""
    webhook = sender.webhook(body=b"%d.{}" % SECONDS)
    own = webhook.header(sender.id.encode())[0]
    forged = with_header(webhook, sender.id, own + sender.join + sender.time())
    return replace(forged, body=b"{}")


def _base64(text: bytes) -> bytes:
    return base64.b64encode(bytes.fromhex(text.decode()))
