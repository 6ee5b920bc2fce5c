"""Random stories of payments that several webhooks tell of, of clicks, waits, deaths, promotions and crashes.

Whatever happens: one delivery for each payment is delivered, it has a click id whenever one was known before its first
try, the right one, and it keeps it. All stories are played in one database, each with people of its own.
"""

import asyncio
import itertools
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, settings

from bridge.model import Dead, Decision, Delivered, Delivery, RetryAt, Sale, Wait
from bridge.store.base import DeliveryFilter
from tests.contract.click_stories import STORIES, Action, Clicked, Crashed, Leased, Paid, Person, Replayed, Sent, World
from tests.contract.databases import opened
from tests.contract.store_hand import Hand, S, a_conversion, a_lead, a_meaning, a_sale

T = TypeVar("T")


@dataclass(slots=True)
class Bench:
    """One database for all stories."""

    url: str
    runner: asyncio.Runner
    hand: Hand
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def run(self, verb: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(verb)

    def reopen(self) -> None:
        self.run(self.hand.store.close())
        self.hand.store = self.run(opened(self.url))
        # where several may serve, a lease is somebody's until it ends
        self.hand.later(minutes=1)
        self.run(self.hand.store.rescue(now=self.hand.now))


class Story:
    """Plays one story, and says before each first try which click ids the sale may have."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.hand = bench, bench.hand
        self.own = next(bench.numbers)
        self.names = itertools.count()
        self.world = World()
        #: webhooks of payments, by the name of their event: what they said, when it was recorded, and the sale
        self.told: dict[str, tuple[Paid, datetime, Sale]] = {}
        #: the click ids that a payment's own webhooks brought
        self.brought: dict[str, set[str]] = {}
        self.leased: dict[str, Delivery] = {}
        #: the click id of each delivery at its first try
        self.first: dict[str, str | None] = {}
        self.delivered: list[str] = []

    def run(self, verb: Coroutine[Any, Any, T]) -> T:
        return self.bench.run(verb)

    def named(self, text: str) -> str:
        return f"{text} of {self.own}"

    def play(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Clicked():
                    self.click(action)
                case Paid():
                    self.pay(action)
                case Sent(ends):
                    self.send(list(ends))
                case Leased():
                    self.lease()
                case Crashed():
                    self.bench.reopen()
                    self.leased.clear()
                case Replayed():
                    dead = [one.id for one in self.sales() if one.state in (S.DEAD, S.DISMISSED)]
                    self.run(self.hand.store.replay(dead, now=self.hand.now))
                case timedelta():
                    self.hand.now += action
            self.check()
        self.finish()

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def click(self, clicked: Clicked) -> None:
        person, address, click_id, at = self.about(clicked)
        lead = a_lead(
            self.named(f"lead {next(self.names)}"),
            person,
            click_id=click_id,
            customer_email=address,
            timestamp=at,
            deferred=clicked.deferred,
        )
        self.run(self.hand.record(a_meaning(a_conversion(lead, association_namespace="stripe"))))
        assert click_id is not None
        self.tell(person, address, click_id, at, None)

    def pay(self, paid: Paid) -> None:
        person, address, click_id, at = self.about(paid)
        name = self.named(f"sale {next(self.names)}")
        sale = a_sale(name, person, click_id=click_id, customer_email=address, timestamp=at)
        conversion = a_conversion(
            sale, claims=[self.named(paid.payment)], association_namespace="stripe", wait=paid.wait, fill=paid.fill
        )
        self.run(self.hand.record(a_meaning(conversion)))
        self.told[name] = paid, self.hand.now, sale
        if click_id is None:
            return
        self.brought.setdefault(paid.payment, set()).add(click_id)
        self.tell(person, address, click_id, at, at)
        holders = {one.duplicate_of for one in self.sales() if one.payload.event_name == name}
        for holder in self.sales():
            if holder.id in holders:
                self.world.tell(("id", holder.lane), click_id, at, at)

    def about(self, one: Clicked | Paid) -> tuple[str, str | None, str | None, datetime]:
        address = f"{one.address}{self.own}@example.com" if one.address else None
        click_id = self.named(one.click_id) if one.click_id else None
        return self.named(one.person), address, click_id, self.hand.now + one.moment

    def tell(self, person: str, address: str | None, click_id: str, at: datetime, paid_at: datetime | None) -> None:
        self.world.tell(("id", person), click_id, at, paid_at)
        if address:
            self.world.tell(("address", address), click_id, at, None)

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def lease(self) -> None:
        for delivery in self.run(self.hand.ask()).deliveries:
            if not delivery.payload.event_name.endswith(self.named("")):
                # left over by a story that failed
                self.run(self.hand.end(delivery, Delivered()))
                continue
            self.leased[delivery.payload.event_name] = delivery
            if delivery.payload.event_name in self.told:
                self.see(delivery)

    def see(self, delivery: Delivery) -> None:
        """A sale is about to be tried: its click id is the right one, or the one it had at its first try."""
        name, click_id = delivery.payload.event_name, delivery.payload.click_id
        if name in self.first:
            assert self.first[name] == click_id
            return
        (paid, recorded_at, sale), earlier = self.told[name], [self.told[one][0].payment for one in self.first]
        self.first[name] = click_id
        own = self.brought.get(paid.payment)
        if own:
            assert click_id in own
            assert delivery.filled_from is None
            return
        person, best = self.found(paid, sale)
        assert click_id in best if best else click_id is None
        if click_id is None:
            assert paid.wait is None or paid.payment in earlier or self.hand.now >= recorded_at + paid.wait
        elif person is not None:
            assert delivery.filled_from is not None
            self.world.tell(("id", delivery.lane), click_id, self.world.clicks[person][click_id].at, sale.timestamp)

    def found(self, paid: Paid, sale: Sale) -> tuple[Person | None, set[str]]:
        """Where a sale without own click id finds one, and which it may be."""
        people = [("id", sale.customer_external_id)] if "customer" in paid.fill else []
        people += [("address", sale.customer_email)] if "email" in paid.fill and sale.customer_email else []
        found = ((one, self.world.best(one, sale.timestamp)) for one in people)
        return next(((one, best) for one, best in found if best), (None, set()))

    def send(self, ends: list[str]) -> None:
        self.lease()
        while self.leased:
            for name in list(self.leased):
                self.end(name, ends.pop(0) if ends else "delivered")
            self.lease()

    def end(self, name: str, word: str) -> None:
        soon = self.hand.now + timedelta(minutes=5)
        decisions: dict[str, Decision] = {
            "delivered": Delivered(),
            "retry": RetryAt(at=soon, reason="busy"),
            "wait": Wait(until=soon, reason="not yet"),
            "dead": Dead(reason="no"),
        }
        self.run(self.hand.end(self.leased.pop(name), decisions[word]))
        if name in self.told and word == "delivered":
            self.delivered.append(self.told[name][0].payment)

    # ── always, and in the end ───────────────────────────────────────────────────────────────────────────────────

    def sales(self) -> list[Delivery]:
        people = [DeliveryFilter(customer=self.named(person), limit=100) for person in "xy"]
        found = [one for wanted in people for one in self.run(self.hand.store.deliveries(wanted))]
        return [one for one in found if one.payload.event_name in self.told]

    def check(self) -> None:
        assert len(set(self.delivered)) == len(self.delivered)
        for one in self.sales():
            if one.click_by is not None:
                paid, _, sale = self.told[one.payload.event_name]
                is_found = paid.payment in self.brought or self.found(paid, sale)[1]
                assert (one.tries, one.payload.click_id) == (0, None)
                assert one.due_at <= (self.hand.now if is_found else one.click_by)

    def finish(self) -> None:
        """A tracker that takes everything, and time enough: each payment is delivered, or a person must look."""
        for _ in range(2):
            self.send([])
            self.hand.later(hours=4)
        self.send([])
        self.check()
        found = self.sales()
        dead = {self.told[one.payload.event_name][0].payment for one in found if one.state in (S.DEAD, S.DISMISSED)}
        assert [] == [one.state for one in found if one.state.is_open]
        assert {paid.payment for paid, _, _ in self.told.values()} <= {*self.delivered, *dead}


def test_one_delivery_of_each_payment_goes_with_the_click_that_led_to_it(url: str) -> None:
    with asyncio.Runner() as runner:
        bench = Bench(url, runner, Hand(runner.run(opened(url))))
        bench.run(bench.hand.trust())

        @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
        @given(STORIES)
        def story(actions: list[Action]) -> None:
            Story(bench).play(actions)

        story()
        bench.run(bench.hand.store.close())
