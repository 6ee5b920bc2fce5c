"""What Stripe says happened, taken in where no webhook told it: by the command, and on a schedule."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge import stripe_api
from bridge.cli import main
from bridge.errors import StoreError
from bridge.model import EventState, StoredEvent
from bridge.reconcile import OVERLAP, Progress, keep_reconciled
from bridge.store import open_store
from bridge.store.base import EventFilter
from tests.fake_stripe import KEY, Failure, FakeStripe, fake_stripe
from tests.receiver import receiver_beside
from tests.support import a_checkout, bridge_process, wait_until

#: Stripe's library hands httpx its bodies the old way
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

Text = pytest.CaptureFixture[str]


def paid(number: int) -> dict[str, Any]:
    session: dict[str, Any] = json.loads(a_checkout(number))["data"]["object"]
    return session


def happened(fake: FakeStripe, *numbers: int, hours: float = 5) -> None:
    for number in numbers:
        at = time.time() - hours * 3600 + number
        fake.happen("checkout.session.completed", paid(number), at=at, number=number)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeStripe]:
    monkeypatch.setattr(stripe_api, "_PAUSES", (0.0, 0.0, 0.0, 0.0, 0.0))
    monkeypatch.chdir(tmp_path)
    asyncio.run(an_empty_database())
    with fake_stripe() as running:
        monkeypatch.setenv("STRIPE_API_KEY", KEY)
        monkeypatch.setenv("STRIPE_API_BASE", running.url)
        yield running


async def an_empty_database() -> None:
    await (await open_store("sqlite:///trackbridge.db", exclusive=True)).close()


def recorded() -> list[StoredEvent]:
    """Every event, oldest first."""

    async def look() -> list[StoredEvent]:
        store = await open_store("sqlite:///trackbridge.db", exclusive=False)
        try:
            return (await store.events(EventFilter(limit=1000)))[::-1]
        finally:
            await store.close()

    return asyncio.run(look())


def reconcile(*arguments: str) -> int:
    return main(["stripe", "reconcile", "--since", "3d", *arguments])


def test_what_no_webhook_told_is_taken_in_oldest_first(fake: FakeStripe, capsys: Text) -> None:
    fake.page = 2
    happened(fake, 1, 2, 3, 4, 5)

    assert 0 == reconcile()
    events = recorded()
    assert [f"evt_checkout_session_completed_{n}" for n in range(1, 6)] == [one.event.source_id for one in events]
    assert {"fetched with an API key"} == {one.event.verified_by for one in events}
    assert [1] * 5 == [len(one.deliveries) for one in events]
    said = capsys.readouterr()
    assert 6 == len(said.out.splitlines())
    assert "accepted, 1 on the way" in said.out
    assert said.err.endswith("5 events at Stripe, 5 missing\n")


def test_a_connected_accounts_events_are_taken_in_as_its_webhooks_tell_them(fake: FakeStripe, capsys: Text) -> None:
    happened(fake, 1)
    assert 0 == reconcile("--account", "acct_7")

    assert {"acct_7"} == set(fake.accounts)
    (event,) = recorded()
    assert "acct_7" == event.event.account


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--source", "tally"], '"tally" is not of Stripe'),
        (["--since", "2100-01-01T00:00:00Z"], "is yet to come"),
    ],
)
def test_what_cannot_be_reconciled_is_said(fake: FakeStripe, capsys: Text, arguments: list[str], said: str) -> None:
    assert 1 == reconcile(*arguments)
    assert said in capsys.readouterr().err
    assert [] == fake.requests


def test_where_nothing_was_looked_at_nothing_is_said_of_it(fake: FakeStripe, capsys: Text) -> None:
    fake.failures.append(Failure(403))
    assert 1 == reconcile()
    assert "go on with" not in capsys.readouterr().err


def test_what_is_known_is_left_alone(fake: FakeStripe, capsys: Text) -> None:
    happened(fake, 1, 2)
    reconcile()
    happened(fake, 3)
    capsys.readouterr()

    assert 0 == reconcile("--json")
    told = json.loads(capsys.readouterr().out)
    assert (3, ["evt_checkout_session_completed_3"]) == (told["seen"], [gap["event"] for gap in told["gaps"]])
    assert 3 == len(recorded())


def test_a_dry_run_reports_and_takes_nothing_in(fake: FakeStripe, capsys: Text) -> None:
    happened(fake, 1)

    assert 0 == reconcile("--dry-run")
    assert [] == recorded()
    said = capsys.readouterr()
    assert "not taken in" in said.out
    assert "nothing was taken in (dry run)" in said.err


def test_gaps_are_told_to_whom_it_may_concern(fake: FakeStripe, capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver_beside() as receiver:
        monkeypatch.setenv("TRACKBRIDGE_NOTIFY_URL", receiver.url)
        reconcile()
        assert [] == receiver.told
        happened(fake, 1, 2)
        reconcile("--dry-run")
        assert [] == receiver.told
        reconcile()

    assert ["reconcile.gaps"] == receiver.types
    assert ("stripe", 2) == (receiver.told[0].json["data"]["source"], receiver.told[0].json["data"]["count"])


def test_what_cannot_be_mapped_is_kept_like_a_webhook(fake: FakeStripe, capsys: Text) -> None:
    fake.happen("checkout.session.completed", paid(1) | {"amount_total": None}, at=time.time() - 60)
    fake.happen("checkout.session.completed", paid(2) | {"payment_status": "unpaid"}, at=time.time() - 50)

    assert 0 == reconcile()
    assert [EventState.UNMAPPED, EventState.IGNORED] == [one.state for one in recorded()]


def test_a_break_says_from_where_to_go_on(fake: FakeStripe, capsys: Text) -> None:
    """What was fed by then stays; going on is safe, because known events change nothing."""
    happened(fake, 1, hours=70)
    happened(fake, 2, hours=1)
    reconcile("--dry-run")
    questions = len(fake.requests)
    fake.requests.clear()
    capsys.readouterr()

    class AfterThreeQuestions(type(fake.failures)):  # type: ignore[misc]  # the class of an attribute
        def __bool__(self) -> bool:
            return len(fake.requests) >= 3

        def popleft(self) -> Failure:
            return Failure(403, error={"type": "invalid_request_error", "message": "no"})

    fake.failures = AfterThreeQuestions()
    assert questions > 3
    assert 1 == reconcile()
    said = capsys.readouterr().err
    assert "go on with --since 20" in said
    assert "Events (read) for reconcile" in said
    assert ["evt_checkout_session_completed_1"] == [one.event.source_id for one in recorded()]


def test_further_back_than_stripe_keeps_is_said(fake: FakeStripe, capsys: Text) -> None:
    assert 0 == main(["stripe", "reconcile", "--since", "90d"])
    assert "Stripe keeps events for 30 days" in capsys.readouterr().err


def test_without_a_database_it_says_so(fake: FakeStripe, capsys: Text, tmp_path: Path) -> None:
    (tmp_path / "trackbridge.db").unlink()
    assert 3 == reconcile()


# On a schedule ----------------------------------------------------------------------------------------------------


def test_serve_takes_in_what_was_missed_and_delivers_it(fake: FakeStripe, tmp_path: Path) -> None:
    happened(fake, 1, 2)
    settings = {"STRIPE_RECONCILE_EVERY": "6h", "STRIPE_API_KEY": KEY, "STRIPE_API_BASE": fake.url}
    with bridge_process(tmp_path, TRACKBRIDGE_DRY_RUN="1", **settings) as bridge:
        bridge.start()
        wait_until(lambda: "reconcile.done" in bridge.log)
        body = json.dumps(fake.events[0]).encode()
        answer: httpx.Response = bridge.post(body)
        assert "duplicate" == answer.json()["status"]
        assert 0 == bridge.terminate()
    assert 2 == len(recorded())
    assert KEY not in bridge.log


def test_without_a_key_the_schedule_is_off_and_said(tmp_path: Path) -> None:
    with bridge_process(tmp_path, STRIPE_RECONCILE_EVERY="6h") as bridge:
        bridge.start()
        wait_until(lambda: "reconcile.off" in bridge.log)


async def test_each_look_begins_before_the_last_one_that_succeeded() -> None:
    now = datetime(2026, 1, 9, 8, 0, tzinfo=UTC)
    looks: list[tuple[datetime, datetime]] = []
    done = asyncio.Event()

    async def look(since: datetime, until: datetime) -> Progress:
        nonlocal now
        looks.append((since, until))
        now += timedelta(hours=6)
        if len(looks) == 2:
            raise StoreError("locked")
        if len(looks) == 4:
            done.set()
        return Progress(until=until)

    task = asyncio.create_task(keep_reconciled(look, every=timedelta(0), clock=lambda: now))
    await asyncio.wait_for(done.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    (first, then, failed, again) = (looks[0], looks[1], looks[2], looks[3])
    assert timedelta(days=3) == first[1] - first[0]
    assert first[1] - OVERLAP == then[0]
    assert then[0] == failed[0]  # the second look failed: the third begins where it began
    assert failed[1] - OVERLAP == again[0]


async def test_one_that_takes_over_looks_three_days_back_from_then() -> None:
    """Another replica looked until now, for however long."""
    now, looks, ours, looked = datetime(2026, 5, 4, tzinfo=UTC), list[datetime](), asyncio.Event(), asyncio.Event()

    async def look(since: datetime, until: datetime) -> Progress:
        looks.append(since)
        looked.set()
        return Progress(until=until)

    async def turn() -> None:
        await ours.wait()

    task = asyncio.create_task(keep_reconciled(look, every=timedelta(hours=6), clock=lambda: now, turn=turn))
    await asyncio.sleep(0)
    now += timedelta(days=10)
    assert [] == looks
    ours.set()
    async with asyncio.timeout(5):
        await looked.wait()
    task.cancel()

    assert [now - timedelta(days=3)] == looks
