"""Replay and dismiss: first what would happen, on a page that changes nothing; then, by a second form, the deed.

What was previewed is what is done: the second form names the deliveries, whatever the filter would find by then.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from bridge import logs
from bridge.model import Delivery
from bridge.store.reports import Changed
from bridge.web.admin.asking import Ask, NotAForm, address
from bridge.web.admin.desk import Desk
from bridge.web.admin.done import done
from bridge.web.admin.narrowing import delivery_filter, typed

#: So many by one form, and so many in one transaction: webhooks wait some milliseconds for each.
MOST: Final = 500
TOGETHER: Final = 50
#: So many are shown one by one.
_SHOWN: Final = 100

_log = logs.get("bridge.web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Something that can be done to deliveries."""

    name: str
    label: str
    #: what the button says, of so many
    deed: str
    would: str
    did: str
    #: where it makes sense
    states: tuple[str, ...]
    #: what must be ticked before it is done
    warning: str = ""


VERBS: Final = {
    verb.name: verb
    for verb in (
        Verb(
            name="replay",
            label="Replay",
            deed="Replay N",
            would="sent again",
            did="will be sent again",
            states=("dead", "dismissed"),
        ),
        Verb(
            name="again",
            label="Send once more",
            deed="Send N once more",
            would="sent once more",
            did="will be sent once more",
            states=("delivered",),
            warning="The tracker has been told of these. They go again under the same invoice ids, by which it can "
            "know a sale; a lead it may count twice.",
        ),
        Verb(
            name="dismiss",
            label="Dismiss",
            deed="Dismiss N",
            would="dismissed",
            did="is dismissed",
            states=("dead", "pending", "waiting", "duplicate"),
        ),
    )
}


def verbs_of(state: str) -> list[Verb]:
    """What can be done to deliveries in this state."""
    return [verb for verb in VERBS.values() if state in verb.states]


class Changes:
    """What operators do to deliveries."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def preview(self, ask: Ask) -> Response:
        """POST /admin/deliveries/preview: what would become of each; nothing changes."""
        verb = _verb(ask)
        ids, total = await self._meant(ask)
        if not ids:
            raise NotAForm("no delivery was chosen")
        changes = await self._done(verb, ids, ask, rehearse=True)
        found = {delivery.id: delivery for delivery in await self._desk.store.deliveries_by_id(ids)}
        rows: list[tuple[Changed, Delivery | None]] = [(one, found.get(one.delivery_id)) for one in changes]
        return self._desk.pages.show(
            ask,
            "preview.html",
            verb=verb,
            rows=rows[:_SHOWN],
            hidden=max(len(rows) - _SHOWN, 0),
            going=[one.delivery_id for one in changes if one.done],
            total=total,
            back=_back(ask),
        )

    async def act(self, ask: Ask) -> Response:
        """POST /admin/deliveries/change: do it, and say what was done to each."""
        verb, ids = _verb(ask), ask.numbers("id")
        if not ids or len(ids) > MOST:
            raise NotAForm(f"between 1 and {MOST} deliveries can be changed at once")
        if verb.warning and ask.text("sure") != verb.name:
            raise NotAForm("that needs the tick that says that you mean it")
        changes = await self._done(verb, ids, ask, rehearse=False)
        self._desk.wake()
        well = [one for one in changes if one.done]
        logs.event(_log, logging.INFO, "admin.changed", verb=verb.name, asked=len(ids), done=len(well))
        return done(ask, _told(verb, changes), _back(ask))

    async def _meant(self, ask: Ask) -> tuple[list[int], int]:
        """Which deliveries, and how many more than can be changed at once the filter finds."""
        if ask.text("which") != "all":
            return ask.numbers("id")[:MOST], 0
        page = await self._desk.store.page_of_deliveries(delivery_filter(typed(ask), ask.now, limit=MOST))
        return [delivery.id for delivery in reversed(page.rows)], page.total

    async def _done(self, verb: Verb, ids: Sequence[int], ask: Ask, *, rehearse: bool) -> list[Changed]:
        """Portion by portion, oldest first: each is on disk before the next begins."""
        store, only, found = self._desk.store, ask.text("only") == "yes", list[Changed]()
        ordered = sorted(ids)
        for begin in range(0, len(ordered), TOGETHER):
            portion = ordered[begin : begin + TOGETHER]
            if verb.name == "dismiss":
                found += await store.dismiss(portion, only=only, now=ask.now, rehearse=rehearse)
            else:
                found += await store.replay(portion, now=ask.now, again=verb.name == "again", rehearse=rehearse)
        return found


def _verb(ask: Ask) -> Verb:
    verb = VERBS.get(ask.text("verb"))
    if verb is None:
        raise NotAForm("replay, again or dismiss was expected")
    return verb


def _back(ask: Ask) -> str:
    """Where the operator came from: the event's story, or the list as it was narrowed down."""
    event = ask.numbers("event")
    return address(f"/events/{event[0]}") if event else address("/deliveries", **typed(ask).query)


def _told(verb: Verb, changes: Sequence[Changed]) -> list[str]:
    well = [one for one in changes if one.done]
    lines = [f"delivery {one.delivery_id} {verb.did}" + _why(one) for one in well]
    if len(lines) > 10:
        lines = [f"{len(well):,} deliveries: {verb.did}"]
    return [*lines, *(f"delivery {one.delivery_id} was left alone{_why(one)}" for one in changes if not one.done)]


def _why(one: Changed) -> str:
    return f": {one.why}" if one.why else ""
