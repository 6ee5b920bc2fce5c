"""What narrows a list down, as it is typed on a page: the same filters as on the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, TypeVar

from bridge.model import DeliveryState, EventState
from bridge.store.wanted import DeliveryFilter, EventFilter, Page
from bridge.web.admin.asking import Ask, NotAForm, number
from bridge.wording import texts

#: Rows of one page.
ROWS: Final = 50

E = TypeVar("E", bound=Enum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The filter's fields as they were typed, for the form and for the addresses of further pages."""

    source: str = ""
    state: str = ""
    since: str = ""
    until: str = ""
    customer: str = ""
    reason: str = ""
    text: str = ""
    before: str = ""

    @property
    def query(self) -> dict[str, str]:
        """All of it but the page."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "before"}

    @property
    def is_narrowed(self) -> bool:
        """Whether anything was typed."""
        return any(self.query.values())


def typed(ask: Ask) -> Typed:
    """The fields of the address or of the form."""
    return Typed(**{name: ask.text(name) for name in Typed.__slots__})


def event_filter(given: Typed, now: datetime) -> EventFilter:
    """The events that are meant. Raises NotAForm."""
    return EventFilter(
        source=given.source or None,
        state=_state(EventState, given.state),
        since=_moment("since", given.since, now),
        until=_moment("until", given.until, now),
        customer=given.customer or None,
        grep=given.text or None,
        before=number(given.before) if given.before else None,
        bodies=False,
        limit=ROWS,
    )


def delivery_filter(given: Typed, now: datetime, *, limit: int = ROWS) -> DeliveryFilter:
    """The deliveries that are meant; the dead unless another state is said. Raises NotAForm."""
    state = None if given.state == "any" else _state(DeliveryState, given.state or DeliveryState.DEAD.value)
    return DeliveryFilter(
        states=(state,) if state else (),
        source=given.source or None,
        since=_moment("since", given.since, now),
        until=_moment("until", given.until, now),
        customer=given.customer or None,
        reason=given.reason or None,
        grep=given.text or None,
        before=number(given.before) if given.before else None,
        limit=limit,
    )


def older(page: Page[object], last: int | None) -> int | None:
    """Where the page after this one begins; None when this is the last."""
    if last is not None and page.total > len(page.rows):
        return last
    return page.searched_to


def counted(page: Page[object], shown: Sequence[object]) -> str:
    """How many of how many are shown."""
    total = f"more than {page.total:,}" if page.is_more else f"{page.total:,}"
    line = f"{len(shown):,} of {total}, newest first"
    return line + (f"; searched down to {page.searched_to}" if page.searched_to is not None else "")


def _state(states: type[E], text: str) -> E | None:
    try:
        return states(text) if text else None
    except ValueError:
        raise NotAForm(f"a state was expected: {', '.join(str(state.value) for state in states)}") from None


def _moment(name: str, text: str, now: datetime) -> datetime | None:
    try:
        return texts.moment(text, now) if text else None
    except (ValueError, OverflowError):
        raise NotAForm(f"“{name}” is 30m, 12h, 7d or a time such as 2026-11-21T09:00, in UTC") from None
