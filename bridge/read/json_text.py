"""JSON by the book, with exact numbers: integers as int, all others as Decimal."""

from decimal import Decimal, InvalidOperation
from json import JSONDecoder
from typing import Final

from bridge.model import Json
from bridge.read.limits import MOST_DEPTH, MOST_NODES, UnreadableError, refuse_excess

#: A number outside 1e±400 is beyond every double, and expanding one could take all memory.
_MOST_MAGNITUDE: Final = 400
_OUT_OF_BOUNDS: Final = "a number out of all bounds"


def decode_json(text: str) -> Json:
    """Decode a whole text. Raises UnreadableError, JSONDecodeError, RecursionError; ValueError for endless digits."""
    value: Json = _DECODER.decode(text)
    # every container has its bracket, and every value but the first of each its comma: most bodies need no walk
    brackets = text.count("{") + text.count("[")
    if brackets > MOST_DEPTH or (len(text) > MOST_NODES and brackets + text.count(",") >= MOST_NODES):
        refuse_excess(value)
    return value


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise UnreadableError(_OUT_OF_BOUNDS) from None
    if abs(number.adjusted()) > _MOST_MAGNITUDE or len(text) > 2 * _MOST_MAGNITUDE:
        raise UnreadableError(_OUT_OF_BOUNDS)
    return number


def _no_constant(word: str) -> Json:
    raise UnreadableError(f"not JSON: {word} is not a number")


_DECODER = JSONDecoder(parse_float=_decimal, parse_constant=_no_constant)
