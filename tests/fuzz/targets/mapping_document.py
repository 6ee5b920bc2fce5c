"""Any body under any mapping: read, mapped, recorded, read back and written for the tracker without an exception."""

import sqlite3
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from bridge.intake import understand
from bridge.mapping import Mapping, parse
from bridge.model import Conversion, EventState, Meaning, Sale, Verified, Webhook
from bridge.store.base import EventFilter
from bridge.store.encoding import encode_meaning
from bridge.store.queries import events
from bridge.store.record import Recording, record
from bridge.store.sqlite.connection import Connected
from bridge.store.sqlite.migrations import migrate
from bridge.store.steps import shipped
from bridge.tracking.request import encode
from tests.fuzz.feed import Feed
from tests.unit.mapping.test_hostile import EVERYTHING, WRAPPED

_FOLDER = Path(__file__).parents[3] / "mappings"
_TYPES = (b"application/json", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"")
_NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def seeds() -> list[bytes]:
    """The bodies of the shipped mappings' examples, each under its own mapping."""
    numbers = {mapping.source: number for number, mapping in enumerate(_mappings())}
    return [
        bytes([numbers[file.parent.name], 0, 0, 0]) + file.read_bytes()
        for file in sorted((_FOLDER / "examples").glob("*/*.json"))
        if file.parent.name in numbers
    ]


def check(data: bytes) -> None:
    """Read and map it as a proven webhook, then do all that would be done with what it means."""
    feed = Feed(data)
    mapping, content_type = feed.pick(_mappings()), feed.pick(_TYPES)
    headers = [(b"content-type", content_type), *((name.encode(), feed.short(20)) for name in _headers(mapping))]
    webhook = Webhook(
        source=mapping.source, headers=tuple(headers), query=feed.short(40), body=feed.rest(), received_at=_NOW
    )
    meanings = understand(mapping, Verified(webhook=webhook, by="signature 1", signed_headers=None))
    assert meanings
    for meaning in meanings:
        _check_meaning(meaning)
    _record(meanings)


def _check_meaning(meaning: Meaning) -> None:
    assert meaning.event.key
    assert meaning.state is EventState.ACCEPTED or meaning.reason
    assert meaning.state is not EventState.ACCEPTED or meaning.conversions
    for conversion in meaning.conversions:
        _check_conversion(conversion)


def _check_conversion(conversion: Conversion) -> None:
    payload = conversion.payload
    assert conversion.claims
    assert payload.event_name
    assert payload.customer_external_id
    if isinstance(payload, Sale):
        assert type(payload.amount) is int
        assert payload.invoice_id
        assert len(payload.currency) == 3
    assert encode(payload, "minor").body
    assert encode(payload, "major").body


def _record(meanings: tuple[Meaning, ...]) -> None:
    """Into a database that forgets it again."""
    db = _database()
    db.execute("SAVEPOINT fuzz")
    try:
        call = Recording(meanings=[encode_meaning(meaning) for meaning in meanings], now_ms=0, dry_run=False)
        (records,) = record(db, [call])
        assert len(records) == len(meanings)
        assert events(db, EventFilter(limit=10), _NOW)
    finally:
        db.execute("ROLLBACK TO fuzz")
        db.execute("RELEASE fuzz")


@cache
def _database() -> Connected:
    db = sqlite3.connect(":memory:", isolation_level=None, factory=Connected)
    db.row_factory = sqlite3.Row
    migrate(db, shipped("sqlite"), now_ms=0)
    return db


@cache
def _mappings() -> tuple[Mapping, ...]:
    texts = {file.stem: file.read_text(encoding="utf-8") for file in sorted(_FOLDER.glob("*.yaml"))}
    parsed = [parse(text, file=f"{name}.yaml", base=texts.get).mapping for name, text in texts.items()]
    return (EVERYTHING, WRAPPED, *(mapping for mapping in parsed if mapping is not None))


def _headers(mapping: Mapping) -> list[str]:
    return sorted(mapping.headers_read)[:2]
