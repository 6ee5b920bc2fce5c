"""Signed Stripe webhooks by the thousand: two realistic bodies, a new id in every request, a fresh signature each.

A template is cut at its slots once; making a request is then a join and one HMAC. Secrets and values are invented.
"""

import hashlib
import hmac
import time
from pathlib import Path

SECRET = "whsec_benchmarks_only"
PATH = "/webhooks/stripe"
_SLOT = b"@" * 16
_TEMPLATES = [path.read_bytes().split(_SLOT) for path in sorted((Path(__file__).parent / "events").glob("*.json"))]


def body(unique: str) -> bytes:
    """One event's body; `unique` is 16 characters and decides the template."""
    return unique.encode().join(_TEMPLATES[int(unique, 16) % len(_TEMPLATES)])


def requests(count: int, *, series: int, port: int) -> list[bytes]:
    """`count` whole HTTP requests of one series; no id repeats within a series or across series."""
    keyed = hmac.new(SECRET.encode(), digestmod=hashlib.sha256)
    now = int(time.time())
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Stripe/1.0\r\nAccept: */*\r\n"
    head += "Content-Type: application/json; charset=utf-8\r\n"
    return [_request(head, keyed.copy(), now, body(f"{series:08x}{number:08x}")) for number in range(count)]


def _request(head: str, keyed: hmac.HMAC, now: int, content: bytes) -> bytes:
    keyed.update(b"%d." % now + content)
    proof = f"Stripe-Signature: t={now},v1={keyed.hexdigest()}\r\nContent-Length: {len(content)}\r\n\r\n"
    return (head + proof).encode() + content
