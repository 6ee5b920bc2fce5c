"""Claims: the business keys a conversion takes, as opaque text. Two conversions with a claim in common are one.

A claim is compact JSON of its kind, whose names they are, the sender's sub-account and the name, so that no name
can be made to look like another's.
"""

from json.encoder import encode_basestring_ascii as _text

from bridge.mapping.rules import Rule
from bridge.model import Event


def named(rule: Rule, event: Event, event_name: str, names: list[str]) -> tuple[str, ...]:
    """One claim for each name: of a sale, or of a lead called `event_name`."""
    kind = "sale" if rule.track == "sale" else f"lead:{event_name}"
    prefix = f"[{_text(kind)},{_text(rule.namespace)},{_text(event.account or '')},"
    return tuple([f"{prefix}{_text(name)}]" for name in dict.fromkeys(names)])


def once_per_event(event: Event, item: int, event_name: str) -> tuple[str, ...]:
    """A lead's claim that has no business name: this event, this item."""
    return (f'["event",{_text(event.source)},{_text(event.key)},{item},{_text(event_name)}]',)
