"""An Explanation as text for a terminal: aligned, and readable aloud."""

from collections.abc import Callable, Iterator

from bridge.mapping.attribution import written
from bridge.mapping.facts import shown
from bridge.mapping.parts import Part, brief
from bridge.mapping.times import iso
from bridge.mapping.traces import EventTrace, Explanation, ExpressionTrace, RuleTrace, Sent
from bridge.mapping.values import cleaned
from bridge.model import Conversion, Event, EventState, Meaning

_BOLD, _DIM, _RED, _GREEN, _YELLOW = "1", "2", "31", "32", "33"

_RESULTS = {"matched": _GREEN, "failed": _RED, "skipped": _YELLOW, "not tried": _DIM}
_STATES = {EventState.ACCEPTED: _GREEN, EventState.IGNORED: _YELLOW, EventState.UNMAPPED: _RED}

_NAME_WIDTH = 22
_VALUE_WIDTH = 28
#: How wide an operand's value stands before its text.
_VERDICT_WIDTH = 7


def render(explanation: Explanation, colour: bool, sent: Sent | None = None) -> str:  # noqa: FBT001  it alone varies
    """The whole explanation, with `sent` what the tracker would be told, too; every line ends without spaces."""
    page = _Page(_painted if colour else _plain, sent)
    blocks = [page.event(explanation, trace) for trace in explanation.events]
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks) + "\n"


class _Page:
    """The lines of one event, painted or not."""

    def __init__(self, paint: Callable[[str, str], str], sent: Sent | None) -> None:
        self._paint = paint
        self._sent = sent

    def event(self, explanation: Explanation, trace: EventTrace) -> list[str]:
        """Everything about one event."""
        facts = f"{explanation.source}: " + ", ".join(_facts(trace.meaning.event))
        lines = [self._paint(facts, _BOLD), *self._outcome(trace.meaning)]
        if trace.as_live is not None:
            lines += ["  were it live:", *[f"  {line}" for line in self._outcome(trace.as_live)]]
        lines += [f"  note: {step.why}" for step in trace.meaning.steps if step.result == "note"]
        if trace.expressions:
            lines += ["", self._paint("event", _BOLD), *map(self._expression, trace.expressions)]
        for rule in trace.rules:
            lines += ["", *self._rule(rule)]
        return lines

    def _outcome(self, meaning: Meaning) -> Iterator[str]:
        state = meaning.state.value + (f": {meaning.reason}" if meaning.reason else "")
        yield f"  {self._paint(state, _STATES[meaning.state])}"
        for conversion in meaning.conversions:
            yield from self._conversion(conversion)
        for reversal in meaning.reversals:
            yield "    " + cleaned(f"{shown(reversal)} of {', '.join(reversal.of)}")

    def _conversion(self, conversion: Conversion) -> Iterator[str]:
        payload = conversion.payload
        click = f"click {payload.click_id}" if payload.click_id else f"no click id{_without(conversion)}"
        yield "    " + cleaned(", ".join([shown(payload), f"customer {payload.customer_external_id}", click]))
        if self._sent is not None:
            path, body = self._sent(payload)
            yield f"      sends  POST {path} {cleaned(body)}"
            yield from (f"      claim  {cleaned(claim)}" for claim in conversion.claims)

    def _rule(self, trace: RuleTrace) -> Iterator[str]:
        result = trace.result + (f": {trace.why}" if trace.why else "")
        title = self._paint(f"rule {trace.name} ({trace.track})", _BOLD)
        yield f"{title}  {self._paint(cleaned(result), _RESULTS[trace.result])}"
        for expression in trace.expressions if trace.result != "not tried" else ():
            yield self._expression(expression)
            if expression.name == "when":
                yield from self._parts(trace.parts)

    def _expression(self, trace: ExpressionTrace) -> str:
        told = f"failed: {trace.error}" if trace.error else brief(trace.value)
        value = self._paint(f"{told:<{_VALUE_WIDTH}}", _RED) if trace.error else f"{told:<{_VALUE_WIDTH}}"
        return f"  {trace.name:<{_NAME_WIDTH}}{value}  {self._paint(f'← {trace.text}', _DIM)}"

    def _parts(self, parts: tuple[Part, ...]) -> Iterator[str]:
        """The operands of a condition; of a single comparison, just what it looked at."""
        if len(parts) > 1:
            yield from map(self._part, parts)
        elif parts and parts[0].operands and not parts[0].error:
            yield self._paint("    " + _operands(parts[0]), _DIM)

    def _part(self, part: Part) -> str:
        verdict = "failed" if part.error else "true" if part.is_met else "false"
        colour = _GREEN if part.is_met else _RED
        told = part.error or (_operands(part) if part.is_reached else "not looked at")
        indent = "    " + "  " * part.depth
        word = self._paint(f"{verdict:<{_VERDICT_WIDTH}}", colour if part.is_reached else _DIM)
        return f"{indent}{word}{part.text}" + (f"  {self._paint(f'({told})', _DIM)}" if told else "")


def _without(conversion: Conversion) -> str:
    """What becomes of it without a click id."""
    if conversion.needs_association:
        return " (sent only where an earlier one of the customer is known)"
    if conversion.wait is None:
        return ""
    end = "it is not sent" if conversion.needs_click else "it is sent without"
    return f" (waits for one; after {written(conversion.wait)} {end})"


def _operands(part: Part) -> str:
    return ", ".join(f"{text} is {brief(value)}" for text, value in part.operands)


def _facts(event: Event) -> Iterator[str]:
    yield cleaned(event.source_id or event.key)
    if event.type:
        yield cleaned(event.type)
    if event.occurred_at:
        yield iso(event.occurred_at)
    if event.account:
        yield f"account {cleaned(event.account)}"
    if event.test:
        yield "test"


def _plain(text: str, _colour: str) -> str:
    return text


def _painted(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"
