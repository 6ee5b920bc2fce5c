"""Nouns → rows. Everything is encoded before a batch begins, so that what cannot be stored costs nobody else.

NUL and lone surrogates, which databases refuse, become U+FFFD; times become integer milliseconds; bodies stay bytes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from json import JSONEncoder
from typing import TypeAlias, cast

from bridge.model import Conversion, Event, Lead, Meaning, Outcome, Payload, Sale, Step, Tracker

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

#: What a column takes.
Value: TypeAlias = int | float | str | bytes | None
#: What our own JSON columns hold.
Plain: TypeAlias = "int | float | str | bool | list[Plain] | dict[str, Plain] | None"

_encode = JSONEncoder(separators=(",", ":"), check_circular=False).encode
#: in ASCII JSON: an escaped NUL, or half of a pair
_SUSPICIOUS = re.compile(r"\\u0000|\\ud[89a-f]", re.IGNORECASE)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970, rounded down; exact, where a float would not be."""
    return (moment - EPOCH) // MILLISECOND


def maybe_ms(moment: datetime | None) -> int | None:
    """The same for a time that may be missing."""
    return None if moment is None else (moment - EPOCH) // MILLISECOND


def clean(text: str) -> str:
    """Replace what no database takes as text: NUL and lone surrogates."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


def maybe_clean(text: str | None) -> str | None:
    """The same for a text that may be missing."""
    return None if text is None else clean(text)


def to_json(value: Plain) -> str:
    """Compact ASCII JSON of cleaned text."""
    text = _encode(value)
    return _encode(_cleaned(value)) if _SUSPICIOUS.search(text) else text


def _cleaned(value: Plain) -> Plain:
    match value:
        case str():
            return clean(value)
        case list():
            return [_cleaned(item) for item in value]
        case dict():
            return {clean(key): _cleaned(item) for key, item in value.items()}
        case _:
            return value


@dataclass(slots=True, kw_only=True)
class EncodedConversion:
    """A conversion ready for its row: what the database must compare, and the texts it keeps."""

    conversion: Conversion
    kind: str
    lane: str
    namespace: str
    names: list[str]
    names_json: str
    payload_json: str
    rule: str
    click_id: str | None
    clicked_at: int


@dataclass(slots=True, kw_only=True)
class EncodedMeaning:
    """A meaning ready for its rows. `before` and `body` are the event's columns around state, reason and steps."""

    meaning: Meaning
    #: (source, key)
    key: tuple[str, str]
    before: tuple[Value, ...]
    reason: str
    steps_json: str
    body: bytes
    conversions: list[EncodedConversion]


def encode_meaning(meaning: Meaning) -> EncodedMeaning:
    """Everything of one meaning that does not depend on what the database knows."""
    before = _event_columns(meaning.event)
    return EncodedMeaning(
        meaning=meaning,
        key=(cast("str", before[0]), cast("str", before[1])),
        before=before,
        reason=clean(meaning.reason),
        steps_json=steps_json(meaning.steps),
        body=bytes(meaning.event.body),
        conversions=[_encode_conversion(conversion) for conversion in meaning.conversions],
    )


def _event_columns(event: Event) -> tuple[Value, ...]:
    return (
        clean(event.source),
        clean(event.key),
        maybe_clean(event.source_id),
        maybe_clean(event.type),
        maybe_ms(event.occurred_at),
        to_ms(event.received_at),
        int(event.test),
        maybe_clean(event.account),
        clean(event.verified_by),
        clean(event.revision),
        to_json([list(header) for header in event.headers]) if event.headers else "[]",
        clean(event.query),
    )


def steps_json(steps: Iterable[Step]) -> str:
    """An explanation as JSON: [rule, result, why] per line."""
    lines: list[Plain] = [[step.rule, step.result, step.why] for step in steps]
    return to_json(lines) if lines else "[]"


def names_json(names: Iterable[str]) -> str:
    """Claims' names, or any texts, as a JSON list."""
    return to_json(list(names))


def _encode_conversion(conversion: Conversion) -> EncodedConversion:
    payload = conversion.payload
    names = list(dict.fromkeys([clean(name) for name in conversion.claims]))
    return EncodedConversion(
        conversion=conversion,
        kind="sale" if isinstance(payload, Sale) else "lead",
        lane=clean(payload.customer_external_id),
        namespace=clean(conversion.association_namespace),
        names=names,
        names_json=_encode(names),
        payload_json=to_json(_payload_columns(payload)),
        rule=clean(conversion.rule),
        click_id=maybe_clean(payload.click_id),
        clicked_at=to_ms(payload.timestamp),
    )


def _payload_columns(payload: Payload) -> dict[str, Plain]:
    """A payload without its customer_external_id, which is the lane. Money stays an int."""
    columns: dict[str, Plain] = {"event_name": payload.event_name, "timestamp": to_ms(payload.timestamp)}
    match payload:
        case Sale():
            columns["invoice_id"] = payload.invoice_id
            columns["amount"] = payload.amount
            columns["currency"] = payload.currency
        case Lead():
            if payload.deferred:
                columns["deferred"] = True
    if payload.click_id is not None:
        columns["click_id"] = payload.click_id
    if payload.customer_name is not None:
        columns["customer_name"] = payload.customer_name
    if payload.customer_email is not None:
        columns["customer_email"] = payload.customer_email
    if payload.customer_avatar is not None:
        columns["customer_avatar"] = payload.customer_avatar
    return columns


def tracker_json(tracker: Tracker) -> str:
    """The tracker's row: only what differs from a new one."""
    columns: dict[str, Plain] = {}
    for field in fields(tracker):
        value = getattr(tracker, field.name)
        if value == field.default:
            continue
        match value:
            case datetime():
                columns[field.name] = to_ms(value)
            case tuple():
                columns[field.name] = list(value)
            case _:
                columns[field.name] = value
    return to_json(columns)


def attempt_columns(outcome: Outcome) -> tuple[int, float, str, int | None]:
    """Started at, duration, sent, status: what an attempt's row takes of an outcome as it is."""
    return to_ms(outcome.started_at), float(outcome.duration_ms), outcome.sent.value, outcome.status
