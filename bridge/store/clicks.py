"""Clicks: which customer came from which click, and which of those a sale without a click id may take.

A click counts for a sale that it precedes by 90 days at most, or for ever (as long as it is remembered) once it led to
a sale of that customer: renewals. Of several the latest before the sale counts.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from bridge.store.database import Connection
from bridge.store.emails import EMAIL

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR

#: Two webhooks of one payment are dated apart, and the one with the click id may be the later.
SLACK: Final = _HOUR
#: An older click did not lead to this sale.
MOST_AGE: Final = 90 * _DAY


class Question(NamedTuple):
    """Whose click is asked for, and when the sale was; None: any click will do."""

    namespace: str
    customer: str
    sold_at: int | None


@dataclass(frozen=True, slots=True)
class Click:
    """A click that a sale may take."""

    click_id: str
    clicked_at: int
    #: who told of it first
    event_id: int
    source: str


def questions(fill: str, namespace: str, customer: str, email: str | None, sold_at: int) -> list[Question]:
    """Where a sale looks for a click, in that order; `email` is a hash."""
    ways = fill.split(",")
    asked = [Question(namespace, customer, sold_at)] if "customer" in ways and namespace else []
    return asked + ([Question(EMAIL, email, sold_at)] if "email" in ways and email else [])


def fits(question: Question, clicked_at: int, paid_at: int | None) -> bool:
    """Whether a click of that time is an answer."""
    if question.sold_at is None:
        return True
    latest = question.sold_at + SLACK
    return clicked_at <= latest and (
        clicked_at >= question.sold_at - MOST_AGE or (paid_at is not None and paid_at <= latest)
    )


#: The same as `fits`, for SQL: a question is [namespace, customer, latest, oldest].
_ANSWERS: Final = """
    a.namespace = json_extract(wanted.value, '$[0]') AND a.customer = json_extract(wanted.value, '$[1]')
    AND a.clicked_at <= CAST(json_extract(wanted.value, '$[2]') AS INTEGER)
    AND (
        a.clicked_at >= CAST(json_extract(wanted.value, '$[3]') AS INTEGER)
        OR a.paid_at <= CAST(json_extract(wanted.value, '$[2]') AS INTEGER)
    )
"""


def answered(db: Connection, asked: Iterable[Question]) -> set[Question]:
    """Those of the questions to which there is an answer."""
    listed = list(dict.fromkeys(asked))
    if not listed:
        return set()
    rows = db.execute(
        f"""
        SELECT wanted.key FROM json_each(?) AS wanted
        WHERE (SELECT 1 FROM associations AS a WHERE {_ANSWERS} LIMIT 1) IS NOT NULL
        """,  # noqa: S608  # the words are ours
        (_as_json(listed),),
    )
    return {listed[number] for (number,) in rows}


def answers(db: Connection, asked: Iterable[Question]) -> dict[Question, Click]:
    """The best click for each question that has one."""
    listed = list(dict.fromkeys(asked))
    if not listed:
        return {}
    rows = db.execute(
        f"""
        SELECT wanted.key, a.click_id, a.clicked_at, a.event_id, coalesce(e.source, '') AS source
        FROM json_each(?) AS wanted CROSS JOIN associations AS a ON {_ANSWERS}
        LEFT JOIN events AS e ON e.id = a.event_id
        """,  # noqa: S608  # the words are ours
        (_as_json(listed),),
    )
    best: dict[Question, Click] = {}
    for number, *columns in rows:
        click, before = Click(*columns), best.get(listed[number])
        if before is None or (click.clicked_at, click.event_id) > (before.clicked_at, before.event_id):
            best[listed[number]] = click
    return best


def _as_json(asked: Sequence[Question]) -> str:
    ever = 2**62
    return json.dumps(
        [
            [ns, customer, ever, -ever] if sold_at is None else [ns, customer, sold_at + SLACK, sold_at - MOST_AGE]
            for ns, customer, sold_at in asked
        ]
    )


#: A click of somebody, as an event tells it: namespace, customer, click id, when it was, the event that told of it
#: first and the one that did last, when it led to a sale of this customer.
Told: TypeAlias = tuple[str, str, str, int, int, int, int | None]


def remember(db: Connection, told: Iterable[Told]) -> None:
    """Keep what events told of clicks: of each click when it was first heard of, and when it first led to a sale."""
    db.executemany(
        """
        INSERT INTO associations (namespace, customer, click_id, clicked_at, event_id, told_by, paid_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (namespace, customer, click_id) DO UPDATE SET
            event_id = CASE
                WHEN excluded.clicked_at < associations.clicked_at THEN excluded.event_id ELSE associations.event_id
            END,
            clicked_at = CASE
                WHEN excluded.clicked_at < associations.clicked_at THEN excluded.clicked_at
                ELSE associations.clicked_at
            END,
            told_by = CASE
                WHEN excluded.told_by > associations.told_by THEN excluded.told_by ELSE associations.told_by
            END,
            paid_at = CASE
                WHEN excluded.paid_at < associations.paid_at THEN excluded.paid_at
                ELSE coalesce(associations.paid_at, excluded.paid_at)
            END
        """,
        told,
    )


def forget(db: Connection, event_id: int) -> None:
    """Forget the clicks of which this was the last event to tell."""
    db.execute("DELETE FROM associations WHERE told_by = ?", (event_id,))


def before(span_ms: int) -> str:
    """How long a click was before its sale, in words; up to the slack it may be after it."""
    size = abs(span_ms)
    for unit, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"), (1000, "second")):
        if size >= unit:
            count = size // unit
            return f"{count} {word}{'s' if count > 1 else ''} {'before' if span_ms > 0 else 'after'}"
    return "at the same time"
