"""The sources: which are on, what to paste at the sender, and what came from each."""

from collections import Counter

from starlette.responses import Response

from bridge.web.admin.asking import Ask
from bridge.web.admin.desk import Desk
from bridge.wording.sources import joined


class Sources:
    """The page about sources."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, ask: Ask) -> Response:
        """GET /admin/sources: those that are used; with `all`, those that came along, too."""
        desk = self._desk
        activity = await desk.store.activity(now=ask.now)
        seen = list(joined(desk.reloader.library, activity, desk.base_url()))
        is_all = bool(ask.text("all"))
        silent = {source: (rule, since) for source, rule, since in desk.health.silent()}
        return desk.pages.show(
            ask,
            "sources.html",
            seen=[one for one in seen if is_all or one.is_of_interest],
            others=0 if is_all else sum(not one.is_of_interest for one in seen),
            silent=silent,
            refused=Counter(one.source for one in desk.refusals()),
        )
