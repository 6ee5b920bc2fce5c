"""An HMAC over a template of the request, as the mapping's axes say: verify and sign are two halves of one thing.

Works on bytes alone: what a sender signed is never decoded, trimmed or written anew before it is proven.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, assert_never

from bridge.errors import CannotSign
from bridge.model import Verified, Webhook
from bridge.sources.handshakes import handshake
from bridge.sources.keys import key_bytes, public_key
from bridge.sources.pattern import Found
from bridge.sources.proof import is_sample, one_of, only, refused, with_headers
from bridge.sources.scheme import Algorithm, Encoding, Hmac
from bridge.sources.template import Field
from bridge.sources.verifier import Verifier
from bridge.sources.window import check_window, read_moment, write_moment

_MOST_ID_BYTES = 256
_ED25519_SIZE = 64


class PublicKeys(Protocol):
    """What proves signatures that no shared secret makes."""

    def prove(self, signatures: Sequence[bytes], message: bytes) -> int:
        """The number of the secret whose private half made one of these signatures; 0 when none did."""
        ...


class _Keyed(Protocol):
    """A hash that has the key in it already; a copy per request is cheaper than a new one."""

    def copy(self) -> "_Keyed": ...

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class HmacVerifier(Verifier):
    """One source's axes with its keys; `url` is the address as the sender was given it, where the axes do not say."""

    def __init__(
        self,
        axes: Hmac,
        secrets: Sequence[str],
        *,
        url: str = "",
        verify_token: str = "",
        public: PublicKeys | None = None,
    ) -> None:
        shared = [one for one in enumerate(secrets, start=1) if public_key(axes, one[1]) is None]
        keys = {number: key for number, secret in shared if (key := key_bytes(axes.key, secret))}
        self._keyed = [(number, _keyed(axes.algorithm, key)) for number, key in keys.items()]
        self._public = public
        self._is_plain = axes.algorithm is Algorithm.PLAIN_SHA256
        self.signs = bool(self._keyed)
        self._axes = axes
        address = (axes.url or url).encode()
        self._signed = tuple(address if piece is Field.URL else piece for piece in axes.signed)
        self._header, self._others = axes.headers[0], axes.headers[1:]
        self._size = len(_keyed(axes.algorithm, b"").digest())
        self._decode, self._encode = _codec(axes.encoding)
        timestamp_header = axes.timestamp.header if axes.timestamp else b""
        self._signed_headers = frozenset(name.decode() for name in (timestamp_header, axes.id_header) if name)
        self.handshake = handshake(axes.handshake, keys, verify_token)

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
        number = self._prove(values, found)
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
        if not self._keyed:
            raise CannotSign("a public key proves, and cannot sign: only the sender has the private one")
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
        values[Field.SIGNATURE] = self._encode(self._digest(self._keyed[0][1], values))
        added[self._header] = axes.pattern.write(values)
        return with_headers(webhook, added, dropped=self._others)

    def _digest(self, keyed: _Keyed, values: Mapping[Field, bytes]) -> bytes:
        mac = keyed.copy()
        for piece in self._signed:
            mac.update(piece if isinstance(piece, bytes) else values[piece])
        return mac.digest()

    def _prove(self, values: Mapping[Field, bytes], found: Found) -> int:
        """The number of the key that made one of the signatures; every key is tried on every one."""
        digests = self._decoded(found.signatures, self._size) if self._keyed else []
        public = self._decoded(found.ed25519, _ED25519_SIZE) if self._public else []
        if not (digests or public):
            is_there = (found.signatures and self._keyed) or (found.ed25519 and self._public)
            raise refused("malformed" if is_there else "missing")
        if self._is_plain:
            _check_text(values[Field.BODY])
        proven = 0
        for number, keyed in self._keyed:
            expected = self._digest(keyed, values)
            for digest in digests:
                if hmac.compare_digest(expected, digest) and not proven:
                    proven = number
        if not proven and self._public and public:
            message = b"".join(piece if isinstance(piece, bytes) else values[piece] for piece in self._signed)
            proven = self._public.prove(public, message)
        if not proven:
            raise refused("mismatch")
        return proven

    def _decoded(self, candidates: Sequence[bytes], size: int) -> list[bytes]:
        decoded = [self._decode(candidate) for candidate in candidates]
        return [digest for digest in decoded if digest is not None and len(digest) == size]

    def _id(self, text: bytes) -> bytes:
        if len(text) > _MOST_ID_BYTES or any(fence in text for fence in self._axes.id_fences):
            raise refused("malformed")
        return text


def _method(webhook: Webhook) -> bytes:
    if not (webhook.method.isascii() and webhook.method.isalpha()):
        raise refused("malformed")
    return webhook.method.encode("ascii")


def _check_text(body: bytes) -> None:
    """Whoever has one right plain hash can make that of a longer body, but only with bytes in it that are no UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise refused("malformed") from None


def _keyed(algorithm: Algorithm, key: bytes) -> _Keyed:
    if algorithm is Algorithm.PLAIN_SHA256:
        return hashlib.sha256(key)
    return hmac.new(key, digestmod=algorithm.value)


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
