"""Webhooks, `verify:` sections and verifiers with defaults, for every test about sources."""

from datetime import UTC, datetime

import pytest
import yaml

from bridge import sources
from bridge.errors import Place, Problem, Refused
from bridge.model import Node, Webhook

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
BODY = b'{"id":"evt_1","type":"order.paid","amount":4999,"name":"Zo\xc3\xab"}'


def a_webhook(body: bytes = BODY, *, query: bytes = b"", token: bytes = b"", **headers: str | bytes) -> Webhook:
    """A webhook; header names are given with underscores for hyphens."""
    return Webhook(
        source="a-source",
        headers=tuple(
            (name.replace("_", "-").lower().encode(), value.encode() if isinstance(value, str) else value)
            for name, value in headers.items()
        ),
        query=query,
        token=token,
        body=body,
        received_at=NOW,
    )


def verify_node(text: str) -> Node:
    """The nodes of a `verify:` section, as the mapping language hands them on."""
    root = yaml.compose(text)
    assert root is not None
    return _node(root, text.split("\n"))


def a_scheme(text: str) -> sources.Scheme:
    """A scheme that has no problem."""
    scheme, problems = sources.parse(verify_node(text))
    assert scheme is not None, "\n".join(map(str, problems))
    return scheme


def a_verifier(text: str, *secrets: str) -> sources.Verifier:
    """A bound verifier."""
    return sources.bind(a_scheme(text), secrets)


def problems_of(text: str) -> list[Problem]:
    """What `parse` says of a section that cannot be used."""
    scheme, problems = sources.parse(verify_node(text))
    assert scheme is None
    return problems


def codes_of(text: str) -> list[str]:
    return [problem.code for problem in problems_of(text)]


def refusal(verifier: sources.Verifier, webhook: Webhook, now: datetime = NOW) -> str:
    """Our word for why this webhook is not let in; the caller's word is always the same."""
    with pytest.raises(Refused) as caught:
        verifier.verify(webhook, now)
    assert ("unproven", 401) == (caught.value.word, caught.value.status)
    assert caught.value.detail in {"missing", "malformed", "stale", "future", "mismatch"}
    assert str(caught.value) == caught.value.detail
    return caught.value.detail


def _node(node: yaml.Node, lines: list[str]) -> Node:
    mark = node.start_mark
    place = Place(file="a.yaml", line=mark.line + 1, column=mark.column + 1, text=lines[mark.line])
    match node:
        case yaml.ScalarNode():
            return Node(kind="scalar", place=place, text=node.value, plain=node.style is None)
        case yaml.SequenceNode():
            return Node(kind="list", place=place, items=tuple(_node(item, lines) for item in node.value))
        case _:
            entries = tuple((_node(key, lines), _node(value, lines)) for key, value in node.value)
            return Node(kind="map", place=place, entries=entries)
