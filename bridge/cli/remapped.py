"""What a remap made of an event, or would make: each conversion field by field, as `trackbridge test` shows them.

`- ` is as it was, `+ ` as today's rules have it. What was sent already is shown the same way, and left as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.cli.described import EVENT_COLOURS, brief, delivery_json
from bridge.cli.output import BOLD, DIM, GREEN, RED, YELLOW, paint, printable
from bridge.mapping import facts
from bridge.model import DeliveryState, Json, Payload, StoredEvent
from bridge.store.reports import Remap, Remapped, Remapping

_COLOURS = {
    Remap.ADDED: GREEN,
    Remap.REPLACED: GREEN,
    Remap.RENEWED: GREEN,
    Remap.WITHDRAWN: YELLOW,
    Remap.SAME: DIM,
    Remap.LEFT: YELLOW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One event that was to be remapped."""

    stored: StoredEvent
    #: None: it cannot be; `why` says why
    remapped: Remapped | None = None
    why: str = ""
    notes: Sequence[str] = ()
    #: nothing was changed: a delivery that would be new has no number yet
    is_rehearsal: bool = False

    @property
    def is_change(self) -> bool:
        """Whether anything of it became, or would become, another."""
        return self.remapped is not None and self.remapped.is_change

    @property
    def is_worth_telling(self) -> bool:
        """Whether there is more to say than that nothing differs."""
        if self.remapped is None or self.remapped.is_change:
            return True
        return any(change.what is Remap.LEFT for change in self.remapped.changes)


def told(tried: Tried) -> Iterator[str]:
    """The lines about one event."""
    event = tried.stored.event
    head = printable(f"event {tried.stored.id}: {event.type or 'without a type'} from {event.source}")
    if tried.remapped is None:
        yield f"{paint(head, BOLD)}: {paint('cannot be remapped', RED)}: {printable(tried.why)}"
        return
    yield f"{paint(head, BOLD)}, {_states(tried.remapped)}"
    yield from (paint(f"  note: {printable(note)}", DIM) for note in tried.notes)
    for change in tried.remapped.changes:
        yield from _change(change, "a new delivery" if tried.is_rehearsal else "")


def _states(remapped: Remapped) -> str:
    after = paint(remapped.after.value, EVENT_COLOURS[remapped.after])
    changed = f"{remapped.before.value} → {after}" if remapped.before is not remapped.after else f"still {after}"
    return changed + (f": {printable(remapped.reason)}" if remapped.reason else "")


def _change(change: Remapping, new: str) -> Iterator[str]:
    word = paint(f"{change.what.value:9}", _COLOURS[change.what])
    yield f"  {word} {printable(_which(change, new))}" + (f" ({printable(change.why)})" if change.why else "")
    if change.what not in (Remap.SAME, Remap.WITHDRAWN):
        yield from _fields(change.before.payload if change.before is not None else None, change.after)


def _which(change: Remapping, new: str) -> str:
    """Which delivery; `new` stands for the number of one that is made."""
    before, now = change.before, change.now
    match change.what:
        case Remap.ADDED if now is not None:
            return f"{new or f'delivery {now.id}'}: {brief(now.payload)}{_end(change)}"
        case Remap.RENEWED if before is not None and now is not None:
            return f"delivery {before.id} was dead, {new or f'delivery {now.id}'} takes its place{_end(change)}"
        case _ if before is not None:
            return f"delivery {before.id}: {brief(before.payload)}{_end(change)}"
        case _:
            return ""


def _end(change: Remapping) -> str:
    """Where it stands now, when that is not where one would expect it."""
    now = change.now
    if now is None or change.what in (Remap.LEFT, Remap.WITHDRAWN):
        return ""
    if now.state is DeliveryState.DUPLICATE:
        return f", a duplicate of delivery {now.duplicate_of}"
    return f", {now.state.value}" if now.state is not DeliveryState.PENDING else ""


def _fields(before: Payload | None, after: Payload | None) -> Iterator[str]:
    """Every field that either has, aligned."""
    was = facts(before) if before is not None else {}
    now = facts(after) if after is not None else {}
    names = [name for name in {**was, **now} if was.get(name) is not None or now.get(name) is not None]
    size = max(map(len, names), default=0)
    for name in names:
        if before is not None and after is not None and was.get(name) == now.get(name):
            yield _line(" ", f"{name:<{size}}  {was[name]}")
            continue
        if before is not None:
            yield _line("-", f"{name:<{size}}  {_value(was.get(name))}")
        if after is not None:
            yield _line("+", f"{name:<{size}}  {_value(now.get(name))}")


def _line(sign: str, text: str) -> str:
    line = f"    {sign} {printable(text)}"
    return paint(line, RED if sign == "-" else GREEN) if sign != " " else line


def _value(value: Json) -> str:
    return "nothing" if value is None else str(value)


def as_json(tried: Tried) -> dict[str, object]:
    """The same for scripts."""
    remapped = tried.remapped
    return {
        "event": tried.stored.id,
        "source": tried.stored.event.source,
        "source_id": tried.stored.event.source_id,
        "remapped": remapped is not None,
        "why": tried.why,
        "notes": list(tried.notes),
        "before": tried.stored.state.value,
        "after": remapped.after.value if remapped is not None else None,
        "reason": remapped.reason if remapped is not None else None,
        "changed": tried.is_change,
        "deliveries": [
            {
                "what": change.what.value,
                "why": change.why,
                "before": delivery_json(change.before) if change.before is not None else None,
                "after": facts(change.after) if change.after is not None else None,
                "now": _now_json(change, is_rehearsal=tried.is_rehearsal),
            }
            for change in (remapped.changes if remapped is not None else ())
        ],
    }


def _now_json(change: Remapping, *, is_rehearsal: bool) -> dict[str, object] | None:
    if change.now is None:
        return None
    is_made = change.what in (Remap.ADDED, Remap.RENEWED)
    return delivery_json(change.now) | ({"id": None} if is_made and is_rehearsal else {})
