"""Stripe's scheme: the signature is checked by Stripe's own library, the header's form and the window by us.

Imported only when a Stripe source is bound. We refuse first what makes the library fail in odd ways; it then judges
every part as it was sent, only without the spaces that a proxy may put around commas. Nobody it refuses is let in.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from stripe import SignatureVerificationError, WebhookSignature

from bridge.model import Verified, Webhook
from bridge.sources.pattern import MOST_PARTS
from bridge.sources.proof import is_sample, only, refused, with_headers
from bridge.sources.scheme import TOLERANCE_SECONDS, Unit
from bridge.sources.verifier import Verifier
from bridge.sources.window import check_window, read_moment, write_moment

_HEADER = b"stripe-signature"
_TIME = b"t="
_SIGNATURE = b"v1="
_SIGNATURE_LENGTH = len(_SIGNATURE) + 64


class StripeVerifier(Verifier):
    """A Stripe endpoint with its signing secrets, each used whole: `whsec_` is a part of it."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secrets)

    def verify(self, webhook: Webhook, now: datetime) -> Verified:
        """Prove that one of the secrets signed this webhook, within five minutes of now."""
        parts = [part.strip(b" ") for part in only(webhook, _HEADER).split(b",")]
        moment = _signed_at(parts)
        number = self._prove(webhook.body, b",".join(parts).decode("ascii"))
        check_window(moment, now, TOLERANCE_SECONDS)
        return Verified(webhook=webhook, by=f"signature {number}", sample=is_sample(webhook))

    def sign(self, webhook: Webhook, now: datetime, *, event_id: str = "") -> Webhook:  # noqa: ARG002  # signs no id
        """Sign as Stripe would, now, with the first secret."""
        timestamp = write_moment(now, Unit.SECONDS)
        digest = hmac.new(self._secrets[0].encode(), timestamp + b"." + webhook.body, hashlib.sha256).hexdigest()
        return with_headers(webhook, {_HEADER: _TIME + timestamp + b"," + _SIGNATURE + digest.encode()})

    def _prove(self, body: bytes, header: str) -> int:
        """The number of the secret that signed; every secret is tried."""
        try:
            payload = body.decode("utf-8")
        except UnicodeDecodeError:
            raise refused("malformed") from None
        proven = 0
        for number, secret in enumerate(self._secrets, start=1):
            if _is_signed(payload, header, secret) and not proven:
                proven = number
        if not proven:
            raise refused("mismatch")
        return proven


def _signed_at(parts: list[bytes]) -> int:
    """When the webhook was signed, in microseconds; refuses a header without time or signature, or with two times."""
    if len(parts) > MOST_PARTS:
        raise refused("malformed")
    signatures = [part for part in parts if part.startswith(_SIGNATURE)]
    times = [part[len(_TIME) :] for part in parts if part.startswith(_TIME)]
    if not signatures or not any(times):
        raise refused("missing")
    if len(times) > 1:
        raise refused("malformed")
    moment = read_moment(times[0], Unit.SECONDS)
    if all(len(part) != _SIGNATURE_LENGTH for part in signatures):
        raise refused("malformed")
    return moment


def _is_signed(payload: str, header: str, secret: str) -> bool:
    try:
        return bool(WebhookSignature.verify_header(payload, header, secret, tolerance=None))
    except SignatureVerificationError:
        return False
    except Exception:  # noqa: BLE001  # whatever another version of the library stumbles over is not proven
        raise refused("malformed") from None
