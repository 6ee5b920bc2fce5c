"""A whole bridge, and who is told of what happens to it: each thing once."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.assembly import Running
from bridge.demo.tracker import Answer, FakeTracker
from tests.integration.web_hand import a_body, a_bridge, ask
from tests.receiver import Receiver, comes_true, receiver
from tests.support import a_checkout, stripe_headers

MAPPING = """
source: quiz
verify: {scheme: token, header: X-Key, secret: "${KEY}"}
notify: {url: "${QUIZ_NOTIFY_URL}"}
silence: 26h
event: {id: id}
rules:
  - name: taken
    track: lead
    event_name: quiz_taken
    fields: {click_id: click, customer_external_id: person}
"""
KEY = "a secret of some length"


@pytest.fixture
async def everything() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


@pytest.fixture
async def of_quiz() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


@asynccontextmanager
async def at_work(
    folder: Path, tracker: FakeTracker, everything: Receiver, of_quiz: Receiver | None = None, **settings: str
) -> AsyncIterator[Running]:
    mappings = folder / "mappings"
    mappings.mkdir(exist_ok=True)
    (mappings / "quiz.yaml").write_text(MAPPING, encoding="utf-8")
    environment = {
        "CMS_BASE_URL": tracker.url,
        "CMS_BEARER_TOKEN": "tok_1",
        "CMS_RATE_LIMIT": "0",
        "TRACKBRIDGE_MAPPINGS": str(mappings),
        "TRACKBRIDGE_NOTIFY_URL": everything.url,
        "KEY": KEY,
        "QUIZ_NOTIFY_URL": of_quiz.url if of_quiz else "",
    }
    async with a_bridge(folder, **environment | settings) as bridge:
        yield bridge


async def take_quiz(bridge: Running, number: int) -> None:
    body = json.dumps({"id": number, "click": "c", "person": f"person {number}"}).encode()
    answer = await ask(bridge.app, a_body(body), path="/webhooks/quiz", headers={"X-Key": KEY})
    assert 200 == answer.status


async def test_dead_letters_are_told_to_everybody_they_concern(
    tmp_path: Path, everything: Receiver, of_quiz: Receiver
) -> None:
    async with (
        FakeTracker(Answer(status=422)) as tracker,
        at_work(tmp_path, tracker, everything, of_quiz) as bridge,
    ):
        await take_quiz(bridge, 1)
        await everything.until(1)
        await of_quiz.until(1)
        body = a_checkout(1)
        await ask(bridge.app, a_body(body), headers=stripe_headers(body))
        await take_quiz(bridge, 2)
        await tracker.wait_for(3)
        await comes_true(lambda: _dead(bridge) == 3)

    # the rest as one, at the end; what is Stripe's does not concern the quiz
    assert [0, 1] == [one.json["data"]["left_out"] for one in everything.told]
    assert [0, 0] == [one.json["data"]["left_out"] for one in of_quiz.told]
    assert {"quiz"} == {one.json["data"]["source"] for one in of_quiz.told}


def _dead(bridge: Running) -> int:
    return int(
        bridge.app.health.metrics.registry.get_sample_value("trackbridge_attempts_total", {"verdict": "dead"}) or 0
    )


async def test_a_pause_and_its_end_are_told(tmp_path: Path, everything: Receiver) -> None:
    async with FakeTracker(Answer(status=401)) as tracker, at_work(tmp_path, tracker, everything) as bridge:
        await take_quiz(bridge, 1)
        await everything.until(1)
        tracker.answer = Answer(status=200)
        await bridge.store.resume(now=datetime.now(UTC))
        await everything.until(2)

    assert ["tracker.paused", "tracker.resumed"] == everything.types
    assert "the token is not accepted (401)" == everything.told[0].json["data"]["why"]


async def test_a_failing_reload_and_its_mending_are_told(tmp_path: Path, everything: Receiver) -> None:
    async with FakeTracker() as tracker, at_work(tmp_path, tracker, everything):
        path = tmp_path / "mappings" / "quiz.yaml"
        path.write_text("source: [", encoding="utf-8")
        await everything.until(1)
        path.write_text(MAPPING, encoding="utf-8")
        await everything.until(2)

    assert ["mappings.kept", "mappings.reloaded"] == everything.types


async def test_silence_is_told_and_shown_to_the_admin(tmp_path: Path, everything: Receiver, of_quiz: Receiver) -> None:
    admin = {"Authorization": "Bearer adm_1"}
    async with (
        FakeTracker() as tracker,
        at_work(tmp_path, tracker, everything, of_quiz, TRACKBRIDGE_ADMIN_TOKEN="adm_1") as bridge,
    ):
        await take_quiz(bridge, 1)
        await bridge.silence.look()
        bridge.silence._clock = lambda: datetime.now(UTC) + timedelta(hours=27)
        await bridge.silence.look()
        await of_quiz.until(1)
        ready = await ask(bridge.app, a_body(b""), path="/readyz", method="GET", headers=admin)
        numbers = await ask(bridge.app, a_body(b""), path="/metrics", method="GET")

    assert ["source.silent"] == everything.types == of_quiz.types
    assert 200 == ready.status
    (shown,) = json.loads(ready.body)["silent"]
    assert ("quiz", None) == (shown["source"], shown["rule"])
    assert b'trackbridge_source_silent{rule="",source="quiz"} 1.0' in numbers.body


async def test_an_address_named_twice_is_told_once(tmp_path: Path, everything: Receiver) -> None:
    async with (
        FakeTracker(Answer(status=422)) as tracker,
        at_work(tmp_path, tracker, everything, everything) as bridge,
    ):
        await take_quiz(bridge, 1)
        await everything.until(1)

    assert 1 == len(everything.told)


async def test_an_address_that_is_not_set_leaves_the_source_on(tmp_path: Path, everything: Receiver) -> None:
    async with FakeTracker() as tracker, at_work(tmp_path, tracker, everything) as bridge:
        source = bridge.reloader.library.sources["quiz"]
        assert source.is_on
        assert None is source.outlet
        assert ["QUIZ_NOTIFY_URL is not set: nobody is told"] == [
            problem.what for problem in bridge.reloader.library.problems if "NOTIFY" in problem.what
        ]
