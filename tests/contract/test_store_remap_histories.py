"""Random histories with remaps among them, and kill -9 in between: keys and lanes stay whole, nothing counts twice."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.model import Conversion, Dead, Delivered, Delivery, EventState, RetryAt
from bridge.store.base import DeliveryFilter
from bridge.store.reports import Remap
from tests.contract.databases import empty, opened, raw
from tests.contract.store_hand import START, Hand, S, a_conversion, a_meaning, a_sale

T = TypeVar("T")

ALIVE = (S.PENDING, S.WAITING, S.SENDING, S.DELIVERED)
LANES = st.sampled_from("xyz")
NAMES = st.sets(st.sampled_from("abcde"), min_size=1, max_size=3)
CONVERSIONS = st.lists(st.tuples(LANES, NAMES), max_size=2)


class Histories(RuleBasedStateMachine):
    """Knows only under which names each delivery was last made."""

    backend: str

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.url = empty(self.backend, self.folder)
        self.store = self.run(opened(self.url))
        self.hand = Hand(self.store)
        self.leased: list[Delivery] = []
        self.names: dict[int, frozenset[str]] = {}
        self.made = 0
        self.events = 1
        self.run(self.hand.trust())

    def run(self, verb: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(verb)

    def conversions(self, drawn: list[tuple[str, set[str]]]) -> tuple[Conversion, ...]:
        made = []
        for lane, names in drawn:
            self.made += 1
            made.append(a_conversion(a_sale(f"s{self.made}", lane), claims=sorted(names)))
        return tuple(made)

    @rule(drawn=CONVERSIONS)
    def record(self, drawn: list[tuple[str, set[str]]]) -> None:
        self.events += 1
        meaning = a_meaning(*self.conversions(drawn), key=f"e{self.events}")
        (recorded,) = self.run(self.hand.record(meaning))
        (stored,) = self.run(self.store.find_events(str(recorded.event_id)))
        for delivery, conversion in zip(stored.deliveries, meaning.conversions, strict=True):
            self.names[delivery.id] = frozenset(conversion.claims)

    @precondition(lambda self: self.events > 1)
    @rule(data=st.data(), drawn=CONVERSIONS, state=st.sampled_from([EventState.ACCEPTED, EventState.UNMAPPED]))
    def remap(self, data: st.DataObject, drawn: list[tuple[str, set[str]]], state: EventState) -> None:
        event_id = data.draw(st.integers(2, self.events))
        meaning = a_meaning(*self.conversions(drawn), key=f"e{event_id}", state=state)
        rehearsed = self.run(self.store.remap(event_id, meaning, now=self.hand.now, rehearse=True))
        remapped = self.run(self.store.remap(event_id, meaning, now=self.hand.now))
        assert remapped is not None
        assert rehearsed == remapped
        made = (Remap.ADDED, Remap.REPLACED, Remap.RENEWED)
        for change, conversion in zip(remapped.changes, meaning.conversions, strict=False):
            if change.what in made:
                assert change.now is not None
                self.names[change.now.id] = frozenset(conversion.claims)
        again = self.run(self.store.remap(event_id, meaning, now=self.hand.now))
        assert again is not None
        assert not again.is_change

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        self.leased += self.run(self.hand.ask(limit=limit)).deliveries

    @precondition(lambda self: self.leased)
    @rule(kind=st.sampled_from(["delivered", "retry", "dead", "release"]))
    def settle(self, kind: str) -> None:
        delivery = self.leased.pop()
        match kind:
            case "delivered":
                self.run(self.hand.end(delivery, Delivered()))
            case "retry":
                self.run(self.hand.end(delivery, RetryAt(at=self.hand.now, reason="busy")))
            case "dead":
                self.run(self.hand.end(delivery, Dead(reason="no")))
            case _:
                self.run(self.store.release([delivery.id], now=self.hand.now))

    @precondition(lambda self: self.names)
    @rule(data=st.data(), only=st.booleans(), replays=st.booleans())
    def operate(self, data: st.DataObject, only: bool, replays: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.names)))
        if replays:
            self.run(self.store.replay([number], now=self.hand.now))
        else:
            self.run(self.store.dismiss([number], only=only, now=self.hand.now))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return raw(self.url, sql)

    @invariant()
    def no_name_is_with_two_that_are_on_their_way_or_there(self) -> None:
        found = {one.id: one.state for one in self.run(self.store.deliveries(DeliveryFilter(limit=10_000)))}
        # what was delivered under a mistaken key is only shown, so only what is still to be sent is compared
        names = [name for number, theirs in self.names.items() if found[number] in ALIVE[:3] for name in theirs]
        assert len(set(names)) == len(names)

    @invariant()
    def every_claim_is_with_somebody_and_no_duplicate_is_of_a_duplicate(self) -> None:
        lost = "SELECT name FROM claims WHERE delivery_id NOT IN (SELECT id FROM deliveries WHERE state <> 'duplicate')"
        assert [] == self.rows(lost)
        odd = """
            SELECT d.id FROM deliveries AS d LEFT JOIN deliveries AS o ON o.id = d.duplicate_of
            WHERE d.state = 'duplicate' AND (o.id IS NULL OR o.state IN ('duplicate', 'dead'))
        """
        assert [] == self.rows(odd)

    @invariant()
    def every_lane_has_one_in_front(self) -> None:
        heads = """
            SELECT lane, count(CASE WHEN state = 'pending' THEN 1 END), count(CASE WHEN state = 'sending' THEN 1 END),
                   count(CASE WHEN head = 1 THEN 1 END),
                   min(CASE WHEN state = 'pending' THEN id END), max(CASE WHEN head = 1 THEN id END)
            FROM deliveries GROUP BY lane
        """
        for lane, pending, sending, head, oldest, front in self.rows(heads):
            expected = (1, oldest) if pending and not sending else (0, None)
            assert (lane, *expected) == (lane, head, front)

    def teardown(self) -> None:
        """Whatever happened, what is open is delivered in the end."""
        if not hasattr(self, "runner"):
            return
        for delivery in self.leased:
            self.run(self.hand.end(delivery, Delivered()))
        while claimed := self.run(self.hand.ask()).deliveries:
            for delivery in claimed:
                self.run(self.hand.end(delivery, Delivered()))
        left = [one.state for one in self.run(self.hand.all()).values() if one.state.is_open]
        self.run(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)
        assert [] == left


class SQLiteHistories(Histories):
    backend = "sqlite"


class PostgresHistories(Histories):
    backend = "postgres"


quick = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)

TestSQLiteHistories = SQLiteHistories.TestCase
TestSQLiteHistories.settings = quick
TestPostgresHistories = PostgresHistories.TestCase
TestPostgresHistories.settings = settings(quick, max_examples=25)


#: Remaps every event, saying which is done, until it is killed.
PROGRAM = """
import asyncio, sys
sys.path.insert(0, {root!r})
from tests.contract.databases import opened
from tests.contract.store_hand import START
from tests.contract.test_store_remap_histories import mended

async def main():
    store = await opened({url!r})
    while True:
        for number in range(1, {count} + 1):
            await store.remap(number, mended(number), now=START)
            print(number, flush=True)

asyncio.run(main())
"""

COUNT = 120


def mended(number: int) -> Any:
    """Each event's sale under its own key, and a second one."""
    return a_meaning(
        a_conversion(a_sale(f"m{number}", f"cus_{number % 7}"), claims=[f"in_{number}"]),
        a_conversion(a_sale(f"n{number}", f"cus_{number % 5}"), claims=[f"extra_{number}"]),
        key=f"e{number}",
    )


def killed_after(program: str, enough: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(enough)]
    process.kill()
    process.stdout.close()
    process.wait(10)
    assert f"{enough}\n" == said[-1]


async def test_kill_9_between_remaps_leaves_each_done_or_not_and_doing_all_again_does_the_rest(url: str) -> None:
    store = await opened(url)
    hand = Hand(store)
    for number in range(1, COUNT + 1):
        sale = a_conversion(a_sale(f"s{number}", f"cus_{number % 7}"), claims=[f"k{number % 10}"])
        await hand.record(a_meaning(sale, key=f"e{number}"))
    await store.close()
    program = PROGRAM.format(root=str(Path(__file__).parents[2]), url=url, count=COUNT)

    for enough in (10, 35, 50):
        await asyncio.to_thread(killed_after, program, enough)

    store = await opened(url)
    done = {one.payload.event_name for one in await store.deliveries(DeliveryFilter(limit=1000))}
    for number in range(1, COUNT + 1):
        assert (f"m{number}" in done) == (f"n{number}" in done)
        await store.remap(number, mended(number), now=START)
    found = await store.deliveries(DeliveryFilter(limit=1000))
    await store.close()

    assert {S.PENDING} == {one.state for one in found}
    assert sorted([f"m{n}" for n in range(1, COUNT + 1)] + [f"n{n}" for n in range(1, COUNT + 1)]) == sorted(
        one.payload.event_name for one in found
    )
