"""Questions to Stripe, whoever has them: five at once, each answer kept for a while, and a rest after every failure.

Raises StripeTrouble as it comes; who asks decides what that means, and calls `rest` when it speaks of Stripe.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, TypeAlias

from bridge import inquiry, logs
from bridge.inquiry import Answer, Question
from bridge.metrics import Metrics
from bridge.model import Json
from bridge.stripe_api import StripeTrouble

_log = logs.get("bridge.lookups")

SLOTS: Final = 5
_FIRST_REST_SECONDS, _LONGEST_REST_SECONDS = 5.0, 60.0
_CACHE_SECONDS, _MOST_CACHED = 300.0, 2_000
#: StripeTrouble's words that another try will not change.
_FORBIDDEN: Final = ("forbidden", "unauthorized", "refused")

Ask: TypeAlias = Callable[[Question], Awaitable[dict[str, Json] | None]]


class Asker:
    """The one who asks. `slots` is to be held while asking."""

    def __init__(self, ask: Ask, *, metrics: Metrics, monotonic: Callable[[], float] = monotonic) -> None:
        self._ask = ask
        self._metrics = metrics
        self._monotonic = monotonic
        self.slots = asyncio.Semaphore(SLOTS)
        self._answers: dict[Question, tuple[float, Answer]] = {}
        self._rest_until, self._rest_seconds = 0.0, _FIRST_REST_SECONDS

    @property
    def is_resting(self) -> bool:
        """Whether nobody is to be asked now."""
        return self._monotonic() < self._rest_until

    async def answer(self, question: Question) -> Answer | None:
        """What Stripe says, or said a moment ago; None when the key may not read it. Raises StripeTrouble."""
        until, answer = self._answers.get(question, (0.0, inquiry.NOTHING))
        if self._monotonic() < until:
            return answer
        try:
            answer = inquiry.read(question, await self._ask(question))
        except StripeTrouble as trouble:
            if trouble.word not in _FORBIDDEN:
                raise
            logs.event(_log, logging.WARNING, "lookup.refused", thing=question.thing, why=str(trouble))
            return None
        self._rest_seconds = _FIRST_REST_SECONDS
        self._answers.pop(question, None)
        if len(self._answers) >= _MOST_CACHED:
            del self._answers[next(iter(self._answers))]
        self._answers[question] = (self._monotonic() + _CACHE_SECONDS, answer)
        return answer

    def rest(self, why: str) -> None:
        """Nobody is asked for a while; who waits comes back meanwhile, and waits on."""
        if not self.is_resting:
            self._rest_until = self._monotonic() + self._rest_seconds
            self._rest_seconds = min(2 * self._rest_seconds, _LONGEST_REST_SECONDS)
            logs.event(_log, logging.WARNING, "lookup.failed", why=why)
        self._metrics.lookups.labels("failed").inc()
