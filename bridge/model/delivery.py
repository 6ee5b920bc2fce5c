"""A conversion on its way: the delivery, its tries, and what each try came to."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Literal

from bridge.model.meaning import Payload


class DeliveryState(Enum):
    """Where a delivery is on its way."""

    PENDING = "pending"  # due now or at due_at, in its lane
    WAITING = "waiting"  # not yet: stepped out of its lane until something arrives
    SENDING = "sending"  # leased by a worker
    DELIVERED = "delivered"  # the tracker has it
    DEAD = "dead"  # a person must look
    DUPLICATE = "duplicate"  # another delivery holds its claim
    DISMISSED = "dismissed"  # the operator gave it up
    DRY_RUN = "dry_run"  # recorded while TRACKBRIDGE_DRY_RUN was on, never sent

    @property
    def is_open(self) -> bool:
        """Whether it may still be sent without anybody's help."""
        return self in (DeliveryState.PENDING, DeliveryState.WAITING, DeliveryState.SENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One conversion on its way to the tracker."""

    id: int
    event_id: int
    source: str
    rule: str
    #: the customer_external_id as sent: one customer's deliveries go in order
    lane: str
    payload: Payload
    state: DeliveryState
    due_at: datetime
    created_at: datetime
    #: HTTP tries that count against the budget
    attempts: int = 0
    #: every HTTP try, pauses and probes included
    tries: int = 0
    #: seconds of budget spent: time since the first attempt, pauses taken out
    age_seconds: float = 0.0
    #: an earlier try left it open whether the tracker has it (`Outcome.leaves_open`)
    unsure: bool = False
    when_unsure: Literal["repeat", "hold"] = "repeat"
    #: times in a row this very delivery made the tracker refuse us (401, 403, …), others having passed in between
    refusals: int = 0
    last_refused_at: datetime | None = None
    #: when it first stepped out of its lane as `waiting`, by the clock that stands still while paused
    waiting_since: datetime | None = None
    waits: int = 0
    #: when it began to fail with nothing but failures, by that same clock: for lanes to step aside
    failing_since: datetime | None = None
    duplicate_of: int | None = None
    #: it waits for a click id, until then at most; not to be confused with waiting for the tracker
    click_by: datetime | None = None
    #: the event whose click id it took; None: its click id is its own, or it has none
    filled_from: int | None = None
    #: when its sender's API was first asked about it, and whether that is over
    asked_at: datetime | None = None
    is_looked_up: bool = False
    #: what to know about its end: "already there", "status false", "amount differs", …
    flags: tuple[str, ...] = ()
    #: why it is where it is, for people
    reason: str = ""


class Sent(Enum):
    """Whether the tracker may have seen a try."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one HTTP try came to. It decides nothing."""

    sent: Sent
    started_at: datetime
    duration_ms: float
    #: None when there was no answer
    status: int | None = None
    #: the answer's text, cut at 2 KiB
    text: str = ""
    #: the answer is JSON / an HTML page
    is_json: bool = False
    is_html: bool = False
    #: the answer is a JSON object whose `status` or `success` is false
    says_false: bool = False
    #: what the answer says went wrong, in one line; empty when it does not say
    message: str = ""
    #: seconds asked for by Retry-After, against the answer's own Date; None when absent, past or unreadable
    retry_after_seconds: float | None = None
    #: without an answer: one word such as `timeout`, `refused`, `reset`, `tls`, `dns`, `unreadable`
    error: str = ""

    @property
    def succeeded(self) -> bool:
        """Any 2xx."""
        return self.status is not None and 200 <= self.status <= 299

    @property
    def leaves_open(self) -> bool:
        """Whether nobody can say if the tracker has it now: no answer to what was sent, or one of a failure within.

        503 is a plea for patience, and 501 a no.
        """
        failed = self.status is not None and self.status >= 500 and self.status not in (501, 503)
        return failed or self.sent is Sent.MAYBE


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One HTTP try as it is kept; never changed afterwards."""

    number: int
    started_at: datetime
    duration_ms: float
    sent: Sent
    status: int | None
    #: delivered | retry | wait | dead | pause | interrupted
    verdict: str
    reason: str
    #: the answer's text, bounded
    answer: str
    counted: bool
