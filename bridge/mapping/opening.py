"""A body → the items in it, each a document of its own: `event.document`, then `event.for_each`.

Each item comes with the context its expressions see. A form's answers are worked out when somebody asks.
"""

from typing import NamedTuple

from bridge.mapping.answers import Form
from bridge.mapping.context import Context
from bridge.mapping.reading import reason, value_of
from bridge.mapping.rules import EventRules, Expression
from bridge.mapping.values import Unfit, kind_of
from bridge.model import Json, Webhook

#: More items than this in one webhook, or for one rule, is no batch but a flood: a person must look.
MOST_ITEMS = 1000


class Item(NamedTuple):
    """One event's document, what its expressions may ask besides, and its number in a batch, from 0."""

    document: Json
    context: Context
    number: int | None


def opened(rules: EventRules, webhook: Webhook, body: Json) -> list[Item]:
    """The items of a webhook, none for an empty batch; raises Unfit with the whole reason."""
    context = Context(webhook, body)
    document = body if rules.document is None else _document(rules.document, body, context)
    if rules.for_each is None:
        return [Item(document, _seen(rules, document, context), None)]
    try:
        items = listed(value_of(rules.for_each, document, context.at(document)))
    except Unfit as error:
        raise Unfit(reason("event, ", "for_each", rules.for_each, str(error))) from None
    return [Item(item, _seen(rules, item, context), number) for number, item in enumerate(items)]


def listed(value: Json, *, or_nothing: bool = False) -> list[Json]:
    """The list an expression gives; raises Unfit when it is none, or too long."""
    if value is None and or_nothing:
        return []
    if not isinstance(value, list):
        raise Unfit(f"{kind_of(value)}, expected a list")
    if len(value) > MOST_ITEMS:
        raise Unfit(f"more than {MOST_ITEMS} items")
    return value


def _document(expression: Expression, body: Json, context: Context) -> Json:
    try:
        document = value_of(expression, body, context)
    except Unfit as error:
        raise Unfit(reason("event, ", "document", expression, str(error))) from None
    if document is None:
        raise Unfit(reason("event, ", "document", expression, "nothing there"))
    return document


def _seen(rules: EventRules, item: Json, context: Context) -> Context:
    """The context of one item, with its answers where the mapping says where they stand."""
    seen = context.at(item)
    answers = rules.answers
    if answers is not None:
        seen.form = Form(lambda: _answers(answers, item, seen))
    return seen


def _answers(expression: Expression, item: Json, context: Context) -> Json:
    try:
        value = value_of(expression, item, context)
    except Unfit as error:
        raise Unfit(reason("", "event.answers", expression, str(error))) from None
    if value is None or isinstance(value, list | dict):
        return value
    raise Unfit(reason("", "event.answers", expression, f"{kind_of(value)}, expected a list or an object"))
