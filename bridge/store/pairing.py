"""Which of an event's deliveries is which of the conversions that today's rules make of it.

By business key first: that is what a delivery is. Where the mending changed the key itself, what is nearest is taken
for the same, so that one thing that was delivered is not sent a second time under another key.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Final, TypeAlias

from bridge.store.database import Row
from bridge.store.decoding import readable_payload_of, texts_of
from bridge.store.encoding import EncodedConversion

Pairs: TypeAlias = dict[int, Row]

#: Later among those that could be meant: a dead letter may have a successor, and so may what was dismissed.
_GIVEN_UP: Final = {"dead": 1, "dismissed": 2, "dry_run": 2}
#: What a row, or a conversion, is known by at one level of likeness; nothing: it is not to be paired at this level.
_Marks: TypeAlias = Sequence[Hashable]


def pair(rows: Sequence[Row], conversions: Sequence[EncodedConversion]) -> Pairs:
    """By index of a conversion its delivery, each at most once; what lives is taken before what was given up."""
    pairs: Pairs = {}
    free = sorted(rows, key=lambda row: (_GIVEN_UP.get(row["state"], 0), row["id"]))
    for of_row, of_conversion in _LEVELS:
        marks = [(row, set(of_row(row))) for row in free]
        for number, conversion in enumerate(conversions):
            if number in pairs:
                continue
            wanted = of_conversion(conversion)
            found = next((one for one in marks if not one[1].isdisjoint(wanted)), None)
            if found is not None:
                pairs[number] = found[0]
                marks.remove(found)
                free.remove(found[0])
    return pairs


def _exact(row: Row) -> _Marks:
    return [(identity, row["lane"], row["payload"]) for identity in _identity(row)]


def _identity(row: Row) -> _Marks:
    return texts_of(row["claims"])[:1]


def _names(row: Row) -> _Marks:
    return texts_of(row["claims"])


def _name(row: Row) -> _Marks:
    payload = readable_payload_of(row["kind"], row["lane"], row["payload"])
    return [(row["kind"], row["item"], payload.event_name)] if payload is not None else []


def _item(row: Row) -> _Marks:
    return [(row["kind"], row["item"])]


def _kind(row: Row) -> _Marks:
    return [row["kind"]]


_LEVELS: tuple[tuple[Callable[[Row], _Marks], Callable[[EncodedConversion], _Marks]], ...] = (
    (_exact, lambda made: [(made.names[0], made.lane, made.payload_json)]),
    (_identity, lambda made: made.names[:1]),
    (_names, lambda made: made.names),
    (_name, lambda made: [(made.kind, made.conversion.item, made.conversion.payload.event_name)]),
    (_item, lambda made: [(made.kind, made.conversion.item)]),
    (_kind, lambda made: [made.kind]),
)
