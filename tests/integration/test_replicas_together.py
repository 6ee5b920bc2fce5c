"""Two bridges on one PostgreSQL database, in one process: what they share, who does what for all, what is told once."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bridge import assembly
from bridge.assembly import Running
from bridge.assembly.described import HOUSE
from bridge.config import Settings, load
from bridge.demo.tracker import Answer, FakeTracker
from bridge.model import DeliveryState
from bridge.rate import Pace
from bridge.store.base import DeliveryFilter
from bridge.upkeep import keep_rescuing
from tests.integration.web_hand import a_body, ask
from tests.postgres import Server
from tests.receiver import comes_true, receiver
from tests.support import STRIPE_SECRET, a_checkout, stripe_headers

QUIZ = """
source: quiz
verify: {scheme: token, header: X-Key, secret: "a secret of some length"}
rules:
  - name: taken
    track: lead
    event_name: quiz_taken
    fields: {click_id: click, customer_external_id: person}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server.start(tmp_path_factory.mktemp("postgres")) as made:
        yield made


@pytest.fixture
def url(server: Server) -> str:
    return server.fresh_database()


@asynccontextmanager
async def replica(url: str, tracker: FakeTracker, **settings: str) -> AsyncIterator[Running]:
    environment = {
        "TRACKBRIDGE_DATABASE_URL": url,
        "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
        "CMS_BASE_URL": tracker.url,
        "CMS_BEARER_TOKEN": "tok_1",
        "CMS_RATE_LIMIT": "0",
        "TRACKBRIDGE_ADMIN_TOKEN": "adm_1",
    } | settings
    async with assembly.running(load({}, environment, None)) as bridge:
        yield bridge


async def take(bridge: Running, *numbers: int) -> None:
    for number in numbers:
        body = a_checkout(number)
        answer = await ask(bridge.app, a_body(body), headers=stripe_headers(body))
        assert 200 == answer.status


async def until_delivered(bridge: Running, count: int, *, seconds: float = 20) -> None:
    wanted = DeliveryFilter(states=(DeliveryState.DELIVERED,), limit=1000)
    async with asyncio.timeout(seconds):
        while len(await bridge.store.deliveries(wanted)) != count:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def beat(*bridges: Running) -> None:
    """Everybody says what it is, and hears what the others said."""
    for bridge in (*bridges, *bridges):
        await bridge.membership.beat()


async def test_what_one_takes_in_another_delivers(url: str) -> None:
    """The one that takes in has no token: another one asks the database every second."""
    async with (
        FakeTracker() as tracker,
        replica(url, tracker) as sender,
        replica(url, tracker, CMS_BEARER_TOKEN="") as taker,
    ):
        await take(taker, 1, 2, 3)
        await until_delivered(sender, 3)

        await take(sender, 1)
        assert (3, 0) == (len(tracker.requests), tracker.repeats)


async def test_one_that_joins_has_nobody_begin_anew(url: str) -> None:
    async with FakeTracker() as tracker, replica(url, tracker) as first:
        await take(first, 1)
        await until_delivered(first, 1)
        assert not (await first.store.tracker()).cautious

        async with replica(url, tracker):
            assert not (await first.store.tracker()).cautious
        # one that sends nothing says nothing of the tracker
        async with replica(url, tracker, CMS_BEARER_TOKEN=""):
            assert not (await first.store.tracker()).cautious


async def test_the_oldest_keeps_house_and_hands_over_when_it_ends(url: str) -> None:
    async with FakeTracker() as tracker, replica(url, tracker) as second:
        async with replica(url, tracker) as other:
            await beat(second, other)
            assert (True, False) == (second.membership.leads(HOUSE), other.membership.leads(HOUSE))
            ready = await ask(
                other.app, a_body(b""), path="/readyz", method="GET", headers={"Authorization": "Bearer adm_1"}
            )
            assert 2 == len(json.loads(ready.body)["replicas"]["live"])
            numbers = await ask(other.app, a_body(b""), path="/metrics", method="GET")
            assert b"\ntrackbridge_replicas 2.0" in numbers.body
            assert b"\ntrackbridge_replicas_differ 0.0" in numbers.body
        await beat(second)
        assert [second.membership.name] == [seen.replica.name for seen in second.membership.live]


async def test_a_pause_and_its_end_are_told_by_one_of_them(url: str) -> None:
    async with (
        receiver() as told,
        FakeTracker(Answer(status=401)) as tracker,
        replica(url, tracker, TRACKBRIDGE_NOTIFY_URL=told.url) as one,
        replica(url, tracker, TRACKBRIDGE_NOTIFY_URL=told.url) as two,
    ):
        await take(one, 1)
        await told.until(1)
        await comes_true(lambda: one.worker._tracker.is_paused and two.worker._tracker.is_paused)
        tracker.answer = Answer()
        await one.store.resume(now=assembly.utcnow())
        await until_delivered(two, 1)
        await told.until(2)
        await comes_true(lambda: not one.worker._tracker.is_paused and not two.worker._tracker.is_paused)

    assert ["tracker.paused", "tracker.resumed"] == told.types


async def test_a_source_that_another_one_takes_in_is_not_unknown_here(url: str, tmp_path: Path) -> None:
    """In the middle of an upgrade: a sender that hears 404 may never come again."""
    (tmp_path / "quiz.yaml").write_text(QUIZ, encoding="utf-8")
    async with FakeTracker() as tracker, replica(url, tracker) as old:
        assert 404 == (await ask(old.app, a_body(b"{}"), path="/webhooks/quiz")).status
        async with replica(url, tracker, TRACKBRIDGE_MAPPINGS=str(tmp_path)) as new:
            await beat(new, old)
            assert 503 == (await ask(old.app, a_body(b"{}"), path="/webhooks/quiz")).status
            assert 401 == (await ask(new.app, a_body(b"{}"), path="/webhooks/quiz")).status


async def test_replicas_see_in_what_they_differ_and_no_secret_is_in_the_database(
    url: str, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "quiz.yaml").write_text(QUIZ, encoding="utf-8")
    changed = {
        "TRACKBRIDGE_MAPPINGS": str(tmp_path),
        "STRIPE_WEBHOOK_SECRET": "whsec_another",
        "CMS_RATE_LIMIT": "5/min",
        "CMS_BEARER_TOKEN": "tok_2",
        "TRACKBRIDGE_PORT": "9001",
    }
    async with FakeTracker() as tracker, replica(url, tracker) as one, replica(url, tracker, **changed) as two:
        one.membership._grace_seconds = two.membership._grace_seconds = 0.0
        await beat(one, two)

        assert ['mapping "quiz"', "CMS_BEARER_TOKEN", "CMS_RATE_LIMIT", "STRIPE_WEBHOOK_SECRET"] == [
            one.what for one in two.membership.differing
        ]
        rows = server.sql("SELECT document FROM replicas", database=url.rpartition("/")[2])
        text = " ".join(document for (document,) in rows)
    assert "5/min" in text
    assert [] == [secret for secret in ("whsec", "tok_1", "tok_2", "adm_1", STRIPE_SECRET) if secret in text]


async def test_a_reload_that_one_was_asked_for_reaches_the_others(url: str) -> None:
    """A token in a file that they share is changed, and one of them is told."""
    async with FakeTracker() as tracker:
        environment = {
            "TRACKBRIDGE_DATABASE_URL": url,
            "CMS_BASE_URL": tracker.url,
            "CMS_BEARER_TOKEN": "tok_1",
            "TRACKBRIDGE_ADMIN_TOKEN": "adm_1",
        }

        def read() -> Settings:
            return load({}, environment, None)

        def tokens(*bridges: Running) -> list[str]:
            return [one.inforce.settings.token.reveal() for one in bridges if one.inforce.settings.token]

        async with assembly.running(read(), reread=read) as one, assembly.running(read(), reread=read) as two:
            await beat(one, two)
            environment["CMS_BEARER_TOKEN"] = "tok_2"
            one.reloader.ask()
            await comes_true(lambda: tokens(one, two) == ["tok_2", "tok_1"])
            await beat(one, two)
            await comes_true(lambda: tokens(one, two) == ["tok_2", "tok_2"])
            await beat(one, two)

            assert () == two.membership.differing
            assert {} == two.membership._since


async def test_what_a_dead_replica_held_is_delivered_by_another(url: str) -> None:
    async with FakeTracker() as tracker, replica(url, tracker, CMS_BEARER_TOKEN="") as dead:
        await take(dead, 1)
        # it claims, and is gone: nothing is ever settled
        claimed = await dead.store.claim(
            limit=1, pace=Pace(n=0), clock=assembly.utcnow, lease=timedelta(milliseconds=200)
        )
        assert 1 == len(claimed.deliveries)
        async with replica(url, tracker) as alive:
            rescuing = asyncio.create_task(
                keep_rescuing(alive.store, clock=assembly.utcnow, wake=alive.worker.wake, every_seconds=0.05)
            )
            await until_delivered(alive, 1)
            rescuing.cancel()
            (delivery,) = await alive.store.deliveries(DeliveryFilter())
            assert (True, 2) == (delivery.unsure, delivery.tries)


async def test_one_that_was_frozen_sends_nothing_that_others_may_have_taken_up(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.worker.START_WITHIN_SECONDS", -1.0)
    async with FakeTracker() as tracker, replica(url, tracker) as frozen:
        await take(frozen, 1)
        async with asyncio.timeout(10):
            while not (await frozen.store.deliveries(DeliveryFilter()))[0].tries:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        (attempt, *_) = await frozen.store.attempts(1)
        assert ("no", "its turn was over before it began") == (attempt.sent.value, attempt.reason)
        assert 0 == len(tracker.requests)

        monkeypatch.setattr("bridge.worker.START_WITHIN_SECONDS", 10.0)
        await until_delivered(frozen, 1)
    assert 1 == len(tracker.requests)


async def test_over_all_replicas_the_rate_is_kept(url: str) -> None:
    async with (
        FakeTracker() as tracker,
        replica(url, tracker, CMS_RATE_LIMIT="6/s") as one,
        replica(url, tracker, CMS_RATE_LIMIT="6/s") as two,
        replica(url, tracker, CMS_RATE_LIMIT="6/s") as three,
    ):
        await take(one, *range(1, 7))
        await take(two, *range(7, 13))
        await take(three, *range(13, 19))
        await until_delivered(one, 18)

    times = [received.at for received in tracker.requests]
    in_a_second = [sum(at <= other < at + timedelta(seconds=1) for other in times) for at in times]
    assert (18, 0) == (len(times), tracker.repeats)
    # by the tracker's clock, to which requests take a moment longer or shorter
    assert max(in_a_second) <= 7
