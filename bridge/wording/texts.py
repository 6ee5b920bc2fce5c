"""Times as people read them, lengths of time, and text that cannot act on whoever shows it."""

import json
import re
from datetime import UTC, datetime, timedelta

_UNITS = {"m": 60, "min": 60, "h": 3600, "d": 86400}


def printable(text: str) -> str:
    """The text with every character that a terminal would act on, or that hides or turns others, as an escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) != 0x7F else "\\u007f"


def iso(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds, as in logs and payloads."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def clock(at: datetime) -> str:
    """A time to the second, in UTC, for reading."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def span(seconds: float) -> str:
    """A length of time in its largest unit, such as `4 min`."""
    size = abs(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if size >= length:
            return f"{int(size // length)} {unit}"
    return f"{size:.0f} s"


def relative(at: datetime, moment: datetime) -> str:
    """When something was or will be, seen from `moment`: `4 min ago`, `in 2 h`."""
    seconds = (at - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(seconds)} ago"


def moment(text: str, now: datetime) -> datetime:
    """A time given as an age (`12h`) or in ISO 8601; without an offset it is UTC. Raises ValueError."""
    age = re.fullmatch(r"([0-9]{1,6})(m|min|h|d)", text)
    if age:
        try:
            return now - timedelta(seconds=int(age[1]) * _UNITS[age[2]])
        except OverflowError:
            raise ValueError(text) from None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
