"""The operator's pages, made when they are first wanted: templates cost memory, so only those who have them pay."""

import logging
from importlib import import_module
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from bridge import logs
from bridge.assembly.changing import InForce
from bridge.intake import Intake
from bridge.web.health import Health
from bridge.wording.sources import base_url
from bridge.worker import Worker

#: A shorter token can be guessed by somebody with patience.
_LEAST_TOKEN: Final = 16

_log = logs.get("bridge.serve")


class AdminPages:
    """There as long as there is an admin token, which a reload may bring or take away."""

    def __init__(self, inforce: InForce, health: Health, intake: Intake, worker: Worker) -> None:
        self._inforce = inforce
        self._health = health
        self._intake = intake
        self._worker = worker
        self._site = self._made() if self.is_there else None

    @property
    def is_there(self) -> bool:
        """Whether there is an admin token; without one there are no pages."""
        return bool(self._health.admin_token())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._site is None:
            self._site = self._made()
        await self._site(scope, receive, send)

    def _made(self) -> ASGIApp:
        if len(self._health.admin_token()) < _LEAST_TOKEN:
            logs.event(_log, logging.WARNING, "admin.weak_token", least_characters=_LEAST_TOKEN)
        made: ASGIApp = import_module("bridge.web.admin").Site(
            health=self._health,
            refusals=lambda: list(self._intake.refusals),
            wake=self._worker.wake,
            public_url=lambda: self._inforce.settings.public_url,
            base_url=self._base_url,
        )
        return made

    def _base_url(self) -> str:
        settings = self._inforce.settings
        return base_url(settings.public_url, settings.near_host, settings.port)
