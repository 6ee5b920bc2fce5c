"""Deliveries, the dead first: which need a person, and why."""

from starlette.responses import Response

from bridge.model import DeliveryState
from bridge.store.wanted import Page
from bridge.web.admin.asking import Ask, NotAForm
from bridge.web.admin.changes import verbs_of
from bridge.web.admin.desk import Desk
from bridge.web.admin.narrowing import Typed, counted, delivery_filter, older, typed


class Deliveries:
    """The list."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, ask: Ask) -> Response:
        """GET /admin/deliveries: the newest, as filtered."""
        given, problem = Typed(), ""
        try:
            given = typed(ask)
            found = await self._desk.store.page_of_deliveries(delivery_filter(given, ask.now))
        except NotAForm as error:
            problem, found = str(error), Page()
        state = given.state or DeliveryState.DEAD.value
        return self._desk.pages.show(
            ask,
            "deliveries.html",
            status=400 if problem else 200,
            rows=found.rows,
            lines=await self._desk.store.lines([delivery.id for delivery in found.rows]),
            typed=given,
            state=state,
            verbs=verbs_of(state),
            problem=problem,
            total=found.total,
            counted=counted(found, found.rows),
            older=older(found, found.rows[-1].id if found.rows else None),
            states=[state.value for state in DeliveryState],
            names=await self._desk.names(),
        )
