"""What came in and what became of it: the list of events, one event's whole story, its body."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from bridge.model import EventState, Step, StoredEvent
from bridge.remap import retold
from bridge.store.reports import Line, Story
from bridge.store.wanted import Page
from bridge.web.admin.asking import Ask, NotAForm, address, href
from bridge.web.admin.changes import verbs_of
from bridge.web.admin.desk import Desk
from bridge.web.admin.narrowing import ROWS, Typed, counted, event_filter, older, typed
from bridge.web.admin.pages import MOST_BODY


class Events:
    """The pages about events."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, ask: Ask) -> Response:
        """GET /admin/events: the newest, as filtered."""
        given, problem = Typed(), ""
        try:
            given = typed(ask)
            found = await self._desk.store.page_of_events(event_filter(given, ask.now))
        except NotAForm as error:
            problem, found = str(error), Page()
        return self._desk.pages.show(
            ask,
            "events.html",
            status=400 if problem else 200,
            rows=found.rows,
            lines=await self._lines(found.rows),
            typed=given,
            problem=problem,
            counted=counted(found, found.rows),
            older=older(found, found.rows[-1].id if found.rows else None),
            states=[state.value for state in EventState],
            names=await self._desk.names(),
        )

    async def find(self, ask: Ask) -> Response:
        """GET /admin/find: by number, by the source's id, or by a delivery's number with a d."""
        reference = ask.text("ref")
        found = await self._desk.store.find_events(reference) if reference else []
        if len(found) == 1:
            is_delivery = any(reference == f"d{delivery.id}" for delivery in found[0].deliveries)
            place = f"#{reference}" if is_delivery else ""
            return RedirectResponse(address(f"/events/{found[0].id}") + place, status_code=303)
        return self._desk.pages.show(
            ask,
            "found.html",
            status=200 if found else 404,
            rows=found[:ROWS],
            lines=await self._lines(found[:ROWS]),
            reference=reference,
        )

    async def _lines(self, rows: Sequence[StoredEvent]) -> Mapping[int, Line]:
        return await self._desk.store.lines([delivery.id for stored in rows for delivery in stored.deliveries])

    async def story(self, ask: Ask) -> Response:
        """GET /admin/events/N: everything that is known about one event."""
        story = await self._story(ask)
        if story is None:
            return self._desk.pages.show(ask, "message.html", status=404, title="No such event", text=_GONE)
        return self._desk.pages.show(
            ask,
            "event.html",
            it=story,
            steps=await self._steps(story.stored),
            most_body=MOST_BODY,
            verbs_of=verbs_of,
            related=related(story),
        )

    async def _steps(self, stored: StoredEvent) -> Sequence[Step]:
        """What the rules said; with what today's add to it, where that costs little and they are the same."""
        source = self._desk.reloader.library.sources.get(stored.event.source)
        if source is None or len(stored.event.body) > _MOST_RETOLD:
            return stored.steps
        return await asyncio.to_thread(retold, stored, source.mapping)

    async def body(self, ask: Ask) -> Response:
        """GET /admin/events/N/body: the webhook's body as it is kept, as a file."""
        story = await self._story(ask)
        if story is None or not story.stored.event.body:
            return self._desk.pages.show(ask, "message.html", status=404, title="No body", text=_GONE)
        headers = {"content-disposition": f'attachment; filename="event-{ask.number}.txt"'}
        return Response(story.stored.event.body, media_type="application/octet-stream", headers=headers)

    async def _story(self, ask: Ask) -> Story | None:
        found = await self._desk.store.stories(str(ask.number))
        return next((story for story in found if story.stored.id == ask.number), None)


def related(story: Story) -> list[tuple[str, Markup]]:
    """Other events that this one's story names: of the same webhook, of the same sale, of the same key."""
    own, found = story.stored.id, dict[int, Markup]()
    others = [event for _, event in story.items[:_MOST_RELATED]]
    others += [went.event_id for went in story.stored.returned]
    for told in story.told.values():
        others += [twin.event_id for twin in (told.original, *told.duplicates) if twin is not None]
    for event in others:
        found[event] = href(f"/events/{event}")
    named = [(f"event {event}", link) for event, link in found.items() if event != own]
    sales = dict.fromkeys(went.sale for went in story.stored.reversals if went.sale is not None)
    return [*named, *((f"delivery {sale}", href("/find", ref=f"d{sale}")) for sale in sales)]


_MOST_RELATED: Final = 20
#: Of a larger body, the rules are not asked again: that would take the processor from webhooks.
_MOST_RETOLD: Final = 64 * 1024
_GONE: Final = "There is none of that number, or retention took it."
