"""Retry-After as the tracker means it: seconds or an HTTP date, read without trusting either. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Nobody is kept waiting longer than this by one answer.
MOST_SECONDS = 86_400.0


def seconds_asked(retry_after: str | None, date: str | None, now: datetime) -> float | None:
    """Seconds to wait, at most 24 h; None when absent, zero, past or unreadable.

    A date is measured against the answer's own Date header, so that a wrong clock on either side does no harm;
    `now` stands in when that header is absent or unreadable.
    """
    if retry_after is None:
        return None
    seconds = _number(retry_after.strip())
    if seconds is None:
        until = _time(retry_after)
        seconds = (until - (_time(date or "") or now)).total_seconds() if until else 0.0
    return min(seconds, MOST_SECONDS) if seconds > 0 else None


def _number(text: str) -> float | None:
    """Digits, perhaps with a fraction; float() alone would take `nan`, `1_0` and other scripts' digits."""
    whole, _, fraction = text.partition(".")
    whole = whole.lstrip("0") or whole[:1]
    is_number = text.isascii() and whole.isdigit() and (fraction.isdigit() or "." not in text)
    if not is_number:
        return None
    # of any length: int() refuses thousands of digits, and more than nine are past the limit anyway
    return float(f"{whole}.{fraction[:9]}") if len(whole) <= 9 else MOST_SECONDS


def _time(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text[:100])
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
