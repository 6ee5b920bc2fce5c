"""What is done for all once in a while: freeing leases after a time without the database, keeping house by turns."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from bridge.errors import StoreError
from bridge.upkeep import keep_rescuing
from tests.receiver import comes_true


@dataclass
class Leases:
    """A database that is there or not, and what was asked of it when."""

    is_there: bool = True
    expired: int = 0
    asked: list[tuple[str, float]] = field(default_factory=list)

    def _ask(self, verb: str) -> None:
        self.asked.append((verb, asyncio.get_running_loop().time()))
        if not self.is_there:
            raise StoreError("gone")

    async def rescue(self, *, now: datetime) -> int:
        self._ask("rescue")
        freed, self.expired = self.expired, 0
        return freed

    async def ping(self) -> None:
        self._ask("ping")

    def times(self, verb: str) -> list[float]:
        return [at for asked, at in self.asked if asked == verb]


async def test_expired_leases_are_freed_and_the_worker_is_woken(caplog: pytest.LogCaptureFixture) -> None:
    leases, woken = Leases(), asyncio.Event()
    working = asyncio.create_task(
        keep_rescuing(leases, clock=lambda: datetime.now(UTC), wake=woken.set, every_seconds=0.01)
    )
    await comes_true(lambda: len(leases.times("rescue")) > 2)
    assert not woken.is_set()

    leases.expired = 3
    async with asyncio.timeout(5):
        await woken.wait()
    working.cancel()

    assert ["deliveries.rescued"] == [record.msg for record in caplog.records]


async def test_when_the_database_is_back_whoever_knows_the_end_of_a_try_writes_first() -> None:
    leases = Leases(is_there=False)
    working = asyncio.create_task(
        keep_rescuing(
            leases, clock=lambda: datetime.now(UTC), wake=lambda: None, every_seconds=0.05, patience_seconds=0.5
        )
    )
    await comes_true(lambda: len(leases.times("ping")) > 3)
    assert 1 == len(leases.times("rescue"))

    leases.is_there, back = True, asyncio.get_running_loop().time()
    await comes_true(lambda: len(leases.times("rescue")) > 1)
    working.cancel()

    assert leases.times("rescue")[1] - back >= 0.5
