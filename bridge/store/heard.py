"""last_heard: when a source, or one of its rules, last told anything by itself.

What was fetched from the sender's API does not count, nor does test money: both go on while webhooks are broken.
Asked again and again with `after`, each question looks only at what is newer than the one before it.
"""

from bridge.model import EventState
from bridge.store.base import Heard
from bridge.store.database import Connection
from bridge.store.decoding import maybe_from_ms
from bridge.store.encoding import clean

#: How `Verified.by` begins for what we asked for ourselves.
_FETCHED = "fetched"

_OF_SOURCE = f"""
    SELECT received_at FROM events
    WHERE source = :source AND state = :state AND id > :after
        AND test = 0 AND substr(verified_by, 1, {len(_FETCHED)}) <> '{_FETCHED}'
    ORDER BY id DESC LIMIT 1
"""  # noqa: S608  # the word is ours

_OF_RULE = f"""
    SELECT d.created_at FROM deliveries AS d CROSS JOIN events AS e ON e.id = d.event_id
    WHERE d.id > :after AND d.source = :source AND d.rule = :rule
        AND e.test = 0 AND substr(e.verified_by, 1, {len(_FETCHED)}) <> '{_FETCHED}'
    ORDER BY d.id DESC LIMIT 1
"""  # noqa: S608  # the word is ours


def last_heard(db: Connection, source: str, rule: str, after: int) -> Heard:
    """The newest event of the source, or delivery of the rule, above that number."""
    asked = {"source": clean(source), "rule": clean(rule), "after": after}
    if rule:
        (newest,) = db.execute("SELECT coalesce(max(id), 0) FROM deliveries").fetchone()
        times = [row[0] for row in db.execute(_OF_RULE, asked)]
    else:
        (newest,) = db.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()
        # one walk of the index for each state
        times = [row[0] for state in EventState for row in db.execute(_OF_SOURCE, {**asked, "state": state.value})]
    return Heard(at=maybe_from_ms(max(times, default=None)), after=newest)
