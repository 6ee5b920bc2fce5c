"""What a sample is made of: several events in one body, JSON inside a text, or just the one document."""

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from bridge.drafts.leaves import Leaf, joined, leaves
from bridge.errors import BridgeError
from bridge.model import Json

_BATCHES = frozenset(("events", "entry", "entries", "notifications", "messages", "records", "items", "webhooks"))
_KINDS = frozenset(("type", "event", "action", "event_type", "eventType", "eventCategory", "resource_type", "topic"))


class NoDraftError(BridgeError):
    """No mapping can be proposed of this; the text says why and what would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The document that is looked at, the expressions that lead to it, and every value in it."""

    document: dict[str, Json]
    #: `event.document` and `event.for_each`; empty where none is needed
    from_text: str = ""
    for_each: str = ""
    #: how many events the sample holds
    count: int = 1
    found: tuple[Leaf, ...]


def opened(body: Json) -> Opened:
    """Look into the body. Raises NoDraftError when there is no object in it."""
    match body:
        case [dict() as first, *_]:
            return _of(first, for_each="@", count=len(body))
        case list() | str() | bool() | int() | float() | Decimal() | None:
            kind = "a list without objects" if isinstance(body, list) else "a single value"
            raise NoDraftError(f"the sample is {kind}: a webhook is an object with names in it")
        case dict() if not body:
            raise NoDraftError("the sample is empty: there is nothing in it to make a lead or a sale of")
    for key, value in body.items():
        match value:
            case [dict() as first, *_] if _is_batch(key, first, body):
                return _of(first, for_each=joined("", key), count=len(value))
            case _:
                pass
    text = _text(body)
    if not text:
        return _of(body)
    inner = _read(body[text])
    around = {key: value for key, value in body.items() if key != text}
    outer = [leaf for leaf in leaves(around, "root()") if leaf.value != ""]
    return Opened(
        document=inner,
        from_text=f"from_json({joined('', text)})",
        found=(*leaves(inner), *outer),
    )


def _of(document: dict[str, Json], *, for_each: str = "", count: int = 1) -> Opened:
    return Opened(document=document, for_each=for_each, count=count, found=tuple(leaves(document)))


def _is_batch(key: str, first: dict[str, Json], body: dict[str, Json]) -> bool:
    """Whether the body is nothing but a list of events under one name."""
    return key.lower() in _BATCHES and bool(first.keys() & _KINDS) and not body.keys() & _KINDS


def _text(body: dict[str, Json]) -> str:
    """The key of a text that is an object in JSON, the longest one."""
    keys = [key for key, value in body.items() if isinstance(value, str) and len(_read(value)) > 1]
    return max(keys, key=lambda key: len(str(body[key])), default="")


def _read(value: Json) -> dict[str, Json]:
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return {}
    try:
        inner: Json = json.loads(value, parse_float=Decimal)
    except (ValueError, InvalidOperation, RecursionError):
        return {}
    return inner if isinstance(inner, dict) else {}
