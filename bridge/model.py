"""The frozen nouns that travel down the river: Webhook → Verified → Event → Conversion → Delivery → Outcome.

Every value is immutable and checked by whoever makes the next one. Times are aware UTC, money is an int of
minor units by ISO 4217 exponent. Nothing here does I/O.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Literal, TypeAlias

from bridge.errors import Place

Json: TypeAlias = bool | int | float | Decimal | str | list["Json"] | dict[str, "Json"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A YAML node that knows where it stands: a scalar's text, a list's items or a map's entries."""

    kind: Literal["scalar", "list", "map"]
    place: Place
    text: str = ""
    #: an unquoted, non-block scalar, as YAML 1.2 calls it
    plain: bool = False
    items: tuple["Node", ...] = ()
    entries: tuple[tuple["Node", "Node"], ...] = ()

    def get(self, key: str) -> "Node | None":
        """The value under a key of this map, or None."""
        return next((value for name, value in self.entries if name.text == key), None)

    def scalars(self) -> Iterator["Node"]:
        """Every scalar value below (keys left out), itself included, in reading order."""
        if self.kind == "scalar":
            yield self
        for item in self.items:
            yield from item.scalars()
        for _, value in self.entries:
            yield from value.scalars()


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """The raw HTTP request. Header names are lower case; bytes stay bytes until somebody proved them."""

    source: str
    method: str = "POST"
    #: as received, in order, repeated headers kept
    headers: tuple[tuple[bytes, bytes], ...] = ()
    query: bytes = b""
    #: the path segment after the source's name (`/webhooks/{source}/{token}`), still percent-encoded
    token: bytes = b""
    body: bytes
    received_at: datetime

    def header(self, name: bytes) -> list[bytes]:
        """Every value sent under this lower-case name."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A webhook whose sender is proven. Made by `sources` alone; only this can be read."""

    webhook: Webhook
    #: how it was proven: "signature 1" (the first secret), "token 2", "basic 1", "nothing (scheme none)"
    by: str
    #: lower-case header names that the proof covers; `None` when it covers the whole request (a shared token)
    signed_headers: frozenset[str] | None = frozenset()
    #: the tool's own mark of a sample (`Trackbridge-Test: 1`), honoured only here, behind the proof
    sample: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Somebody became known: what `track_lead` says."""

    event_name: str
    customer_external_id: str
    click_id: str | None = None
    customer_name: str | None = None
    customer_email: str | None = None
    customer_avatar: str | None = None
    timestamp: datetime
    #: first half of a deferred lead: the tracker stores click id → customer and waits for the follow-up
    deferred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """Money came in: what `track_sale` says. `amount` is an int of minor units by ISO 4217 exponent."""

    event_name: str
    customer_external_id: str
    invoice_id: str
    amount: int
    #: three upper-case letters
    currency: str
    click_id: str | None = None
    customer_name: str | None = None
    customer_email: str | None = None
    customer_avatar: str | None = None
    timestamp: datetime


Payload: TypeAlias = Lead | Sale


class EventState(Enum):
    """What became of an event."""

    ACCEPTED = "accepted"  # at least one conversion came of it
    IGNORED = "ignored"  # no rule wants it, it is test money, or nobody clicked
    UNMAPPED = "unmapped"  # a rule failed, or it could not be read; remap it after mending the YAML


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A verified webhook (or one item of a batch) as it will be remembered."""

    source: str
    #: unique within the source: the source's id where it is signed, else `sha256:` and the digest of the body
    key: str
    source_id: str | None = None
    type: str | None = None
    occurred_at: datetime | None = None
    received_at: datetime
    test: bool = False
    #: the sender's sub-account (Stripe Connect), part of every claim
    account: str | None = None
    #: the few headers that mappings may read; never signatures or credentials
    headers: tuple[tuple[str, str], ...] = ()
    query: str = ""
    body: bytes
    verified_by: str
    #: hash of the mapping text that decided
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of an event's explanation: what a rule (or the stage named in `rule`) did and why."""

    rule: str
    result: Literal["matched", "skipped", "failed", "note"]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """A lead or a sale that a rule makes of an event, before the store has seen it."""

    item: int
    rule: str
    payload: Payload
    #: business keys, taken together; any known one makes this a duplicate. Never empty.
    claims: tuple[str, ...]
    #: a lead without click id: it goes only where an association is known (namespace, customer)
    needs_association: bool = False
    #: namespace of the association this conversion reads and writes
    association_namespace: str = ""
    when_unsure: Literal["repeat", "hold"] = "repeat"

    @property
    def identity(self) -> str:
        """What this delivery *is*, whatever its rule is called today."""
        return self.claims[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the rules make of one event: its state, why, and the conversions."""

    event: Event
    state: EventState
    #: one line for people: "", "no rule", "test mode", "no click id", "cannot map: …"
    reason: str = ""
    conversions: tuple[Conversion, ...] = ()
    steps: tuple[Step, ...] = ()


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
    #: an earlier try ended with `sent: maybe`
    unsure: bool = False
    when_unsure: Literal["repeat", "hold"] = "repeat"
    #: times in a row this very delivery made the tracker refuse us (401, 403, …)
    refusals: int = 0
    first_refused_at: datetime | None = None
    #: when it first stepped out of its lane as `waiting`
    waiting_since: datetime | None = None
    waits: int = 0
    #: when it began to fail with nothing but failures, for lanes to step aside
    failing_since: datetime | None = None
    duplicate_of: int | None = None
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
    #: the answer is a JSON object whose `status` is false
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The tracker has it."""

    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Try again then; this try counted."""

    at: datetime
    reason: str
    #: the head of the lane lets the others pass until then
    steps_aside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not yet: out of the lane until then, or until a lead or an association of that customer arrives."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """A person must look; `reason` names the field or the limit."""

    reason: str


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


Decision: TypeAlias = Delivered | RetryAt | Wait | Dead | Pause


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
    #: 429s and 503s in a row without a usable Retry-After
    throttles: int = 0
    #: rate bucket: whole and partial requests left, and when that was true
    tokens: float = 0.0
    tokens_at: datetime | None = None
    #: hash of base URL and token; a change probes at once
    fingerprint: str = ""

    @property
    def is_paused(self) -> bool:
        """Whether deliveries are held back for all."""
        return self.paused_since is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as the store gives it back, with its internal id and fate."""

    id: int
    event: Event
    state: EventState
    reason: str
    steps: tuple[Step, ...] = ()
    deliveries: tuple[Delivery, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much of everything there is."""

    events: Mapping[EventState, int]
    deliveries: Mapping[DeliveryState, int]
    #: when the oldest pending delivery was created
    oldest_pending_at: datetime | None = None
