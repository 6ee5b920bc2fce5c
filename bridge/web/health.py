"""Is it alive, is it ready, and what do the numbers say: three GET routes for machines.

`/readyz` is 503 only for what another replica would do better: the database, no library, no worker, draining.
Everything else that an operator should know (a paused tracker, sources that are off) is detail for the admin token.
However often strangers ask, the database is asked once a second, or five times for `/metrics`.
"""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bridge import backlog
from bridge.errors import StoreError
from bridge.metrics import CONTENT_TYPE, Metrics
from bridge.model import Json
from bridge.rate import Pace, pace_of
from bridge.reload import Reloader
from bridge.replicas import Membership
from bridge.store.base import Store
from bridge.web.attempts import Attempts, Guess, bearer_of
from bridge.web.remembered import HOLDS_SECONDS, Remembered

#: How long the numbers of `/metrics` hold: what they cost grows with the database, and anybody may ask.
NUMBERS_SECONDS = 0.2


class Pulse:
    """Whether the database can be written, asked at most once a second: each time costs a commit."""

    def __init__(self, ping: Callable[[], Awaitable[None]], *, seconds: float = HOLDS_SECONDS) -> None:
        self._ping = ping
        self._answer = Remembered(self._ask, seconds=seconds)

    async def beats(self) -> bool:
        """The last answer, or a new one; those who ask at the same time share it."""
        return await self._answer.get()

    async def _ask(self) -> bool:
        try:
            await self._ping()
        except StoreError:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the three routes look at."""

    store: Store
    pulse: Pulse
    reloader: Reloader
    metrics: Metrics
    draining: Callable[[], bool]
    #: whether everything that should run in the background does
    working: Callable[[], bool]
    #: the token that opens the detail; empty for none
    admin_token: Callable[[], str]
    #: the budget of guesses at it
    attempts: Attempts
    #: why this replica sends nothing ("no token", "dry run"); empty when it does
    not_sending: Callable[[], str]
    #: this replica among the others
    membership: Membership
    #: sources, and rules of them, that are silent, and since when
    silent: Callable[[], Sequence[tuple[str, str, datetime]]]
    clock: Callable[[], datetime]
    _numbers: Remembered[bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_numbers", Remembered(self._counted, seconds=NUMBERS_SECONDS))

    async def alive(self, _: Request) -> Response:
        """GET /healthz: the process answers."""
        return PlainTextResponse("ok\n")

    async def ready(self, request: Request) -> Response:
        """GET /readyz: webhooks can be taken in and will be on disk."""
        reasons = await self.reasons()
        body: dict[str, Json] = {"status": "unready" if reasons else "ready"}
        if self._is_admin(request):
            body |= {"reasons": [*reasons], **await self._detail(database="database" not in reasons)}
        headers = {"retry-after": "5"} if reasons else {}
        return JSONResponse(body, status_code=503 if reasons else 200, headers=headers)

    async def numbers(self, _: Request) -> Response:
        """GET /metrics: Prometheus text."""
        try:
            text = await self._numbers.get()
        except StoreError:
            return PlainTextResponse("the database cannot answer now\n", status_code=503)
        return Response(text, media_type=CONTENT_TYPE)

    async def _counted(self) -> bytes:
        left = await self.store.backlog(now=self.clock())
        return self.metrics.render(await self.store.counts(), await self.store.tracker(), left)

    async def reasons(self) -> list[str]:
        """Why another replica would do better; nothing when this one is ready."""
        reasons = ["draining"] if self.draining() else []
        reasons += [] if self.reloader.library.sources else ["library"]
        reasons += [] if self.working() else ["worker"]
        reasons += [] if await self.pulse.beats() else ["database"]
        return reasons

    async def _detail(self, *, database: bool) -> dict[str, Json]:
        sources = self.reloader.library.sources.values()
        detail: dict[str, Json] = {
            "sources": {source.name: "on" if source.is_on else "off" for source in sources},
            "mappings": self._mappings(),
            "sending": self.not_sending() or "yes",
            "replicas": self._replicas(),
            "silent": [
                {"source": source, "rule": rule or None, "since": since.isoformat()}
                for source, rule, since in self.silent()
            ],
        }
        if database:
            # it may end, or say what cannot be read here, since it was asked whether it is there
            with contextlib.suppress(StoreError):
                detail |= await self._standing()
        return detail

    async def _standing(self) -> dict[str, Json]:
        """What the database says of the tracker, and of what waits."""
        tracker = await self.store.tracker()
        left = await self.store.backlog(now=self.clock())
        until = None if tracker.paused_by_operator else tracker.paused_until or tracker.probe_at
        return {
            "tracker": {
                "paused": tracker.is_paused,
                "why": tracker.pause_reason,
                "next_try": until.isoformat() if until else None,
            },
            "backlog": backlog.facts(left, tracker, pace_of(tracker) or Pace(n=0)),
        }

    def _replicas(self) -> Json:
        """Who else serves from this database, and in what they differ."""
        return {
            "live": [seen.replica.name for seen in self.membership.live],
            "differ": [str(one) for one in self.membership.differing],
        }

    def _mappings(self) -> Json:
        """Since when which set is in force, and what is wrong with the one on disk."""
        failure = self.reloader.failure
        return {
            "loaded_at": self.reloader.loaded_at.isoformat(),
            "stale_since": failure.since.isoformat() if failure else None,
            "problems": [f"{problem.place}: {problem.what}" for problem in failure.problems] if failure else [],
        }

    def _is_admin(self, request: Request) -> bool:
        given = bearer_of(request.scope["headers"])
        return given is not None and self.attempts.judge_now(given, self.admin_token()) is Guess.RIGHT
