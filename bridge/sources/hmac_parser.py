"""The axes of `scheme: hmac` (and of every preset, which is hmac with its axes written): YAML node → `Hmac`.

Refuses what would prove less than it seems to: a template without the body, a time that is checked but not signed,
a signed field that nobody knows where to find.
"""

from dataclasses import dataclass
from itertools import pairwise

from bridge.errors import Problem
from bridge.model import Node
from bridge.sources.entries import Entries, is_empty
from bridge.sources.pattern import Pattern, parse_pattern
from bridge.sources.problems import at, is_reference
from bridge.sources.scheme import TOLERANCE_SECONDS, Algorithm, Encoding, Greeting, Hmac, KeyForm, Timestamp, Unit
from bridge.sources.template import Field, Piece, split_signed

#: Every axis, in the order the documentation tells them.
AXES = (
    *("header", "pattern", "algorithm", "encoding", "key", "signed", "timestamp", "tolerance", "id", "url"),
    *("handshake", "verify_token"),
)

_MOST_TOLERANCE = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """What is said about where the signed fields stand."""

    #: the node that a problem about this field is shown at; None when nothing says where the field stands
    timestamp: Node | None
    timestamp_header: bytes
    id: Node | None
    id_header: bytes
    url: Node | None


def parse_hmac(verify: Node) -> tuple[Hmac | None, list[Problem]]:
    """Read the axes; None when there is any problem."""
    problems: list[Problem] = []
    entries = Entries(verify, ("scheme", "secret", *AXES), problems)
    headers = entries.headers("header")
    if not entries.has("header"):
        fix = "name the header that holds the signature: header: X-Signature"
        problems.append(at(verify, "missing-key", "`header` is not said", fix=fix))
    pattern, pieces = _pattern(entries), _signed(entries)
    places, unit = _places(entries, pattern)
    tolerance = entries.number("tolerance", TOLERANCE_SECONDS, most=_MOST_TOLERANCE)
    algorithm, encoding = entries.choice("algorithm", Algorithm.SHA256), entries.choice("encoding", Encoding.HEX)
    key = entries.choice("key", KeyForm.UTF8)
    handshake = _handshake(entries)
    if pattern is not None and pieces is not None:
        problems += _lint(entries, headers, pieces, places)
    if problems or pattern is None or pieces is None:
        return None, problems
    timestamp = Timestamp(header=places.timestamp_header, unit=unit, tolerance_seconds=tolerance)
    return Hmac(
        headers=headers,
        pattern=pattern,
        signed=tuple(piece.field or piece.text.encode() for piece in pieces),
        algorithm=algorithm,
        encoding=encoding,
        key=key,
        timestamp=timestamp if places.timestamp else None,
        id_header=places.id_header,
        id_fences=_fences(pieces),
        url=places.url.text if places.url else "",
        handshake=handshake,
    ), []


def _pattern(entries: Entries) -> Pattern | None:
    if not entries.has("pattern"):
        return Pattern()
    node = entries.scalar("pattern")
    if node is None:
        return None
    pattern, problems = parse_pattern(node)
    entries.problems += problems
    return pattern


def _signed(entries: Entries) -> tuple[Piece, ...] | None:
    if not entries.has("signed"):
        return (Piece(text="{body}", field=Field.BODY, offset=0),)
    node = entries.scalar("signed")
    if node is None:
        return None
    pieces, problems = split_signed(node)
    entries.problems += problems
    return None if problems else pieces


def _places(entries: Entries, pattern: Pattern | None) -> tuple[_Places, Unit]:
    timestamp, identifier = entries.inner("timestamp", ("header", "part", "unit")), entries.inner("id", ("header",))
    timestamp_header = timestamp.header("header") if timestamp else b""
    unit = timestamp.choice("unit", Unit.SECONDS) if timestamp else Unit.SECONDS
    if timestamp and (part := timestamp.scalar("part")) and pattern:
        _check_part(part, pattern, entries.problems)
    in_pattern = entries.node.get("pattern")
    timestamp_in_pattern = in_pattern if pattern and pattern.has(Field.TIMESTAMP) else None
    id_in_pattern = in_pattern if pattern and pattern.has(Field.ID) else None
    id_header = identifier.header("header") if identifier else b""
    _check_place(entries, "timestamp", timestamp_in_pattern, header=bool(timestamp and timestamp.has("header")))
    _check_place(entries, "id", id_in_pattern, header=bool(identifier and identifier.has("header")))
    places = _Places(
        timestamp=entries.node.get("timestamp") or timestamp_in_pattern,
        timestamp_header=timestamp_header,
        id=entries.node.get("id") or id_in_pattern,
        id_header=id_header,
        url=_url(entries),
    )
    return places, unit


def _check_part(part: Node, pattern: Pattern, problems: list[Problem]) -> None:
    """`part: t` points at the pattern's `t={timestamp}`; the pattern is what counts."""
    name = part.text.encode()
    if not any(p.field is Field.TIMESTAMP and p.prefix.rstrip(b"=:") == name.rstrip(b"=:") for p in pattern.parts):
        fix = 'write it into the pattern, such as "t={timestamp},v1={signature}"'
        problems.append(at(part, "no-such-part", "the pattern has no {timestamp} under this name", fix=fix))


def _check_place(entries: Entries, field: str, in_pattern: Node | None, *, header: bool) -> None:
    written = entries.node.get(field)
    if in_pattern and header:
        what = f"{{{field}}} stands in the pattern, and in a header of its own"
        entries.problems.append(at(in_pattern, "two-places", what, fix=f"keep one: the pattern's, or {field}.header"))
    if written and written.kind == "map" and not in_pattern and not header:
        fix = f"write {field}: {{header: NAME}}, or put {{{field}}} into the pattern"
        entries.problems.append(at(written, "no-place", f"it is not said where the {field} stands", fix=fix))


def _url(entries: Entries) -> Node | None:
    node = entries.scalar("url")
    if node is None:
        return None
    text = node.text
    if is_reference(text):  # the operator's own address, known when the source is bound
        return node
    if not text.startswith(("https://", "http://")) or not text.isascii() or not text.isprintable() or " " in text:
        fix = "write the whole address the sender was given, such as https://hooks.example.com/webhooks/square"
        entries.problems.append(at(node, "wrong-value", "`url` is a whole address", fix=fix))
    return node


def _handshake(entries: Entries) -> Greeting | None:
    greeting = entries.optional("handshake", Greeting)
    token = entries.node.get("verify_token")
    if token is not None and greeting is not Greeting.META:
        why = "it is what Meta's GET is let in by, and nothing here makes one"
        fix = "leave it out, or write handshake: meta"
        entries.problems.append(at(token, "unused-token", "there is no use for a `verify_token`", why=why, fix=fix))
    elif token is not None and (token.kind != "scalar" or is_empty(token)):
        fix = "write verify_token: ${META_VERIFY_TOKEN}"
        entries.problems.append(at(token, "wrong-value", "`verify_token` is one text", fix=fix))
    return greeting


def _lint(entries: Entries, headers: tuple[bytes, ...], pieces: tuple[Piece, ...], places: _Places) -> list[Problem]:
    """What each part of `verify` says of another."""
    node = entries.node
    signed = node.get("signed") or node
    fields = {piece.field: piece.offset for piece in pieces if piece.field}
    problems: list[Problem] = []
    for field, place in ((Field.TIMESTAMP, places.timestamp), (Field.ID, places.id), (Field.URL, places.url)):
        # an address that is not said is the one the bridge is reached at: it is known when the source is bound
        if field in fields and place is None and field is not Field.URL:
            problems.append(_unplaced(signed, field, fields[field]))
        if field not in fields and place is not None:
            problems.append(_unsigned(place, field))
    if places.timestamp is None and (tolerance := node.get("tolerance")):
        fix = "say where the time stands with `timestamp:`, or leave `tolerance` out"
        problems.append(at(tolerance, "tolerance-without-time", "there is no timestamp to be tolerant about", fix=fix))
    names = [name for name in (*headers, places.timestamp_header, places.id_header) if name]
    if len(set(names)) < len(names):
        what = "one header is named for two things"
        fix = 'when one header holds both, take it apart: pattern: "t={timestamp},v1={signature}"'
        problems.append(at(node, "one-header-twice", what, fix=fix))
    return problems


def _unplaced(signed: Node, field: Field, offset: int) -> Problem:
    name = field.value
    fix = f"write {name}: {{header: NAME}}, or put {{{name}}} into the pattern"
    what = f"{{{name}}} is signed, and it is not said where to find it"
    return at(signed, "no-place", what, fix=fix, offset=offset)


def _unsigned(place: Node, field: Field) -> Problem:
    name = field.value
    return at(
        place,
        "not-signed",
        f"the {name} is named, but it is not signed",
        why="anybody could change it without breaking the signature",
        fix=f'put {{{name}}} into `signed` as the sender does, such as "{{{name}}}.{{body}}", or leave it out',
    )


def _fences(pieces: tuple[Piece, ...]) -> tuple[bytes, ...]:
    fences: list[bytes] = []
    for before, after in pairwise(pieces):
        if before.field is Field.ID:
            fences.append(after.text.encode())
        if after.field is Field.ID:
            fences.append(before.text.encode())
    return tuple(dict.fromkeys(fences))
