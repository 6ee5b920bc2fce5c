"""Signed times: read for the window only, never rewritten; what is signed is the text as it came.

A number has one spelling (no sign, no leading zero) and an ISO time ends with its zone. Otherwise digits could move
between a timestamp and the signed text beside it without breaking the signature.
"""

from datetime import UTC, datetime, timedelta
from typing import assert_never

from bridge.sources.proof import refused
from bridge.sources.scheme import Unit

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: Digits of the year 33658 in milliseconds: nothing longer is worth turning into a number.
_MOST_DIGITS = 15
_MOST_ISO = 35


def read_moment(text: bytes, unit: Unit) -> int:
    """Microseconds since 1970 of a timestamp as it was sent; raises Refused."""
    match unit:
        case Unit.SECONDS:
            return _digits(text) * 1_000_000
        case Unit.MILLISECONDS:
            return _digits(text) * 1_000
        case Unit.ISO:
            return _iso(text)
        case _:
            assert_never(unit)


def write_moment(now: datetime, unit: Unit) -> bytes:
    """A time as this unit's senders write it."""
    moment = _microseconds(now)
    match unit:
        case Unit.SECONDS:
            return b"%d" % (moment // 1_000_000)
        case Unit.MILLISECONDS:
            return b"%d" % (moment // 1_000)
        case Unit.ISO:
            return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        case _:
            assert_never(unit)


def check_window(moment: int, now: datetime, tolerance_seconds: int, *, ahead_seconds: int | None = None) -> None:
    """Refuse what was signed too long ago or too far ahead; the border itself is inside, and ahead as far as behind."""
    age = _microseconds(now) - moment
    if age > tolerance_seconds * 1_000_000:
        raise refused("stale")
    if age < -(tolerance_seconds if ahead_seconds is None else ahead_seconds) * 1_000_000:
        raise refused("future")


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _digits(text: bytes) -> int:
    if not text.isdigit() or len(text) > _MOST_DIGITS or text.startswith(b"0"):
        raise refused("malformed")
    return int(text)


def _iso(text: bytes) -> int:
    zone = text[-6:-5] in (b"+", b"-") or text.endswith(b"Z")
    if len(text) > _MOST_ISO or not text.isascii() or not zone:
        raise refused("malformed")
    try:
        return _microseconds(datetime.fromisoformat(text.decode("ascii")))
    except (ValueError, TypeError, OverflowError):
        raise refused("malformed") from None
