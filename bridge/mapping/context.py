"""What an expression may ask besides its document: headers, query parameters, the whole body, a form's answers."""

from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import parse_qsl

from bridge.mapping.answers import Form
from bridge.mapping.values import cleaned
from bridge.model import Json, Webhook


class Context:
    """One webhook as expressions see it; the query is taken apart when somebody asks."""

    __slots__ = ("_query", "_webhook", "document", "event", "form")

    def __init__(self, webhook: Webhook, document: Json) -> None:
        self._webhook = webhook
        self._query: list[tuple[str, str]] | None = None
        #: the whole body, whatever item is being looked at
        self.document = document
        #: the event that is being looked at: the body, the document in it, or an item of a batch
        self.event = document
        #: its answers; None where the mapping does not say where they stand
        self.form: Form | None = None

    def header(self, name: str) -> str | None:
        """The first value sent under this lower-case name; None when there is none, or nothing in it."""
        values = self._webhook.header(name.encode())
        return (cleaned(header_text(values[0])) or None) if values else None

    def query(self, name: str) -> str | None:
        """The first value of this query parameter, decoded."""
        if self._query is None:
            self._query = query_pairs(self._webhook.query.decode("latin-1"))
        return next((value for key, value in self._query if key == name), None)

    def at(self, event: Json) -> "Context":
        """The same webhook, one event of it."""
        other = Context(self._webhook, self.document)
        other._query = self._query
        other.event = event
        return other


#: A compiled expression: the current value and the context in, a value out; raises Unfit.
Evaluate: TypeAlias = Callable[[Json, Context], Json]


def header_text(value: bytes) -> str:
    """A header's text: UTF-8 where it is, else byte by byte."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def query_pairs(query: str) -> list[tuple[str, str]]:
    """A query string taken apart, blank values kept."""
    return parse_qsl(query, keep_blank_values=True, errors="replace")
