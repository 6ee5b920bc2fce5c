"""Amounts: an exact int or a MoneyError whose words hold no digit of the amount; and back again without a rest."""

import json
from decimal import Decimal

from bridge.errors import BridgeError
from bridge.model import Json
from bridge.money import _EXPONENTS, MoneyError, Unit, exponent, to_major, to_minor
from bridge.read.json_text import decode_json
from tests.fuzz.feed import Feed

_CODES = sorted(_EXPONENTS)
_UNITS = tuple(Unit)
_SEEDS = ("49.99", "-0.005", '"12,34"', "1e5", "999999999999999", "0.10", '"007.10"', "-1e-3", '"\\u0661"', "[1]")


def seeds() -> list[bytes]:
    """Amounts as senders write them."""
    return [bytes([150 + number, number % 3]) + text.encode() for number, text in enumerate(_SEEDS)]


def check(data: bytes) -> None:
    """Take it for a JSON number or a text, in some currency and unit."""
    feed = Feed(data)
    code, unit, text = feed.pick([*_CODES, "usd", "XX", "ǅUR"]), feed.pick(_UNITS), feed.rest_as_text()
    for amount in (text, _number(text)):
        try:
            minor = to_minor(amount, code, unit)
        except MoneyError as error:
            if len(text) >= 8 and text in str(error):
                raise AssertionError("the reason shows the amount") from error
            continue
        assert type(minor) is int
        major = to_major(minor, code)
        assert type(major) is Decimal
        assert minor == to_minor(major, code, Unit.MAJOR)
        assert minor == to_minor(str(major), code, Unit.MAJOR)
        assert minor == to_minor(minor, code, Unit.MINOR)
        if unit is Unit.MAJOR:
            assert Decimal(str(amount)) == major
            assert -major.as_tuple().exponent <= exponent(code)  # type: ignore[operator]


def _number(text: str) -> Json:
    """What the text is as JSON; the text itself when it is none."""
    try:
        return decode_json(text)
    except (ValueError, RecursionError, BridgeError, json.JSONDecodeError):
        return text
