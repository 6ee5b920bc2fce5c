"""What may happen to payments and clicks in a random story, and a small model of which click a sale may have."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from hypothesis import strategies as st

#: Half of what a customer is known by: the id here, the address across sources.
Person: TypeAlias = tuple[str, str]
HOUR, DAYS_90 = timedelta(hours=1), timedelta(days=90)


@dataclass(slots=True)
class Click:
    """When a click was first heard of, and when it first led to a sale of that person."""

    at: datetime
    paid_at: datetime | None = None


@dataclass(slots=True)
class World:
    """What is known of clicks, by person."""

    clicks: dict[Person, dict[str, Click]] = field(default_factory=dict)

    def tell(self, person: Person, click_id: str, at: datetime, paid_at: datetime | None) -> None:
        click = self.clicks.setdefault(person, {}).setdefault(click_id, Click(at))
        click.at = min(click.at, at)
        click.paid_at = min((one for one in (click.paid_at, paid_at) if one is not None), default=None)

    def best(self, person: Person, sold_at: datetime) -> set[str]:
        """The latest clicks that a sale of that time may take."""
        latest = sold_at + HOUR
        fitting = {
            click_id: click.at
            for click_id, click in self.clicks.get(person, {}).items()
            if click.at <= latest
            and (click.at >= sold_at - DAYS_90 or (click.paid_at is not None and click.paid_at <= latest))
        }
        return {click_id for click_id, at in fitting.items() if at == max(fitting.values())}


# ── what may happen ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Clicked:
    person: str
    address: str | None
    click_id: str
    moment: timedelta
    deferred: bool


@dataclass(frozen=True, slots=True)
class Paid:
    payment: str
    person: str
    address: str | None
    click_id: str | None
    moment: timedelta
    wait: timedelta | None
    fill: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """Everything that is due is tried, round after round; each try ends as the next of these words says."""

    ends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leased:
    """Whatever is due is in the air."""


@dataclass(frozen=True, slots=True)
class Crashed:
    """Dead, with whatever is in the air, and started again."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """Whatever is dead is sent again."""


Action: TypeAlias = Clicked | Paid | Sent | Leased | Crashed | Replayed | timedelta

#: When something was, seen from now: webhooks come late, and two of one payment are dated apart.
MOMENTS = st.sampled_from([timedelta(minutes=m) for m in (0, 0, 0, 0, -30, 40, 70)] + [-DAYS_90])
PEOPLE = st.sampled_from("xxy")
ADDRESSES = st.sampled_from([None, "a", "a", "b"])
PAID = st.builds(
    Paid,
    payment=st.sampled_from("1123"),
    person=PEOPLE,
    address=ADDRESSES,
    click_id=st.sampled_from([None, None, None, "c1", "c2"]),
    moment=MOMENTS,
    wait=st.sampled_from([None, None, timedelta(minutes=10)]),
    fill=st.sampled_from([("customer",), ("customer",), ("customer",), ("customer", "email"), ("email",), ()]),
)
CLICKED = st.builds(Clicked, PEOPLE, ADDRESSES, st.sampled_from(["c1", "c2", "c3"]), MOMENTS, st.booleans())
SENT = st.builds(Sent, st.lists(st.sampled_from(["dead", "retry", "wait"]), max_size=2).map(tuple))
LATER = st.sampled_from([timedelta(minutes=11), timedelta(days=95)])
STORIES = st.lists(
    st.one_of(PAID, PAID, PAID, CLICKED, SENT, LATER, st.sampled_from([Leased(), Leased(), Crashed(), Replayed()])),
    min_size=4,
    max_size=14,
)
