"""Claims: the business keys a conversion takes, as opaque text. Two conversions with a claim in common are one.

A claim is compact JSON of its kind, whose names they are, the sender's sub-account and the name, so that no name
can be made to look like another's.
"""

import json
from json.encoder import encode_basestring_ascii as _text

from bridge.mapping.rules import Rule
from bridge.model import Event


def named(kind: str, rule: Rule, event: Event, names: list[str]) -> tuple[str, ...]:
    """One claim for each name of a `sale`, a `lead:<event_name>`, a `refund` or a `dispute`."""
    prefix = f"[{_text(kind)},{_text(rule.namespace)},{_text(event.account or '')},"
    return tuple([f"{prefix}{_text(name)}]" for name in dict.fromkeys(names)])


def once_per_event(event: Event, item: int, what: str) -> tuple[str, ...]:
    """The claim of what has no business name: this event, this item; `what` is a lead's event name."""
    return (f'["event",{_text(event.source)},{_text(event.key)},{item},{_text(what)}]',)


def alike(claim: str, name: str) -> str:
    """The claim of another name of the same thing; the given one is from `named`."""
    return f"[{','.join(map(_text, [*json.loads(claim)[:-1], name]))}]"
