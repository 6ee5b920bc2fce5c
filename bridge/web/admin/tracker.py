"""The tracker: whether anything is sent to it now; pause and resume."""

import logging

from starlette.responses import Response

from bridge import logs
from bridge.rate import Pace, pace_of
from bridge.web.admin.asking import Ask, address
from bridge.web.admin.desk import Desk
from bridge.web.admin.done import done

_log = logs.get("bridge.web")


class TrackerPage:
    """The page about the tracker, and its two switches."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, ask: Ask) -> Response:
        """GET /admin/tracker: its state, and what is on its way."""
        store = self._desk.store
        state = await store.tracker()
        return self._desk.pages.show(
            ask,
            "tracker.html",
            state=state,
            counts=await store.counts(),
            left=await store.backlog(now=ask.now),
            pace=pace_of(state) or Pace(n=0),
            not_sending=self._desk.health.not_sending(),
        )

    async def pause(self, ask: Ask) -> Response:
        """POST /admin/tracker/pause: hold everything back until somebody resumes."""
        reason = ask.text("reason") or "an operator paused it"
        await self._desk.store.pause(reason, now=ask.now)
        logs.event(_log, logging.INFO, "admin.paused")
        return done(ask, ["Delivering is paused, on every replica, until somebody resumes it"], address("/tracker"))

    async def resume(self, ask: Ask) -> Response:
        """POST /admin/tracker/resume: go on, carefully."""
        await self._desk.store.resume(now=ask.now)
        self._desk.wake()
        logs.event(_log, logging.INFO, "admin.resumed")
        line = "Delivering goes on: one request at a time until the first success"
        return done(ask, [line], address("/tracker"))
