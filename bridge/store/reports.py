"""What the store tells operators beyond events and deliveries: one event's story, news for followers, each source's
activity, what a remap and a forget came to, what a backup leaves open. Frozen values; the verbs that give them are in
`base`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from bridge.model import Attempt, Delivery, EventState, Payload, StoredEvent, Tracker


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A business key a delivery answers for, and who holds it now."""

    name: str
    #: None: nobody
    holder: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """Another delivery of the same business key."""

    delivery_id: int
    event_id: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where a delivery stands among those of its customer."""

    #: the one at the front, behind which it stands; None: it stands behind nobody
    front: int | None = None
    #: how many cannot go before it did: those behind it in its lane, or the duplicates that a dead one keeps
    behind: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything about one delivery that its own row does not say."""

    attempts: tuple[Attempt, ...] = ()
    claims: tuple[Claim, ...] = ()
    #: whose duplicate it is
    original: Twin | None = None
    #: its own duplicates, oldest first
    duplicates: tuple[Twin, ...] = ()
    #: the delivery at the front of its lane, and how many stand before this one; for a pending one that is behind
    front: int | None = None
    ahead: int = 0
    #: how many cannot go before it did
    behind: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One event with everything known about it, as of one moment."""

    stored: StoredEvent
    #: by delivery
    told: Mapping[int, Told]
    #: the events of the same webhook by item, when it brought several
    items: tuple[tuple[int, int], ...] = ()
    #: retention or forget took its body, headers and explanation
    is_forgotten: bool = False
    tracker: Tracker = field(default_factory=Tracker)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far somebody has followed."""

    event: int = 0
    change: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A delivery as it is after something happened to it, and its last try."""

    delivery: Delivery
    last: Attempt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is new since a cursor, oldest first, without bodies."""

    events: tuple[StoredEvent, ...] = ()
    changes: tuple[Change, ...] = ()
    cursor: Cursor = field(default_factory=Cursor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What came from one source lately."""

    last_id: int
    last_type: str | None
    last_at: datetime
    last_state: EventState
    #: events by state
    day: Mapping[EventState, int]
    week: Mapping[EventState, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What an operator's verb did to one delivery."""

    delivery_id: int
    done: bool
    #: why not, or what became of it
    why: str = ""


class Remap(Enum):
    """What a remap did to one delivery, or would do."""

    ADDED = "added"  # a new delivery: nothing came of it before
    REPLACED = "replaced"  # never attempted: it is now what today's rules make of it
    RENEWED = "renewed"  # dead: a new delivery has taken its place
    WITHDRAWN = "withdrawn"  # never attempted, and no rule makes it any more
    SAME = "same"  # nothing differs
    LEFT = "left"  # attempted, delivered or given up: only shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Remapping:
    """One delivery or conversion of a remapped event."""

    what: Remap
    #: the delivery as it was; None for one that was added
    before: Delivery | None = None
    #: what today's rules make of it; None when they make nothing
    after: Payload | None = None
    #: the delivery that now stands for it
    now: Delivery | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remapped:
    """What a remap made of one event, or would make."""

    event_id: int
    before: EventState
    after: EventState
    reason: str = ""
    changes: tuple[Remapping, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether anything of it is another than before."""
        quiet = (Remap.SAME, Remap.LEFT)
        return self.before is not self.after or any(change.what not in quiet for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """How many deliveries of a kind stand in a state as unsent, and since when."""

    kind: str
    state: str
    count: int
    oldest_at: datetime
    newest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restored database does not know, and what became of it."""

    #: the newest thing that it knows; None: it knows nothing
    as_of: datetime | None
    #: when the backup was taken, where it says so
    backup_at: datetime | None
    questions: tuple[Question, ...]
    #: dead letters that were there before
    dead: int
    #: will be sent again under their invoice ids, flagged
    repeated: int = 0
    #: leads that will be sent again, because a person said so
    leads: int = 0
    #: dead letters now, for a person to look at
    held: int = 0
