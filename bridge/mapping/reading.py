"""Reads a rule's fields from one document, one by one, and collects what fails. Never raises.

Everything that cannot be used is told by rule, field, expression and the type of the value, never the value itself.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from bridge import money
from bridge.mapping.context import Context
from bridge.mapping.rules import Expression, Rule
from bridge.mapping.times import millisecond, time_of
from bridge.mapping.values import NO_TEXT, Unfit, cleaned, id_of, kind_of
from bridge.model import Event, Json

#: An expression longer than this is cut in a reason.
_MOST_SHOWN = 120

#: Fields nothing depends on: one that cannot be used is left out, and noted.
_LEFT_OUT = frozenset(("click_id", "customer_name", "customer_email", "customer_avatar", "timestamp"))

#: What a closure may raise on an odd document besides Unfit.
ODD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

_T = TypeVar("_T")


def value_of(expression: Expression, document: Json, context: Context) -> Json:
    """The expression's value; raises Unfit and nothing else, whatever the document."""
    try:
        return expression.evaluate(document, context)
    except ODD as error:
        raise Unfit(_odd(error)) from None


def _odd(error: Exception) -> str:
    return f"it cannot be worked out ({type(error).__name__})"


def reason(where: str, name: str, expression: Expression, why: str) -> str:
    """A failure in words, without any value."""
    text = expression.text if len(expression.text) <= _MOST_SHOWN else expression.text[: _MOST_SHOWN - 1] + "…"
    return f"{where}{name} ({text}): {why}"


def place(rule: Rule, item: int) -> str:
    """Where a failure is: the rule, and the item of its `for_each`."""
    return f"rule '{rule.name}', " if rule.for_each is None else f"rule '{rule.name}', item {item}, "


class Reading:
    """Reads a rule's fields from one document, and collects what fails."""

    __slots__ = ("context", "document", "failures", "item", "notes", "rule")

    def __init__(self, rule: Rule, document: Json, context: Context, item: int) -> None:
        self.rule = rule
        self.document = document
        self.context = context
        self.item = item
        self.failures: list[str] = []
        self.notes: list[str] = []

    def read(self, name: str, reader: Callable[[Json], _T | None]) -> _T | None:
        """A field's value; None when it is missing, not asked for, or noted as left out or as a failure."""
        expression = self.rule.fields.get(name)
        if expression is None:
            return None
        try:
            # as value_of does, without a call for every field there is
            return reader(expression.evaluate(self.document, self.context))
        except Unfit as error:
            why = str(error)
        except ODD as error:
            why = _odd(error)
        if name in _LEFT_OUT:
            self.notes.append(reason("", name, expression, f"{why}; left out"))
        else:
            self.fail(name, why)
        return None

    def need(self, name: str, reader: Callable[[Json], str | None]) -> str:
        """A field that must be there; empty when it is noted as a failure."""
        before = len(self.failures)
        value = self.read(name, reader)
        if value is None and len(self.failures) == before:
            self.fail(name, "nothing there")
        return value or ""

    def fail(self, name: str, why: str) -> None:
        """Note a failure of one field."""
        self.fail_at(name, self.rule.fields[name], why)

    def fail_at(self, name: str, expression: Expression, why: str) -> None:
        """Note a failure of one expression."""
        self.failures.append(reason(place(self.rule, self.item), name, expression, why))


def amount_of(reading: Reading, currency: str) -> int | None:
    """The amount in minor units; None when it, or the currency, is noted as a failure."""
    try:
        money.exponent(currency)
    except money.MoneyError as error:
        reading.fail("currency", str(error))
        return None
    unit = reading.rule.unit or money.Unit.MINOR
    before = len(reading.failures)

    def minor(value: Json) -> int | None:
        text = cleaned(value) if isinstance(value, str) else value
        if isinstance(text, NO_TEXT):
            raise Unfit(f"{kind_of(text)}, expected text or a number")
        try:
            return None if text is None or text == "" else money.to_minor(text, currency, unit)
        except money.MoneyError as error:
            raise Unfit(str(error)) from None

    amount = reading.read("amount", minor)
    if amount is None and len(reading.failures) == before:
        reading.fail("amount", "nothing there")
    return amount


def timestamp_of(reading: Reading, event: Event) -> datetime:
    """When it happened as it is sent: never later than it was received."""
    happened = event.occurred_at
    if "timestamp" in reading.rule.fields:
        happened = reading.read("timestamp", _time) or happened
    received = event.received_at
    return millisecond(min(happened, received) if happened is not None else received)


def _time(value: Json) -> datetime:
    time = time_of(value)
    if time is None:
        raise Unfit(f"no time can be read from {kind_of(value)}")
    return time


def names_of(reading: Reading, field: str, expressions: Sequence[Expression]) -> list[str]:
    """The names that these expressions of a field give, nulls left out; to have some and get none is a failure."""
    names: list[str] = []
    has_failed = False
    for expression in expressions:
        try:
            name = id_of(value_of(expression, reading.document, reading.context))
        except Unfit as error:
            reading.fail_at(field, expression, str(error))
            has_failed = True
            continue
        if name is not None:
            names.append(name)
    if expressions and not names and not has_failed:
        reading.fail_at(field, expressions[0], "nothing there")
    return names
