"""What a history is played on: the answers of a tracker, and a store that tells the model of everything it does."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from bridge.model import Sent
from bridge.rate import Pace
from bridge.store import Store
from bridge.store.base import LEASE, Claimed, Judge, Settled, Settlement
from tests.reference import Model
from tests.simulation import SimulatedLoop

T = TypeVar("T")

START = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
#: a task that a kill leaves alone: it stands for what the database does
UNHARMED = "verb"


@dataclass(frozen=True, slots=True)
class Answer:
    """How the tracker meets a request."""

    status: int | None = 200
    error: str = ""
    sent: Sent = Sent.YES
    seconds: float = 0.137
    is_json: bool = True
    is_html: bool = False
    retry_after: float | None = None
    #: a lead is taken all the same
    sales_only: bool = False

    @property
    def is_taken(self) -> bool:
        """Whether the tracker has it now; it may have what it never answered."""
        return self.sent is not Sent.NO and not self.is_html and self.status in (None, 200, 500)


WELL = Answer()
ANSWERS = {
    "200": WELL,
    "200 page": Answer(is_json=False, is_html=True),
    "302": Answer(302, is_json=False),
    "400": Answer(400),
    "401": Answer(401),
    "404": Answer(404),
    "404 for sales": Answer(404, sales_only=True),
    "404 page": Answer(404, is_json=False, is_html=True),
    "409": Answer(409),
    "422": Answer(422),
    "429": Answer(429),
    "429 for a while": Answer(429, retry_after=95.0),
    "500": Answer(500),
    "503": Answer(503),
    "503 for hours": Answer(503, retry_after=9_000.0),
    "refused": Answer(None, "refused", Sent.NO, 0.011),
    "reset": Answer(None, "reset", Sent.MAYBE, 0.071),
    "timeout": Answer(None, "timeout", Sent.MAYBE, 10.0),
}


class Watched:
    """The real store; the model is told of every claim and of every end, in the very order."""

    def __init__(self, store: Store, model: Model, loop: SimulatedLoop) -> None:
        self._store, self._model, self._loop = store, model, loop
        #: the first of what should not have been
        self.wrong: list[AssertionError] = []

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._store, verb)

    async def claim(
        self, *, limit: int, pace: Pace, clock: Callable[[], datetime], lease: timedelta = LEASE
    ) -> Claimed:
        claimed, is_killed = await whole(self._store.claim(limit=limit, pace=pace, clock=clock, lease=lease))
        numbers = [delivery.id for delivery in claimed.deliveries]
        self._told(lambda: self._model.claimed(numbers, limit, ms(self._loop.now())))
        if is_killed:
            raise asyncio.CancelledError
        return claimed

    async def settle(self, settlements: Sequence[Settlement], judge: Judge, *, now: datetime) -> list[Settled]:
        settled, is_killed = await whole(self._store.settle(settlements, judge, now=now))
        for one in settled:
            self._told(
                partial(
                    self._model.settled, one.delivery.id, one.outcome, started=ms(one.outcome.started_at), now=ms(now)
                )
            )
        if is_killed:
            raise asyncio.CancelledError
        return settled

    async def release(self, delivery_ids: Sequence[int], *, now: datetime) -> None:
        _, is_killed = await whole(self._store.release(delivery_ids, now=now))
        self._model.released(delivery_ids)
        if is_killed:
            raise asyncio.CancelledError

    def _told(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except AssertionError as error:  # the worker would take it for a bug of its own and go on
            self.wrong.append(error)


async def whole(verb: Coroutine[Any, Any, T]) -> tuple[T, bool]:
    """A verb is done or not done, also when whoever asked for it is killed meanwhile; whether that is so."""
    task = asyncio.create_task(verb, name=UNHARMED)
    try:
        return await asyncio.shield(task), False
    except asyncio.CancelledError:
        return await task, True


def ms(moment: datetime) -> int:
    return (moment - START) // timedelta(milliseconds=1)


class Bugs(logging.Handler):
    """What the worker calls a bug, and survives."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == "bug":
            self.seen.append(str(record.exc_info))
