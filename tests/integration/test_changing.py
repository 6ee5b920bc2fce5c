"""Settings that come into force with a reload: what is sent by them from then on, and what still needs a restart."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge import assembly
from bridge.assembly import Running
from bridge.config import Settings, load
from bridge.demo.tracker import Answer, FakeTracker, Received
from bridge.model import Delivery, DeliveryState
from bridge.store.base import DeliveryFilter
from tests.fake_stripe import KEY, fake_stripe
from tests.integration.web_hand import a_body, ask
from tests.receiver import comes_true, receiver
from tests.support import STRIPE_SECRET, a_checkout, stripe_headers

ADMIN = {"TRACKBRIDGE_ADMIN_TOKEN": "adm_1"}


@dataclass
class Bench:
    """A bridge, and the environment it reads at a reload."""

    environment: dict[str, str]
    bridge: Running = field(init=False)

    def read(self) -> Settings:
        return load({}, self.environment, None)

    async def change(self, **settings: str) -> None:
        """Say other settings and reload."""
        self.environment |= settings
        before = self.bridge.membership.live
        self.bridge.reloader.ask()
        await comes_true(lambda: self.bridge.membership.live is not before)

    async def take(self, number: int, **changes: Any) -> None:
        body = a_checkout(number, **changes)
        answer = await ask(self.bridge.app, a_body(body), headers=stripe_headers(body))
        assert 200 == answer.status

    async def until_delivered(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(await self._delivered()) != count:  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.02)

    async def _delivered(self) -> list[Delivery]:
        return await self.bridge.store.deliveries(DeliveryFilter(states=(DeliveryState.DELIVERED,)))

    async def ready(self, token: str) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {token}"}
        told: dict[str, object] = json.loads(
            (await ask(self.bridge.app, a_body(b""), path="/readyz", method="GET", headers=headers)).body
        )
        return told


@asynccontextmanager
async def at_work(folder: Path, **settings: str) -> AsyncIterator[Bench]:
    made = Bench(
        {
            "TRACKBRIDGE_DATABASE_URL": f"sqlite:///{folder / 'bridge.db'}",
            "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
            "CMS_RATE_LIMIT": "0",
        }
        | settings
    )
    async with assembly.running(made.read(), reread=made.read) as made.bridge:
        yield made


def by_token(token: str) -> Callable[[Received], Answer]:
    """A tracker that knows one token."""

    def answer(received: Received) -> Answer:
        right = received.headers.get("authorization") == f"Bearer {token}"
        return Answer() if right else Answer(status=401, body={"error": "unauthorized"})

    return answer


def changed(caplog: pytest.LogCaptureFixture, name: str = "settings.changed") -> list[str]:
    return [str(getattr(record, "facts", {})["changed"]) for record in caplog.records if record.msg == name]


async def test_another_token_ends_a_pause_that_the_old_one_began(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        FakeTracker(by_token("new")) as tracker,
        at_work(tmp_path, CMS_BASE_URL=tracker.url, CMS_BEARER_TOKEN="old") as bench,
    ):
        await bench.take(1)
        await tracker.wait_for(1)
        with caplog.at_level(logging.INFO):
            await bench.change(CMS_BEARER_TOKEN="new")
        await bench.until_delivered(1)

        assert not (await bench.bridge.store.tracker()).is_paused
        assert ["CMS_BEARER_TOKEN"] == changed(caplog)
        assert "new" not in caplog.text.replace("CMS_", "").lower().split()


async def test_a_token_that_comes_later_begins_the_delivering_and_one_that_goes_ends_it(tmp_path: Path) -> None:
    async with FakeTracker() as tracker, at_work(tmp_path, CMS_BASE_URL=tracker.url, **ADMIN) as bench:
        await bench.take(1)
        assert "no token" == (await bench.ready("adm_1"))["sending"]
        await bench.change(CMS_BEARER_TOKEN="tok_1")
        await bench.until_delivered(1)
        assert "yes" == (await bench.ready("adm_1"))["sending"]

        await bench.change(CMS_BEARER_TOKEN="")
        await bench.take(2)
        assert "no token" == (await bench.ready("adm_1"))["sending"]
        assert "no token" == (await bench.bridge.store.replicas(now=assembly.utcnow()))[0].replica.idle
        await bench.change(CMS_BEARER_TOKEN="tok_1")
        await bench.until_delivered(2)

    assert 0 == tracker.repeats


async def test_what_is_under_way_ends_by_the_address_it_began_with(tmp_path: Path) -> None:
    async with (
        FakeTracker(Answer(delay_seconds=0.5)) as slow,
        FakeTracker() as other,
        at_work(tmp_path, CMS_BASE_URL=slow.url, CMS_BEARER_TOKEN="tok_1") as bench,
    ):
        await bench.take(1)
        await slow.wait_for(1)
        await bench.change(CMS_BASE_URL=other.url)
        await bench.take(2)
        await bench.until_delivered(2)

    assert (1, 1) == (len(slow.requests), len(other.requests))


async def test_another_rate_holds_from_the_reload_on(tmp_path: Path) -> None:
    async with FakeTracker() as tracker, at_work(tmp_path, CMS_BASE_URL=tracker.url, CMS_BEARER_TOKEN="t") as bench:
        await bench.take(1)
        await bench.until_delivered(1)
        await bench.change(CMS_RATE_LIMIT="1/hour")
        row = await bench.bridge.store.tracker()

        assert (1, 3600.0, 0.0) == (row.rate_n, row.rate_seconds, row.tokens)


async def test_the_admin_token_and_who_is_told_are_those_of_now(tmp_path: Path) -> None:
    async with (
        FakeTracker(Answer(status=422)) as tracker,
        receiver() as first,
        receiver() as second,
        at_work(
            tmp_path, CMS_BASE_URL=tracker.url, CMS_BEARER_TOKEN="t", TRACKBRIDGE_NOTIFY_URL=first.url, **ADMIN
        ) as bench,
    ):
        await bench.take(1)
        await first.until(1)
        await bench.change(TRACKBRIDGE_ADMIN_TOKEN="adm_2", TRACKBRIDGE_NOTIFY_URL=second.url)
        await bench.take(2)
        await second.until(1)

        assert "reasons" not in await bench.ready("adm_1")
        assert "reasons" in await bench.ready("adm_2")
    assert (1, 1) == (len(first.told), len(second.told))


async def test_a_key_of_stripe_that_comes_later_is_asked_with(tmp_path: Path) -> None:
    with fake_stripe() as stripe:
        stripe.objects["customers/cus_2"] = {"metadata": {"click_id": "c1"}}
        async with (
            FakeTracker() as tracker,
            at_work(tmp_path, CMS_BASE_URL=tracker.url, CMS_BEARER_TOKEN="t", STRIPE_API_BASE=stripe.url) as bench,
        ):
            await bench.take(1, metadata={})
            await bench.until_delivered(1)
            await bench.change(STRIPE_API_KEY=KEY)
            await bench.take(2, metadata={})
            await bench.until_delivered(2)
            await bench.change(STRIPE_API_KEY="")
            await bench.take(3, metadata={})
            await bench.until_delivered(3)

    assert [None, "c1", None] == [received.json.get("clickId") for received in tracker.requests]  # type: ignore[union-attr]


async def test_the_scheduled_look_begins_with_the_reload_that_wants_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with fake_stripe() as stripe:
        async with at_work(tmp_path, STRIPE_API_BASE=stripe.url) as bench:
            with caplog.at_level(logging.INFO):
                await bench.change(STRIPE_API_KEY=KEY, STRIPE_RECONCILE_EVERY="6h")
                await comes_true(lambda: any(record.msg == "reconcile.done" for record in caplog.records))


async def test_what_needs_a_restart_is_told_once_and_not_done(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with at_work(tmp_path) as bench:
        await bench.change(TRACKBRIDGE_PORT="9999", TRACKBRIDGE_DRY_RUN="true")
        await bench.change()

        assert not bench.bridge.inforce.settings.dry_run
    assert ["TRACKBRIDGE_PORT, TRACKBRIDGE_DRY_RUN"] == changed(caplog, "settings.need_restart")


async def test_a_token_comes_into_force_though_the_mappings_are_broken_and_stripes_key_waits(tmp_path: Path) -> None:
    """Without its key both families of events at once would be counted twice: it goes with the mappings."""
    (tmp_path / "own").mkdir()
    async with at_work(tmp_path, TRACKBRIDGE_MAPPINGS=str(tmp_path / "own"), STRIPE_API_KEY="rk_1", **ADMIN) as bench:
        (tmp_path / "own" / "quiz.yaml").write_text("source: [", encoding="utf-8")
        await bench.change(TRACKBRIDGE_ADMIN_TOKEN="adm_2", STRIPE_API_KEY="")
        assert "problems" in str((await bench.ready("adm_2"))["mappings"])
        assert bench.bridge.inforce.settings.stripe_key is not None

        (tmp_path / "own" / "quiz.yaml").unlink()
        await comes_true(lambda: bench.bridge.inforce.settings.stripe_key is None)


async def test_settings_with_a_problem_change_nothing(tmp_path: Path) -> None:
    async with at_work(tmp_path, **ADMIN) as bench:
        bench.environment |= {"TRACKBRIDGE_ADMIN_TOKEN": "adm_2", "CMS_RATE_LIMIT": "many"}
        bench.bridge.reloader.ask()
        await comes_true(lambda: bench.bridge.reloader.failure is not None)

        assert "reasons" in await bench.ready("adm_1")
