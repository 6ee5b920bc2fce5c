"""Stripe's API through our few verbs, against a fake that pages, rate-limits and fails."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bridge import stripe_api as module
from bridge.stripe_api import StripeTrouble, stripe_api
from tests.fake_stripe import KEY, Failure, FakeStripe, fake_stripe

#: Stripe's library hands httpx its bodies the old way
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    monkeypatch.setattr(module, "_PAUSES", (0.0, 0.0, 0.0, 0.0, 0.0))
    with fake_stripe() as running:
        yield running


async def listed(fake: FakeStripe, types: list[str], *, hours: float = 72) -> list[str]:
    async with stripe_api(KEY, base_url=fake.url) as api:
        stretches = api.events(types, since=NOW - timedelta(hours=hours), until=NOW)
        return [str(event["id"]) async for _, stretch in stretches for event in stretch]


async def test_events_come_oldest_first_whatever_the_pages(fake: FakeStripe) -> None:
    fake.page = 7
    for number in range(1, 120):
        fake.happen("invoice.paid", {"id": f"in_{number}"}, at=NOW.timestamp() - 60 * number, number=number)

    assert [f"evt_invoice_paid_{number}" for number in range(119, 0, -1)] == await listed(fake, ["invoice.paid"])


async def test_more_than_twenty_types_are_asked_in_turns(fake: FakeStripe) -> None:
    types = [f"kind.number{number:02}" for number in range(45)]
    for number, kind in enumerate(types):
        fake.happen(kind, {}, at=NOW.timestamp() - 1000 + number)

    assert 45 == len(await listed(fake, types, hours=1))


async def test_other_types_and_times_are_not_asked_for(fake: FakeStripe) -> None:
    fake.happen("charge.updated", {}, at=NOW.timestamp() - 100)
    fake.happen("invoice.paid", {}, at=NOW.timestamp() - 100 * 3600)
    fake.happen("invoice.paid", {}, at=NOW.timestamp() + 10)

    assert [] == await listed(fake, ["invoice.paid"])


async def test_quiet_days_cost_few_questions(fake: FakeStripe) -> None:
    await listed(fake, ["invoice.paid"], hours=30 * 24)

    assert len(fake.requests) < 15


@pytest.mark.parametrize(
    "failure",
    [Failure(429, {"Retry-After": "0"}), Failure(500), Failure(503), Failure(409), Failure(0)],
    ids=["rate limit", "500", "503", "409", "dropped"],
)
async def test_what_passes_is_tried_again(fake: FakeStripe, failure: Failure) -> None:
    fake.happen("invoice.paid", {}, at=NOW.timestamp() - 5, number=1)
    fake.failures += [failure, failure, failure]

    assert ["evt_invoice_paid_1"] == await listed(fake, ["invoice.paid"], hours=1)


async def test_an_endpoint_whose_answer_was_lost_is_not_made_twice(fake: FakeStripe) -> None:
    fake.failures.append(Failure(0, after_work=True))
    async with stripe_api(KEY, base_url=fake.url) as api:
        made, secret = await api.create_endpoint("https://h.example.com/w", ["invoice.paid"], connected=False)

    assert ["we_1"] == [item["id"] for item in fake.endpoints]
    assert ("we_1", "whsec_fake_1", frozenset({"invoice.paid"})) == (made.id, secret, made.types)


@pytest.mark.parametrize(
    ("failures", "key", "word"),
    [
        ([], "rk_test_other", "unauthorized"),
        ([Failure(403, error={"type": "invalid_request_error", "message": "no"})], KEY, "forbidden"),
        ([Failure(400, error={"type": "invalid_request_error", "code": "url_invalid"})], KEY, "refused"),
        ([Failure(429, {"Retry-After": "0"})] * 6, KEY, "busy"),
        ([Failure(500)] * 6, KEY, "failing"),
        ([Failure(0)] * 6, KEY, "unreachable"),
    ],
    ids=["wrong key", "narrow key", "wrong url", "limit for good", "broken for good", "gone for good"],
)
async def test_what_stays_is_told_in_a_sentence(fake: FakeStripe, failures: list[Failure], key: str, word: str) -> None:
    fake.failures += failures
    async with stripe_api(key, base_url=fake.url) as api:
        with pytest.raises(StripeTrouble) as caught:
            await api.endpoints()

    assert word == caught.value.word
    assert key not in str(caught.value)
