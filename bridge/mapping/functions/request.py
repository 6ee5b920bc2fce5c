"""Functions for the request and the whole body. Names are written out: what is kept of a request is known at load."""

from bridge.mapping.context import Context
from bridge.mapping.functions.function import Function, kinds
from bridge.model import Json


def functions() -> list[Function]:
    """Everything that looks beyond the current value."""
    named = (("string",),)
    text = kinds("string")
    return [
        Function(name="header", parameters=named, returns=text, call=_header, asks_context=True),
        Function(name="query", parameters=named, returns=text, call=_query, asks_context=True),
        Function(name="root", parameters=(), returns=None, call=_root, asks_context=True),
    ]


def _header(context: Context, name: str) -> Json:
    return context.header(name)


def _query(context: Context, name: str) -> Json:
    return context.query(name)


def _root(context: Context) -> Json:
    return context.document
