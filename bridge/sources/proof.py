"""What all verifiers share: their interface, one way to refuse, one way to read a header, the sample's mark.

A verifier lets nothing out but `Verified` and `Refused`. The caller is told one word for every reason; which
reason it was stays in `detail`, for our own log and metrics.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from bridge.errors import Refused
from bridge.model import Verified, Webhook

#: Why a webhook is not let in: for our log, never for the caller.
Detail: TypeAlias = Literal["missing", "malformed", "stale", "future", "mismatch"]

#: A header of proof that is longer than this is not looked at.
MOST_HEADER_BYTES = 4096


class Verifier(Protocol):
    """One source's scheme with its secrets: proves webhooks, and signs samples the same way."""

    @property
    def signs(self) -> bool:
        """Whether a webhook must prove anything at all."""
        ...

    def verify(self, webhook: Webhook, now: datetime) -> Verified:
        """Prove the sender, or raise Refused; nothing else is raised whatever the webhook holds."""
        ...

    def sign(self, webhook: Webhook, now: datetime, *, event_id: str = "") -> Webhook:
        """The same webhook with its proof by the first secret; a proof it already carries is replaced.

        `event_id` goes where the scheme signs an id; without one the webhook's own stays, or one is made of its body.
        """
        ...


def refused(detail: Detail) -> Refused:
    """The one refusal a caller sees, with the reason for ourselves."""
    return Refused("unproven", detail=detail)


def only(webhook: Webhook, name: bytes) -> bytes:
    """The value of a header that must be there exactly once, in printable ASCII; white space around it is not its."""
    values = webhook.header(name)
    if not values:
        raise refused("missing")
    value = values[0].strip(b" \t")
    if not value:
        raise refused("missing")
    if len(values) > 1 or len(value) > MOST_HEADER_BYTES or not is_printable(value):
        raise refused("malformed")
    return value


def is_printable(value: bytes) -> bool:
    """Whether it is ASCII without control characters."""
    return value.isascii() and value.decode("ascii").isprintable()


def is_sample(webhook: Webhook) -> bool:
    """Whether the webhook carries trackbridge's own mark of a sample; to be asked behind the proof only."""
    return b"1" in webhook.header(b"trackbridge-test")


def with_headers(webhook: Webhook, added: Mapping[bytes, bytes]) -> Webhook:
    """The webhook with these headers, instead of any it had under the same names."""
    kept = tuple((name, value) for name, value in webhook.headers if name not in added)
    return replace(webhook, headers=(*kept, *added.items()))
