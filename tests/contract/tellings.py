"""Shipped mappings on events made up for a test, and what would be sent of several that tell of one payment.

Pure: no store decides here, but the rule every store keeps, read in its strictest way.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge import sources
from bridge.mapping import Mapping, Parsed, apply, parse
from bridge.model import Conversion, Meaning, Verified, Webhook
from bridge.read import Document, read

MAPPINGS = Path(__file__).parents[2] / "mappings"
RECEIVED_AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def parsed(file: Path) -> Parsed:
    return parse(file.read_text(encoding="utf-8"), file=file.name, base=lambda _: None)


def mapping_of(file: Path) -> Mapping:
    mapping = parsed(file).mapping
    assert mapping is not None, f"{file.name} does not parse"
    return mapping


def verified(body: bytes, source: str) -> Verified:
    headers = ((b"content-type", b"application/json; charset=utf-8"),)
    return sources.sample(Webhook(source=source, headers=headers, body=body, received_at=RECEIVED_AT))


def meanings_of(mapping: Mapping, body: bytes) -> tuple[Meaning, ...]:
    return meanings(mapping, verified(body, mapping.source))


def meanings(mapping: Mapping, proven: Verified) -> tuple[Meaning, ...]:
    document = read(proven)
    assert isinstance(document, Document)
    return apply(mapping, proven, document.value)


def conversions_of(mapping: Mapping, body: bytes) -> list[Conversion]:
    """What would go on its way: without those that lack a click id and so need somebody else's."""
    found = [conversion for meaning in meanings_of(mapping, body) for conversion in meaning.conversions]
    return [conversion for conversion in found if not conversion.needs_association]


def sent(mapping: Mapping, bodies: Iterable[bytes]) -> list[Conversion]:
    """What is sent of these events in this order: a conversion of which any claim is taken is a duplicate.

    A duplicate takes nothing here, which is the strictest reading of the rule.
    """
    taken: set[str] = set()
    first: list[Conversion] = []
    for conversion in (conversion for body in bodies for conversion in conversions_of(mapping, body)):
        if taken.isdisjoint(conversion.claims):
            taken.update(conversion.claims)
            first.append(conversion)
    return first


def told(source: str, name: str, changes: dict[str, Any] | None = None) -> bytes:
    """An example's body, with values under dotted paths changed; a number is a place in a list."""
    body = json.loads((MAPPINGS / "examples" / source / f"{name}.json").read_bytes())
    for path, value in (changes or {}).items():
        *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        holder = body
        for key in outer:
            holder = holder[key]
        holder[last] = value
    return json.dumps(body).encode()
