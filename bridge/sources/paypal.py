"""PayPal's scheme: RSA over four facts of the request, by the certificate that the request itself names.

The certificate's address must be PayPal's own, and the certificate PayPal's own: where it comes from and who vouches
for it is not our business here, see `signer`. The body is signed by its CRC-32 alone, which is all that PayPal offers.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn
from zlib import crc32

from bridge.errors import CannotSign, Refused
from bridge.model import Verified, Webhook
from bridge.sources.proof import is_sample, only, refused
from bridge.sources.scheme import TOLERANCE_SECONDS, Unit
from bridge.sources.signer import Certificate, Certificates, Lack
from bridge.sources.verifier import Verifier
from bridge.sources.window import check_window, read_moment

_ID, _TIME = b"paypal-transmission-id", b"paypal-transmission-time"
_SIGNATURE, _ALGORITHM, _CERTIFICATE = b"paypal-transmission-sig", b"paypal-auth-algo", b"paypal-cert-url"

#: PayPal's own hosts, and the name that the certificates of each are for.
_LIVE, _SANDBOX = "messageverificationcerts.paypal.com", "messageverificationcerts.sandbox.paypal.com"
_NAMES = {
    "api.paypal.com": _LIVE,
    "api-m.paypal.com": _LIVE,
    "api.sandbox.paypal.com": _SANDBOX,
    "api-m.sandbox.paypal.com": _SANDBOX,
}
#: One spelling, so that nothing can hide in another; a plain name below the one folder, no port, user or query.
_ADDRESS = re.compile(r"https://([a-z.-]{1,40})/v1/notifications/certs/[A-Za-z0-9_-]{1,100}")

_MOST_ID_BYTES = 128
_MOST_SIGNATURE_BYTES = 1024
#: PayPal tries again for three days, and says nowhere whether a later try is signed anew.
OLDEST_SECONDS = 4 * 86_400
#: When PayPal should come back for which a certificate is being fetched.
RETRY_AFTER_SECONDS = 5


class PayPalVerifier(Verifier):
    """PayPal's webhooks by their ids, which stand where other senders have a secret."""

    signs = False

    def __init__(self, webhook_ids: Sequence[str], certificates: Certificates) -> None:
        self._webhook_ids = [webhook_id.encode() for webhook_id in webhook_ids]
        self._certificates = certificates

    def verify(self, webhook: Webhook, now: datetime) -> Verified:
        """Prove that PayPal signed this webhook for one of the ids. Refused with 503 while its certificate comes."""
        transmission, time = only(webhook, _ID), only(webhook, _TIME)
        if len(transmission) > _MOST_ID_BYTES or b"|" in transmission:
            raise refused("malformed")
        moment = read_moment(time, Unit.ISO)
        if only(webhook, _ALGORITHM) != b"SHA256withRSA":
            raise refused("malformed")
        signature = _decoded(only(webhook, _SIGNATURE))
        certificate = self._certificate(only(webhook, _CERTIFICATE).decode("ascii"))
        if not certificate.valid_from <= now <= certificate.valid_until:
            raise refused("mismatch")
        number = self._prove(certificate, signature, transmission + b"|" + time + b"|", b"|%d" % crc32(webhook.body))
        check_window(moment, now, OLDEST_SECONDS, ahead_seconds=TOLERANCE_SECONDS)
        return Verified(
            webhook=webhook,
            by=f"signature {number}",
            signed_headers=frozenset({_ID.decode(), _TIME.decode()}),
            sample=is_sample(webhook),
        )

    def sign(self, webhook: Webhook, now: datetime, *, event_id: str = "") -> NoReturn:  # noqa: ARG002  # nobody can
        """Only PayPal can."""
        raise CannotSign("PayPal signs with a private key that only PayPal has: use a sandbox account of PayPal's")

    def _certificate(self, url: str) -> Certificate:
        address = _ADDRESS.fullmatch(url)
        name = _NAMES.get(address[1]) if address else None
        if name is None:
            raise refused("malformed")
        match self._certificates(url, name):
            case Lack.COMING:
                raise Refused("unavailable", status=503, detail="certificate", retry_after=RETRY_AFTER_SECONDS)
            case Lack.REFUSED:
                raise refused("mismatch")
            case certificate:
                return certificate

    def _prove(self, certificate: Certificate, signature: bytes, before: bytes, behind: bytes) -> int:
        """The number of the webhook id that was signed."""
        for number, webhook_id in enumerate(self._webhook_ids, start=1):
            if certificate.is_by(signature, before + webhook_id + behind):
                return number
        raise refused("mismatch")


def _decoded(text: bytes) -> bytes:
    try:
        signature = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise refused("malformed") from None
    if not 0 < len(signature) <= _MOST_SIGNATURE_BYTES or base64.b64encode(signature) != text:
        raise refused("malformed")
    return signature
