"""What is written in some form is what is read: JSON with exact numbers, forms and multipart forms of any text."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlencode

import httpx
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Json, Verified, Webhook
from bridge.read import Document, Unreadable, read

FORM = b"application/x-www-form-urlencoded"


def read_body(body: bytes, content_type: bytes = b"application/json") -> Document | Unreadable:
    webhook = Webhook(
        source="tool",
        headers=((b"content-type", content_type),),
        body=body,
        received_at=datetime(2026, 11, 21, tzinfo=UTC),
    )
    return read(Verified(webhook=webhook, by="token 1"))


#: No half pairs: no sender can write them in UTF-8.
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBERS = st.decimals(min_value=-(10**30), max_value=10**30, allow_nan=False, places=None)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=1, max_size=8)


def written(value: Json) -> str:
    """JSON text in which a Decimal is a number, digit for digit."""
    match value:
        case Decimal():
            return format(value, "f") if value == value.to_integral() else str(value)
        case list():
            return f"[{','.join(map(written, value))}]"
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{written(item)}" for key, item in value.items()) + "}"
        case _:
            return json.dumps(value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def floats_in(value: Json) -> list[float]:
    match value:
        case list():
            return [found for item in value for found in floats_in(item)]
        case dict():
            return [found for item in value.values() for found in floats_in(item)]
        case _:
            return [value] if isinstance(value, float) else []


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_json_is_read_as_it_was_written_and_never_as_a_float(value: dict[str, Json]) -> None:
    document = read_body(written(value).encode())

    assert Document(value) == document
    assert isinstance(document, Document)
    assert [] == floats_in(document.value)


def pairs(value: Json, name: str = "") -> list[tuple[str, str]]:
    """The fields in which a document is told by a form."""
    match value:
        case dict():
            return [pair for key, item in value.items() for pair in pairs(item, f"{name}[{key}]" if name else key)]
        case list():
            return [(f"{name}[]", str(item)) for item in value]
        case _:
            return [(name, str(value))]


FORMS = st.dictionaries(
    NAMES,
    st.recursive(
        TEXT | st.lists(TEXT, min_size=1, max_size=3),
        lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3),
        max_leaves=6,
    ),
    min_size=1,
    max_size=5,
)


@given(FORMS)
def test_a_form_is_read_as_it_was_written(form: dict[str, Json]) -> None:
    assert Document(form) == read_body(urlencode(pairs(form)).encode(), FORM)


@given(FORMS)
def test_a_multipart_form_is_read_as_another_programs_library_wrote_it(form: dict[str, Json]) -> None:
    fields = pairs(form)
    files = [(name, (None, value.encode())) for name, value in fields]
    request = httpx.Request("POST", "http://bridge", files=files)

    document = read_body(request.read(), request.headers["content-type"].encode())

    plain = all(name.isprintable() and not {*name} & {*'"\\%'} for name, _ in fields)
    assert Document(form) == document or not plain
