"""Worker and look-ups against a fake Stripe: what is learnt before a sale is sent, and what trouble there may be."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge import library, sources
from bridge.asking import Asker
from bridge.demo.tracker import FakeTracker
from bridge.inquiry import Question
from bridge.intake import Intake
from bridge.library import Library
from bridge.lookups import GAVE_UP, Lookups
from bridge.metrics import Metrics
from bridge.model import Delivery, DeliveryState, Json, Outcome, Payload, Sale, Sent, Webhook
from bridge.rate import Pace
from bridge.store import Store, open_store
from bridge.store.base import DeliveryFilter
from bridge.stripe_api import stripe_api
from bridge.worker import Worker
from tests.fake_stripe import KEY, Failure, FakeStripe, fake_stripe
from tests.integration.web_hand import a_body, a_bridge, ask
from tests.support import a_checkout, stripe_headers, wait_until

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
D = DeliveryState

MAPPING = """
source: stripe
verify: {scheme: stripe, secret: "${STRIPE_WEBHOOK_SECRET}"}
event: {id: id, type: type, occurred_at: created, account: account}
rules:
  - name: invoice
    types: [invoice.paid]
    track: sale
    event_name: invoice_paid
    fields:"""

FIELDS = """
      click_id: data.object.metadata.click_id
      customer_external_id: data.object.customer || data.object.receipt_email
      invoice_id: data.object.id
      amount: data.object.amount
      currency: data.object.currency
    unit: stripe
"""
INVOICES = MAPPING + FIELDS
BOTH = (
    INVOICES
    + """
  - name: payment
    types: [payment_intent.succeeded]
    track: sale
    event_name: payment_succeeded
    fields:"""
    + FIELDS
)


def an_invoice(number: int = 1, **changes: Any) -> dict[str, Any]:
    told = {
        "object": "invoice",
        "id": f"in_{number}",
        "customer": f"cus_{number}",
        "amount": 4999,
        "currency": "usd",
        "metadata": {},
        "parent": {"subscription_details": {"subscription": f"sub_{number}", "metadata": {}}},
    }
    return {"type": "invoice.paid", "data": {"object": told | changes}}


def a_payment(number: int = 1, **changes: Any) -> dict[str, Any]:
    told = {
        "object": "payment_intent",
        "id": f"pi_{number}",
        "customer": f"cus_{number}",
        "amount": 4999,
        "currency": "usd",
        "metadata": {},
    }
    return {"type": "payment_intent.succeeded", "data": {"object": told | changes}}


class Bench:
    """A store, a scripted tracker and a fake Stripe, with a clock that moves when told."""

    def __init__(self, folder: Path, store: Store, fake: FakeStripe, loaded: Library) -> None:
        self.now = START
        self.folder = folder
        self.store = store
        self.fake = fake
        self.library = loaded
        self.metrics = Metrics("0")
        self.sent: list[Payload] = []
        self.answer: Callable[[Payload], int] = lambda _: 200
        self.at_once = self.most_at_once = 0
        self.worker: Worker | None = None
        self.lookups: Lookups | None = None

    async def send(self, payload: Payload) -> Outcome:
        self.sent.append(payload)
        return Outcome(sent=Sent.YES, started_at=self.now, duration_ms=1.0, status=self.answer(payload), is_json=True)

    async def record(self, *documents: dict[str, Any]) -> None:
        intake = Intake(store=self.store, metrics=self.metrics, clock=lambda: self.now, wake=self.wake)
        for document in documents:
            event = {"id": f"evt_{document['type']}_{document['data']['object']['id']}", "created": 1} | document
            webhook = Webhook(source="stripe", body=json.dumps(event).encode(), received_at=self.now)
            receipt = await intake.take(sources.fetched(webhook, by="test"), self.library.sources["stripe"].mapping)
            assert "accepted" == receipt.status

    def wake(self) -> None:
        if self.worker is not None:
            self.worker.wake()

    async def deliveries(self) -> dict[str, Delivery]:
        """By what they were paid with."""
        found = await self.store.deliveries(DeliveryFilter(limit=1000))
        return {one.payload.invoice_id: one for one in found if isinstance(one.payload, Sale)}

    async def until(self, **wanted: DeliveryState) -> dict[str, Delivery]:
        async with asyncio.timeout(10):
            while True:
                found = await self.deliveries()
                if all(name in found and found[name].state is state for name, state in wanted.items()):
                    return found
                await asyncio.sleep(0.01)

    async def until_states(self, wanted: set[DeliveryState]) -> None:
        async with asyncio.timeout(10):
            while True:
                if wanted == {one.state for one in (await self.deliveries()).values()}:
                    return
                await asyncio.sleep(0.01)

    async def later_until(self, **wanted: DeliveryState) -> dict[str, Delivery]:
        """The same, a minute and another minute later."""
        async with asyncio.timeout(20):
            while True:
                found = await self.deliveries()
                if all(found[name].state is state for name, state in wanted.items()):
                    return found
                await self.quiet()
                self.now += timedelta(seconds=61)
                self.wake()
                await asyncio.sleep(0.03)

    async def quiet(self) -> None:
        """Nobody is being asked."""
        async with asyncio.timeout(10):
            while True:
                if self.lookups is None or not self.lookups._asking:
                    return
                await asyncio.sleep(0.005)

    def asked(self) -> list[str]:
        return [path.removeprefix("/v1/") for _, path, _ in self.fake.requests]

    def asked_of_customers(self) -> list[str]:
        return [path for path in self.asked() if path.startswith("customers/")]

    @asynccontextmanager
    async def working(self, *, key: str = KEY, timeout_seconds: float = 5.0) -> AsyncIterator[None]:
        async with stripe_api(key, base_url=self.fake.url, pauses=(), timeout_seconds=timeout_seconds) as api:

            async def ask(question: Question) -> dict[str, Json] | None:
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    return await api.read(question.path, account=question.account, **question.parameters)
                finally:
                    self.at_once -= 1

            asker = Asker(ask, metrics=self.metrics, monotonic=lambda: self.now.timestamp())
            self.lookups = Lookups(
                memory=self.store,
                asker=asker,
                library=lambda: self.library,
                metrics=self.metrics,
                clock=lambda: self.now,
            )
            self.worker = Worker(
                store=self.store,
                send=self.send,
                pace=Pace(n=0),
                metrics=self.metrics,
                clock=lambda: self.now,
                jitter=lambda: 0.5,
                poll_seconds=0.02,
                lookups=self.lookups,
            )
            running = asyncio.create_task(self.worker.run())
            yield
            await self.worker.stop(within_seconds=1)
            await asyncio.wait_for(running, 5)
            await self.lookups.aclose()

    def counted(self, result: str) -> float:
        return self.metrics.registry.get_sample_value("trackbridge_lookups_total", {"result": result}) or 0


@pytest.fixture
def fake() -> Any:
    with fake_stripe() as made:
        yield made


def a_library(folder: Path, text: str) -> Library:
    mappings = folder / "mappings"
    mappings.mkdir(exist_ok=True)
    (mappings / "stripe.yaml").write_text(text, encoding="utf-8")
    loaded = library.load(shipped=mappings, folder=None, lookup=lambda _: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert [] == loaded.errors
    return loaded


@asynccontextmanager
async def bench(folder: Path, fake: FakeStripe, text: str = INVOICES) -> AsyncIterator[Bench]:
    store = await open_store(f"sqlite:///{folder / 'bridge.db'}", exclusive=True)
    try:
        made = Bench(folder, store, fake, a_library(folder, text))
        await store.rescue(now=made.now)
        yield made
    finally:
        await store.close()


# ── a click id ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("place", "said", "asked"),
    [
        ("customers/cus_1", {"metadata": {"click_id": "c1"}}, 3),
        ("customers/cus_1", {"metadata": {"cms_rf": "c1"}}, 3),
        ("subscriptions/sub_1", {"metadata": {"click_id": "c1"}}, 2),
    ],
    ids=["on the customer", "under its other name", "on the subscription"],
)
async def test_a_click_id_that_stripe_knows_goes_with_the_sale(
    tmp_path: Path, fake: FakeStripe, place: str, said: dict[str, Any], asked: int
) -> None:
    fake.objects[place] = said
    async with bench(tmp_path, fake) as b, b.working():
        await b.record(an_invoice())
        found = await b.until(in_1=D.DELIVERED)

    assert ["c1"] == [payload.click_id for payload in b.sent]
    assert (f"click id from Stripe's {place.partition('/')[0]}",) == found["in_1"].flags
    assert asked == len(b.asked())
    assert 1 == b.counted("found")


async def test_a_payment_link_is_found_by_its_checkout(tmp_path: Path, fake: FakeStripe) -> None:
    fake.checkouts.append({"id": "cs_1", "subscription": "sub_1", "client_reference_id": "cms_rf_c1"})
    async with bench(tmp_path, fake) as b, b.working():
        await b.record(an_invoice())
        await b.until(in_1=D.DELIVERED)

    assert ["c1"] == [payload.click_id for payload in b.sent]
    assert ["checkout/sessions"] == b.asked()


async def test_a_sale_nobody_clicked_for_is_sent_and_asked_about_once(tmp_path: Path, fake: FakeStripe) -> None:
    async with bench(tmp_path, fake) as b, b.working():
        b.answer = lambda _: 425 if len(b.sent) == 1 else 200
        await b.record(an_invoice())
        found = await b.later_until(in_1=D.DELIVERED)

    assert [None, None] == [payload.click_id for payload in b.sent]
    assert ("no click id at Stripe",) == found["in_1"].flags
    assert ["checkout/sessions", "subscriptions/sub_1", "customers/cus_1"] == b.asked()


async def test_what_is_known_already_is_not_asked_for(tmp_path: Path, fake: FakeStripe) -> None:
    async with bench(tmp_path, fake) as b, b.working():
        await b.record(an_invoice(metadata={"click_id": "own"}))
        await b.until(in_1=D.DELIVERED)

    assert [] == b.asked()


async def test_an_answer_holds_for_a_while(tmp_path: Path, fake: FakeStripe) -> None:
    fake.objects["customers/cus_1"] = {"metadata": {}}
    async with bench(tmp_path, fake) as b, b.working():
        for number in (1, 2):
            await b.record(an_invoice(number, customer="cus_1", parent=None))
        await b.until(in_1=D.DELIVERED, in_2=D.DELIVERED)
        assert ["customers/cus_1"] == b.asked_of_customers()
        b.now += timedelta(minutes=11)
        await b.record(an_invoice(3, customer="cus_1", parent=None))
        await b.until(in_3=D.DELIVERED)

    assert ["customers/cus_1"] * 2 == b.asked_of_customers()


async def test_a_connected_accounts_object_is_asked_of_that_account(tmp_path: Path, fake: FakeStripe) -> None:
    async with bench(tmp_path, fake) as b, b.working():
        await b.record(an_invoice() | {"account": "acct_7"})
        await b.until(in_1=D.DELIVERED)

    assert {"acct_7"} == set(fake.accounts)


async def test_a_customer_s_sales_stay_in_order_and_nobody_else_waits(tmp_path: Path, fake: FakeStripe) -> None:
    async with bench(tmp_path, fake) as b, b.working():
        fake.slowness = 0.1
        await b.record(an_invoice(1, customer="cus_1"))
        await b.record(an_invoice(2, customer="cus_1", metadata={"click_id": "c"}))
        await b.record(an_invoice(3, metadata={"click_id": "c"}))
        await b.until(in_1=D.DELIVERED, in_2=D.DELIVERED, in_3=D.DELIVERED)

    names = [payload.invoice_id for payload in b.sent if isinstance(payload, Sale)]
    assert "in_3" == names[0]
    assert ["in_1", "in_2"] == names[1:]


async def test_no_more_than_five_are_asked_at_once(tmp_path: Path, fake: FakeStripe) -> None:
    async with bench(tmp_path, fake) as b:
        await b.record(*(an_invoice(number, parent=None) for number in range(1, 13)))
        async with b.working():
            fake.slowness = 0.05
            await b.until(**{f"in_{number}": D.DELIVERED for number in range(1, 13)})

    assert 5 == b.most_at_once


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("failure", [Failure(429), Failure(500), Failure(0)], ids=["rate limit", "broken", "down"])
async def test_what_passes_delays_the_sale_and_no_other(tmp_path: Path, fake: FakeStripe, failure: Failure) -> None:
    fake.objects["customers/cus_1"] = {"metadata": {"click_id": "c1"}}
    async with bench(tmp_path, fake) as b, b.working():
        fake.failures.append(failure)
        await b.record(an_invoice())
        await b.record(an_invoice(2, metadata={"click_id": "c2"}))
        await b.until(in_2=D.DELIVERED)
        await b.quiet()
        assert 1 == len(fake.accounts)
        assert ["c2"] == [payload.click_id for payload in b.sent]
        waiting = (await b.deliveries())["in_1"]
        assert (0, False) == (waiting.tries, waiting.is_looked_up)
        b.now += timedelta(seconds=31)
        b.wake()
        await b.until(in_1=D.DELIVERED)

    assert "c1" == b.sent[-1].click_id
    assert 1 == b.counted("failed")


async def test_a_slow_stripe_delays_the_sale(tmp_path: Path, fake: FakeStripe) -> None:
    fake.objects["customers/cus_1"] = {"metadata": {"click_id": "c1"}}
    fake.slowness = 0.4
    async with bench(tmp_path, fake) as b, b.working(timeout_seconds=0.1):
        await b.record(an_invoice(parent=None))
        await b.until(in_1=D.PENDING)
        await b.quiet()
        assert [] == b.sent
        fake.slowness = 0.0
        b.now += timedelta(seconds=31)
        b.wake()
        await b.until(in_1=D.DELIVERED)

    assert ["c1"] == [payload.click_id for payload in b.sent]


async def test_a_stripe_that_stays_down_delays_it_for_a_quarter_of_an_hour(tmp_path: Path, fake: FakeStripe) -> None:
    fake.failures.extend([Failure(500)] * 1000)
    async with bench(tmp_path, fake) as b, b.working():
        await b.record(an_invoice())
        found = await b.later_until(in_1=D.DELIVERED)

    assert timedelta(minutes=15) <= b.now - START <= timedelta(minutes=17)
    assert [None] == [payload.click_id for payload in b.sent]
    assert (GAVE_UP,) == found["in_1"].flags
    assert len(fake.accounts) <= 17
    assert 1 == b.counted("gave up")


async def test_while_stripe_is_down_it_is_left_alone(tmp_path: Path, fake: FakeStripe) -> None:
    fake.failures.extend([Failure(500)] * 1000)
    async with bench(tmp_path, fake) as b, b.working():
        await b.record(*(an_invoice(number) for number in range(1, 31)))
        await b.until(**{f"in_{number}": D.PENDING for number in range(1, 31)})
        await b.quiet()

    assert len(fake.failures) >= 1000 - 5


@pytest.mark.parametrize(
    ("status", "note"),
    [
        (403, "not readable at Stripe: subscriptions"),
        (400, "not readable at Stripe: subscriptions"),
    ],
    ids=["403", "400"],
)
async def test_what_the_key_may_not_read_is_noted_and_the_rest_is_asked(
    tmp_path: Path, fake: FakeStripe, status: int, note: str
) -> None:
    fake.objects["customers/cus_1"] = {"metadata": {"click_id": "c1"}}
    async with bench(tmp_path, fake) as b, b.working():
        fake.refused["subscriptions"] = status
        await b.record(an_invoice())
        found = await b.until(in_1=D.DELIVERED)

    assert ["c1"] == [payload.click_id for payload in b.sent]
    assert ("click id from Stripe's customers", note) == found["in_1"].flags


async def test_a_wrong_key_delays_nothing(tmp_path: Path, fake: FakeStripe) -> None:
    async with bench(tmp_path, fake) as b, b.working(key="rk_test_other"):
        await b.record(an_invoice())
        found = await b.until(in_1=D.DELIVERED)

    assert "no click id at Stripe" == found["in_1"].flags[0]
    assert "customers" in found["in_1"].flags[1]


async def test_a_database_that_cannot_park_sends_nothing_and_is_asked_again(tmp_path: Path, fake: FakeStripe) -> None:
    fake.objects["customers/cus_1"] = {"metadata": {"click_id": "c1"}}
    async with bench(tmp_path, fake) as b:
        await b.record(an_invoice())
        lock = sqlite3.connect(tmp_path / "bridge.db", isolation_level=None, timeout=30)
        claim = b.store.claim

        async def claim_and_lock(**given: Any) -> Any:
            claimed = await claim(**given)
            if claimed.deliveries and not lock.in_transaction and not b.asked():
                lock.execute("BEGIN IMMEDIATE")
            return claimed

        b.store.claim = claim_and_lock  # type: ignore[method-assign]
        async with b.working():
            await asyncio.to_thread(wait_until, lambda: lock.in_transaction)
            await asyncio.sleep(0.1)
            assert [] == b.sent
            lock.execute("ROLLBACK")
            b.store.claim = claim  # type: ignore[method-assign]
            await b.until(in_1=D.DELIVERED)
        lock.close()

    assert ["c1"] == [payload.click_id for payload in b.sent]


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("together", [True, False], ids=["together", "one after the other"])
@pytest.mark.parametrize(
    "events", [(a_payment(), an_invoice()), (an_invoice(), a_payment())], ids=["payment first", "invoice first"]
)
@pytest.mark.parametrize("customer", ["cus_1", None], ids=["one lane", "two lanes"])
async def test_a_payment_and_its_invoice_are_one_sale(
    tmp_path: Path, fake: FakeStripe, *, events: Sequence[dict[str, Any]], together: bool, customer: str | None
) -> None:
    fake.payments.append(("in_1", "pi_1"))
    told = [_of(event, customer) for event in events]
    async with bench(tmp_path, fake, BOTH) as b, b.working():
        if together:
            await b.record(*told)
        else:
            await b.record(told[0])
            first = told[0]["data"]["object"]["id"]
            await b.until(**{first: D.DELIVERED})
            await b.record(told[1])

        await b.until_states({D.DELIVERED, D.DUPLICATE})

    assert 1 == len(b.sent)


def _of(event: dict[str, Any], customer: str | None) -> dict[str, Any]:
    """The event, of this customer or, for the payment, of a guest."""
    if customer is None and event["type"].startswith("payment"):
        return a_payment(customer=None, receipt_email="ada@example.com")
    return event


async def test_a_payment_without_an_invoice_is_a_sale_of_its_own(tmp_path: Path, fake: FakeStripe) -> None:
    fake.payments.append(("in_1", "pi_1"))
    async with bench(tmp_path, fake, BOTH) as b, b.working():
        await b.record(a_payment(2), an_invoice(1))
        await b.until(in_1=D.DELIVERED, pi_2=D.DELIVERED)

    assert 2 == len(b.sent)


async def test_an_invoice_finds_a_payment_that_went_without_being_asked_about(tmp_path: Path, fake: FakeStripe) -> None:
    fake.payments.append(("in_1", "pi_1"))
    async with bench(tmp_path, fake, BOTH) as b, b.working():
        fake.failures.extend([Failure(500)] * 1000)
        await b.record(a_payment())
        await b.later_until(pi_1=D.DELIVERED)
        fake.failures.clear()
        b.now += timedelta(minutes=5)
        await b.record(an_invoice())
        found = await b.until(in_1=D.DUPLICATE)

    assert found["pi_1"].id == found["in_1"].duplicate_of
    assert 1 == len(b.sent)


async def test_where_invoices_alone_are_told_no_names_are_asked_for(tmp_path: Path, fake: FakeStripe) -> None:
    async with bench(tmp_path, fake) as b, b.working():
        await b.record(an_invoice())
        await b.until(in_1=D.DELIVERED)

    assert "invoice_payments" not in b.asked()


# ── crashes ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_crash_while_asking_leaves_the_sale_as_it_was(tmp_path: Path, fake: FakeStripe) -> None:
    fake.objects["customers/cus_1"] = {"metadata": {"click_id": "c1"}}
    fake.slowness = 0.3
    async with bench(tmp_path, fake) as b, b.working():
        await b.record(an_invoice(parent=None))
        await asyncio.to_thread(wait_until, lambda: fake.accounts)
    fake.slowness = 0.0
    async with bench(tmp_path, fake) as b:
        (one,) = (await b.deliveries()).values()
        assert (D.PENDING, 0, False, []) == (one.state, one.tries, one.unsure, await b.store.attempts(one.id))
        b.now += timedelta(seconds=31)
        async with b.working():
            await b.until(in_1=D.DELIVERED)

    assert ["c1"] == [payload.click_id for payload in b.sent]


async def test_a_crash_between_asking_and_sending_asks_no_second_time(tmp_path: Path, fake: FakeStripe) -> None:
    fake.objects["customers/cus_1"] = {"metadata": {"click_id": "c1"}}
    async with bench(tmp_path, fake) as b, b.working():
        assert b.worker is not None
        # a bridge that dies with the answer on disk: it claims nothing more
        fake.slowness = 0.2
        await b.record(an_invoice(parent=None))
        await asyncio.to_thread(wait_until, lambda: fake.accounts)
        await b.worker.stop(within_seconds=0)
        await b.quiet()
    assert [] == b.sent
    async with bench(tmp_path, fake) as b, b.working():
        await b.until(in_1=D.DELIVERED)

    assert ["c1"] == [payload.click_id for payload in b.sent]
    assert ["customers/cus_1"] == b.asked_of_customers()


async def test_a_bug_in_asking_sends_the_sale_as_it_is(
    tmp_path: Path, fake: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Lookups, "take", broken)
    async with bench(tmp_path, fake) as b, b.working():
        await b.record(an_invoice(), an_invoice(2))
        await b.until(in_1=D.DELIVERED, in_2=D.DELIVERED)

    assert 2 == len(b.sent)


# ── a whole bridge ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", [KEY, ""], ids=["with a key", "without"])
async def test_a_bridge_asks_when_it_has_a_key(tmp_path: Path, fake: FakeStripe, key: str) -> None:
    fake.objects["customers/cus_9"] = {"metadata": {"click_id": "c1"}}
    async with FakeTracker() as tracker:
        settings = {
            "CMS_BASE_URL": tracker.url,
            "CMS_BEARER_TOKEN": "tok_1",
            "CMS_RATE_LIMIT": "0",
            "STRIPE_API_KEY": key,
            "STRIPE_API_BASE": fake.url,
        }
        async with a_bridge(tmp_path, **settings) as bridge:
            body = a_checkout(9, metadata={})
            await ask(bridge.app, a_body(body), headers=stripe_headers(body))
            await tracker.wait_for(1)

    (sale,) = tracker.requests
    assert isinstance(sale.json, dict)
    assert ("c1" if key else None) == sale.json.get("clickId")
