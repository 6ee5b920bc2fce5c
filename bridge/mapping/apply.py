"""Ask a source's rules what a document means. Pure, quick, and never raises, whatever the document.

A rule that fails makes the event unmapped and says why; the conversions of the other rules still stand. Test
events are remembered and not sent. A batch gives one Meaning for each of its items.
"""

from functools import lru_cache

from bridge.mapping.context import Context
from bridge.mapping.conversions import Failed, Made, Noted, Result, Skipped, convert
from bridge.mapping.events import STAGE, EventReader
from bridge.mapping.opening import Item, listed, opened
from bridge.mapping.reading import place, reason, value_of
from bridge.mapping.redact import Hide, Kept, kept_of, kept_unread
from bridge.mapping.rules import EventRules, Mapping, Rule
from bridge.mapping.values import Unfit, is_false
from bridge.model import Conversion, Event, EventState, Json, Meaning, Reversal, Step, Verified

#: An explanation longer than this explains nothing.
MOST_STEPS = 100


def apply(mapping: Mapping, verified: Verified, document: Json, *, hide: Hide | None = None) -> tuple[Meaning, ...]:
    """Everything this webhook means: one Meaning, or one for each item of a batch; never empty.

    `hide` takes the sender's echoed secret out of what the events keep.
    """
    rules, redact = mapping.event, mapping.redact
    is_whole = redact is None and hide is None
    kept = None if is_whole else kept_of(redact, verified.webhook.body, document, hide)
    reader = EventReader(mapping, verified, kept)
    if is_whole and rules.document is None and rules.for_each is None and rules.answers is None:
        return (_meaning(mapping, reader, document, Context(verified.webhook, document), None, None),)
    try:
        items = opened(rules, verified.webhook, document)
    except Unfit as error:
        return (Meaning(event=reader.unread(), state=EventState.UNMAPPED, reason=f"cannot map: {error}"),)
    if not items:
        return (Meaning(event=reader.unread(), state=EventState.IGNORED, reason="empty batch"),)
    shown = items if kept is None or kept.document is document else _shown(rules, verified, kept)
    if len(shown) != len(items):
        return tuple([_hidden(reader, item) for item in items])
    return tuple([_meaning(mapping, reader, *item, public) for item, public in zip(items, shown, strict=True)])


def _shown(rules: EventRules, verified: Verified, kept: Kept) -> list[Item]:
    """The items as they are without what is not to be kept."""
    try:
        return opened(rules, verified.webhook, kept.document)
    except Unfit:
        return []


def _hidden(reader: EventReader, item: Item) -> Meaning:
    why = "cannot map: event, document or for_each depends on what is redacted"
    return Meaning(event=reader.unread(item.number), state=EventState.UNMAPPED, reason=why)


def unreadable(mapping: Mapping, verified: Verified, why: str, *, hide: Hide | None = None) -> Meaning:
    """What a proven webhook without a readable document means: kept, with the reason."""
    kept = kept_unread(mapping.redact, verified.webhook.body, hide)
    return Meaning(event=EventReader(mapping, verified, kept).unread(), state=EventState.UNMAPPED, reason=why)


def handshake(mapping: Mapping, verified: Verified, document: Json, *, hide: Hide | None = None) -> Meaning:
    """What a proven challenge of the sender means: no rule is asked, because it is no event of theirs."""
    kept = kept_of(mapping.redact, verified.webhook.body, document, hide)
    event = EventReader(mapping, verified, kept).unread()
    return Meaning(event=event, state=EventState.IGNORED, reason="handshake")


class _Tally:
    """What the rules came to, so far."""

    __slots__ = ("conversions", "failures", "reversals", "skipped", "steps")

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps
        self.conversions: list[Conversion] = []
        self.reversals: list[Reversal] = []
        self.failures: list[str] = []
        self.skipped: list[str] = []

    def add(self, rule: Rule, result: Result) -> None:
        """Take in what became of a rule that matched."""
        match result:
            case Made(conversion, note):
                self.conversions.append(conversion)
                self.steps.append(Step(rule=rule.name, result="matched", why=note))
            case Noted(reversal, note):
                self.reversals.append(reversal)
                self.steps.append(Step(rule=rule.name, result="matched", why=note))
            case Skipped(why):
                self.skipped.append(why)
                self.steps.append(Step(rule=rule.name, result="skipped", why=why))
            case Failed(reasons):
                self.fail(rule, *reasons)

    def fail(self, rule: Rule, *reasons: str) -> None:
        """Note why a rule cannot be applied."""
        self.failures += reasons
        self.steps += [Step(rule=rule.name, result="failed", why=why) for why in reasons]


def _meaning(
    mapping: Mapping, reader: EventReader, document: Json, context: Context, item: int | None, shown: Item | None
) -> Meaning:
    reading = reader.read(document, context, item, shown)
    event, steps = reading.event, reading.steps
    if reading.failures:
        steps += [Step(rule=STAGE, result="failed", why=why) for why in reading.failures]
        return _result(event, EventState.UNMAPPED, _cannot(reading.failures, item), steps)
    if event.test and not mapping.send_test:
        return _result(event, EventState.IGNORED, "test mode", steps)
    tally = _Tally(steps)
    rules = mapping.rules_by_type.get(event.type or "", mapping.rules_of_any_type)
    for rule in rules:
        if _try(rule, document, context, event, tally) and rule.stop:
            break
    return _judged(event, tally, item)


def _judged(event: Event, tally: _Tally, item: int | None) -> Meaning:
    if tally.failures:
        return _result(event, EventState.UNMAPPED, _cannot(tally.failures, item), tally.steps, tally)
    if tally.conversions:
        return _result(event, EventState.ACCEPTED, "", tally.steps, tally)
    if tally.reversals:
        return _result(event, EventState.IGNORED, tally.reversals[0].kind, tally.steps, tally)
    return _result(event, EventState.IGNORED, tally.skipped[0] if tally.skipped else "no rule", tally.steps)


def _result(event: Event, state: EventState, why: str, steps: list[Step], tally: _Tally | None = None) -> Meaning:
    if len(steps) > MOST_STEPS:
        rest = Step(rule=STAGE, result="note", why=f"and {len(steps) - MOST_STEPS} more steps")
        steps = [*steps[:MOST_STEPS], rest]
    if tally is None:
        return Meaning(event=event, state=state, reason=why, steps=tuple(steps))
    return Meaning(
        event=event,
        state=state,
        reason=why,
        conversions=tuple(tally.conversions),
        reversals=tuple(tally.reversals),
        steps=tuple(steps),
    )


def _cannot(failures: list[str], item: int | None) -> str:
    """The first failure, with its item in a batch."""
    where = "" if item is None else f"item {item}, "
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return f"cannot map: {where}{failures[0]}{more}"


def _try(rule: Rule, document: Json, context: Context, event: Event, tally: _Tally) -> bool:
    """Try one rule; whether it matched."""
    if rule.for_each is None:
        return _try_item(rule, document, context, event, 0, tally)
    try:
        items = listed(value_of(rule.for_each, document, context), or_nothing=True)
    except Unfit as error:
        tally.fail(rule, reason(f"rule '{rule.name}', ", "for_each", rule.for_each, str(error)))
        return False
    if not items:
        tally.steps.append(Step(rule=rule.name, result="skipped", why="for_each gives nothing"))
    matched = [_try_item(rule, item, context, event, number, tally) for number, item in enumerate(items)]
    return any(matched)


def _try_item(rule: Rule, document: Json, context: Context, event: Event, item: int, tally: _Tally) -> bool:
    if rule.when is not None:
        try:
            if is_false(value_of(rule.when, document, context)):
                tally.steps.append(_unmet(rule.name))
                return False
        except Unfit as error:
            tally.fail(rule, reason(place(rule, item), "when", rule.when, str(error)))
            return False
    tally.add(rule, convert(rule, document, context, event, item))
    return True


@lru_cache(maxsize=1024)  # the same few for every webhook
def _unmet(rule: str) -> Step:
    return Step(rule=rule, result="skipped", why="when is not met")
