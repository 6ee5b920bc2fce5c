"""What Stripe is asked about beside the worker: whose sale a refund is of, and the click id of a sale that waits."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge import library, sources
from bridge.asking import Asker
from bridge.errands import FORBIDDEN, NO_INVOICE, Errands
from bridge.inquiry import Question
from bridge.intake import Intake
from bridge.library import Library
from bridge.lookups import GAVE_UP, Lookups
from bridge.metrics import Metrics
from bridge.model import Delivery, DeliveryState, Json, StoredReversal, Webhook, went_back
from bridge.rate import Pace
from bridge.store import Store, open_store
from bridge.store.base import DeliveryFilter, EventFilter
from bridge.stripe_api import stripe_api
from tests.contract.stripe_world import credit_note, dispute, invoice, receipt, refund, renewal, session, subscribed
from tests.contract.tellings import MAPPINGS
from tests.fake_stripe import KEY, Failure, FakeStripe, fake_stripe

START = datetime.fromisoformat("2026-11-21T09:30:00Z")
REFUND = ("refund", "USD")
D = DeliveryState


class Bench:
    """The shipped mapping, a store, a fake Stripe, and a clock that moves when told."""

    def __init__(self, store: Store, loaded: Library, ask: Callable[[Question], Any]) -> None:
        self.now = START
        self.store = store
        self.library = loaded
        self.metrics = Metrics("0")
        asker = Asker(ask, metrics=self.metrics, monotonic=lambda: self.now.timestamp())
        told: dict[str, Any] = {
            "memory": store,
            "asker": asker,
            "library": lambda: self.library,
            "metrics": self.metrics,
            "clock": lambda: self.now,
        }
        self.lookups = Lookups(**told)
        self.errands = Errands(**told, lookups=self.lookups)

    async def record(self, *bodies: bytes) -> None:
        intake = Intake(store=self.store, metrics=self.metrics, clock=lambda: self.now, wake=lambda: None)
        for body in bodies:
            webhook = Webhook(source="stripe", body=body, received_at=self.now)
            await intake.take(sources.fetched(webhook, by="test"), self.library.sources["stripe"].mapping)

    async def look(self, **later: float) -> None:
        self.now += timedelta(**later)
        await self.errands.look()

    async def sale(self) -> Delivery:
        found = await self.store.deliveries(DeliveryFilter(limit=100))
        (one,) = [one for one in found if one.state is not D.DUPLICATE]
        return one

    async def of_sale(self) -> dict[tuple[str, str], int]:
        return went_back(await self.store.reversals(deliveries=[(await self.sale()).id]))

    async def told(self) -> list[StoredReversal]:
        return [one for event in await self.store.events(EventFilter(limit=100)) for one in event.reversals]

    def counted(self, result: str) -> float:
        return self.metrics.registry.get_sample_value("trackbridge_lookups_total", {"result": result}) or 0


@pytest.fixture
def fake() -> Any:
    with fake_stripe() as made:
        yield made


@asynccontextmanager
async def bench(folder: Path, fake: FakeStripe, *, key: str = KEY) -> AsyncIterator[Bench]:
    mappings = folder / "mappings"
    mappings.mkdir(exist_ok=True)
    (mappings / "stripe.yaml").write_text((MAPPINGS / "stripe.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    loaded = library.load(shipped=mappings, folder=None, lookup=lambda _: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    store = await open_store(f"sqlite:///{folder / 'bridge.db'}", exclusive=True)
    try:
        async with stripe_api(key, base_url=fake.url, pauses=()) as api:

            async def ask(question: Question) -> dict[str, Json] | None:
                return await api.read(question.path, account=question.account, **question.parameters)

            yield Bench(store, loaded, ask)
    finally:
        await store.close()


def asked(fake: FakeStripe) -> list[str]:
    return [path.removeprefix("/v1/") for _, path, _ in fake.requests]


# ── what went back ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("early", [True, False], ids=["refund first", "sale first"])
@pytest.mark.parametrize(
    "sale", [renewal(9, 1), invoice(1), receipt(1)], ids=["renewal", "first invoice", "one-off invoice"]
)
async def test_a_refund_of_an_invoice_is_linked_by_what_stripe_says(
    tmp_path: Path, fake: FakeStripe, sale: bytes, *, early: bool
) -> None:
    fake.payments.append(("in_1", "pi_1"))
    async with bench(tmp_path, fake) as b:
        await b.record(*([refund(1, amount=1500), sale] if early else [sale, refund(1, amount=1500)]))
        assert {} == await b.of_sale()
        await b.look()

        assert {REFUND: 1500} == await b.of_sale()
        (one,) = await b.told()
        assert ((await b.sale()).id, "Stripe names in_1") == (one.sale, one.note)
        assert ("pi_1", "ch_1", "in_1") == one.of
    assert ["invoice_payments"] == asked(fake)
    assert 1 == b.counted("linked")


async def test_a_sale_that_comes_after_the_answer_is_linked_too(tmp_path: Path, fake: FakeStripe) -> None:
    fake.payments.append(("in_1", "pi_1"))
    async with bench(tmp_path, fake) as b:
        await b.record(refund(1), dispute(1))
        await b.look()
        await b.record(subscribed(1), invoice(1))

        assert {REFUND: 4999, ("dispute", "USD"): 4999} == await b.of_sale()
    assert ["invoice_payments"] == asked(fake)
    assert {2} == {int(b.counted("nothing"))}


async def test_what_shares_a_name_is_not_asked_about(tmp_path: Path, fake: FakeStripe) -> None:
    async with bench(tmp_path, fake) as b:
        await b.record(session(1), refund(1), invoice(2), credit_note(2))
        await b.look()
        await b.look(hours=5)

        assert [""] * 2 == [one.note for one in await b.told()]
    assert [] == asked(fake)


async def test_once_is_enough(tmp_path: Path, fake: FakeStripe) -> None:
    async with bench(tmp_path, fake) as b:
        await b.record(refund(1))
        await b.look()
        await b.look(hours=5)

        assert [(None, NO_INVOICE)] == [(one.sale, one.note) for one in await b.told()]
    assert 1 == len(asked(fake))


async def test_a_connected_accounts_refund_is_asked_of_that_account(tmp_path: Path, fake: FakeStripe) -> None:
    fake.payments.append(("in_1", "pi_1"))
    async with bench(tmp_path, fake) as b:
        around = {"account": "acct_7"}
        await b.record(renewal(9, 1), refund(1, around=around))
        await b.look()
        assert {} == await b.of_sale()  # another account's invoice of the same name
        await b.record(renewal(9, 1, around=around, again="_theirs"))

        (theirs,) = [one for one in await b.told() if one.sale is not None]
        assert "Stripe names in_1" == theirs.note
    assert ["acct_7"] == fake.accounts


@pytest.mark.parametrize(
    "failure", [Failure(429), Failure(500), Failure(0), Failure(403)], ids=["busy", "broken", "down", "forbidden"]
)
async def test_what_could_not_be_asked_is_asked_again(tmp_path: Path, fake: FakeStripe, failure: Failure) -> None:
    fake.payments.append(("in_1", "pi_1"))
    async with bench(tmp_path, fake) as b:
        fake.failures.append(failure)
        await b.record(renewal(9, 1), refund(1))
        await b.look()
        (one,) = await b.told()
        assert (None, FORBIDDEN if failure.status == 403 else GAVE_UP) == (one.sale, one.note)
        await b.look(seconds=10)
        assert 1 == len(fake.accounts)
        await b.look(seconds=21)

        assert {REFUND: 4999} == await b.of_sale()


async def test_a_stripe_that_is_gone_is_asked_for_three_days(tmp_path: Path, fake: FakeStripe) -> None:
    fake.failures.extend([Failure(500)] * 1000)
    async with bench(tmp_path, fake) as b:
        await b.record(refund(1))
        pauses = []
        while due := await b.store.unlinked(limit=1, now=b.now + timedelta(days=1)):
            before = b.now
            while not await b.store.unlinked(limit=1, now=b.now):
                b.now += timedelta(minutes=10)
            pauses.append(b.now - before)
            if 2 <= due[0].tries < 78:  # they are all alike
                await b.store.link(b.errands._again(due[0], GAVE_UP), now=b.now)
            else:
                await b.look(minutes=2)

        assert timedelta(days=3) <= sum(pauses, timedelta()) <= timedelta(days=4)
        assert len(fake.accounts) <= 6
        assert [GAVE_UP] == [one.note for one in await b.told()]


async def test_while_stripe_is_in_trouble_one_question_is_enough(tmp_path: Path, fake: FakeStripe) -> None:
    fake.failures.extend([Failure(500)] * 1000)
    async with bench(tmp_path, fake) as b:
        await b.record(*(refund(number) for number in range(20)))
        await b.look()

    assert 1 == len(fake.accounts)


# ── what waits for a click id ────────────────────────────────────────────────────────────────────────────────────


async def test_a_click_id_that_stripe_knows_ends_the_wait(tmp_path: Path, fake: FakeStripe) -> None:
    fake.objects["subscriptions/sub_1"] = {"metadata": {"click_id": "c1"}}
    async with bench(tmp_path, fake) as b:
        await b.record(invoice(1, clicked=False))
        await b.look(seconds=10)
        assert [] == asked(fake)
        assert D.WAITING is (await b.sale()).state
        await b.look(seconds=10)
        claimed = await b.store.claim(limit=9, pace=Pace(n=0), clock=lambda: b.now)

    (one,) = claimed.deliveries
    assert ("c1", True) == (one.payload.click_id, one.is_looked_up)
    assert ("click id from Stripe's subscriptions",) == one.flags


async def test_what_stripe_does_not_know_may_still_come_by_webhook(tmp_path: Path, fake: FakeStripe) -> None:
    async with bench(tmp_path, fake) as b:
        await b.record(invoice(1, clicked=False))
        await b.look(seconds=30)
        await b.look(seconds=30)
        assert ["checkout/sessions", "subscriptions/sub_1", "customers/cus_1"] == asked(fake)
        waiting = await b.sale()
        assert (D.WAITING, False, ()) == (waiting.state, waiting.is_looked_up, waiting.flags)
        await b.record(subscribed(1))

        assert "click_1" == (await b.sale()).payload.click_id


async def test_what_the_key_may_not_read_might_know_better(tmp_path: Path, fake: FakeStripe) -> None:
    fake.refused["checkout"] = 403
    fake.objects["customers/cus_1"] = {"metadata": {"click_id": "older"}}
    async with bench(tmp_path, fake) as b:
        await b.record(invoice(1, clicked=False))
        await b.look(seconds=30)

        assert (D.WAITING, None) == ((await b.sale()).state, (await b.sale()).payload.click_id)


async def test_who_could_not_be_asked_about_is_asked_about_again(tmp_path: Path, fake: FakeStripe) -> None:
    fake.objects["subscriptions/sub_1"] = {"metadata": {"click_id": "c1"}}
    async with bench(tmp_path, fake) as b:
        fake.failures.append(Failure(500))
        await b.record(invoice(1, clicked=False))
        await b.look(seconds=30)
        assert None is (await b.sale()).payload.click_id
        await b.look(seconds=30)

        assert "c1" == (await b.sale()).payload.click_id


async def test_a_renewed_learning_of_what_is_on_its_way_changes_nothing(tmp_path: Path, fake: FakeStripe) -> None:
    """The webhook was quicker than the answer."""
    fake.objects["subscriptions/sub_1"] = {"metadata": {"click_id": "other"}}
    async with bench(tmp_path, fake) as b:
        await b.record(invoice(1, clicked=False))
        waiting = await b.sale()
        b.now += timedelta(seconds=30)
        await b.record(subscribed(1))
        await b.lookups.hasten(waiting)
        (one,) = (await b.store.claim(limit=9, pace=Pace(n=0), clock=lambda: b.now)).deliveries

    assert "click_1" == one.payload.click_id
