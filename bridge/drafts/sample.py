"""A payload as an example's file: the body itself, or with the few headers and parameters that the mapping reads.

Signatures, tokens and whatever else came along stay out of it. A body that is no JSON is kept as the text it was.
"""

import json
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlencode

from bridge.drafts.invented import Invented
from bridge.mapping.standard import written
from bridge.model import Json, Webhook

_FORM = b"application/x-www-form-urlencoded"


def example_file(
    webhook: Webhook,
    document: Json,
    made: Invented | None,
    *,
    headers: Iterable[str] = (),
    query: Mapping[str, str] | None = None,
) -> str:
    """The file's text; `made` is the document with people made up, None to keep it as it is."""
    kind = next(iter(webhook.header(b"content-type")), b"")
    kept = {name: value for name, value in _headers(webhook).items() if name in set(headers)}
    body = _raw(webhook, kind, made)
    if body is None:
        value = document if made is None else made.value
        if not kept and not query:
            return pretty(value) + "\n"
        around: dict[str, Json] = {"headers": {"content-type": "application/json", **kept}}
    else:
        around = {"headers": {"content-type": kind.decode("latin-1"), **kept}}
        value = body
    if query:
        around["query"] = {**query}
    return pretty(around | {"body": value}) + "\n"


def pretty(value: Json, indent: str = "") -> str:
    """JSON with two blanks a level, numbers digit by digit."""
    inner = indent + "  "
    match value:
        case dict() if value:
            lines = [f"{inner}{_text(key)}: {pretty(item, inner)}" for key, item in value.items()]
            return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
        case list() if value:
            return "[\n" + ",\n".join(f"{inner}{pretty(item, inner)}" for item in value) + f"\n{indent}]"
        case str():
            return _text(value)
        case _:
            return written(value)


def _text(text: str) -> str:
    """JSON text; readable letters stay, what UTF-8 cannot say is escaped."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _headers(webhook: Webhook) -> dict[str, Json]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in webhook.headers}


def _raw(webhook: Webhook, kind: bytes, made: Invented | None) -> str | None:
    """The body of a form as text, with people made up; None when it is JSON."""
    text = webhook.body.decode("utf-8", "replace")
    if kind.startswith(_FORM) and not text.lstrip().startswith(("{", "[")):
        if made is None:
            return text
        return urlencode([(name, made.of(value)) for name, value in parse_qsl(text, keep_blank_values=True)])
    if kind.startswith(b"multipart/"):
        for before, after in made.texts.items() if made else ():
            text = text.replace(before, after)
        return text
    return None
