"""Closures that make several values: projections, filters, lists and maps. As in JMESPath, nulls are left out."""

from bridge.mapping.context import Context, Evaluate
from bridge.mapping.values import is_false
from bridge.model import Json


def a_projection(base: Evaluate, body: Evaluate) -> Evaluate:
    """`base[*].body`: the body's value for each item of a list."""

    def projection(value: Json, context: Context) -> Json:
        items = base(value, context)
        return _each(items, body, context) if isinstance(items, list) else None

    return projection


def a_value_projection(base: Evaluate, body: Evaluate) -> Evaluate:
    """`base.*.body`: the body's value for each value of a map."""

    def value_projection(value: Json, context: Context) -> Json:
        items = base(value, context)
        return _each(list(items.values()), body, context) if isinstance(items, dict) else None

    return value_projection


def _each(items: list[Json], body: Evaluate, context: Context) -> list[Json]:
    found = [body(item, context) for item in items]
    return [item for item in found if item is not None]


def a_filter(base: Evaluate, condition: Evaluate, body: Evaluate) -> Evaluate:
    """`base[?condition].body`: the body's value for each item that meets the condition."""

    def filtered(value: Json, context: Context) -> Json:
        items = base(value, context)
        if not isinstance(items, list):
            return None
        return _each([item for item in items if not is_false(condition(item, context))], body, context)

    return filtered


def flattened(body: Evaluate) -> Evaluate:
    """`body[]`: lists within a list laid out one level."""

    def flatten(value: Json, context: Context) -> Json:
        items = body(value, context)
        if not isinstance(items, list):
            return None
        merged: list[Json] = []
        for item in items:
            merged.extend(item if isinstance(item, list) else [item])
        return merged

    return flatten


def a_list(items: list[Evaluate]) -> Evaluate:
    """`[a, b]`: several values as a list; null of null."""
    return lambda value, context: None if value is None else [item(value, context) for item in items]


def a_map(pairs: list[tuple[str, Evaluate]]) -> Evaluate:
    """`{x: a, y: b}`: several values as a map; null of null."""
    return lambda value, context: None if value is None else {key: item(value, context) for key, item in pairs}
