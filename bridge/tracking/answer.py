"""An answer read: bounded bytes and headers → the Outcome that the verdict is taken from. Pure.

The status alone says whether the tracker has it; the body is kept as text and asked only what went wrong, because
the tracker's documents and packages agree on no body. Content type and text are both looked at: neither is reliable.
What an outcome keeps of it has been through `hide`, before it is cut.
"""

import json
import zlib
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from bridge.model import Json, Outcome, Sent
from bridge.tracking.discretion import Hide, unchanged
from bridge.tracking.message import message_of, one_line, title_of
from bridge.tracking.retry_after import seconds_asked

#: An answer longer than this is not read to its end.
MOST_BYTES = 64 * 1024
#: An outcome keeps this much of it.
MOST_KEPT_BYTES = 2 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, as far as it came."""

    status: int
    #: lower-case names; the first of repeated ones
    headers: dict[str, str]
    #: as sent, content coding included
    body: bytes = b""
    #: why the body ends early: "" when it is whole, else a word such as `timeout`, or `too long`
    stopped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """An answer's body, understood as far as it goes."""

    text: str
    is_json: bool
    is_html: bool
    #: meaningful when `is_json` and the body was whole
    value: Json = None


def read(answer: Answer) -> Read:
    """Decode the body and tell what it is."""
    content_type = answer.headers.get("content-type", "").lower()
    body = _decoded(answer)
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        value: Json = json.loads(body)
    except (ValueError, RecursionError):
        # what was cut off is still JSON when it says so and begins so: a 404 must not look like the wrong host
        began = bool(answer.stopped) and "json" in content_type and text.lstrip()[:1] in ("{", "[")
        return Read(text=text, is_json=began, is_html=not began and _is_page(text, content_type))
    return Read(text=text, is_json=isinstance(value, dict | list) or "json" in content_type, is_html=False, value=value)


def outcome(
    answer: Answer, body: Read, *, started_at: datetime, duration_ms: float, now: datetime, hide: Hide = unchanged
) -> Outcome:
    """Describe a try that was answered."""
    says_false = isinstance(body.value, dict) and any(body.value.get(name) is False for name in ("status", "success"))
    is_wrong = says_false or body.is_html or not 200 <= answer.status <= 299
    return Outcome(
        sent=Sent.YES,
        started_at=started_at,
        duration_ms=duration_ms,
        status=answer.status,
        text=_kept(hide(body.text)),
        is_json=body.is_json,
        is_html=body.is_html,
        says_false=says_false,
        message=_message(answer, body, hide) if is_wrong else "",
        retry_after_seconds=seconds_asked(answer.headers.get("retry-after"), answer.headers.get("date"), now),
    )


def _message(answer: Answer, body: Read, hide: Hide) -> str:
    if 300 <= answer.status <= 399 and "location" in answer.headers:
        return one_line(f"redirects to {hide(_host(answer.headers['location']))}")
    if body.is_html:
        return title_of(hide(body.text))
    said = message_of(body.value, hide) if body.is_json else one_line(hide(body.text))
    return said or (f"the answer was cut off ({answer.stopped})" if answer.stopped else "")


def _host(location: str) -> str:
    """Only the host: the rest of a location may repeat what was sent."""
    try:
        return urlsplit(location).hostname or "another path"
    except ValueError:
        return "somewhere unreadable"


def _decoded(answer: Answer) -> bytes:
    """Undo gzip or deflate, which nobody asked for but some proxies do anyway; never beyond the limit."""
    if answer.headers.get("content-encoding", "").strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return answer.body
    try:
        return zlib.decompressobj(wbits=47).decompress(answer.body, MOST_BYTES)
    except zlib.error:
        return answer.body


def _is_page(text: str, content_type: str) -> bool:
    start = text.lstrip()[:15].lower()
    return start.startswith(("<!doctype html", "<html")) or ("html" in content_type and start.startswith("<"))


def _kept(text: str) -> str:
    return text if len(text) <= MOST_KEPT_BYTES // 4 else text.encode()[:MOST_KEPT_BYTES].decode("utf-8", "ignore")
