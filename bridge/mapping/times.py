"""Times as senders write them → aware UTC. Numbers are seconds, or milliseconds from 10¹¹; text is ISO 8601."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from bridge.model import Json

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: From here on a number counts milliseconds: in seconds it would be the year 5138.
_MILLISECONDS_FROM: Final = 10**11
_MOST: Final = 253_402_300_799_000  # the end of the year 9999
#: Of an offset from UTC.
_MOST_HOURS: Final = 14
_MOST_MINUTES: Final = 59


def time_of(value: Json, zone: timezone = UTC) -> datetime | None:
    """Read a time; None when it cannot be read. Text without a zone is a time in `zone`."""
    match value:
        case bool() | list() | dict() | None:
            return None
        case str():
            return _from_text(value.strip(), zone)
        case float():
            return _from_number(Decimal(str(value)))
        case _:
            return _from_number(value)


def millisecond(time: datetime) -> datetime:
    """The time cut to whole milliseconds."""
    odd = time.microsecond % 1000
    return time.replace(microsecond=time.microsecond - odd) if odd else time


def iso(time: datetime) -> str:
    """A UTC time as it is sent: milliseconds and `Z`."""
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def offset_of(text: str) -> timezone | None:
    """`+02:00`, `-0330`, `Z` or `UTC` as an offset from UTC; None for anything else."""
    if text in ("UTC", "GMT", "Z"):
        return UTC
    digits = text[1:].replace(":", "", 1) if text[3:4] == ":" else text[1:]
    if text[:1] not in ("+", "-") or len(digits) != 4 or not (digits.isascii() and digits.isdigit()):
        return None
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > _MOST_HOURS or minutes > _MOST_MINUTES:
        return None
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _from_number(number: int | Decimal) -> datetime | None:
    if isinstance(number, Decimal) and not number.is_finite():
        return None
    if not 0 < number <= _MOST:
        return None
    micro = number * 1000 if number >= _MILLISECONDS_FROM else number * 1_000_000
    return _EPOCH + timedelta(microseconds=int(micro))


def _from_text(text: str, zone: timezone) -> datetime | None:
    if len(text) > 64 or not text.isascii():
        return None
    whole, _, fraction = text.partition(".")
    if whole.isdigit() and (fraction.isdigit() or not fraction):
        return _from_number(Decimal(text))
    try:
        time = datetime.fromisoformat(_tidied(text))
        return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _tidied(text: str) -> str:
    """ISO 8601 as the standard library wants it: `… UTC` is `Z`, and no space before an offset."""
    for zone in (" UTC", " GMT", "UTC", "GMT"):
        if text.endswith(zone):
            return text.removesuffix(zone) + "Z"
    head, space, offset = text.rpartition(" ")
    return head + offset if space and offset[:1] in "+-" else text
