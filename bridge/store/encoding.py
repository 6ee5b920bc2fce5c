"""Nouns → rows. Everything is encoded before a batch begins, so that what cannot be stored costs nobody else.

NUL and lone surrogates, which databases refuse, become U+FFFD; times become integer milliseconds; bodies stay bytes.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from json import JSONEncoder
from json.encoder import encode_basestring_ascii as _quoted
from typing import Final, TypeAlias, cast

from bridge.model import Conversion, Event, EventState, Lead, Meaning, Outcome, Payload, Sale, Step, Tracker
from bridge.store.sealing import EVENT_REASON, HEADERS, QUERY, STEPS, Seals

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
    return _encode(_cleaned(value)) if _is_suspicious(text) else text


def _is_suspicious(text: str) -> bool:
    # nearly no text has an escape at all, and to find none is much quicker than to search for certain ones
    return "\\u" in text and _SUSPICIOUS.search(text) is not None


def _text(text: str) -> str:
    """One text as JSON, cleaned."""
    return _quoted(clean(text))


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
    #: when the click was, as far as this tells; of a sale also when it was
    clicked_at: int
    fill: str
    #: how long it waits for a click id; 0 for what has one or does not wait
    wait_ms: int

    @property
    def is_sale(self) -> bool:
        """Whether money came in."""
        return self.kind == "sale"


@dataclass(slots=True, kw_only=True)
class EncodedMeaning:
    """A meaning ready for its rows. `before` is the event's columns up to its headers."""

    meaning: Meaning
    #: (source, key)
    key: tuple[str, str]
    before: tuple[Value, ...]
    headers_json: str
    query: str
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
        headers_json=_lists(meaning.event.headers),
        query=clean(meaning.event.query),
        reason=clean(meaning.reason),
        steps_json=steps_json(meaning.steps),
        body=bytes(meaning.event.body),
        conversions=[encode_conversion(conversion) for conversion in meaning.conversions],
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
    )


def sealed_event(
    seals: Seals, event_id: int, meaning: EncodedMeaning, state: EventState, reason: str, steps: str
) -> tuple[Value, ...]:
    """An event's columns between its id and whose body it has, with what is personal sealed."""
    return (
        *meaning.before,
        seals.text(HEADERS, event_id, meaning.headers_json),
        seals.text(QUERY, event_id, meaning.query),
        meaning.meaning.event.item,
        state.value,
        sealed_reason(seals, event_id, state, reason),
        seals.text(STEPS, event_id, steps),
    )


def sealed_reason(seals: Seals, event_id: int, state: EventState, reason: str) -> str:
    """Why an event is what it is; only why it cannot be mapped may say something of its values."""
    return seals.text(EVENT_REASON, event_id, reason) if state is EventState.UNMAPPED else reason


def steps_json(steps: Iterable[Step]) -> str:
    """An explanation as JSON: [rule, result, why] per line."""
    return _lists([(step.rule, step.result, step.why) for step in steps])


def names_json(names: Iterable[str]) -> str:
    """Claims' names, or any texts, as a JSON list."""
    names = list(names)
    text = _list(names)
    return to_json([*names]) if "\\u" in text else text


def _lists(lists: Sequence[Sequence[str]]) -> str:
    text = f"[{','.join(map(_list, lists))}]"
    return to_json([list(texts) for texts in lists]) if "\\u" in text else text


def _list(texts: Sequence[str]) -> str:
    # put together here, because to set up an encoder costs more than all it encodes
    return f"[{','.join(map(_quoted, texts))}]"


def encode_conversion(conversion: Conversion) -> EncodedConversion:
    """One conversion ready for its row."""
    payload = conversion.payload
    names = list(dict.fromkeys([clean(name) for name in conversion.claims]))
    return EncodedConversion(
        conversion=conversion,
        kind="sale" if isinstance(payload, Sale) else "lead",
        lane=clean(payload.customer_external_id),
        namespace=clean(conversion.association_namespace),
        names=names,
        names_json=names_json(names),
        payload_json=_payload_json(payload),
        rule=clean(conversion.rule),
        click_id=maybe_clean(payload.click_id),
        clicked_at=to_ms(payload.timestamp),
        fill=_FILLS.get(conversion.fill) or ",".join(conversion.fill),
        wait_ms=conversion.wait // MILLISECOND if conversion.wait is not None and payload.click_id is None else 0,
    )


#: The usual ones, spelt out once.
_FILLS: Final = {("customer",): "customer", ("customer", "email"): "customer,email"}


def _payload_json(payload: Payload) -> str:
    text = _payload_text(payload, _quoted)
    return _payload_text(payload, _text) if _is_suspicious(text) else text


def _payload_text(payload: Payload, quoted: Callable[[str], str]) -> str:
    """A payload without its customer_external_id, which is the lane. Money stays an int."""
    columns = [f'{{"event_name":{quoted(payload.event_name)},"timestamp":{to_ms(payload.timestamp)}']
    match payload:
        case Sale():
            columns.append(f'"invoice_id":{quoted(payload.invoice_id)}')
            columns.append(f'"amount":{payload.amount},"currency":{quoted(payload.currency)}')
        case Lead():
            if payload.deferred:
                columns.append('"deferred":true')
    if payload.click_id is not None:
        columns.append(f'"click_id":{quoted(payload.click_id)}')
    if payload.customer_name is not None:
        columns.append(f'"customer_name":{quoted(payload.customer_name)}')
    if payload.customer_email is not None:
        columns.append(f'"customer_email":{quoted(payload.customer_email)}')
    if payload.customer_avatar is not None:
        columns.append(f'"customer_avatar":{quoted(payload.customer_avatar)}')
    return ",".join(columns) + "}"


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
