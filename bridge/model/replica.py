"""A serve as the others on its database see it: what it is, what it works by, and when it was last heard of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """What one serve says of itself. No secret is in it, and nothing by which one could be guessed."""

    #: drawn anew at every start
    id: str
    host: str
    version: str
    #: by source: what two replicas must have in common to treat its webhooks alike
    sources: Mapping[str, str] = field(default_factory=dict)
    #: by variable: what two replicas must have in common; of a secret only a digest too short to find it by
    settings: Mapping[str, str] = field(default_factory=dict)
    #: what it would do for all
    duties: frozenset[str] = frozenset()
    #: why it sends nothing ("no token", "dry run"); empty when it does
    idle: str = ""

    @property
    def name(self) -> str:
        """How people tell it from the others."""
        return f"{self.host}/{self.id[:4]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A replica, and when it was heard of, by the database's clock where that has one."""

    replica: Replica
    started_at: datetime
    seen_at: datetime
    #: heard of a moment ago; else it is frozen, cut off or dead
    is_live: bool
