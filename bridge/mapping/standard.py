"""jmespath's own functions, made exact: its function table, with numbers that are Decimals and never floats.

Their signatures are checked here as jmespath does, but an error names the type it met and never the value.
"""

import json
import math
from collections.abc import Callable
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import reduce
from typing import Any, Final

from jmespath.functions import TYPES_MAP, Functions, signature

from bridge.mapping.values import Unfit, digits_of
from bridge.model import Json

#: jmespath's names for the types of values.
KINDS: Final[dict[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    Decimal: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}

#: A text put together from parts of a document may not grow beyond all bounds.
MOST_TEXT: Final = 1024 * 1024

#: Holds every sum and product of amounts, and refuses to round.
EXACT: Final = Context(prec=240, traps=[Inexact, InvalidOperation])

#: Beyond this many digits a number is compared, but not written out or rounded.
_MOST_DIGITS: Final = 400


class Exact(Functions):
    """The standard functions, those redefined that would make a float of a number."""

    @signature({"types": ["array-number"]})
    def _func_avg(self, arg: list[int | Decimal]) -> Json:
        return Decimal(sum(arg)) / len(arg) if arg else None

    @signature({"types": ["number"]})
    def _func_ceil(self, arg: int | Decimal) -> Json:
        return math.ceil(arg) if _is_short(arg) else arg

    @signature({"types": ["number"]})
    def _func_floor(self, arg: int | Decimal) -> Json:
        return math.floor(arg) if _is_short(arg) else arg

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, array: list[str]) -> Json:
        if len(separator) * len(array) > MOST_TEXT:
            raise Unfit("join() would make too long a text")
        return separator.join(array)

    @signature({"types": ["array-number"]})
    def _func_sum(self, arg: list[int | Decimal]) -> Json:
        try:
            return reduce(EXACT.add, arg, Decimal(0))
        except (Inexact, InvalidOperation):
            raise Unfit("sum() would make too long a number") from None

    @signature({"types": []})
    def _func_to_number(self, arg: Json) -> Json:
        if isinstance(arg, bool | list | dict) or arg is None:
            return None
        return _number(arg) if isinstance(arg, str) else arg

    @signature({"types": []})
    def _func_to_string(self, arg: Json) -> Json:
        if isinstance(arg, str):
            return arg
        return digits_of(arg) if isinstance(arg, Decimal) else written(arg)

    @signature({"types": []})
    def _func_type(self, arg: Json) -> Json:
        return KINDS[type(arg)]

    def _convert_to_jmespath_type(self, pyobject: str) -> str:
        """Called by sort_by, min_by and max_by with the name of a Python type."""
        return "number" if pyobject == "Decimal" else TYPES_MAP.get(pyobject, "unknown")


def written(value: Json) -> str:
    """The value as compact JSON, numbers digit by digit."""
    match value:
        case list():
            return "[" + ",".join(map(written, value)) + "]"
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{written(item)}" for key, item in value.items()) + "}"
        case Decimal():
            return str(value)
        case _:
            return json.dumps(value)


def checker(types: list[str]) -> Callable[[Any], bool]:
    """A check whether a value is of one of jmespath's types, such as `string` or `array-number`."""
    plain = frozenset(name for name in types if "-" not in name)
    items = [name.removeprefix("array-") for name in types if "-" in name]
    if not items:
        return lambda value: KINDS.get(type(value), "expref") in plain

    def fits(value: Any) -> bool:
        if type(value) is not list:
            return KINDS.get(type(value), "expref") in plain
        kinds = {KINDS.get(type(item), "expref") for item in value}
        return not kinds or (len(kinds) == 1 and not kinds.isdisjoint(items))

    return fits


def _number(text: str) -> int | Decimal | None:
    if len(text) > _MOST_DIGITS:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _is_short(number: float | Decimal) -> bool:
    return not isinstance(number, Decimal) or (number.is_finite() and number.adjusted() < _MOST_DIGITS)
