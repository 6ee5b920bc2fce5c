"""Which way a body is read: by its content type, and as JSON whatever that says when it begins like JSON."""

from dataclasses import dataclass
from json import JSONDecodeError

from bridge.model import Json, Verified, Webhook
from bridge.read.form import decode_form
from bridge.read.json_text import decode_json
from bridge.read.limits import TOO_DEEP, UnreadableError
from bridge.read.multipart import decode_multipart


@dataclass(frozen=True, slots=True)
class Document:
    """What the body says."""

    value: Json


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why the body is no document, in words that hold nothing of it."""

    why: str


def read(verified: Verified) -> Document | Unreadable:
    """Read the body as its content type says; what begins like JSON is read as JSON whatever the type says."""
    webhook = verified.webhook
    body = webhook.body
    if any(encoding.strip().lower() not in (b"", b"identity") for encoding in webhook.header(b"content-encoding")):
        return Unreadable("compressed body")
    if not body or body.isspace():
        return Unreadable("empty")
    try:
        return Document(_value(body, _content_type(webhook)))
    except UnicodeDecodeError:
        return Unreadable("not UTF-8")
    except JSONDecodeError as error:
        what = error.msg.rstrip(": ").removesuffix(" at")
        return Unreadable(f"not JSON: {what} at line {error.lineno}, column {error.colno}")
    except UnreadableError as error:
        return Unreadable(str(error))
    except RecursionError:
        return Unreadable(TOO_DEEP)
    except ValueError:  # Python's own guard against integers of thousands of digits
        return Unreadable("a number with too many digits")


def _content_type(webhook: Webhook) -> bytes:
    for value in webhook.header(b"content-type"):
        return value
    return b""


def _value(body: bytes, content_type: bytes) -> Json:
    kind = content_type.partition(b";")[0].strip().lower()
    if kind.startswith(b"multipart/") and not body.lstrip().startswith((b"{", b"[")):
        if kind != b"multipart/form-data":
            raise UnreadableError("multipart, but no form: let the sender use multipart/form-data or JSON")
        return decode_multipart(body, content_type)
    text = body.decode().removeprefix("\ufeff").strip()
    if text.startswith(("{", "[")) or kind.endswith((b"/json", b"+json")):
        return decode_json(text)
    if kind == b"application/x-www-form-urlencoded":
        return decode_form(text)
    raise UnreadableError("neither JSON nor a form")
