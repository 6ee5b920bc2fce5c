"""Rows in clear: what is sealed of them opened, right after they were read. Bodies, which are large, one by one.

What does not open is empty, like whatever else of a row cannot be read: one spoiled row must not stop the others.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from bridge.store.database import Row
from bridge.store.encoding import Plain
from bridge.store.sealing import (
    ANSWER,
    EVENT_REASON,
    HEADERS,
    MARK,
    PAYLOAD,
    QUERY,
    REASON,
    STEPS,
    TRY_REASON,
    RowKey,
    Seals,
    try_key,
)

#: What may be sealed, by column.
_OF_EVENT: Final = {"headers": HEADERS, "query": QUERY, "steps": STEPS, "reason": EVENT_REASON}
_OF_DELIVERY: Final = {"payload": PAYLOAD, "reason": REASON}
_OF_TRY: Final = {"reason": TRY_REASON, "answer": ANSWER}


def opened(seals: Seals, row: Row) -> Row:
    """A delivery's row, by name only, with what is sealed of it in clear: nothing of what does not open."""
    return _opened(seals, row, row["id"], _OF_DELIVERY)


def opened_event(seals: Seals, row: Row) -> Row:
    """The same for an event's texts; its body is opened where it is read."""
    return _opened(seals, row, row["id"], _OF_EVENT)


def opened_attempt(seals: Seals, row: Row) -> Row:
    """The same for a try."""
    return _opened(seals, row, try_key(row["delivery_id"], row["number"]), _OF_TRY)


def opened_payload(seals: Seals, row: Row) -> str:
    """A payload's text, of a row with `id` and `payload`; nothing of one that does not open."""
    return seals.read(PAYLOAD, row["id"], row["payload"])


def fields_of(seals: Seals, row: Row) -> dict[str, Plain] | None:
    """A payload as it was stored, of a row with `id` and `payload`; None when it cannot be read."""
    try:
        payload = json.loads(opened_payload(seals, row))
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def _opened(seals: Seals, row: Row, key: RowKey, places: Mapping[str, str]) -> Row:
    sealed = [column for column in places if row[column].startswith(MARK)]
    if not sealed:
        return row
    clear = {column: seals.read(places[column], key, row[column]) for column in sealed}
    return cast("Row", {**dict(cast("Mapping[str, Any]", row)), **clear})
