"""Hashes without an HMAC: what they prove, and the one forgery that they would let in, which is refused."""

import hashlib
import struct
from dataclasses import replace

import pytest

from tests.unit.sources.factories import BODY, NOW, a_verifier, a_webhook, codes_of, refusal

SECRET = "s3cr3t-one"


def test_a_plain_hash_is_of_the_secret_and_then_the_template() -> None:
    verifier = a_verifier("{scheme: hmac, header: X, algorithm: plain-sha256, secret: $S}", SECRET)
    signature = hashlib.sha256(SECRET.encode() + BODY).hexdigest()

    assert "signature 1" == verifier.verify(a_webhook(x=signature), NOW).by
    assert "mismatch" == refusal(verifier, replace(a_webhook(x=signature), body=BODY + b" "))
    assert [signature.encode()] == verifier.sign(a_webhook(), NOW).header(b"x")


@pytest.mark.parametrize(("method", "proves"), [("POST", True), ("GET", False)])
def test_hubspots_second_version_signs_method_and_address(method: str, proves: bool) -> None:
    verifier = a_verifier("{scheme: hubspot-v2, url: 'https://a.example/b?c=1', secret: $S}", SECRET)
    signature = hashlib.sha256(SECRET.encode() + b"POSThttps://a.example/b?c=1" + BODY).hexdigest()
    webhook = replace(a_webhook(x_hubspot_signature=signature), method=method)

    if proves:
        assert "signature 1" == verifier.verify(webhook, NOW).by
    else:
        assert "mismatch" == refusal(verifier, webhook)


@pytest.mark.parametrize("more", [b"", b'{"amount":999999}', b"x" * 100])
def test_a_signed_body_cannot_be_lengthened(more: bytes) -> None:
    """Whoever has one right hash can go on from it without the secret: the filling in between is what gives it away."""
    signature = hashlib.sha256(SECRET.encode() + BODY).hexdigest()
    filling = padding(len(SECRET) + len(BODY))
    forged = lengthened(signature, len(SECRET) + len(BODY) + len(filling), more)
    assert hashlib.sha256(SECRET.encode() + BODY + filling + more).hexdigest() == forged

    verifier = a_verifier("{scheme: hubspot-v1, secret: $S}", SECRET)

    assert "malformed" == refusal(verifier, a_webhook(BODY + filling + more, x_hubspot_signature=forged))


def test_a_template_never_holds_the_secret() -> None:
    assert ["secret-in-template"] == codes_of("{scheme: hmac, header: X, signed: '{secret}{body}', secret: $S}")


def padding(size: int) -> bytes:
    """What SHA-256 fills a message of this size up with."""
    return b"\x80" + b"\0" * (-(size + 9) % 64) + struct.pack(">Q", size * 8)


def lengthened(digest: str, size: int, more: bytes) -> str:
    """The hash of a message with `more` behind it, made of the message's hash and size alone."""
    state = struct.unpack(">8I", bytes.fromhex(digest))
    rest = more + padding(size + len(more))
    for start in range(0, len(rest), 64):
        state = compressed(state, rest[start : start + 64])
    return struct.pack(">8I", *state).hex()


def compressed(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    """One step of SHA-256 (FIPS 180-4, 6.2.2)."""
    words = list(struct.unpack(">16I", block))
    for t in range(16, 64):
        s0 = turned(words[t - 15], 7) ^ turned(words[t - 15], 18) ^ words[t - 15] >> 3
        s1 = turned(words[t - 2], 17) ^ turned(words[t - 2], 19) ^ words[t - 2] >> 10
        words.append((words[t - 16] + s0 + words[t - 7] + s1) % 2**32)
    a, b, c, d, e, f, g, h = state
    for word, constant in zip(words, CONSTANTS, strict=True):
        choice = e & f ^ ~e & g
        one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + choice + constant + word) % 2**32
        two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + (a & b ^ a & c ^ b & c)) % 2**32
        a, b, c, d, e, f, g, h = (one + two) % 2**32, a, b, c, (d + one) % 2**32, e, f, g
    return tuple((old + new) % 2**32 for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True))


def turned(word: int, by: int) -> int:
    return word >> by | word << (32 - by) & 0xFFFFFFFF


def cube_root_bits(prime: int) -> int:
    """The first 32 bits of the fraction of a cube root."""
    scaled, low, high = prime << 96, 0, 1 << 40
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= scaled else (low, middle - 1)
    return low % 2**32


CONSTANTS = [cube_root_bits(n) for n in range(2, 312) if all(n % d for d in range(2, n))]
