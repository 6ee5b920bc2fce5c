"""What all verifiers share: one way to refuse, one way to read a header, the sample's mark.

A verifier lets nothing out but `Verified` and `Refused`. The caller is told one word for every reason; which
reason it was stays in `detail`, for our own log and metrics.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from bridge.errors import Refused
from bridge.model import Webhook

#: Why a webhook is not let in: for our log, never for the caller.
Detail: TypeAlias = Literal["missing", "malformed", "stale", "future", "mismatch"]

#: A header of proof that is longer than this is not looked at.
MOST_HEADER_BYTES = 4096


def refused(detail: Detail, *, status: int = 401) -> Refused:
    """The one refusal a caller sees, with the reason for ourselves."""
    return Refused("unproven", status=status, detail=detail)


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


def one_of(webhook: Webhook, names: Sequence[bytes]) -> bytes:
    """The same of whichever of these headers is there; two of them in one request are refused."""
    there = [name for name, _ in webhook.headers if name in names]
    if len(there) > 1:
        raise refused("malformed")
    return only(webhook, there[0] if there else names[0])


def is_printable(value: bytes) -> bool:
    """Whether it is ASCII without control characters."""
    return value.isascii() and value.decode("ascii").isprintable()


def is_sample(webhook: Webhook) -> bool:
    """Whether the webhook carries trackbridge's own mark of a sample; to be asked behind the proof only."""
    return b"1" in webhook.header(b"trackbridge-test")


def with_headers(webhook: Webhook, added: Mapping[bytes, bytes], *, dropped: Collection[bytes] = ()) -> Webhook:
    """The webhook with these headers, instead of any it had under the same names, and without the dropped."""
    kept = tuple((name, value) for name, value in webhook.headers if name not in added and name not in dropped)
    return replace(webhook, headers=(*kept, *added.items()))
