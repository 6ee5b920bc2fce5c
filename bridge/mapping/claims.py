"""Claims: the business keys a conversion takes, as opaque text. Two conversions with a claim in common are one.

A claim is compact JSON of its kind, whose names they are, the sender's sub-account and the name, so that no name
can be made to look like another's.
"""

import json
from dataclasses import replace
from json.encoder import encode_basestring_ascii as _text
from typing import TypeVar

from bridge.mapping.rules import Rule
from bridge.model import Conversion, Event, Meaning, Reversal

_Keyed = TypeVar("_Keyed", Conversion, Reversal)


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


def under_key(meaning: Meaning, key: str) -> Meaning:
    """The same meaning of an event that is remembered under this key, whatever key is read of it today."""
    event = meaning.event
    if event.key == key:
        return meaning
    kept = replace(event, key=key)
    return replace(
        meaning,
        event=kept,
        conversions=tuple([_rekeyed(one, event, kept) for one in meaning.conversions]),
        reversals=tuple([_rekeyed(one, event, kept) for one in meaning.reversals]),
    )


def _rekeyed(one: _Keyed, event: Event, kept: Event) -> _Keyed:
    """The same under the new key, where the event's key is its claim."""
    what = str(json.loads(one.claims[0])[-1])
    if one.claims != once_per_event(event, one.item, what):
        return one
    return replace(one, claims=once_per_event(kept, one.item, what))
