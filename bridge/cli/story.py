"""One event's whole story for a terminal, no line wider than it is, and for scripts."""

import re
import textwrap
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from bridge.cli.described import COLOURS, event_json
from bridge.cli.output import BOLD, clock, iso, paint, printable
from bridge.model import Attempt, Delivery
from bridge.store.reports import Claim, Story, Told
from bridge.wording import story as wording
from bridge.wording.nextsteps import for_delivery, for_event
from bridge.wording.story import Fact

#: Of an answer's text, what is shown here; all of it is in `--json`.
_MOST_ANSWER: Final = 300
_INDENT: Final = 15
_COLOUR: Final = re.compile("\033\\[[0-9]+m")


def tell(story: Story, now: datetime, most: int | None) -> str:
    """The story for a terminal, no line longer than `most`."""
    lines = [*_head(story, now), *_rules(story), *_next("", for_event(story))]
    for delivery in story.stored.deliveries:
        told = story.told[delivery.id]
        lines += ["", *_delivery(delivery, told, now), *_next("", for_delivery(story, delivery, now))]
    return "\n".join(part for line in lines for part in _wrapped(line, most))


def as_json(story: Story) -> dict[str, object]:
    """The story for scripts."""
    told = story.told
    return event_json(story.stored) | {
        "headers": [list(header) for header in story.stored.event.headers],
        "query": story.stored.event.query,
        "forgotten": story.is_forgotten,
        "items": [{"item": item, "event": event} for item, event in story.items],
        "attempts": {str(number): [_attempt_json(one) for one in its.attempts] for number, its in told.items()},
        "claims": {str(number): [_claim_json(one) for one in its.claims] for number, its in told.items()},
        "duplicates": {str(number): [one.delivery_id for one in its.duplicates] for number, its in told.items()},
        "lines": {
            str(number): {"behind": its.front, "ahead": its.ahead, "holds_up": its.behind}
            for number, its in told.items()
        },
    }


def _head(story: Story, now: datetime) -> Iterator[str]:
    yield paint(printable(wording.title(story)), BOLD)
    yield from map(_line, wording.head(story, now))


def _rules(story: Story) -> Iterator[str]:
    steps = story.stored.steps
    if steps:
        yield ""
        yield paint("rules", BOLD)
        size = max(len(printable(step.rule)) for step in steps)
        most = max(len(step.result) for step in steps)
        for step in steps:
            yield f"  {printable(step.rule):{size}}  {step.result:{most}}  {printable(step.why)}".rstrip()


def _delivery(delivery: Delivery, told: Told, now: datetime) -> Iterator[str]:
    yield paint(printable(wording.heading(delivery)), BOLD)
    yield from map(_line, wording.delivery_facts(delivery, told, now))
    for attempt in told.attempts:
        yield from _attempt(attempt)


def _attempt(attempt: Attempt) -> Iterator[str]:
    yield _fact(f"try {attempt.number}", f"{clock(attempt.started_at)}  {wording.tried(attempt)}")
    said = printable(attempt.answer or attempt.reason)
    if said:
        yield _fact("", said if len(said) <= _MOST_ANSWER else said[:_MOST_ANSWER] + "…")


def _next(name: str, steps: list[str]) -> Iterator[str]:
    for number, step in enumerate(steps):
        yield _fact("next" if number == 0 else name, step)


def _attempt_json(attempt: Attempt) -> dict[str, object]:
    return {
        "number": attempt.number,
        "started_at": iso(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "sent": attempt.sent.value,
        "status": attempt.status,
        "verdict": attempt.verdict,
        "reason": attempt.reason,
        "answer": attempt.answer,
        "counted": attempt.counted,
    }


def _claim_json(claim: Claim) -> dict[str, object]:
    return {"name": claim.name, "holder": claim.holder}


def _line(fact: Fact) -> str:
    return _fact(fact.name, paint(printable(fact.value), COLOURS[fact.tone]) + printable(fact.rest))


def _fact(name: str, value: str) -> str:
    return f"  {name:12} {value}".rstrip()


def _wrapped(line: str, most: int | None) -> list[str]:
    """The line in pieces that fit, those after the first under its value."""
    if most is None or len(_COLOUR.sub("", line)) <= most:
        return [line]
    room = max(most, _INDENT + 20)
    return textwrap.wrap(
        line,
        room,
        subsequent_indent=" " * _INDENT,
        replace_whitespace=False,
        expand_tabs=False,
        break_on_hyphens=False,
    )
