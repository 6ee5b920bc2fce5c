"""Text with placeholders, as `signed` and `pattern` are written: `{timestamp}.{body}` → literals and fields.

There is no escape: a brace that belongs to no placeholder is a problem.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bridge.errors import Problem, did_you_mean
from bridge.model import Node
from bridge.sources.problems import at

_TOKEN = re.compile(r"\{(?P<name>[^{}]*)\}|(?P<literal>[^{}]+)|[{}]")
_CLOCK = re.compile(r"\d{9,}|\d{4}-\d\d-\d\d")


class Field(Enum):
    """What a placeholder stands for."""

    BODY = "body"
    TIMESTAMP = "timestamp"
    ID = "id"
    METHOD = "method"
    URL = "url"
    SIGNATURE = "signature"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of literal text, or a placeholder."""

    text: str
    #: None: literal text
    field: Field | None = None
    offset: int


#: What `signed` may be made of.
SIGNED_FIELDS = (Field.BODY, Field.TIMESTAMP, Field.ID, Field.METHOD, Field.URL)


def split(node: Node, allowed: Sequence[Field]) -> tuple[tuple[Piece, ...], list[Problem]]:
    """Cut a template into pieces; unknown placeholders and stray braces are problems."""
    pieces: list[Piece] = []
    problems: list[Problem] = []
    fields = {field.value: field for field in allowed}
    for token in _TOKEN.finditer(node.text):
        name, literal, offset = token["name"], token["literal"], token.start()
        if literal is not None:
            pieces.append(Piece(text=literal, offset=offset))
        elif name in fields:
            pieces.append(Piece(text=token[0], field=fields[name], offset=offset))
        else:
            problems.append(_unknown(node, name, fields, offset))
    return tuple(pieces), problems


def split_signed(node: Node) -> tuple[tuple[Piece, ...], list[Problem]]:
    """Cut the `signed` template into pieces and say everything that would make it prove nothing."""
    pieces, problems = split(node, SIGNED_FIELDS)
    if problems:
        return pieces, problems
    if not any(piece.field is Field.BODY for piece in pieces):
        problems.append(_without_body(node))
    for before, piece, after in zip((None, *pieces), pieces, (*pieces[1:], None), strict=False):
        if piece.field is None and (clock := _CLOCK.search(piece.text)):
            problems.append(_pasted_time(node, piece.offset + clock.start()))
        if piece.field is Field.ID and any(side is not None and side.field for side in (before, after)):
            problems.append(_borderless_id(node, piece.offset))
    return pieces, problems


def _unknown(node: Node, name: str | None, fields: dict[str, Field], offset: int) -> Problem:
    if name is None:
        return at(node, "stray-brace", "a brace without its other half", offset=offset, fix="placeholders are {name}")
    if name == "secret":
        why = "the secret is the key of the HMAC, never a part of what is signed"
        fix = "leave it out; algorithm: plain-sha256 hashes the secret and then the template"
        return at(node, "secret-in-template", "the secret stands in a template", why=why, fix=fix, offset=offset)
    return at(
        node, "unknown-placeholder", "there is no such placeholder here", fix=did_you_mean(name, fields), offset=offset
    )


def _without_body(node: Node) -> Problem:
    return at(
        node,
        "body-not-signed",
        "the signed template has no {body}",
        why="the signature would prove nothing about what the webhook says",
        fix='put {body} where the sender puts it, such as "{timestamp}.{body}"',
        offset=0,
    )


def _pasted_time(node: Node, offset: int) -> Problem:
    return at(
        node,
        "pasted-timestamp",
        "the template holds a fixed time",
        why="it would prove the one sample it was copied from and no other webhook",
        fix="write {timestamp} there, and say where it stands with `timestamp:`",
        offset=offset,
    )


def _borderless_id(node: Node, offset: int) -> Problem:
    return at(
        node,
        "borderless-id",
        "{id} touches another placeholder",
        why="nobody could tell where the id ends, so signed text could be moved from one into the other",
        fix='put the text between them that the sender puts there, such as "{id}.{body}"',
        offset=offset,
    )
