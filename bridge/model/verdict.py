"""What a try leads to, for the delivery and for everybody: decisions and the tracker's row.

Every decision has a `word`, by which attempts, metrics and logs call it, and a `reason` for people.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The tracker has it."""

    flags: tuple[str, ...] = ()

    word: ClassVar[str] = "delivered"

    @property
    def reason(self) -> str:
        """What to know about it, for people."""
        return ", ".join(self.flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Try again then; this try counted."""

    at: datetime
    reason: str
    #: the head of the lane lets the others pass until then
    steps_aside: bool = False

    word: ClassVar[str] = "retry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not yet: out of the lane until then, or until a lead or an association of that customer arrives."""

    until: datetime
    reason: str

    word: ClassVar[str] = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """A person must look; `reason` names the field or the limit."""

    reason: str
    #: False for an end that is nobody's fault and wakes nobody
    alarms: bool = True

    word: ClassVar[str] = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """The tracker refuses us as a whole; the delivery goes back to its lane and the try is not counted.

    `until` is the end the tracker named; None means that probes find the end.
    """

    reason: str
    until: datetime | None = None
    #: an outage: the try did count
    counted: bool = False
    #: when this delivery may go again at the earliest, were the pause lifted
    retry_at: datetime | None = None
    #: what this try itself came to, where the pause has another reason
    said: str = ""

    word: ClassVar[str] = "pause"

    @property
    def own(self) -> str:
        """What to say of this try."""
        return self.said or self.reason


Decision: TypeAlias = Delivered | RetryAt | Wait | Dead | Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracker:
    """What all replicas know of the tracker: its pause, its health, the rate bucket."""

    #: None: not paused. The reason is for people.
    paused_since: datetime | None = None
    pause_reason: str = ""
    #: the end the tracker named; None while paused means that probes find the end
    paused_until: datetime | None = None
    #: an operator paused it: no probes, no end
    paused_by_operator: bool = False
    probe_at: datetime | None = None
    probes: int = 0
    #: the lane of the last probe or refusal, so that the next probe is somebody else's
    probed_lane: str = ""
    #: seconds spent paused in all pauses that have ended: budgets stand still meanwhile
    paused_seconds: float = 0.0
    #: one request at a time until the first 2xx, 409 or 422
    cautious: bool = True
    #: failures in a row without a 2xx between, and the lanes they were of (five at most)
    failures: int = 0
    failing_lanes: tuple[str, ...] = ()
    #: a 2xx has come from this base URL with this token
    proven: bool = False
    #: lanes of JSON 404s before any 2xx (five at most)
    not_found_lanes: tuple[str, ...] = ()
    last_success_at: datetime | None = None
    #: hash of base URL and token by which that was; empty: not known
    success_line: str = ""
    #: 429s and 503s in a row without a usable Retry-After
    throttles: int = 0
    #: rate bucket: whole and partial requests left, and when that was true
    tokens: float = 0.0
    tokens_at: datetime | None = None
    #: the rate that the last replica to start was told: `rate_n` requests per so many seconds; 0: no limit
    rate_n: int | None = None
    rate_seconds: float = 60.0
    #: hash of base URL and token; a change probes at once
    fingerprint: str = ""

    @property
    def is_paused(self) -> bool:
        """Whether deliveries are held back for all."""
        return self.paused_since is not None
