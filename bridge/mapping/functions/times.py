"""Functions for times: text of one form, whatever form a sender writes."""

from datetime import UTC
from typing import Final

from bridge.mapping.functions.function import ANY, NAME, TEXT, Function, kinds, text_of_argument
from bridge.mapping.times import iso, offset_of, time_of
from bridge.mapping.values import NO_TEXT, Unfit, kind_of
from bridge.model import Json

_NO_OFFSET: Final = (
    "expected an offset from UTC such as '+02:00', or 'UTC'; a zone's name would need the machine's tables"
)


def functions() -> list[Function]:
    """Everything about times."""
    return [
        Function(name="iso_time", parameters=(ANY,), returns=kinds("string"), call=_iso_time),
        Function(name="time_in", parameters=(TEXT, NAME), returns=kinds("string"), call=_time_in, check=_check_offset),
    ]


def _iso_time(value: Json) -> Json:
    time = time_of(value)
    return iso(time) if time else None


def _time_in(value: Json, zone: Json) -> Json:
    """Text without a zone is a time there; whatever has one, or is a number, is read as everywhere."""
    if value is None:
        return None
    if isinstance(value, NO_TEXT):
        raise Unfit(f"time_in() wants text, got {kind_of(value)}")
    offset = offset_of(text_of_argument("time_in", zone))
    if offset is None:
        raise Unfit("time_in() wants an offset from UTC such as '+02:00', got another text")
    time = time_of(value, offset)
    return iso(time.astimezone(UTC)) if time else None


def _check_offset(number: int, value: Json) -> str:
    is_offset = isinstance(value, str) and offset_of(value) is not None
    return "" if number != 1 or is_offset else _NO_OFFSET
