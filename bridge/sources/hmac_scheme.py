"""An HMAC over a template of the request, as the mapping's axes say: verify and sign are two halves of one thing.

Works on bytes alone: what a sender signed is never decoded, trimmed or written anew before it is proven.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import assert_never

from bridge.model import Verified, Webhook
from bridge.sources.handshakes import handshake
from bridge.sources.keys import key_bytes
from bridge.sources.proof import is_sample, one_of, only, refused, with_headers
from bridge.sources.scheme import Encoding, Hmac
from bridge.sources.template import Field
from bridge.sources.verifier import Verifier
from bridge.sources.window import check_window, read_moment, write_moment

_MOST_ID_BYTES = 256


class HmacVerifier(Verifier):
    """One source's axes with its keys; `url` is the address as the sender was given it, where the axes do not say."""

    def __init__(self, axes: Hmac, secrets: Sequence[str], *, url: str = "", verify_token: str = "") -> None:
        keys = [key_bytes(axes.key, secret) for secret in secrets]
        # keyed once: a copy per request is cheaper than a new one
        self._keyed = [hmac.new(key, digestmod=axes.algorithm.value) for key in keys if key]
        self._axes = axes
        address = (axes.url or url).encode()
        self._signed = tuple(address if piece is Field.URL else piece for piece in axes.signed)
        self._header, self._others = axes.headers[0], axes.headers[1:]
        self._size = hashlib.new(axes.algorithm.value, usedforsecurity=False).digest_size
        self._decode, self._encode = _codec(axes.encoding)
        timestamp_header = axes.timestamp.header if axes.timestamp else b""
        self._signed_headers = frozenset(name.decode() for name in (timestamp_header, axes.id_header) if name)
        self.handshake = handshake(axes.handshake, secrets, verify_token)

    def verify(self, webhook: Webhook, now: datetime) -> Verified:
        """Prove that one of the keys signed this webhook, recently where it says when."""
        axes, timestamp = self._axes, self._axes.timestamp
        proof = one_of(webhook, axes.headers) if self._others else only(webhook, self._header)
        found = axes.pattern.read(proof)
        values = {Field.BODY: webhook.body}
        if Field.METHOD in self._signed:
            values[Field.METHOD] = _method(webhook)
        if Field.ID in self._signed:
            values[Field.ID] = self._id(only(webhook, axes.id_header) if axes.id_header else found.id)
        moment = None
        if timestamp is not None:
            text = only(webhook, timestamp.header) if timestamp.header else found.timestamp
            values[Field.TIMESTAMP] = text
            moment = read_moment(text, timestamp.unit)
        number = self._prove(values, found.signatures)
        if timestamp is not None and moment is not None:
            check_window(moment, now, timestamp.tolerance_seconds)
        return Verified(
            webhook=webhook,
            by=f"signature {number}",
            signed_headers=self._signed_headers,
            sample=is_sample(webhook),
        )

    def sign(self, webhook: Webhook, now: datetime, *, event_id: str = "") -> Webhook:
        """Sign as the sender would, now, with the first key."""
        axes = self._axes
        values = {Field.BODY: webhook.body, Field.METHOD: webhook.method.encode()}
        added: dict[bytes, bytes] = {}
        if axes.timestamp is not None:
            values[Field.TIMESTAMP] = write_moment(now, axes.timestamp.unit)
            if axes.timestamp.header:
                added[axes.timestamp.header] = values[Field.TIMESTAMP]
        if Field.ID in self._signed:
            values[Field.ID] = event_id.encode() or _own_id(webhook, axes.id_header)
            if axes.id_header:
                added[axes.id_header] = values[Field.ID]
        values[Field.SIGNATURE] = self._encode(self._digest(self._keyed[0], values))
        added[self._header] = axes.pattern.write(values)
        return with_headers(webhook, added, dropped=self._others)

    def _digest(self, keyed: hmac.HMAC, values: Mapping[Field, bytes]) -> bytes:
        mac = keyed.copy()
        for piece in self._signed:
            mac.update(piece if isinstance(piece, bytes) else values[piece])
        return mac.digest()

    def _prove(self, values: Mapping[Field, bytes], candidates: Sequence[bytes]) -> int:
        """The number of the key that made one of the candidates; every key is tried on every candidate."""
        decoded = [self._decode(candidate) for candidate in candidates]
        digests = [digest for digest in decoded if digest is not None and len(digest) == self._size]
        if not digests:
            raise refused("malformed")
        proven = 0
        for number, keyed in enumerate(self._keyed, start=1):
            expected = self._digest(keyed, values)
            for digest in digests:
                if hmac.compare_digest(expected, digest) and not proven:
                    proven = number
        if not proven:
            raise refused("mismatch")
        return proven

    def _id(self, text: bytes) -> bytes:
        if len(text) > _MOST_ID_BYTES or any(fence in text for fence in self._axes.id_fences):
            raise refused("malformed")
        return text


def _method(webhook: Webhook) -> bytes:
    if not (webhook.method.isascii() and webhook.method.isalpha()):
        raise refused("malformed")
    return webhook.method.encode("ascii")


def _own_id(webhook: Webhook, header: bytes) -> bytes:
    values = webhook.header(header)
    return values[0] if values else b"msg_" + hashlib.sha256(webhook.body).hexdigest()[:24].encode()


def _codec(encoding: Encoding) -> tuple[Callable[[bytes], bytes | None], Callable[[bytes], bytes]]:
    match encoding:
        case Encoding.HEX:
            return _from_hex, binascii.hexlify
        case Encoding.BASE64:
            return _from_base64, base64.b64encode
        case _:
            assert_never(encoding)


def _from_hex(text: bytes) -> bytes | None:
    try:
        return binascii.unhexlify(text)
    except binascii.Error:
        return None


def _from_base64(text: bytes) -> bytes | None:
    try:
        digest = base64.b64decode(text)
    except binascii.Error:
        return None
    # one spelling: other characters are skipped, and spare bits dropped, by the decoder
    return digest if base64.b64encode(digest) == text else None
