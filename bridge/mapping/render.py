"""An Explanation as text for a terminal: aligned, and readable aloud."""

from collections.abc import Callable

from bridge.mapping.compare import shown
from bridge.mapping.explain import EventTrace, Explanation, ExpressionTrace, RuleTrace
from bridge.mapping.standard import written
from bridge.mapping.times import iso
from bridge.mapping.values import cleaned
from bridge.model import Conversion, EventState, Meaning

_BOLD, _DIM, _RED, _GREEN, _YELLOW = "1", "2", "31", "32", "33"

_RESULTS = {"matched": _GREEN, "failed": _RED, "skipped": _YELLOW, "not tried": _DIM}
_STATES = {EventState.ACCEPTED: _GREEN, EventState.IGNORED: _YELLOW, EventState.UNMAPPED: _RED}

#: A longer value is cut: this is to see what came of it, not to read it.
_MOST_VALUE = 72
_NAME_WIDTH = 22
_VALUE_WIDTH = 28


def render(explanation: Explanation, colour: bool) -> str:  # noqa: FBT001  the one thing that varies
    """The whole explanation; every line ends without spaces."""
    paint = _painted if colour else _plain
    blocks = [_Page(paint).event(explanation, trace) for trace in explanation.events]
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks) + "\n"


class _Page:
    """The lines of one event, painted or not."""

    def __init__(self, paint: Callable[[str, str], str]) -> None:
        self._paint = paint

    def event(self, explanation: Explanation, trace: EventTrace) -> list[str]:
        """Everything about one event."""
        event = trace.meaning.event
        facts = [event.source_id or event.key, event.type or "", iso(event.occurred_at) if event.occurred_at else ""]
        head = f"{explanation.source}: " + ", ".join(fact for fact in facts if fact)
        lines = [self._paint(head, _BOLD), *self._outcome(trace.meaning)]
        if trace.as_live is not None:
            lines += ["  were it live:", *[f"  {line}" for line in self._outcome(trace.as_live)]]
        lines += [f"  note: {step.why}" for step in trace.meaning.steps if step.result == "note"]
        lines += ["", self._paint("event", _BOLD), *map(self._expression, trace.expressions)]
        for rule in trace.rules:
            lines += ["", *self._rule(rule)]
        return lines

    def _outcome(self, meaning: Meaning) -> list[str]:
        state = meaning.state.value + (f": {meaning.reason}" if meaning.reason else "")
        return [f"  {self._paint(state, _STATES[meaning.state])}", *map(self._conversion, meaning.conversions)]

    def _conversion(self, conversion: Conversion) -> str:
        payload = conversion.payload
        click = f"click {payload.click_id}" if payload.click_id else "no click id"
        if conversion.needs_association:
            click += " (sent only where an earlier one of the customer is known)"
        parts = [shown(conversion), f"customer {payload.customer_external_id}", click]
        return "    " + ", ".join(parts)

    def _rule(self, trace: RuleTrace) -> list[str]:
        result = trace.result + (f": {trace.why}" if trace.why else "")
        head = (
            f"{self._paint(f'rule {trace.name} ({trace.track})', _BOLD)}  {self._paint(result, _RESULTS[trace.result])}"
        )
        return [head, *map(self._expression, trace.expressions)] if trace.result != "not tried" else [head]

    def _expression(self, trace: ExpressionTrace) -> str:
        value = self._paint(f"failed: {trace.error}", _RED) if trace.error else _value(trace)
        return f"  {trace.name:<{_NAME_WIDTH}}{value:<{_VALUE_WIDTH}}  {self._paint(f'← {trace.text}', _DIM)}"


def _value(trace: ExpressionTrace) -> str:
    text = cleaned(written(trace.value))
    return text if len(text) <= _MOST_VALUE else text[: _MOST_VALUE - 1] + "…"


def _plain(text: str, _colour: str) -> str:
    return text


def _painted(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"
