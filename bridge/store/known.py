"""What the database knows of a batch about to be recorded: one statement per table, however many callers.

`json_each` carries a list into SQL; CROSS JOIN keeps it the outer loop, so each item is one look-up in an index. For
the same reason a first row is asked for, not whether there is one: PostgreSQL may read a table for all EXISTS at once.
"""

import json
from collections.abc import Iterable

from bridge.model import EventState
from bridge.store.base import Recorded
from bridge.store.database import Connection
from bridge.store.encoding import EncodedConversion, EncodedMeaning, clean, names_json
from bridge.store.sealing import EVENT_REASON


def events(db: Connection, meanings: Iterable[EncodedMeaning]) -> dict[tuple[str, str], Recorded]:
    """Those of the events that are recorded, by (source, key)."""
    rows = db.execute(
        """
        SELECT e.source, e.key, e.id, e.state, e.reason
        FROM json_each(?) AS wanted
        CROSS JOIN events AS e
            ON e.source = json_extract(wanted.value, '$[0]') AND e.key = json_extract(wanted.value, '$[1]')
        """,
        (_pairs(meaning.key for meaning in meanings),),
    )
    return {
        (source, key): Recorded(
            event_id=event_id,
            state=EventState(state),
            known=True,
            reason=db.seals.read(EVENT_REASON, event_id, reason),
        )
        for source, key, event_id, state, reason in rows
    }


def event_keys(db: Connection, source: str, keys: Iterable[str]) -> frozenset[str]:
    """Those of a source's event keys that are recorded."""
    rows = db.execute(
        "SELECT e.key FROM json_each(?) AS wanted CROSS JOIN events AS e ON e.source = ? AND e.key = wanted.value",
        (names_json(map(clean, keys)), clean(source)),
    )
    return frozenset(key for (key,) in rows)


def claims(db: Connection, conversions: Iterable[EncodedConversion]) -> dict[str, int]:
    """Those of the names that are claimed, and by which delivery."""
    names = [name for conversion in conversions for name in conversion.names]
    if not names:
        return {}
    rows = db.execute(
        "SELECT c.name, c.delivery_id FROM json_each(?) AS wanted CROSS JOIN claims AS c ON c.name = wanted.value",
        (names_json(names),),
    )
    return dict(tuple(row) for row in rows)


def busy_lanes(db: Connection, conversions: Iterable[EncodedConversion]) -> set[str]:
    """Lanes with somebody in front, so that a new delivery is not the head."""
    lanes = {conversion.lane for conversion in conversions}
    if not lanes:
        return set()
    rows = db.execute(
        """
        SELECT wanted.value FROM json_each(?) AS wanted
        WHERE (SELECT 1 FROM deliveries WHERE lane = wanted.value AND state = 'pending' LIMIT 1) IS NOT NULL
           OR (SELECT 1 FROM deliveries WHERE lane = wanted.value AND state = 'sending' LIMIT 1) IS NOT NULL
        """,
        (names_json(lanes),),
    )
    return {lane for (lane,) in rows}


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return json.dumps(list(pairs))


def next_id(db: Connection, newest: str) -> int:
    """The id after the newest; only a holder of the write lock may use it."""
    (last,) = db.execute(newest).fetchone()
    return 1 if last is None else last + 1
