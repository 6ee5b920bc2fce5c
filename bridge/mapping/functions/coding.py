"""Functions for text that something else is packed in: JSON, forms, web addresses, base64, HTML; and SHA-256."""

import html
import json
from base64 import b64decode
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from urllib.parse import urlsplit

from bridge.mapping.context import query_pairs
from bridge.mapping.functions.function import Function, of_texts
from bridge.mapping.values import Unfit
from bridge.model import Json


def functions() -> list[Function]:
    """Everything that unpacks text, or digests it."""
    return [
        of_texts("from_json", _from_json, returns=""),
        of_texts("from_form", _from_form, returns="object"),
        of_texts("from_base64", _from_base64),
        of_texts("url_query", _url_query, 2),
        of_texts("url_host", _url_host),
        of_texts("html_text", _html_text),
        of_texts("sha256", _sha256),
    ]


def _from_json(text: str) -> Json:
    try:
        value: Json = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, InvalidOperation, RecursionError):
        return None
    return value


def _no_constant(name: str) -> Json:
    raise ValueError(name)


def _from_form(text: str) -> Json:
    """Names and values of `a=1&b=2`; of a name that comes twice, the first value."""
    found: dict[str, Json] = {}
    for name, value in query_pairs(text.removeprefix("?")):
        found.setdefault(name, value)
    return found or None


def _from_base64(text: str) -> Json:
    """UTF-8 text in base64 of either alphabet, padded or not; null when it is none."""
    packed = "".join(text.split()).rstrip("=").translate(_URL_SAFE)
    try:
        return b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode()
    except ValueError:
        return None


_URL_SAFE = str.maketrans("-_", "+/")


def _url_query(url: str, name: str) -> Json:
    _, _, query = url.partition("#")[0].partition("?")
    return next((value for key, value in query_pairs(query) if key == name), None)


def _url_host(url: str) -> Json:
    try:
        return urlsplit(url.strip()).hostname or None
    except ValueError:
        return None


def _html_text(text: str) -> Json:
    try:
        return html.unescape(text)
    except ValueError:  # a character's number of thousands of digits
        raise Unfit("html_text() cannot read a character's number") from None


def _sha256(text: str) -> Json:
    return sha256(text.encode(errors="replace")).hexdigest()
