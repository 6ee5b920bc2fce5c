"""The ASGI application: the hook path as a raw callable in front of a small Starlette application's router.

Errors become statuses here; nothing about them reaches a stranger.
"""

import asyncio
import contextlib
import logging
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bridge import logs
from bridge.web.health import Health
from bridge.web.webhooks import PREFIX, Webhooks

#: Where the operator's pages are.
ADMIN = "/admin"

_log = logs.get("bridge.web")


class Admin(Protocol):
    """The operator's pages."""

    @property
    def is_there(self) -> bool:
        """Whether there is an admin token; without one there are no pages."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        ...


class Bridge(Starlette):
    """The application. `/webhooks/…` never meets the router: routing would cost a third of a webhook's time."""

    def __init__(self, webhooks: Webhooks, health: Health, admin: Admin | None = None) -> None:
        super().__init__(
            routes=[
                Route("/healthz", health.alive, methods=["GET"]),
                Route("/readyz", health.ready, methods=["GET"]),
                Route("/metrics", health.numbers, methods=["GET"]),
            ],
            exception_handlers={404: _not_found, 405: _not_allowed, 500: _bug},
        )
        # it would send people to an address that the Host header makes up
        self.router.redirect_slashes = False
        self.webhooks = webhooks
        self.health = health
        self.admin = admin

    @property
    def has_admin(self) -> bool:
        """Whether there are pages for the operator."""
        return self.admin is not None and self.admin.is_there

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        try:
            if scope["type"] == "http" and scope["path"].startswith(PREFIX):
                await self._guarded(scope, receive, send)
            elif self.admin is not None and self.has_admin and _is_admins(scope):
                await self.admin(scope, receive, send)
            else:
                await super().__call__(scope, receive, send)
        except asyncio.CancelledError:
            # the bridge ends. This was the last of the request's own task, and the server would call it a bug
            await _told_to_come_again(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The hook path's one broad guard: on a bug of ours the sender tries again, and the log tells."""
        try:
            await self.webhooks(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - see the docstring
            logs.event(_log, logging.ERROR, "bug", exception=error, path="webhooks")
            await _told_to_come_again(scope, receive, send)


def _is_admins(scope: Scope) -> bool:
    path: str = scope["path"] if scope["type"] == "http" else ""
    return path == ADMIN or path.startswith(f"{ADMIN}/")


async def _told_to_come_again(scope: Scope, receive: Receive, send: Send) -> None:
    # an answer that had begun cannot be taken back: then the server says so, and the connection ends
    with contextlib.suppress(RuntimeError):
        await _try_later()(scope, receive, send)


def _try_later() -> Response:
    return JSONResponse({"error": "try later"}, status_code=503, headers={"retry-after": "30"})


async def _not_found(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": "not found"}, status_code=404)


async def _not_allowed(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": "method not allowed"}, status_code=405, headers=getattr(error, "headers", None))


async def _bug(_: Request, error: Exception) -> Response:
    logs.event(_log, logging.ERROR, "bug", exception=error, path="other")
    return JSONResponse({"error": "try later"}, status_code=500)
