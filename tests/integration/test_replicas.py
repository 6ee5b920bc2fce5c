"""One replica among others: who leads, what is told when they differ, and what is told once for all."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.errors import StoreError
from bridge.metrics import Metrics
from bridge.model import Replica, Seen
from bridge.notices import Notice
from bridge.replicas import BEAT_SECONDS, GRACE_SECONDS, LEADS_SECONDS, Membership
from bridge.store.fleet import LIVE
from tests.receiver import comes_true

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@dataclass
class World:
    """A database's rows and its clock, which moves when told; it can be out of reach."""

    seconds: float = 0.0
    rows: dict[str, Seen] = field(default_factory=dict)
    unreachable: set[str] = field(default_factory=set)

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    async def beat(self, replica: Replica, *, now: datetime) -> tuple[Seen, ...]:
        if replica.id in self.unreachable:
            raise StoreError("no way")
        began = self.rows[replica.id].started_at if replica.id in self.rows else self.now
        self.rows[replica.id] = Seen(replica=replica, started_at=began, seen_at=self.now, is_live=True)
        alive = [row for row in self.rows.values() if row.seen_at > self.now - LIVE]
        return tuple(sorted(alive, key=lambda row: (row.started_at, row.replica.id)))

    async def leave(self, replica_id: str) -> None:
        if replica_id in self.unreachable:
            raise StoreError("no way")
        self.rows.pop(replica_id, None)


class Member:
    """A replica of this world, with what a test turns and looks at."""

    def __init__(self, world: World, name: str, **said: object) -> None:
        self.says = Replica(id=name, host=f"host-{name}", version="1", duties=frozenset({"house"}))
        self.says = replace(self.says, **said)  # type: ignore[arg-type]
        self.told: list[Notice] = []
        self.reread = 0
        self.metrics = Metrics("0")
        self.membership = Membership(
            rows=world,
            describe=lambda: self.says,
            metrics=self.metrics,
            clock=lambda: world.now,
            tell=self.told.append,
            reread=self._reread,
            monotonic=lambda: world.seconds,
        )

    def _reread(self) -> None:
        self.reread += 1

    async def beat(self) -> None:
        with suppress(StoreError):
            await self.membership.beat()

    @property
    def leads(self) -> bool:
        return self.membership.leads("house")

    def number(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"trackbridge_{name}")


async def grown_old(world: World, *members: Member, seconds: float) -> None:
    """All of them beat until so much time has gone by."""
    for _ in range(int(seconds / BEAT_SECONDS)):
        world.seconds += BEAT_SECONDS
        for member in members:
            await member.beat()


async def test_the_oldest_leads_and_nobody_before_the_first_beat() -> None:
    world = World()
    one, two = Member(world, "one"), Member(world, "two")
    assert (False, False) == (one.leads, two.leads)

    await one.beat()
    world.seconds += 1
    await two.beat()
    await one.beat()

    assert (True, False) == (one.leads, two.leads)
    assert (2.0, True) == (two.number("replicas"), two.membership.has_company)


async def test_one_that_offers_a_duty_leads_before_an_older_one_that_does_not() -> None:
    world = World()
    one, two = Member(world, "one", duties=frozenset()), Member(world, "two")
    await grown_old(world, one, two, seconds=20)

    assert (False, True) == (one.leads, two.leads)


async def test_when_the_leader_dies_another_one_leads_within_a_minute_and_never_two_at_once() -> None:
    world = World()
    one, two, three = Member(world, "a"), Member(world, "b"), Member(world, "c")
    await grown_old(world, one, two, three, seconds=30)
    leading = []

    for _ in range(60):
        world.seconds += 1
        if world.seconds % BEAT_SECONDS == 0:
            await two.beat()
            await three.beat()
        leading.append([member for member in (one, two, three) if member.leads])

    assert [one] == leading[0]
    assert [two] == leading[-1]
    assert 1 == max(map(len, leading))
    assert (False, False) == (one.leads, three.leads)


async def test_one_that_cannot_reach_the_database_stops_leading_before_another_begins() -> None:
    world = World()
    one, two = Member(world, "one"), Member(world, "two")
    await grown_old(world, one, two, seconds=20)
    world.unreachable.add("one")

    await grown_old(world, one, two, seconds=LEADS_SECONDS + BEAT_SECONDS)
    assert (False, False) == (one.leads, two.leads)

    await grown_old(world, one, two, seconds=BEAT_SECONDS)
    assert (False, True) == (one.leads, two.leads)


async def test_one_that_leaves_hands_over_with_the_next_beat() -> None:
    world = World()
    one, two = Member(world, "one"), Member(world, "two")
    await grown_old(world, one, two, seconds=20)

    await one.membership.leave()
    await two.beat()

    assert two.leads


async def test_a_row_that_cannot_be_taken_away_is_told_and_stays(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    one = Member(world, "one")
    await one.beat()
    world.unreachable.add("one")

    await one.membership.leave()

    assert ["replica.left_behind"] == [record.msg for record in caplog.records]


async def test_whoever_waits_for_a_turn_goes_on_when_it_comes() -> None:
    world = World()
    one, two = Member(world, "one"), Member(world, "two")
    await grown_old(world, one, two, seconds=20)
    waiting = asyncio.create_task(two.membership.turn("house"))
    await asyncio.sleep(0)
    assert not waiting.done()

    await one.membership.leave()
    await two.beat()

    async with asyncio.timeout(5):
        await waiting


async def test_differing_mappings_are_told_once_after_the_grace(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    one, two = Member(world, "one", sources={"stripe": "r1"}), Member(world, "two", sources={"stripe": "r2"})
    with caplog.at_level(logging.INFO, logger="bridge.replicas"):
        await grown_old(world, one, two, seconds=GRACE_SECONDS)
        assert [] == [*one.told, *caplog.records]

        await grown_old(world, one, two, seconds=60)

    (notice,) = one.told
    assert "replicas.differ" == notice.kind.value
    assert 'mapping "stripe"' in notice.text
    assert notice.once == two.told[0].once
    assert ["replicas.differ"] * 2 == [record.msg for record in caplog.records]
    assert 'mapping "stripe": r1 on host-one/one; r2 on host-two/two' == str(one.membership.differing[0])
    assert 1.0 == one.number("replicas_differ")


async def test_when_they_agree_again_it_is_told() -> None:
    world = World()
    one, two = Member(world, "one", sources={"stripe": "r1"}), Member(world, "two", sources={"stripe": "r2"})
    await grown_old(world, one, two, seconds=100)
    one.says = replace(one.says, sources={"stripe": "r2"})

    await grown_old(world, one, two, seconds=20)

    assert ["replicas.differ", "replicas.agree"] == [notice.kind.value for notice in one.told]
    assert ((), 0.0) == (one.membership.differing, one.number("replicas_differ"))


async def test_an_upgrade_that_ends_within_the_grace_is_not_told() -> None:
    world = World()
    one, two = Member(world, "one", sources={"stripe": "r1"}), Member(world, "two", sources={"stripe": "r2"})
    await grown_old(world, one, two, seconds=50)
    one.says = replace(one.says, sources={"stripe": "r2"})

    await grown_old(world, one, two, seconds=100)

    assert [] == [*one.told, *two.told]


async def test_a_dead_replica_differs_from_nobody() -> None:
    world = World()
    one, two = Member(world, "one", sources={"stripe": "r1"}), Member(world, "two", sources={"stripe": "r2"})
    await one.beat()
    await two.beat()

    await grown_old(world, two, seconds=200)

    assert [] == two.told


async def test_each_new_difference_has_the_files_read_again_once() -> None:
    """A change of which one replica was told (a signal) reaches all that share the files."""
    world = World()
    one, two = Member(world, "one", sources={"stripe": "r1"}), Member(world, "two", sources={"stripe": "r1"})
    await grown_old(world, one, two, seconds=30)
    assert 0 == one.reread

    two.says = replace(two.says, sources={"stripe": "r2"})
    await grown_old(world, two, one, seconds=30)
    assert 1 == one.reread

    two.says = replace(two.says, sources={"stripe": "r3"})
    await grown_old(world, two, one, seconds=30)
    assert 2 == one.reread


async def test_sources_that_others_take_in_are_remembered() -> None:
    world = World()
    one, two = Member(world, "one"), Member(world, "two", sources={"quiz": "r1"})
    await grown_old(world, one, two, seconds=20)
    await two.membership.leave()
    await one.beat()

    assert {"quiz"} == one.membership.sources


async def test_a_change_is_said_at_once_and_a_failing_database_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    one = Member(world, "one")
    running = asyncio.create_task(one.membership.run())
    try:
        one.membership.changed()
        await comes_true(lambda: "one" in world.rows)
        world.unreachable.add("one")
        for _ in range(3):
            one.membership.changed()
            await asyncio.sleep(0.01)
        world.unreachable.clear()
        one.says = replace(one.says, idle="no token")
        one.membership.changed()
        await comes_true(lambda: world.rows["one"].replica.idle == "no token")
    finally:
        running.cancel()

    assert ["store.unavailable"] == [record.msg for record in caplog.records]
