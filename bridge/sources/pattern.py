"""Where in the signature header things stand: `{signature}`, `sha256={signature}`, `t={timestamp},v1={signature}`.

A pattern with one placeholder is the whole header. One with several is a list: the separator (`,` `;` or a space)
is what stands between them, parts may come in any order, the signature several times, unknown parts are passed over.
"""

from dataclasses import dataclass
from typing import NamedTuple

from bridge.errors import Problem
from bridge.model import Node
from bridge.sources.problems import at
from bridge.sources.proof import refused
from bridge.sources.template import Field, Piece, split

_SEPARATORS = ",; "

#: Real senders put a handful of parts into a list; more is somebody trying something.
MOST_PARTS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One placeholder with the literal text around it."""

    field: Field
    prefix: bytes = b""
    suffix: bytes = b""

    def inner(self, text: bytes) -> bytes | None:
        """What stands in the placeholder's stead, or None when the text around it is another."""
        if not (text.startswith(self.prefix) and text.endswith(self.suffix)):
            return None
        return text[len(self.prefix) : len(text) - len(self.suffix)]


class Found(NamedTuple):
    """What a header held, still as it was sent. A tuple, because one is made for every webhook."""

    signatures: tuple[bytes, ...]
    #: signatures that a public key proves
    ed25519: tuple[bytes, ...] = ()
    timestamp: bytes = b""
    id: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """The header's parts as the sender writes them."""

    parts: tuple[Part, ...] = (Part(field=Field.SIGNATURE),)
    #: empty: the header is one part
    separator: bytes = b""

    def has(self, field: Field) -> bool:
        """Whether this field stands in the header."""
        return any(part.field is field for part in self.parts)

    def read(self, value: bytes) -> Found:
        """Take a header apart; raises Refused when something is not there, or is there twice."""
        if not self.separator:
            inner = self.parts[0].inner(value)
            if inner is None:
                raise refused("malformed")
            return Found(signatures=(inner,))
        texts = value.split(self.separator)
        if len(texts) > MOST_PARTS:
            raise refused("malformed")
        found: dict[Field, list[bytes]] = {}
        # Supabase writes a comma between two signatures besides the space
        blank = b" \t," if self.separator == b" " else b" \t"
        for text in texts:
            self._sort(text.strip(blank), found)
        return Found(
            signatures=tuple(found.get(Field.SIGNATURE, ())),
            ed25519=tuple(found.get(Field.ED25519, ())),
            timestamp=self._one(Field.TIMESTAMP, found),
            id=self._one(Field.ID, found),
        )

    def write(self, values: dict[Field, bytes]) -> bytes:
        """A header that `read` takes apart again; parts without a value are left out, and so is a second signature."""
        fields: set[Field] = set()
        parts: list[bytes] = []
        for part in self.parts:
            if part.field in values and part.field not in fields:
                parts.append(part.prefix + values[part.field] + part.suffix)
                fields.add(part.field)
        return self.separator.join(parts)

    def _sort(self, text: bytes, found: dict[Field, list[bytes]]) -> None:
        best: tuple[int, Field, bytes] | None = None
        for part in self.parts:
            inner = part.inner(text)
            # `v1={signature}` beside a bare `{id}`: the longer literal says more
            if inner is not None and (best is None or len(part.prefix) > best[0]):
                best = (len(part.prefix), part.field, inner)
        if best is not None:
            found.setdefault(best[1], []).append(best[2])

    def _one(self, field: Field, found: dict[Field, list[bytes]]) -> bytes:
        if not self.has(field):
            return b""
        values = found.get(field, [])
        if not any(values):
            raise refused("missing")
        if len(values) > 1:
            raise refused("malformed")
        return values[0]


def parse_pattern(node: Node) -> tuple[Pattern | None, list[Problem]]:
    """Read a written pattern; None when it has problems."""
    pieces, problems = split(node, (Field.SIGNATURE, Field.ED25519, Field.TIMESTAMP, Field.ID))
    fields = [piece.field for piece in pieces if piece.field]
    if not problems and Field.SIGNATURE not in fields:
        fix = 'write {signature} where the header has it, such as "sha256={signature}"'
        problems.append(at(node, "no-signature", "the pattern has no {signature}", fix=fix, offset=0))
    if problems:
        return None, problems
    if len(fields) == 1:
        return Pattern(parts=(_part(pieces),)), []
    return _parse_list(node, pieces)


def _part(pieces: tuple[Piece, ...]) -> Part:
    before, field, after = b"", Field.SIGNATURE, b""
    for piece in pieces:
        if piece.field:
            field = piece.field
        elif piece.offset == 0:
            before = piece.text.encode()
        else:
            after = piece.text.encode()
    return Part(field=field, prefix=before, suffix=after)


def _parse_list(node: Node, pieces: tuple[Piece, ...]) -> tuple[Pattern | None, list[Problem]]:
    separator = _separator(pieces)
    if separator is None:
        return None, [_unseparated(node)]
    parts: list[Part] = []
    for text in node.text.split(separator):
        inside, _ = split(_scalar(node, text.strip(" ")), tuple(Field))
        if sum(piece.field is not None for piece in inside) != 1:
            return None, [_unseparated(node)]
        if (part := _part(inside)) not in parts:
            parts.append(part)
    around = [(part.prefix, part.suffix) for part in parts]
    fields = [part.field for part in parts if part.field is not Field.SIGNATURE]
    if len(set(around)) < len(around) or len(set(fields)) < len(fields):
        return None, [_ambiguous(node)]
    return Pattern(parts=tuple(parts), separator=separator.encode()), []


def _separator(pieces: tuple[Piece, ...]) -> str | None:
    """The first separating character behind the first placeholder."""
    first = next(index for index, piece in enumerate(pieces) if piece.field)
    between = pieces[first + 1]
    return None if between.field else next((char for char in between.text if char in _SEPARATORS), None)


def _scalar(node: Node, text: str) -> Node:
    return Node(kind="scalar", place=node.place, text=text)


def _unseparated(node: Node) -> Problem:
    return at(
        node,
        "unseparated-list",
        "the list's parts cannot be told from each other",
        why="a list has one placeholder in each part, and one separator: a comma, a semicolon or a space",
        fix='leave parts without a placeholder out: "t={timestamp},v1={signature}"',
        offset=0,
    )


def _ambiguous(node: Node) -> Problem:
    return at(
        node,
        "ambiguous-list",
        "two parts of the list look the same",
        why="parts are told apart by the text around their placeholder; only {signature} may come more than once",
        offset=0,
    )
