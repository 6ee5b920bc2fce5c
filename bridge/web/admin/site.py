"""The pages as one ASGI callable: who may, which view, and the headers that every answer has.

Nobody who is not signed in learns more than that there is a sign-in. Nothing is made from the Host header: every
address is a path of ours. What changes something is a POST with the proof of a form of ours; a script's proof is the
token.
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge import logs
from bridge.errors import StoreError
from bridge.intake import Refusal
from bridge.web.admin.asking import PREFIX, Ask, NotAForm, View, fields_of
from bridge.web.admin.changes import Changes
from bridge.web.admin.deliveries import Deliveries
from bridge.web.admin.desk import Desk
from bridge.web.admin.done import Done
from bridge.web.admin.door import Door
from bridge.web.admin.entrance import Entrance
from bridge.web.admin.events import Events
from bridge.web.admin.forms import Forms
from bridge.web.admin.overview import Overview
from bridge.web.admin.pages import HEADERS, Pages
from bridge.web.admin.refusing import No, too_many
from bridge.web.admin.sessions import Session
from bridge.web.admin.sources import Sources
from bridge.web.admin.tracker import TrackerPage
from bridge.web.attempts import Guess
from bridge.web.health import Health

_HOST: Final = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
_WAIT: Final = "Webhooks are told to come again meanwhile, and senders do. This page may work in a moment."

_log = logs.get("bridge.web")


class Site:
    """Everything below /admin."""

    def __init__(
        self,
        *,
        health: Health,
        refusals: Callable[[], Sequence[Refusal]],
        wake: Callable[[], None],
        public_url: Callable[[], str | None],
        base_url: Callable[[], str],
    ) -> None:
        self._health = health
        self._pages = Pages()
        self._forms = Forms()
        self._door = Door(token=health.admin_token, attempts=health.attempts, public_url=public_url, clock=health.clock)
        self._entrance = Entrance(self._door, self._forms, self._pages)
        desk = Desk(health=health, pages=self._pages, refusals=refusals, wake=wake, base_url=base_url)
        self._views = _views(desk, self._entrance)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._guarded(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    async def _guarded(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except No as no:
            return self._say(no)
        except NotAForm as error:
            return self._say(No(400, "That is not possible", f"{error}."))
        except StoreError as error:
            logs.event(_log, logging.ERROR, "store.unavailable", verb="admin", why=str(error))
            return self._say(No(503, "The database does not answer", _WAIT, retry_after=5))
        except Exception as error:  # noqa: BLE001 - a bug of a page is told in the log, and to nobody else
            logs.event(_log, logging.ERROR, "bug", exception=error, path="admin")
            return self._say(No(500, "This page has a bug", "The log says which."))

    def _say(self, no: No) -> Response:
        response = self._pages.plain("refused.html", status=no.status, title=no.title, text=no.text)
        response.headers.update(no.headers)
        return response

    async def _answer(self, request: Request) -> Response:
        if not _HOST.fullmatch(request.headers.get("host", "-")):
            await self._forms.drain(request)
            raise No(400, "There is no such host")
        path = request.scope["path"].removeprefix(PREFIX).rstrip("/")
        static = self._pages.static(path.removeprefix("/"))
        if static is not None:
            return static
        if path == "/sign-in":
            return await self._entrance.answer(request)
        session = self._door.session_of(request)
        if session is None:
            guess = self._door.script(request)
            if guess is not Guess.RIGHT:
                await self._forms.drain(request)
                if guess is None:
                    return self._entrance.turn_away(request)
                raise No(403, "That is not the admin token") if guess is Guess.WRONG else too_many()
        return await self._within(request, path, session)

    async def _within(self, request: Request, path: str, session: Session | None) -> Response:
        """For somebody who may."""
        view, number = self._view(request.method, path)
        ask = Ask(request=request, now=self._health.clock(), session=session, number=number)
        if request.method == "POST":
            ask = replace(ask, fields=await self._forms.read(request))
            self._check(ask)
        else:
            ask = replace(ask, fields=fields_of(request.scope["query_string"]))
        if session is None:
            return await view(ask)
        told, proof = self._door.told(request, session), self._door.sessions.form_proof(session)
        response = await view(replace(ask, told=told, form_proof=proof))
        if isinstance(response, Done):
            self._door.tell(request, response, session, response.lines)
        elif told and response.media_type == "text/html":
            self._door.forget_told(request, response)
        return response

    def _check(self, ask: Ask) -> None:
        """A form of ours, of this very session; a script has shown the token instead."""
        given = ask.fields.get("proof", ("",))[0]
        if ask.session is not None and not self._door.sessions.is_form_proof(ask.session, given):
            text = "This form is not of this session: go back, load the page again, and then do it again."
            raise No(403, "Nothing was done", text)

    def _view(self, method: str, path: str) -> tuple[View, int]:
        """Which view answers, and the number in the path. Raises No."""
        wanted = "GET" if method == "HEAD" else method
        allowed = []
        for its_method, pattern, view in self._views:
            match = pattern.fullmatch(path)
            if match and its_method == wanted:
                return view, int(match[1]) if match.groups() else 0
            if match:
                allowed.append(its_method)
        if allowed:
            raise No(405, "Not like that", allow=", ".join(allowed))
        raise No(404, "There is no such page")


def _views(desk: Desk, entrance: Entrance) -> tuple[tuple[str, re.Pattern[str], View], ...]:
    """Every page that asks for a sign-in."""
    overview, events, deliveries = Overview(desk), Events(desk), Deliveries(desk)
    changes, sources, tracker = Changes(desk), Sources(desk), TrackerPage(desk)

    async def sign_out(ask: Ask) -> Response:
        return entrance.sign_out(ask.request)

    table: tuple[tuple[str, str, View], ...] = (
        ("GET", "", overview.page),
        ("GET", "/events", events.page),
        ("GET", "/events/([0-9]{1,18})", events.story),
        ("GET", "/events/([0-9]{1,18})/body", events.body),
        ("GET", "/find", events.find),
        ("GET", "/deliveries", deliveries.page),
        ("POST", "/deliveries/preview", changes.preview),
        ("POST", "/deliveries/change", changes.act),
        ("GET", "/sources", sources.page),
        ("GET", "/tracker", tracker.page),
        ("POST", "/tracker/pause", tracker.pause),
        ("POST", "/tracker/resume", tracker.resume),
        ("POST", "/sign-out", sign_out),
    )
    return tuple((method, re.compile(path), view) for method, path, view in table)
