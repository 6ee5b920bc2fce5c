"""What a question to a sender's API begins with, and what may be learnt by it. Frozen values; `learn` uses them."""

from dataclasses import dataclass
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


#: It may be sent; another one stands for it; or it is not what it was when somebody asked, and nothing was changed.
Learnt: TypeAlias = Literal["due", "duplicate", "too late"]
