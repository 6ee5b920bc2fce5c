"""What a question to a sender's API begins with, and what may be learnt by it. Frozen values; `learn` uses them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What a question about a delivery begins with."""

    delivery_id: int
    #: the sender's sub-account
    account: str | None
    #: the event's body as it is kept
    body: bytes
    #: the delivery's claims
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What the sender said about a delivery."""

    delivery_id: int
    #: claims besides its own
    names: tuple[str, ...] = ()
    #: used where it has none
    click_id: str | None = None
    #: what to know about the delivery from now on, for people
    notes: tuple[str, ...] = ()
    #: nothing that was asked for was refused
    is_whole: bool = True


#: It may be sent; another one stands for it; or it is not what it was when somebody asked, and nothing was changed.
Learnt: TypeAlias = Literal["due", "duplicate", "too late"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlinked:
    """Money that went back, about whose sale its sender is to be asked."""

    reversal_id: int
    event_id: int
    source: str
    #: the sender's sub-account
    account: str
    #: the claims that its sale may hold
    sale: tuple[str, ...]
    #: somebody holds one of them: there is nothing to ask
    is_known: bool
    #: how often that failed
    tries: int
    #: when its event came
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What the sender said about one."""

    reversal_id: int
    event_id: int
    #: more claims that its sale may hold
    names: tuple[str, ...] = ()
    #: what came of it, for people
    note: str = ""
    #: None: there is nothing more to learn
    again_at: datetime | None = None
