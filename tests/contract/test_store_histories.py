"""Random histories against a tiny model: one sale per claim, customers in order, nothing lost, nobody stuck."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.model import Dead, Decision, Delivered, Delivery, DeliveryState, RetryAt, Wait
from tests.contract.databases import empty, opened
from tests.contract.store_hand import Hand, S, a_conversion, a_meaning, a_sale

T = TypeVar("T")

ALIVE = (S.PENDING, S.WAITING, S.SENDING, S.DELIVERED)


@dataclass(slots=True)
class Known:
    """What the model knows of one delivery."""

    lane: str
    names: frozenset[str]
    state: DeliveryState
    due_at: datetime
    duplicate_of: int | None = None


@dataclass(slots=True)
class Model:
    """The same verbs over two dicts."""

    deliveries: dict[int, Known] = field(default_factory=dict)
    holder: dict[str, int] = field(default_factory=dict)

    def record(self, number: int, lane: str, names: frozenset[str], now: datetime) -> None:
        holders = sorted({self.holder[name] for name in names if name in self.holder})
        alive = next((one for one in holders if self.deliveries[one].state is not S.DEAD), None)
        state = S.PENDING if alive is None else S.DUPLICATE
        self.deliveries[number] = Known(lane, names, state, now, alive)
        for dead in holders:
            if self.deliveries[dead].state is S.DEAD:
                self.move(dead, alive or number)
        for name in names:
            self.holder.setdefault(name, alive or number)

    def move(self, ousted: int, heir: int) -> None:
        for name, who in self.holder.items():
            if who == ousted:
                self.holder[name] = heir
        for number in self.duplicates(ousted):
            self.deliveries[number].duplicate_of = None if number == heir else heir

    def duplicates(self, holder: int) -> list[int]:
        return [n for n, one in self.deliveries.items() if one.state is S.DUPLICATE and one.duplicate_of == holder]

    def pass_on(self, holder: int, now: datetime) -> None:
        duplicates = self.duplicates(holder)
        if not duplicates:
            return
        names = frozenset[str]().union(*(self.deliveries[one].names for one in duplicates))
        rivals = sorted({self.holder[name] for name in names} - {holder})
        alive = next((one for one in rivals if self.deliveries[one].state is not S.DEAD), None)
        if alive is not None:
            self.move(holder, alive)
            return
        heir = duplicates[0]
        self.move(holder, heir)
        for name in self.deliveries[heir].names:
            if self.holder[name] != heir:
                self.move(self.holder[name], heir)
        self.send(heir, now)

    def send(self, number: int, now: datetime) -> None:
        one = self.deliveries[number]
        one.state, one.due_at, one.duplicate_of = S.PENDING, now, None

    def heads(self, now: datetime) -> list[int]:
        """Who may be claimed now; what waited long enough is back in its lane."""
        for one in self.deliveries.values():
            if one.state is S.WAITING and one.due_at <= now:
                one.state = S.PENDING
        busy = {one.lane for one in self.deliveries.values() if one.state is S.SENDING}
        heads: dict[str, int] = {}
        for number, one in sorted(self.deliveries.items()):
            if one.state is S.PENDING and one.lane not in busy:
                heads.setdefault(one.lane, number)
        return [number for number in heads.values() if self.deliveries[number].due_at <= now]

    def replay(self, number: int, now: datetime) -> bool:
        one = self.deliveries[number]
        if one.state not in (S.DEAD, S.DISMISSED):
            return False
        others = sorted({self.holder[name] for name in one.names} - {number})
        alive = next((other for other in others if self.deliveries[other].state in ALIVE), None)
        if alive is not None:
            self.move(number, alive)
            one.state, one.duplicate_of = S.DUPLICATE, alive
            return False
        for other in others:
            self.move(other, number)
        self.send(number, now)
        return True

    def dismiss(self, number: int, now: datetime, *, only: bool) -> bool:
        one = self.deliveries[number]
        if one.state in (S.SENDING, S.DELIVERED, S.DISMISSED):
            return False
        one.state = S.DISMISSED
        if only:
            self.pass_on(number, now)
            return True
        for duplicate in self.duplicates(number):
            self.deliveries[duplicate].state = S.DISMISSED
        return True


class Histories(RuleBasedStateMachine):
    """Does the same to a store and to the model, and compares them after every step."""

    backend: str

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.store = self.run(opened(empty(self.backend, self.folder)))
        self.hand = Hand(self.store)
        self.model = Model()
        self.leased: dict[int, Delivery] = {}
        self.run(self.hand.trust())
        self.next_id = 2

    def run(self, verb: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(verb)

    @rule(
        conversions=st.lists(
            st.tuples(st.sampled_from("xyz"), st.sets(st.sampled_from("abcde"), min_size=1)), max_size=5
        )
    )
    def record(self, conversions: list[tuple[str, set[str]]]) -> None:
        meanings = []
        for lane, names in conversions:
            meanings.append(a_meaning(a_conversion(a_sale(f"s{self.next_id}", lane), claims=sorted(names))))
            self.model.record(self.next_id, lane, frozenset(names), self.hand.now)
            self.next_id += 1
        self.run(self.hand.record(*meanings))

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        heads = self.model.heads(self.hand.now)
        heads.sort(key=lambda number: (self.model.deliveries[number].due_at, number))
        claimed = self.run(self.hand.ask(limit=limit)).deliveries
        assert heads[:limit] == [delivery.id for delivery in claimed]
        for delivery in claimed:
            self.leased[delivery.id] = delivery
            self.model.deliveries[delivery.id].state = S.SENDING

    @precondition(lambda self: self.leased)
    @rule(data=st.data(), kind=st.sampled_from(["delivered", "retry", "wait", "dead", "dead"]))
    def settle(self, data: st.DataObject, kind: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.leased)))
        one = self.model.deliveries[number]
        soon = self.hand.now + timedelta(seconds=20)
        decisions: dict[str, tuple[Decision, DeliveryState, datetime]] = {
            "delivered": (Delivered(), S.DELIVERED, self.hand.now),
            "retry": (RetryAt(at=soon, reason="busy"), S.PENDING, soon),
            "wait": (Wait(until=soon, reason="not yet"), S.WAITING, soon),
            "dead": (Dead(reason="no"), S.DEAD, self.hand.now),
        }
        decision, one.state, one.due_at = decisions[kind]
        self.run(self.hand.end(self.leased.pop(number), decision))
        if one.state is S.DEAD:
            self.model.pass_on(number, self.hand.now)

    @precondition(lambda self: self.leased)
    @rule(released=st.booleans())
    def lose_leases(self, released: bool) -> None:
        for number in self.leased:
            one = self.model.deliveries[number]
            one.state = S.PENDING
        if released:
            self.run(self.store.release(list(self.leased), now=self.hand.now))
        else:
            assert len(self.leased) == self.run(self.hand.rescue())
            for number in self.leased:
                self.model.deliveries[number].due_at = self.hand.now
        self.leased.clear()

    @precondition(lambda self: self.model.deliveries)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.model.deliveries)))
        (changed,) = self.run(self.store.replay([number], now=self.hand.now))
        assert changed.done == self.model.replay(number, self.hand.now)

    @precondition(lambda self: self.model.deliveries)
    @rule(data=st.data(), only=st.booleans())
    def dismiss(self, data: st.DataObject, only: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.model.deliveries)))
        (changed,) = self.run(self.store.dismiss([number], only=only, now=self.hand.now))
        assert changed.done == self.model.dismiss(number, self.hand.now, only=only)

    @rule(seconds=st.sampled_from([1, 25]))
    def later(self, seconds: int) -> None:
        self.hand.later(seconds=seconds)

    @invariant()
    def the_store_is_as_the_model_says(self) -> None:
        found = {one.id: one for one in self.run(self.hand.all()).values() if one.id > 1}
        assert {number: (one.lane, one.state) for number, one in self.model.deliveries.items()} == {
            number: (one.lane, one.state) for number, one in found.items()
        }
        pointing = {n: one.duplicate_of for n, one in found.items() if one.state is S.DUPLICATE}
        assert pointing == {n: one.duplicate_of for n, one in self.model.deliveries.items() if n in pointing}
        assert not [n for n, holder in pointing.items() if found[holder or 0].state in (S.DUPLICATE, S.DEAD)]

    @invariant()
    def no_name_is_with_two_that_are_open_or_delivered(self) -> None:
        alive = [name for one in self.model.deliveries.values() if one.state in ALIVE for name in one.names]
        assert len(set(alive)) == len(alive)

    @invariant()
    def no_customer_has_two_requests_in_the_air(self) -> None:
        lanes = [one.lane for one in self.model.deliveries.values() if one.state is S.SENDING]
        assert len(set(lanes)) == len(lanes)

    def teardown(self) -> None:
        """Whatever happened, what is open is delivered in the end, in order."""
        for delivery in self.leased.values():
            self.run(self.hand.end(delivery, Delivered()))
        self.hand.later(days=1)
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
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)

TestSQLiteHistories = SQLiteHistories.TestCase
TestSQLiteHistories.settings = quick
TestPostgresHistories = PostgresHistories.TestCase
TestPostgresHistories.settings = settings(quick, max_examples=25)
