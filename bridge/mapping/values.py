"""What a value from somebody's document is worth as text: cleaned, bounded, or missing.

An `Unfit` says why in a clause that names the value's type and never the value.
"""

from decimal import Decimal
from typing import Final

from bridge.errors import BridgeError
from bridge.model import Json

MOST_ID: Final = 255
MOST_NAME: Final = 255
MOST_URL: Final = 2048

#: Text that programs write where they have nothing.
NOTHING: Final = frozenset(("", "null", "undefined", "None"))

#: Types as tuples: isinstance() would make a union anew for every value.
NUMBERS: Final = (int, float, Decimal)
NO_TEXT: Final = (bool, list, dict)

#: Plain digits of a number end here: no id and no amount is longer.
_MOST_DIGITS = 60


class Unfit(BridgeError):
    """This value cannot be used; the message holds the reason, never the value."""


def kind_of(value: object) -> str:
    """The value's type in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "text"
        case int() | float() | Decimal():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "no value"


def is_false(value: Json) -> bool:
    """JMESPath's falsehood: null, false, empty text, list or object. The number 0 is true."""
    if value:
        return False
    return value is False or not isinstance(value, NUMBERS)


def is_plain_number(text: str) -> bool:
    """Whether text is digits with at most one point between them and a minus before them, and nothing else."""
    whole, point, fraction = text.removeprefix("-").partition(".")
    return text.isascii() and whole.isdigit() and (fraction.isdigit() or not point)


def digits_of(number: float | Decimal) -> str:
    """A number's plain digits, all of them and no exponent."""
    if isinstance(number, int):
        if number.bit_length() > 4 * _MOST_DIGITS:
            raise Unfit("a number with too many digits")
        return str(number)
    exact = number if isinstance(number, Decimal) else Decimal(str(number))
    shown = exact.is_finite() and -_MOST_DIGITS < exact.adjusted() < _MOST_DIGITS and _exponent(exact) > -_MOST_DIGITS
    if not shown:
        raise Unfit("a number with too many digits")
    return format(exact, "f")


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def cleaned(text: str) -> str:
    """The text without what only machines see: control characters, lone surrogates, spaces around it."""
    if text.isprintable():
        return text.strip()
    return "".join(map(_visible, text)).strip()


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    if "\ud800" <= char <= "\udfff":
        return "\ufffd"
    if char < "\xa0":
        return " " if char in "\t\n\r\v\f" else ""
    return " " if char.isspace() else char


def text_of(value: Json) -> str | None:
    """Text or a number as cleaned text; null, blank, "null", "undefined" and "None" are missing."""
    if isinstance(value, str):
        # as `cleaned` does, without a call for nearly every field there is
        text = value.strip() if value.isprintable() else cleaned(value)
        return None if text in NOTHING else text
    if value is None:
        return None
    if isinstance(value, NO_TEXT):
        raise Unfit(f"{kind_of(value)}, expected text or a number")
    return digits_of(value)


def id_of(value: Json) -> str | None:
    """An identifier: never cut, because half an id is somebody else's."""
    text = text_of(value)
    if text is not None and len(text) > MOST_ID:
        raise Unfit(f"text longer than {MOST_ID} characters")
    return text


def customer_of(value: Json) -> str | None:
    """A customer's id: the number 0 is how shops write a guest."""
    if isinstance(value, NUMBERS) and not isinstance(value, bool) and value == 0:
        return None
    return id_of(value)


def name_of(value: Json) -> str | None:
    """A name, cut where it is too long."""
    text = text_of(value)
    return text[:MOST_NAME].rstrip() if text else None


def email_of(value: Json) -> str | None:
    """An e-mail address, as far as anybody can tell without sending one."""
    text = text_of(value)
    return text if text and "@" in text and len(text) <= MOST_ID else None


def url_of(value: Json) -> str | None:
    """A web address; anything else is missing."""
    text = text_of(value)
    return text if text and text.startswith(("https://", "http://")) and len(text) <= MOST_URL else None
