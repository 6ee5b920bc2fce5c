"""What every replica notices is told by one of them; what only one can notice, by that one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from bridge import library, notices
from bridge.assembly.alarms import Alarms
from bridge.config import load
from bridge.errors import StoreError
from bridge.metrics import Metrics
from bridge.notices import Notice
from tests.receiver import Receiver, comes_true, receiver

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
PAUSED = notices.paused(NOW, why="outage: timeout", next_at=None, since=NOW)
GAPS = notices.gaps(NOW, source="stripe", count=1, since=NOW)


@dataclass
class Board:
    """What replicas have told for all; it may be out of reach, or of no use to one alone."""

    is_shared: bool = True
    is_there: bool = True
    told: dict[str, timedelta] = field(default_factory=dict)

    async def announce(self, name: str, *, holds: timedelta, now: datetime) -> bool:
        if not self.is_there:
            raise StoreError("gone")
        is_first = name not in self.told
        self.told.setdefault(name, holds)
        return is_first


@asynccontextmanager
async def replicas(board: Board, outlet: Receiver | None, *, count: int = 2) -> AsyncIterator[list[Alarms]]:
    settings = load({}, {"TRACKBRIDGE_NOTIFY_URL": outlet.url} if outlet else {}, None)
    empty = library.Library(sources={})
    made = [Alarms(settings, empty, Metrics("0"), board) for _ in range(count)]
    yield made
    for alarms in made:
        await alarms.aclose()


async def test_what_all_notice_is_told_once() -> None:
    async with receiver() as outlet, replicas(board := Board(), outlet, count=3) as all_of_them:
        for alarms in all_of_them:
            alarms.tell(PAUSED)
        await outlet.until(1)

    assert ["tracker.paused"] == outlet.types
    assert {PAUSED.once: timedelta(days=1)} == board.told


@pytest.mark.parametrize(
    ("board", "notice"),
    [(Board(is_there=False), PAUSED), (Board(is_shared=False), PAUSED), (Board(), GAPS)],
    ids=["the database does not answer", "a fleet of one", "only one can notice it"],
)
async def test_everything_else_is_told_by_whoever_notices_it(board: Board, notice: Notice) -> None:
    async with receiver() as outlet, replicas(board, outlet) as both:
        for alarms in both:
            alarms.tell(notice)
        await comes_true(lambda: len(outlet.told) == 2)

    assert {} == board.told


async def test_one_that_tells_nobody_leaves_it_to_others() -> None:
    async with replicas(board := Board(), None) as both:
        both[0].tell(PAUSED)

    assert {} == board.told


async def test_what_is_told_at_the_end_is_told_still() -> None:
    async with receiver() as outlet, replicas(Board(), outlet, count=1) as (alarms,):
        alarms.tell(PAUSED)
        await alarms.aclose()

        assert 1 == len(outlet.told)
