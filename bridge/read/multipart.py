"""A multipart form (RFC 7578) → one document, as a URL-encoded form with the same names would be.

Text must be UTF-8. Of a file there is its name, type and size, never its content: no rule needs it. Bounded in parts
and in the size of their headers; what is nested, encoded in another way or cut short is refused as a whole, because
half a form could be somebody else's answer. The parser's own words never leave here: they hold bytes of the body.
"""

from dataclasses import dataclass, field
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from bridge.model import Json
from bridge.read.form import Form, put
from bridge.read.limits import UnreadableError, refuse_excess

MOST_PARTS: Final = 1000
_MOST_HEADERS: Final = 8
_MOST_HEADER_BYTES: Final = 4096
#: RFC 2046 allows no longer one.
_MOST_BOUNDARY: Final = 70

_UTF8: Final = frozenset((b"", b"utf-8", b"utf8", b"us-ascii", b"ascii"))
#: Charsets of which a text in ASCII is the same in UTF-8.
_LIKE_ASCII: Final = (b"iso-8859-", b"windows-125", b"cp125", b"latin")
_PLAIN: Final = frozenset((b"", b"7bit", b"8bit", b"binary"))


@dataclass(slots=True)
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    content: bytes = b""


def decode_multipart(body: bytes, content_type: bytes) -> Form:
    """Decode a form by the boundary that its content type names. Raises UnreadableError, or UnicodeDecodeError."""
    parts = _split(body, _boundary(content_type))
    fields = [(_disposition(part), part) for part in parts]
    charset = next((part.content.strip().lower() for names, part in fields if names[b"name"] == b"_charset_"), b"")
    form: Form = {}
    for names, part in fields:
        put(form, names[b"name"].decode(), _value(names, part, charset))
    refuse_excess(form)
    return form


def _boundary(content_type: bytes) -> bytes:
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary:
        raise UnreadableError("multipart: no boundary")
    if len(boundary) > _MOST_BOUNDARY or not boundary.isascii() or not boundary.decode("ascii").isprintable():
        raise UnreadableError("multipart: an odd boundary")
    return boundary


class _Collector:
    """Takes the parser's calls, and gathers parts."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.has_ended = False
        self._name = b""
        self._value = b""
        self._content: list[bytes] = []

    def begin(self) -> None:
        if len(self.parts) == MOST_PARTS:
            raise UnreadableError(f"too large (more than {MOST_PARTS:,} parts)")
        self.parts.append(_Part())

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        name = self._name.lower()
        headers = self.parts[-1].headers
        if name in headers:
            raise UnreadableError("multipart: a header twice in one part")
        headers[name] = self._value
        self._name = self._value = b""

    def content(self, data: bytes, start: int, end: int) -> None:
        self._content.append(data[start:end])

    def end_part(self) -> None:
        self.parts[-1].content = b"".join(self._content)
        self._content.clear()

    def end(self) -> None:
        self.has_ended = True


def _split(body: bytes, boundary: bytes) -> list[_Part]:
    if not body.lstrip(b"\r\n").startswith(b"--" + boundary):
        raise UnreadableError("multipart: it does not begin with its boundary")
    collector = _Collector()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": collector.begin,
            "on_header_field": collector.header_field,
            "on_header_value": collector.header_value,
            "on_header_end": collector.header_end,
            "on_part_data": collector.content,
            "on_part_end": collector.end_part,
            "on_end": collector.end,
        },
        max_header_count=_MOST_HEADERS,
        max_header_size=_MOST_HEADER_BYTES,
    )
    parser.logger.disabled = True
    try:
        parser.write(body)
    except FormParserError:
        raise UnreadableError("multipart: malformed") from None
    if not collector.has_ended:
        raise UnreadableError("multipart: cut short")
    return collector.parts


def _disposition(part: _Part) -> dict[bytes, bytes]:
    """The parameters of a part's Content-Disposition, `name` among them."""
    kind, parameters = parse_options_header(part.headers.get(b"content-disposition"))
    if kind != b"form-data" or b"name" not in parameters:
        raise UnreadableError("multipart: a part without a name")
    if part.headers.get(b"content-transfer-encoding", b"").strip().lower() not in _PLAIN:
        raise UnreadableError("multipart: an encoded part")
    return parameters


def _value(names: dict[bytes, bytes], part: _Part, charset: bytes) -> Json:
    kind, parameters = parse_options_header(part.headers.get(b"content-type"))
    if kind.startswith(b"multipart/"):
        raise UnreadableError("multipart: nested")
    if b"filename" in names or b"filename*=" in part.headers[b"content-disposition"].lower():
        name = names.get(b"filename", b"").decode()
        # what a browser sends of a file field that nobody used
        return {"filename": name, "type": kind.decode(), "size": len(part.content)} if name or part.content else None
    charset = parameters.get(b"charset", charset).lower()
    if charset not in _UTF8 and not (charset.startswith(_LIKE_ASCII) and part.content.isascii()):
        raise UnreadableError("multipart: text in another charset than UTF-8")
    return part.content.decode()
