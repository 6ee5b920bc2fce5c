"""Who may see the pages: by a session's cookie, or by the token itself for scripts. Nobody else learns anything.

The cookie is HttpOnly and SameSite=Strict. Behind TLS it is Secure, and its name begins with `__Host-`, so that no
neighbouring host can set it.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from bridge import logs
from bridge.web.admin.sessions import LASTS, TOLD_LASTS, Session, Sessions
from bridge.web.attempts import Attempts, Guess, bearer_of

#: A browser keeps the cookie for longer than it lets anybody in: by it, one that was signed in before need not queue
#: behind strangers who guess.
_KEPT_SECONDS: Final = 30 * 86400
_SESSION: Final = "trackbridge_admin"
_TOLD: Final = "trackbridge_told"

_log = logs.get("bridge.web")


class Door:
    """Lets operators in."""

    def __init__(
        self,
        *,
        token: Callable[[], str],
        attempts: Attempts,
        public_url: Callable[[], str | None],
        clock: Callable[[], datetime],
    ) -> None:
        self._token = token
        self._public_url = public_url
        self._clock = clock
        self._strangers = attempts
        self._known = Attempts()
        self._made_by, self._made = token(), Sessions(token())

    @property
    def sessions(self) -> Sessions:
        """The sessions of the token that holds now: another token ends all others."""
        token = self._token()
        if token != self._made_by:
            self._made_by, self._made = token, Sessions(token)
        return self._made

    def session_of(self, request: HTTPConnection) -> Session | None:
        """Whose request it is; None when nobody is signed in."""
        return self.sessions.read(self._cookie(request, _SESSION), self._clock())

    def script(self, request: HTTPConnection) -> Guess | None:
        """What came of a request's bearer token; None when it has none."""
        given = bearer_of(request.scope["headers"])
        if given is None:
            return None
        return self._told(self._strangers.judge_now(given, self._token()), "bearer token")

    async def knock(self, request: HTTPConnection, given: str) -> Guess:
        """What came of a token that somebody typed."""
        is_known = self.sessions.is_ours(self._cookie(request, _SESSION))
        attempts = self._known if is_known else self._strangers
        return self._told(await attempts.judge(given.encode("utf-8", "replace"), self._token()), "sign-in")

    def let_in(self, request: HTTPConnection, response: Response) -> None:
        """Sign this browser in."""
        self._set(request, response, _SESSION, self.sessions.begin(self._clock()), _KEPT_SECONDS)
        logs.event(_log, logging.INFO, "admin.signed_in", hours=int(LASTS.total_seconds() // 3600))

    def let_out(self, request: HTTPConnection, response: Response) -> None:
        """Sign this browser out."""
        self._set(request, response, _SESSION, "", 0)
        self.forget_told(request, response)

    def tell(self, request: HTTPConnection, response: Response, session: Session, lines: list[str]) -> None:
        """Have the next page say what was done."""
        sealed = self.sessions.seal(session, lines, self._clock())
        self._set(request, response, _TOLD, sealed, int(TOLD_LASTS.total_seconds()))

    def told(self, request: HTTPConnection, session: Session) -> tuple[str, ...]:
        """What was done a moment ago."""
        return tuple(self.sessions.unseal(session, self._cookie(request, _TOLD), self._clock()))

    def forget_told(self, request: HTTPConnection, response: Response) -> None:
        """It was said."""
        self._set(request, response, _TOLD, "", 0)

    def is_secure(self, request: HTTPConnection) -> bool:
        """Whether the browser came by TLS, as far as anybody says.

        Who writes that header himself changes his own cookie alone. A proxy that says nothing is believed to have TLS
        where the browser asked for the host of the public URL, and that is https.
        """
        said = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
        if said:
            return said == "https"
        host = request.headers.get("host", "").lower()
        public = urlsplit(self._public_url() or "")
        is_public = public.scheme == "https" and host == public.netloc.lower()
        return is_public or request.scope.get("scheme") == "https"

    def _cookie(self, request: HTTPConnection, name: str) -> str:
        return request.cookies.get(self._name(request, name), "")

    def _name(self, request: HTTPConnection, name: str) -> str:
        return f"__Host-{name}" if self.is_secure(request) else name

    def _set(self, request: HTTPConnection, response: Response, name: str, value: str, seconds: int) -> None:
        is_secure = self.is_secure(request)
        response.set_cookie(
            self._name(request, name),
            value,
            max_age=seconds,
            path="/" if is_secure else "/admin",
            secure=is_secure,
            httponly=True,
            samesite="strict",
        )

    def _told(self, guess: Guess, by: str) -> Guess:
        # a flood beyond what is looked at must not become one of log lines
        if guess is Guess.WRONG:
            logs.event(_log, logging.WARNING, "admin.refused", by=by)
        return guess


def is_from_elsewhere(request: HTTPConnection) -> bool:
    """Whether the browser says that another site had this sent."""
    return request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def is_in_the_clear(request: HTTPConnection, *, is_secure: bool) -> bool:
    """Whether what is typed here can be read on the way, as far as anybody can tell."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    return not is_secure and host not in ("localhost", "127.0.0.1", "::1")
