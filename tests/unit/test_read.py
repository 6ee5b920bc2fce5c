"""Reading: bytes become one document within limits, or a reason in plain words."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Json, Verified, Webhook
from bridge.read import MOST_DEPTH, MOST_NODES, Document, Unreadable, read

JSON = b"application/json; charset=utf-8"
FORM = b"application/x-www-form-urlencoded"
RECEIVED_AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def read_body(body: bytes, content_type: bytes = JSON, *, encoding: bytes = b"") -> Document | Unreadable:
    headers = [(b"content-type", content_type)] if content_type else []
    headers += [(b"content-encoding", encoding)] if encoding else []
    webhook = Webhook(source="tool", headers=tuple(headers), body=body, received_at=RECEIVED_AT)
    return read(Verified(webhook=webhook, by="token 1"))


def test_a_json_body_is_its_document() -> None:
    body = b'{"id": "evt_1", "livemode": true, "account": null, "items": [1, "zwei", "\xe5\xa4\xa7"]}\n'
    expected: Json = {"id": "evt_1", "livemode": True, "account": None, "items": [1, "zwei", "大"]}
    assert Document(expected) == read_body(body)


def test_numbers_stay_exact() -> None:
    document = read_body(b"[49.99, 0.1, 4999.0, 1E2, -0.0, 9007199254740993, 123456789012345678901234567890]")
    assert isinstance(document, Document)
    decimals = [Decimal(text) for text in ("49.99", "0.1", "4999.0", "1E2", "-0.0")]
    assert [*decimals, 9007199254740993, 123456789012345678901234567890] == document.value
    assert isinstance(document.value, list)
    assert [Decimal] * 5 + [int] * 2 == [type(number) for number in document.value]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),  # a byte order mark, as some .NET senders write it
        (b' \r\n\t{"a": 1}  \n', {"a": 1}),
        (b'{"a": "\\ud800"}', {"a": "\ud800"}),  # a lone surrogate; the store replaces it
        (b'{"a": "\\u0000"}', {"a": "\x00"}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"text"', "text"),
        (b"null", None),
        (b"{}", {}),
    ],
    ids=["byte order mark", "white space", "lone surrogate", "nul", "key twice", "scalar", "null", "empty object"],
)
def test_odd_json_is_read_as_it_says(body: bytes, value: Json) -> None:
    assert Document(value) == read_body(body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b'{"name": "Zo\xeb"}', "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": 1', "not JSON: Expecting ',' delimiter at line 1, column 8"),
        (b'{"a":\n tru}', "not JSON: Expecting value at line 2, column 2"),
        (b"{'a': 1}", "not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        (b'{"a": 1} {"a": 2}', "not JSON: Extra data at line 1, column 10"),
        (b'{"a": "line\nbreak"}', "not JSON: Invalid control character at line 1, column 12"),
        (b'{"a": NaN}', "not JSON: NaN is not a number"),
        (b"[-Infinity]", "not JSON: -Infinity is not a number"),
        (b"[" + b"1" * 5000 + b"]", "a number with too many digits"),
        (b"[1." + b"1" * 5000 + b"]", "a number out of all bounds"),
        (b"[1e401]", "a number out of all bounds"),
        (b"[1e-99999999]", "a number out of all bounds"),
        (b"[1e99999999999999999999999]", "a number out of all bounds"),
        (b"[" * 65 + b"]" * 65, "too deep (more than 64 levels)"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "too deep (more than 64 levels)"),
        (b"[" * 500_000 + b"]" * 500_000, "too deep (more than 64 levels)"),
        (b"[" * 500_000, "too deep (more than 64 levels)"),
        (b"[" + b"1," * MOST_NODES + b"1]", "too large (more than 100,000 values)"),
        (b"[" + b"[]," * MOST_NODES + b"[]]", "too large (more than 100,000 values)"),
    ],
    ids=lambda value: ascii(value[:24]) if isinstance(value, bytes) else value,
)
def test_what_cannot_be_read_says_why(body: bytes, why: str) -> None:
    assert Unreadable(why) == read_body(body)


def test_the_limits_themselves_are_let_in() -> None:
    deepest = b"[" * MOST_DEPTH + b"]" * MOST_DEPTH
    # the list itself is a value too
    largest = b"[" + b"1," * (MOST_NODES - 2) + b"1]"
    assert isinstance(read_body(deepest), Document)
    assert isinstance(read_body(largest), Document)


def test_brackets_and_commas_in_text_count_for_nothing() -> None:
    text = "[{," * MOST_NODES
    assert Document({"text": text}) == read_body(json.dumps({"text": text}).encode())


def test_brackets_in_text_hide_no_depth() -> None:
    body = b'["]",' * 100 + b"1" + b',"["]' * 100
    assert Unreadable("too deep (more than 64 levels)") == read_body(body)


@pytest.mark.parametrize("content_type", [b"", b"text/plain", b"application/octet-stream", FORM, b"\xff\xfe;"])
@pytest.mark.parametrize("body", [b'{"a": 1}', b' \n{"a": 1}', b'\xef\xbb\xbf{"a": 1}'], ids=["bare", "space", "mark"])
def test_what_begins_like_json_is_json_whatever_the_content_type_says(content_type: bytes, body: bytes) -> None:
    assert Document({"a": 1}) == read_body(body, content_type)


@pytest.mark.parametrize("content_type", [b"Application/JSON", b"application/vnd.api+json", b"text/json ;x=y"])
def test_every_json_content_type_is_known(content_type: bytes) -> None:
    assert Document(5) == read_body(b"5", content_type)


@pytest.mark.parametrize("content_type", [b"", b"text/plain", b"text/xml"])
def test_a_body_of_another_kind_is_unreadable(content_type: bytes) -> None:
    assert Unreadable("neither JSON nor a form") == read_body(b"<lead/>", content_type)


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"GZIP, identity"])
def test_a_compressed_body_is_unreadable(encoding: bytes) -> None:
    assert Unreadable("compressed body") == read_body(b"\x1f\x8b", encoding=encoding)


def test_the_identity_encoding_is_no_compression() -> None:
    assert Document({}) == read_body(b"{}", encoding=b"Identity")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"email=ada%40example.com&name=Ada+Lovelace", {"email": "ada@example.com", "name": "Ada Lovelace"}),
        (b"name=Zo%C3%AB", {"name": "Zoë"}),
        (b"a=&b", {"a": "", "b": ""}),
        (b"a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        (b"a[]=1", {"a": ["1"]}),
        (b"a[]=1&a%5B%5D=2", {"a": ["1", "2"]}),
        (b"a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        (b"url_params%5Bclick_id%5D=Zug6qD9qOC", {"url_params": {"click_id": "Zug6qD9qOC"}}),
        (b"a[0]=x&a[1]=y", {"a": {"0": "x", "1": "y"}}),
        (b"a[b][]=1", {"a": {"b": ["1"]}}),
        # used both as a value and as an outer name: nothing is lost, the later one keeps its name as written
        (b"a=1&a[b]=2", {"a": "1", "a[b]": "2"}),
        (b"a[b]=2&a=1", {"a": [{"b": "2"}, "1"]}),
        # brackets that do not pair are part of the name
        (b"a[b=1&c]=2&[d]=3&e[f]g=4&h[[i]]=5&j[][k]=6", {"a[b": "1", "c]": "2", "[d]": "3", "e[f]g": "4"}
         | {"h[[i]]": "5", "j[][k]": "6"}),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else "",
)  # fmt: skip
def test_a_form_becomes_a_document(body: bytes, value: Json) -> None:
    assert Document(value) == read_body(body, FORM)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"name=Zo%EB", "not UTF-8"),
        (b"name=Zo\xeb", "not UTF-8"),
        (b"a" + b"[b]" * 64 + b"=1", "too deep (more than 64 levels)"),
        (b"a" + b"[b]" * 100_000 + b"=1", "too deep (more than 64 levels)"),
        (b"a&" * MOST_NODES, "too large (more than 100,000 values)"),
        (b"&".join(b"a%d[b][c]=1" % n for n in range(40_000)), "too large (more than 100,000 values)"),
    ],
    ids=["escaped latin-1", "latin-1", "a little too deep", "far too deep", "too many names", "too many levels"],
)
def test_a_form_has_the_same_limits(body: bytes, why: str) -> None:
    assert Unreadable(why) == read_body(body, FORM)


def test_a_list_in_a_form_counts_its_values() -> None:
    assert Unreadable("too large (more than 100,000 values)") == read_body(b"&".join([b"a=1"] * MOST_NODES), FORM)


KINDS = st.sampled_from([b"", JSON, FORM, b"text/plain"])
SYNTAX = st.lists(st.sampled_from([*b'{}[],:"\\ 0123456789eE+-.tfn&=%'])).map(bytes)


@given(st.one_of(st.binary(), SYNTAX, st.text().map(lambda text: text.encode(errors="replace"))), KINDS)
def test_whatever_the_bytes_reading_never_raises(body: bytes, content_type: bytes) -> None:
    assert isinstance(read_body(body, content_type), Document | Unreadable)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@given(st.dictionaries(st.text(), PLAIN), st.sampled_from([None, 2]), st.booleans())
def test_what_was_written_as_json_is_what_is_read(value: dict[str, Json], indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert Document(value) == read_body(text.encode())
