"""What it means: an event, the leads and sales that rules make of it, and the money that it says went back."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal, TypeAlias


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

#: By what an earlier click is found: the customer's id, or the e-mail address across all sources.
FillFrom: TypeAlias = Literal["customer", "email"]


class EventState(Enum):
    """What became of an event."""

    ACCEPTED = "accepted"  # at least one conversion came of it
    IGNORED = "ignored"  # no rule wants it, it is test money, nobody clicked, or money went back
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
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    query: str = field(default="", repr=False)
    #: shared by all events of one webhook; kept once, however many there are
    body: bytes = field(repr=False)
    #: which item of its webhook's batch it is, counted from 0; None for a webhook that is one event
    item: int | None = None
    verified_by: str
    #: hash of the mapping text that decided
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of an event's explanation: what a rule (or the stage named in `rule`) did and why."""

    rule: str
    result: Literal["matched", "skipped", "failed", "note", "not tried"]
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
    #: where a sale without click id may take one from, in this order
    fill: tuple[FillFrom, ...] = ("customer",)
    #: how long it waits for a click id when it has none and none is known; None: not at all
    wait: timedelta | None = None
    when_unsure: Literal["repeat", "hold"] = "repeat"

    @property
    def identity(self) -> str:
        """What this delivery *is*, whatever its rule is called today."""
        return self.claims[0]

    @property
    def needs_click(self) -> bool:
        """Whether it goes only if somebody's click is found: as far as is known here, it does not go."""
        return self.needs_association or (
            self.wait is not None and self.payload.click_id is None and isinstance(self.payload, Lead)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """Money went back: a refund or a dispute of a sale. It is remembered and shown, never sent."""

    item: int
    rule: str
    kind: Literal["refund", "dispute"]
    #: the names under which the sale may have come, as its sender writes them
    of: tuple[str, ...]
    #: the claims that the sale takes under these names, or took, or will take. Never empty.
    sale: tuple[str, ...]
    #: what it is counted once by: of those that share one, the largest amount counts. Never empty.
    claims: tuple[str, ...]
    #: minor units by ISO 4217 exponent
    amount: int
    currency: str
    timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the rules make of one event: its state, why, the conversions, and what went back."""

    event: Event
    state: EventState
    #: one line for people: "", "no rule", "test mode", "no click id", "cannot map: …"
    reason: str = ""
    conversions: tuple[Conversion, ...] = ()
    reversals: tuple[Reversal, ...] = ()
    steps: tuple[Step, ...] = ()
