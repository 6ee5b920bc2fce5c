"""Which of a document's values is the amount, the customer's id and so on: by the words of its name and its shape.

Every value gets points for each role; the one with most is the choice, the next ones are what else was seen.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bridge.drafts import shapes
from bridge.drafts.leaves import Leaf
from bridge.model import Json

#: Of what else was seen, how many are named.
_MOST_OTHERS = 3
#: Fewer points are no guess but a coincidence.
_LEAST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An expression for one role, what it gives on the sample, and what else could have been meant."""

    expression: str
    value: Json = None
    #: what a person should know about it
    note: str = ""
    others: tuple[tuple[str, Json], ...] = ()
    #: what it was made of, where it is one value of the document
    leaf: Leaf | None = None
    points: int = 0


_TIMES = {
    "occurred": 100,
    "submitted": 92,
    "created": 90,
    "create": 88,
    "timestamp": 88,
    "completed": 84,
    "paid": 84,
    "time": 70,
    "sent": 70,
    "sale": 66,
    "date": 60,
    "triggered": 84,
    "fired": 84,
    "settled": 78,
    "happened": 92,
    "emitted": 80,
    "dispatched": 70,
    "published": 66,
    "raised": 66,
    "placed": 80,
    "received": 60,
    "updated": 45,
}
_OTHER_TIMES = frozenset(
    (*("start", "starts", "end", "ends", "expires", "expiry", "due", "scheduled", "birth", "until", "next", "trial"),
     *("cancelled", "canceled", "deleted", "paused", "modified", "renews", "period"))
)  # fmt: skip
_TYPE_KEYS = {
    ("event", "type"): 100,
    ("event",): 96,
    ("trigger", "event"): 96,
    ("event", "name"): 94,
    ("webhook", "event"): 94,
    ("hook", "event"): 94,
    ("message", "type"): 84,
    ("alert", "name"): 92,
    ("topic",): 92,
    ("trigger", "type"): 92,
    ("notification", "type"): 90,
    ("webhook", "type"): 90,
    ("subscription", "type"): 90,
    ("resource", "name"): 80,
    ("type",): 86,
    ("kind",): 70,
    ("action",): 66,
    ("activity",): 60,
}


def best(
    found: Iterable[Leaf], points: Callable[[Leaf], int], *, least: int = _LEAST, others: bool = True
) -> Choice | None:
    """The value with most points, the first of several with as many."""
    ranked = sorted(((points(leaf), -number, leaf) for number, leaf in enumerate(found)), key=lambda one: one[:2])
    ranked = [one for one in reversed(ranked) if one[0] >= least]
    if not ranked:
        return None
    top, _, leaf = ranked[0]
    seen = tuple((other.path, other.value) for _, _, other in ranked[1 : _MOST_OTHERS + 1] if others)
    return Choice(expression=leaf.path, value=leaf.value, others=seen, leaf=leaf, points=top)


def event_type(found: Sequence[Leaf]) -> Choice | None:
    """Where the event's type stands."""

    def points(leaf: Leaf) -> int:
        known = next((points for words, points in _TYPE_KEYS.items() if leaf.words == frozenset(words)), 0)
        if not known or leaf.is_listed or leaf.is_pair or not shapes.is_word(leaf.value) or leaf.depth > 1:
            return 0
        return known - (0 if "meta" in leaf.parent else 20 * leaf.depth)

    return best(found, points, least=55)


def event_id(found: Sequence[Leaf], *, has_type: bool) -> Choice | None:
    """Where the event's own id stands; the id of what it is about would swallow later news of the same thing."""

    def points(leaf: Leaf) -> int:
        if not shapes.is_id(leaf.value) or leaf.is_listed or leaf.is_pair:
            return 0
        if leaf.words & {"id", "guid", "uuid"} and leaf.words & {"event", "evt", "delivery", "notification", "message"}:
            return 100 - 10 * leaf.depth - (30 if leaf.words & {"type", "name"} else 0)
        if "id" in leaf.words and leaf.words & {"submission", "response", "entry"}:
            return 70 - 5 * leaf.depth
        return 90 if leaf.key == "id" and leaf.depth == 0 and has_type else 0

    return best(found, points)


def occurred_at(found: Sequence[Leaf]) -> Choice | None:
    """When it happened."""

    def points(leaf: Leaf) -> int:
        if not shapes.is_moment(leaf.value) or leaf.is_listed or leaf.words & _OTHER_TIMES:
            return 0
        known = max((_TIMES[word] for word in leaf.words if word in _TIMES), default=0)
        return known - 8 * leaf.depth + (4 if "gmt" in leaf.words or "utc" in leaf.words else 0)

    return best(found, points)
