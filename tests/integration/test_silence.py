"""Silence over a real database, with a clock that moves when told: what is said, and when."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge import library
from bridge.library import Library
from bridge.metrics import Metrics
from bridge.model import Conversion, Event, EventState, Lead, Meaning
from bridge.notices import Kind, Notice
from bridge.silence import Silence
from bridge.store import Store, open_store
from tests.support import wait_until

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

MAPPING = """
source: quiz
verify: {scheme: token, header: X-Key, secret: "${KEY}"}
SILENCE
rules:
  - name: taken
    track: lead
    event_name: quiz_taken
    fields: {click_id: click, customer_external_id: person}
    RULE
"""


@dataclass
class Bench:
    """A watch, and what a test turns and looks at."""

    folder: Path
    store: Store
    now: datetime = START
    key: str | None = "a secret of some length"
    told: list[Notice] = field(default_factory=list)
    metrics: Metrics = field(default_factory=lambda: Metrics("0"))
    library: Library = field(init=False)
    silence: Silence = field(init=False)

    def __post_init__(self) -> None:
        self.write()
        self.restart()

    def restart(self) -> None:
        self.silence = Silence(
            library=lambda: self.library,
            ears=self.store,
            metrics=self.metrics,
            clock=lambda: self.now,
            tell=self.told.append,
        )

    def write(self, silence: str = "silence: 26h", rule: str = "") -> None:
        text = MAPPING.replace("SILENCE", silence).replace("RULE", rule)
        (self.folder / "quiz.yaml").write_text(text, encoding="utf-8")
        self.library = library.load(shipped=self.folder, folder=None, lookup=lambda _: self.key)
        assert [] == self.library.errors

    async def look(self, **later: float) -> list[Kind]:
        """What is told at a look so much later."""
        self.told.clear()
        self.now += timedelta(**later)
        await self.silence.look()
        return [notice.kind for notice in self.told]

    async def hear(self, *, test: bool = False, rule: str = "") -> None:
        key = f"evt_{self.now.timestamp()}_{rule}"
        event = Event(
            source="quiz", key=key, received_at=self.now, body=b"{}", verified_by="token 1", revision="r", test=test
        )
        lead = Lead(event_name="quiz_taken", customer_external_id=key, click_id="c", timestamp=self.now)
        made = (Conversion(item=0, rule=rule, payload=lead, claims=(key,)),) if rule else ()
        meaning = Meaning(event=event, state=EventState.ACCEPTED, conversions=made)
        await self.store.record([meaning], now=self.now)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"trackbridge_{name}", labels)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    store = await open_store(f"sqlite:///{tmp_path / 'bridge.db'}", exclusive=True)
    yield Bench(tmp_path, store)
    await store.close()


async def test_silence_is_told_once_and_so_is_its_end(bench: Bench) -> None:
    await bench.hear()
    assert [] == await bench.look()
    assert [] == await bench.look(hours=25, minutes=59)
    assert START.timestamp() == bench.value("last_event_timestamp_seconds", source="quiz")
    assert 0 == bench.value("source_silent", source="quiz", rule="")
    assert [Kind.SILENT] == await bench.look(minutes=1)
    assert 1 == bench.value("source_silent", source="quiz", rule="")
    assert [("quiz", "", START)] == bench.silence.silent
    assert [] == await bench.look(hours=100)
    await bench.hear()

    assert [Kind.HEARD] == await bench.look(minutes=1)
    assert 0 == bench.value("source_silent", source="quiz", rule="")
    assert [] == bench.silence.silent
    assert {"rule": "", "silent_seconds": 126 * 3600} == bench.told[0].data
    assert [Kind.SILENT] == await bench.look(hours=26)


async def test_test_money_does_not_end_it(bench: Bench) -> None:
    await bench.hear()
    await bench.look()
    assert [Kind.SILENT] == await bench.look(hours=27)
    await bench.hear(test=True)

    assert [] == await bench.look(minutes=1)
    assert 1 == bench.value("source_silent", source="quiz", rule="")


async def test_what_never_had_an_event_counts_from_when_it_was_switched_on(bench: Bench) -> None:
    bench.key = None
    bench.write()
    assert [] == await bench.look()
    assert [] == await bench.look(days=5)
    bench.key = "a secret of some length"
    bench.write()
    assert [] == await bench.look()
    assert [] == await bench.look(hours=25)

    assert [Kind.SILENT] == await bench.look(hours=1)
    assert "since it was switched on 2026-05-09" in bench.told[0].text


async def test_a_restart_remembers_and_leaves_senders_a_minute(bench: Bench) -> None:
    await bench.hear()
    bench.now += timedelta(hours=30)
    bench.restart()
    assert [] == await bench.look()

    assert [Kind.SILENT] == await bench.look(minutes=1)
    assert START == bench.silence.silent[0][2]


async def test_a_rule_is_silent_while_its_source_talks(bench: Bench) -> None:
    bench.write(rule="silence: 90m")
    await bench.hear(rule="taken")
    await bench.look()
    bench.now += timedelta(minutes=89)
    await bench.hear()
    assert [] == await bench.look()
    assert [Kind.SILENT] == await bench.look(minutes=1)
    assert 'no event of "quiz" matched the rule "taken" for more than 1 h 30 min' in bench.told[0].text
    assert (1, 0) == (
        bench.value("source_silent", source="quiz", rule="taken"),
        bench.value("source_silent", source="quiz", rule=""),
    )
    await bench.hear(rule="taken")

    assert [Kind.HEARD] == await bench.look(minutes=1)


@pytest.mark.parametrize("silence", ["", "silence: 99d"], ids=["nobody minds any more", "longer is allowed"])
async def test_a_reload_that_allows_it_ends_the_alarm_without_a_word(bench: Bench, silence: str) -> None:
    await bench.hear()
    await bench.look()
    await bench.look(hours=27)
    bench.write(silence)

    assert [] == await bench.look(minutes=1)
    assert [] == bench.silence.silent
    assert not bench.value("source_silent", source="quiz", rule="")


async def test_a_source_that_is_gone_is_watched_no_more(bench: Bench) -> None:
    await bench.hear()
    await bench.look()
    await bench.look(hours=27)
    bench.library = Library(sources={})

    assert [] == await bench.look(minutes=1)
    assert [None, None] == [
        bench.value("source_silent", source="quiz", rule=""),
        bench.value("last_event_timestamp_seconds", source="quiz"),
    ]


async def test_a_database_that_cannot_answer_costs_a_look_and_no_more(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.store.close()
    task = asyncio.create_task(bench.silence.run())
    await asyncio.to_thread(wait_until, lambda: "store.unavailable" in [record.message for record in caplog.records])
    assert not task.done()
    task.cancel()
