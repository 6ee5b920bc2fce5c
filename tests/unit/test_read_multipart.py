"""Multipart forms: the same document as a URL-encoded form, or a plain word, whatever the bytes."""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Json, Verified, Webhook
from bridge.read import MOST_PARTS, Document, Unreadable, read

BOUNDARY = b"------------------------J1JNT4vbVO4FCC1qLG4HSv"
FORM_DATA = b"multipart/form-data; boundary=" + BOUNDARY


def a_part(name: str, value: bytes | str = b"", *headers: bytes, disposition: bytes = b"form-data") -> bytes:
    content = value.encode() if isinstance(value, str) else value
    lines = [b'Content-Disposition: %s; name="%s"' % (disposition, name.encode()), *headers]
    return b"\r\n".join([*lines, b"", content])


def a_body(*parts: bytes, boundary: bytes = BOUNDARY) -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


def read_form(body: bytes, content_type: bytes = FORM_DATA) -> Document | Unreadable:
    webhook = Webhook(
        source="tool",
        headers=((b"content-type", content_type),),
        body=body,
        received_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    )
    return read(Verified(webhook=webhook, by="token 1"))


def test_a_submission_as_jotform_sends_it_is_a_document() -> None:
    answers = {
        "slug": "submit/243231271343446",
        "q3_name": {"first": "Ada", "last": "Lovelace"},
        "q4_email": "ada@example.com",
        "q7_clickId": "Zug6qD9qOC",
    }
    fields = {
        "action": "",
        "webhookURL": "https://hooks.example.com/webhooks/jotform/secret",
        "formID": "243231271343446",
        "formTitle": "Rückfragen",
        "submissionID": "6084250982513018472",
        "rawRequest": json.dumps(answers).replace("/", "\\/"),
        "pretty": "Name:Ada Lovelace, E-Mail:ada@example.com",
        "ip": "192.0.2.1",
    }

    assert Document({**fields}) == read_form(a_body(*[a_part(name, value) for name, value in fields.items()]))


NAMES = ["a", "b", "a[]", "a[b]", "a[b][c]", "a[b][]", "a[0]", "a[b", "[a]", "a[][b]", "é"]


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.text(alphabet="x1 \r\n-é"))))
def test_a_multipart_form_is_what_the_url_encoded_one_would_be(fields: list[tuple[str, str]]) -> None:
    body = a_body(*[a_part(name, value) for name, value in fields])
    encoded = read_form(urlencode(fields).encode(), b"application/x-www-form-urlencoded")

    assert read_form(body) == (Document({}) if not fields else encoded)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (a_part('f"; filename="cv.pdf', b"\xff\xd8", b"Content-Type: application/pdf"), "cv.pdf application/pdf 2"),
        (a_part('f"; filename="l\xe4.txt', b""), "lä.txt  0"),
        (a_part('f"; filename="', b"", b"Content-Type: application/octet-stream"), None),
        (a_part('f"; filename="', b"xy"), "  2"),
        (a_part("f", b"\xff", disposition=b"form-data; filename*=UTF-8''cv.pdf"), "  1"),
    ],
    ids=["a file", "an empty file", "no file chosen", "a file without a name", "an extended name"],
)
def test_of_a_file_there_is_name_type_and_size(part: bytes, value: str | None) -> None:
    file: Json = None
    if value is not None:
        name, kind, size = value.split(" ")
        file = {"filename": name, "type": kind, "size": int(size)}

    assert Document({"f": file, "g": "1"}) == read_form(a_body(part, a_part("g", "1")))


@pytest.mark.parametrize(
    "content_type",
    [
        b'multipart/form-data; boundary="%s"' % BOUNDARY,
        b"Multipart/Form-Data; charset=utf-8; BOUNDARY=%s" % BOUNDARY,
        b"multipart/form-data;boundary=%s;" % BOUNDARY,
    ],
)
def test_a_boundary_is_found_however_it_is_written(content_type: bytes) -> None:
    assert Document({"a": "1"}) == read_form(a_body(a_part("a", "1")), content_type)


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n" + a_body(a_part("a", "1")),
        a_body(a_part("a", "1")) + b"an epilogue",
        a_body(a_part("a", "1")).removesuffix(b"\r\n"),
        a_body(a_part("a", "1", b"Content-Type: text/plain; charset=UTF-8", b"Content-Transfer-Encoding: 8bit")),
        a_body(a_part("a", "1", b"Content-Type: text/plain; charset=ISO-8859-1")),
        a_body(a_part("_charset_", "utf-8"), a_part("a", "1")),
        a_body(a_part("_charset_", "windows-1252"), a_part("a", "1")),
    ],
    ids=["blank line first", "epilogue", "no last line", "utf-8", "latin-1 of ascii", "_charset_ utf-8", "and 1252"],
)  # fmt: skip
def test_what_senders_add_changes_nothing(body: bytes) -> None:
    found = read_form(body)
    assert isinstance(found, Document)
    assert isinstance(found.value, dict)
    assert "1" == found.value["a"]


GOOD = a_body(a_part("a", "1"), a_part("b", "2"))


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (GOOD, b"multipart/form-data", "multipart: no boundary"),
        (GOOD, b"multipart/form-data; boundary=", "multipart: no boundary"),
        (GOOD, b'multipart/form-data; boundary=""', "multipart: no boundary"),
        (GOOD, b"multipart/form-data; boundary=" + b"x" * 71, "multipart: an odd boundary"),
        (GOOD, b"multipart/form-data; boundary=\xff\xfe", "multipart: an odd boundary"),
        (GOOD, b'multipart/form-data; boundary="a\rb"', "multipart: an odd boundary"),
        (GOOD, b"multipart/form-data; boundary=another", "multipart: it does not begin with its boundary"),
        (b"Hello!\r\n" + GOOD, FORM_DATA, "multipart: it does not begin with its boundary"),
        (b"a=1&b=2", FORM_DATA, "multipart: it does not begin with its boundary"),
        (GOOD[:-10], FORM_DATA, "multipart: cut short"),
        (GOOD[:-4], FORM_DATA, "multipart: cut short"),
        (GOOD[: len(GOOD) // 2], FORM_DATA, "multipart: cut short"),
        (GOOD[:20], FORM_DATA, "multipart: it does not begin with its boundary"),
        (GOOD.replace(b"\r\n", b"\n"), FORM_DATA, "multipart: malformed"),
        (a_body(b"Content-Disp\xf6sition: x\r\n\r\n1"), FORM_DATA, "multipart: malformed"),
        (a_body(b": x\r\n\r\n1"), FORM_DATA, "multipart: malformed"),
        (a_body(a_part("a", "1", *[b"X-%d: y" % n for n in range(8)])), FORM_DATA, "multipart: malformed"),
        (a_body(a_part("a" * 5000, "1")), FORM_DATA, "multipart: malformed"),
        (a_body(a_part("a", "1", b"content-disposition: form-data; name=b")), FORM_DATA,
         "multipart: a header twice in one part"),
        (a_body(b"\r\n1"), FORM_DATA, "multipart: a part without a name"),
        (a_body(b"Content-Disposition: form-data\r\n\r\n1"), FORM_DATA, "multipart: a part without a name"),
        (a_body(a_part("a", "1", disposition=b"attachment")), FORM_DATA, "multipart: a part without a name"),
        (a_body(a_part("a", "MQ==", b"Content-Transfer-Encoding: base64")), FORM_DATA, "multipart: an encoded part"),
        (a_body(a_part("a", GOOD, b"Content-Type: multipart/mixed; boundary=x")), FORM_DATA, "multipart: nested"),
        (a_body(a_part("a", b"\xeb", b"Content-Type: text/plain; charset=iso-8859-1")), FORM_DATA,
         "multipart: text in another charset than UTF-8"),
        (a_body(a_part("a", "+AOs-", b"Content-Type: text/plain; charset=utf-7")), FORM_DATA,
         "multipart: text in another charset than UTF-8"),
        (a_body(a_part("a", b"\xeb"), a_part("_charset_", "iso-8859-1")), FORM_DATA,
         "multipart: text in another charset than UTF-8"),
        (a_body(a_part("a", b"\xeb")), FORM_DATA, "not UTF-8"),
        (a_body(b'Content-Disposition: form-data; name="\xeb"\r\n\r\n1'), FORM_DATA, "not UTF-8"),
        (a_body(a_part("a" + "[b]" * 64, "1")), FORM_DATA, "too deep (more than 64 levels)"),
        (a_body(*[a_part("a", "1")] * (MOST_PARTS + 1)), FORM_DATA, "too large (more than 1,000 parts)"),
        (GOOD, b"multipart/mixed; boundary=" + BOUNDARY,
         "multipart, but no form: let the sender use multipart/form-data or JSON"),
        (b"", FORM_DATA, "empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(body: bytes, content_type: bytes, why: str) -> None:
    assert Unreadable(why) == read_form(body, content_type)


def test_a_thousand_parts_are_let_in() -> None:
    assert Document({"a": ["1"] * MOST_PARTS}) == read_form(a_body(*[a_part("a", "1")] * MOST_PARTS))


def test_what_begins_like_json_is_json_whatever_the_content_type_says() -> None:
    assert Document({"a": 1}) == read_form(b' {"a": 1}')


FRAGMENTS = st.sampled_from(
    [
        b"--", b"XbX", b"\r\n", b"\r", b"\n", b"--XbX", b"\r\n--XbX", b"--XbX--", b"\r\n--XbX--", b" ", b"\t", b";",
        b"Content-Disposition: form-data; name=a", b"Content-Disposition: form-data", b'; name="', b"; filename=x",
        b"Content-Type: text/plain; charset=", b"Content-Type: multipart/mixed", b"utf-8", b"_charset_", b"\xff",
        b'"', b"a[b]", b":", b"=", b"\\", b"\0", b"x",
    ]
)  # fmt: skip
HOSTILE = st.lists(st.one_of(FRAGMENTS, st.binary(max_size=8))).map(b"".join)
TYPES = st.one_of(
    st.just(b"multipart/form-data; boundary=XbX"),
    st.binary(max_size=40).map(lambda end: b"multipart/form-data; boundary=" + end),
    st.binary(max_size=40).map(lambda end: b"multipart/form-data" + end),
)


@given(HOSTILE, TYPES, st.booleans())
def test_whatever_the_bytes_reading_never_raises_and_says_nothing_of_them(
    body: bytes, content_type: bytes, begins: bool
) -> None:
    log = _Lines()
    logging.getLogger().addHandler(log)
    try:
        found = read_form(b"--XbX\r\n" * begins + body, content_type)
    finally:
        logging.getLogger().removeHandler(log)

    assert isinstance(found, Document | Unreadable)
    assert [] == log.lines
    if isinstance(found, Unreadable):
        assert found.why.isprintable()
        assert len(found.why) < 80


class _Lines(logging.Handler):
    """What is logged meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


MIB = 1 << 20
HEAD = b"--XbX\r\nContent-Disposition: form-data; name=a\r\n\r\n"


@pytest.mark.parametrize(
    "body",
    [
        lambda: HEAD + b"\r\n--XbY" * (MIB // 8),
        lambda: HEAD + b"\r\n--XbXz" * (MIB // 9),
        lambda: HEAD + b"\r\n--XbX" + b" " * MIB,
        lambda: HEAD + b"\r" * MIB,
        lambda: (HEAD + b"\r\n") * (MIB // 50),
        lambda: b"--XbX\r\n" + b"A: b\r\n" * (MIB // 6),
        lambda: b"--XbX\r\nA:" + b" " * MIB,
        lambda: a_body(a_part('a"' + ';"' * 2000, "1"), boundary=b"XbX") * 200,
        lambda: a_body(*[a_part(f'x{n}"' + ';"=\\' * 250, "1") for n in range(900)], boundary=b"XbX"),
    ],
    ids=["nearly", "with a tail", "padding", "returns", "parts", "headers", "spaces", "quotes", "quotes in all parts"],
)
def test_a_megabyte_of_malice_takes_no_time(body: Callable[[], bytes]) -> None:
    made = body()
    began = time.process_time()
    read_form(made, b"multipart/form-data; boundary=XbX")

    assert time.process_time() - began < 0.5
