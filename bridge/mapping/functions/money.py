"""Functions for exact numbers: text read digit by digit, sums, differences and products that never round."""

from collections.abc import Callable
from decimal import Decimal, Inexact, InvalidOperation
from functools import reduce
from typing import Final

from bridge.mapping.functions.function import TEXT, Function, kinds
from bridge.mapping.standard import EXACT
from bridge.mapping.values import NO_TEXT, Unfit, digits_of, is_plain_number, kind_of
from bridge.model import Json

#: A number of more characters is no amount.
_MOST: Final = 60


def functions() -> list[Function]:
    """Everything that counts."""
    return [
        Function(
            name="decimal",
            parameters=(TEXT,),
            returns=kinds("number"),
            call=lambda value: _read("decimal", value),
            check=_check("decimal"),
        ),
        _of_numbers("add", EXACT.add, is_variadic=True),
        _of_numbers("subtract", EXACT.subtract),
        _of_numbers("multiply", EXACT.multiply, is_variadic=True),
    ]


def _of_numbers(name: str, change: Callable[[Decimal, Decimal], Decimal], *, is_variadic: bool = False) -> Function:
    """A function of numbers: null when any of them is null."""

    def call(*values: Json) -> Json:
        numbers = [_read(name, value) for value in values]
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            return None
        try:
            return _bounded(name, reduce(change, known))
        except (Inexact, InvalidOperation):
            raise Unfit(f"{name}() would make too long a number") from None

    return Function(
        name=name,
        parameters=(TEXT, TEXT),
        returns=kinds("number"),
        call=call,
        is_variadic=is_variadic,
        check=_check(name),
    )


def _check(name: str) -> Callable[[int, Json], str]:
    """What is wrong with a number that is written out."""

    def check(_number: int, value: Json) -> str:
        try:
            _read(name, value)
        except Unfit as error:
            return str(error)
        return ""

    return check


def _read(name: str, value: Json) -> Decimal | None:
    """A number, or the text of one: digits, at most one point, a minus; null of null and of blank text."""
    if value is None:
        return None
    if isinstance(value, NO_TEXT):
        raise Unfit(f"{name}() wants a number, got {kind_of(value)}")
    text = value.strip() if isinstance(value, str) else digits_of(value)
    return _number(name, text) if text else None


def _number(name: str, text: str) -> Decimal:
    if len(text) > 2 * _MOST:
        raise Unfit(f"{name}() wants a number, got too long a text")
    if not is_plain_number(text):
        raise Unfit(f"{name}() wants a number, got text that is not just digits and one point")
    return Decimal(text)


def _bounded(name: str, number: Decimal) -> Decimal:
    if number.adjusted() > _MOST:
        raise Unfit(f"{name}() would make too long a number")
    return number
