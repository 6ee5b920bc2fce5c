"""The expressions of a rule: its fields, its condition, its names. Whatever is wrong with one is noted as a Problem."""

from bridge.mapping.expressions import Role, constant_of, expression_of
from bridge.mapping.reader import Reader
from bridge.mapping.rules import RECORD_FIELDS, SALE_FIELDS, Expression
from bridge.mapping.slips import is_name
from bridge.mapping.values import is_plain_number
from bridge.model import Node
from bridge.money import MoneyError, exponent

_ROLES: dict[str, Role] = {"amount": "amount", "currency": "currency"}


def expression_at(given: dict[str, Node], key: str, role: Role, reader: Reader) -> Expression | None:
    """The expression under a key; None when there is none, or it is noted."""
    node = given.get(key)
    if node is None or reader.is_lost(node):
        return None
    return expression_of(node, key, role, reader.problems)


def names_at(node: Node | None, key: str, reader: Reader) -> tuple[Expression, ...]:
    """One expression, or a list of them."""
    if node is None or reader.is_lost(node):
        return ()
    nodes = (node,) if node.kind == "scalar" else reader.items(node, key)
    names = [expression_of(item, key, "value", reader.problems) for item in nodes]
    return tuple(name for name in names if name is not None)


def fields_of(given: dict[str, Node], known: tuple[str, ...], reader: Reader) -> dict[str, Expression]:
    """The fields of a rule that are known to it, but for `of`, which is a list."""
    if "fields" not in given:
        return {}
    found: dict[str, Expression] = {}
    for key, value in _known_fields(given["fields"], known, reader).items():
        expression = _field(key, value, reader) if key != "of" else None
        if expression is not None:
            found[key] = expression
    return found


def _known_fields(node: Node, known: tuple[str, ...], reader: Reader) -> dict[str, Node]:
    entries = reader.entries(node, "fields", RECORD_FIELDS if known is RECORD_FIELDS else SALE_FIELDS)
    for key, _ in node.entries:
        if key.text in entries and key.text not in known:
            reader.note("sale-only", key.place, f'"{key.text}" belongs to a sale', fix="leave it out of a lead")
    return {key: value for key, value in entries.items() if key in known}


def _field(key: str, node: Node, reader: Reader) -> Expression | None:
    if reader.is_lost(node):
        return None
    if node.kind == "map" and [name.text for name, _ in node.entries] == ["value"]:
        return _constant(key, node.entries[0][1], node, reader)
    return expression_of(node, key, _ROLES.get(key, "field"), reader.problems)


def _constant(key: str, value: Node, node: Node, reader: Reader) -> Expression | None:
    """`{value: text}`: what can be known of it is checked now."""
    text = reader.text(value, "value")
    if text is None:
        return None
    try:
        if key == "currency":
            exponent(text)
    except MoneyError as error:
        reader.note("currency", value.place, f'"currency" is {error}')
    if key == "amount" and not is_plain_number(text):
        fix = f"for the field of that name write amount: {text}" if is_name(text) else "write digits, such as 49.99"
        reader.note("amount", value.place, "a constant amount is a number", fix=fix)
    return constant_of(text, node)
