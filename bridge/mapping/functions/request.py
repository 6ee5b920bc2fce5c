"""Functions for the request, the event and the whole body. Names are written out: what is kept is known at load."""

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
        Function(name="event", parameters=(), returns=None, call=_event, asks_context=True),
        Function(name="root", parameters=(), returns=None, call=_root, asks_context=True),
    ]


def _header(context: Context, name: str) -> Json:
    return context.header(name)


def _query(context: Context, name: str) -> Json:
    return context.query(name)


def _event(context: Context) -> Json:
    return context.event


def _root(context: Context) -> Json:
    return context.document
