"""One rule on one document → a Conversion, or why there is none. Never raises.

Fields are read one by one; everything that cannot be used is told at once, by rule, field, expression and the type
of the value, never the value itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, assert_never

from bridge import money
from bridge.mapping import claims
from bridge.mapping.context import Context
from bridge.mapping.rules import Expression, Rule
from bridge.mapping.times import millisecond, time_of
from bridge.mapping.values import NO_TEXT, Unfit, cleaned, customer_of, email_of, id_of, kind_of, name_of, url_of
from bridge.model import Conversion, Event, Json, Lead, Sale

#: An expression longer than this is cut in a reason.
_MOST_SHOWN = 120

#: Fields nothing depends on: one that cannot be used is left out, and noted.
_LEFT_OUT = frozenset(("click_id", "customer_name", "customer_email", "customer_avatar", "timestamp"))

#: What a closure may raise on an odd document besides Unfit.
ODD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Skipped:
    """The rule matched, and there is nothing to track: said in a word or two."""

    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The rule cannot be applied; every reason names rule, field and expression."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """A conversion, and what is worth saying about it."""

    conversion: Conversion
    note: str = ""


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


class _Reading:
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


def convert(rule: Rule, document: Json, context: Context, event: Event, item: int) -> Made | Skipped | Failed:
    """Apply a rule that matched."""
    reading = _Reading(rule, document, context, item)
    match rule.track:
        case "sale":
            return _sale(reading, event)
        case "lead":
            return _lead(reading, event)
        case _:
            assert_never(rule.track)


def _sale(reading: _Reading, event: Event) -> Made | Skipped | Failed:
    # Money first: an invoice of nothing is no sale, whatever else it lacks.
    currency = reading.need("currency", id_of).upper()
    amount = _amount(reading, currency) if currency else None
    if amount is not None and amount <= 0:
        return Skipped("negative amount" if amount else "zero amount")
    customer = reading.need("customer_external_id", customer_of)
    invoice = reading.need("invoice_id", id_of)
    event_name = reading.need("event_name", id_of)
    click = reading.read("click_id", id_of)
    timestamp = _timestamp(reading, event)
    names = _names(reading, invoice)
    if reading.failures or amount is None:
        return Failed(tuple(reading.failures))
    payload = Sale(
        event_name=event_name,
        customer_external_id=customer,
        invoice_id=invoice,
        amount=amount,
        currency=currency,
        click_id=click,
        customer_name=reading.read("customer_name", name_of),
        customer_email=reading.read("customer_email", email_of),
        customer_avatar=reading.read("customer_avatar", url_of),
        timestamp=timestamp,
    )
    return _made(reading, payload, claims.named(reading.rule, event, event_name, names))


def _lead(reading: _Reading, event: Event) -> Made | Skipped | Failed:
    rule = reading.rule
    click = reading.read("click_id", id_of)
    if rule.deferred and click is None and not reading.failures:
        return Skipped("no click id")
    customer = reading.need("customer_external_id", customer_of)
    event_name = reading.need("event_name", id_of)
    timestamp = _timestamp(reading, event)
    names = _names(reading, "") if rule.once_per else []
    if reading.failures:
        return Failed(tuple(reading.failures))
    payload = Lead(
        event_name=event_name,
        customer_external_id=customer,
        click_id=click,
        customer_name=reading.read("customer_name", name_of),
        customer_email=reading.read("customer_email", email_of),
        customer_avatar=reading.read("customer_avatar", url_of),
        timestamp=timestamp,
        deferred=rule.deferred,
    )
    if rule.once_per:
        return _made(reading, payload, claims.named(rule, event, event_name, names))
    return _made(reading, payload, claims.once_per_event(event, reading.item, event_name))


def _made(reading: _Reading, payload: Lead | Sale, taken: tuple[str, ...]) -> Made:
    rule = reading.rule
    conversion = Conversion(
        item=reading.item,
        rule=rule.name,
        payload=payload,
        claims=taken,
        needs_association=payload.click_id is None and rule.without_click_id == "skip",
        association_namespace=rule.namespace,
        when_unsure=rule.when_unsure,
    )
    return Made(conversion, "; ".join(reading.notes))


def _amount(reading: _Reading, currency: str) -> int | None:
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


def _timestamp(reading: _Reading, event: Event) -> datetime:
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


def _names(reading: _Reading, invoice: str) -> list[str]:
    """The names under which this is known, nulls left out; having none is a failure."""
    rule = reading.rule
    if rule.track == "sale" and len(rule.once_per) == 1 and rule.once_per[0] is rule.fields["invoice_id"]:
        return [invoice]
    names: list[str] = []
    failed = False
    for expression in rule.once_per:
        try:
            name = id_of(value_of(expression, reading.document, reading.context))
        except Unfit as error:
            reading.fail_at("once_per", expression, str(error))
            failed = True
            continue
        if name is not None:
            names.append(name)
    if not names and not failed:
        reading.fail_at("once_per", rule.once_per[0], "nothing there")
    return names
