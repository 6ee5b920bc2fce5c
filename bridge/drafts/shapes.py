"""What a value looks like: an e-mail address, a time, an amount, a currency, an id, somebody's name."""

from decimal import Decimal

from bridge import money
from bridge.mapping.times import time_of
from bridge.mapping.values import NOTHING
from bridge.model import Json

_MOST_ID = 100
_EARLIEST, _LATEST = 2000, 2100


def is_given(value: Json) -> bool:
    """Whether there is anything at all."""
    return value is not None and not (isinstance(value, str) and value.strip() in NOTHING)


def is_email(value: Json) -> bool:
    """One address and nothing else."""
    if not isinstance(value, str) or len(value) > 254 or value != value.strip():
        return False
    local, at, domain = value.partition("@")
    return bool(local and at) and "." in domain.strip(".") and "@" not in domain and not (set(value) & set(" ,;<>/:"))


def is_moment(value: Json) -> bool:
    """A time of our days, written as seconds, milliseconds or ISO 8601."""
    if isinstance(value, str) and (len(value) < 8 or (value.isdigit() and len(value) < 10)):
        return False
    if isinstance(value, bool):
        return False
    time = time_of(value)
    return time is not None and _EARLIEST <= time.year < _LATEST


def number_of(value: Json) -> Decimal | None:
    """The number, of a number or of plain decimal text; None when it is none."""
    match value:
        case bool():
            return None
        case int() | Decimal():
            return Decimal(value)
        case str() if 0 < len(value) <= 15 and value.isascii():
            whole, point, fraction = value.removeprefix("-").partition(".")
            return Decimal(value) if whole.isdigit() and (fraction.isdigit() or not point) else None
        case _:
            return None


def has_decimals(value: Json) -> bool:
    """Whether it is written with a decimal point."""
    return isinstance(value, Decimal) or (isinstance(value, str) and "." in value)


def is_currency(value: Json) -> bool:
    """Three letters of ISO 4217, in either case."""
    if not isinstance(value, str) or len(value) != 3:
        return False
    try:
        money.exponent(value)
    except money.MoneyError:
        return False
    return True


def is_id(value: Json) -> bool:
    """Text without spaces, or a whole number but 0."""
    match value:
        case bool():
            return False
        case int():
            return value != 0
        case str():
            plain = is_given(value) and len(value) <= _MOST_ID and value.isprintable()
            return plain and not any(char.isspace() for char in value) and not is_email(value)
        case _:
            return False


def is_word(value: Json) -> bool:
    """What a program calls a kind of thing: `order.paid`, `FORM_RESPONSE`, `orders/create`."""
    if not isinstance(value, str) or not 2 <= len(value) <= 64 or not value.isascii():
        return False
    letters = sum(char.isalpha() for char in value)
    return letters * 2 > len(value) and all(char.isalnum() or char in "_.-:/" for char in value) and "//" not in value


def is_name(value: Json) -> bool:
    """What could be a person's name."""
    if not isinstance(value, str) or not 1 < len(value.strip()) <= 80 or "@" in value or "/" in value:
        return False
    return any(char.isalpha() for char in value) and sum(char.isdigit() for char in value) <= 2


def is_url(value: Json) -> bool:
    """A web address."""
    return isinstance(value, str) and value.startswith(("https://", "http://"))
