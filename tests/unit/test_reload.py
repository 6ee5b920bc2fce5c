"""The set in force: when it is swapped, when it is kept, and what is said of it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge import library
from bridge.errors import ConfigError, StoreError
from bridge.library import Library
from bridge.metrics import Metrics
from bridge.reload import Marks, Reloader, differences, marks
from tests.support import wait_until

NOW = datetime(2026, 1, 9, 8, 0, tzinfo=UTC)

QUIZ = """
source: {name}
verify: {{scheme: token, header: X-Key, secret: "${{KEY}}"}}
rules:
  - name: {rule}
    track: lead
    event_name: quiz_taken
    fields: {{click_id: click, customer_external_id: person}}
"""


def quiz(folder: Path, *, name: str = "quiz", rule: str = "taken") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(QUIZ.format(name=name, rule=rule), encoding="utf-8")
    return path


@dataclass
class Memory:
    """A store that remembers revisions, or cannot."""

    revisions: list[str] = field(default_factory=list)
    seen: frozenset[str] = frozenset()
    is_broken: bool = False

    async def remember_revision(self, revision: str, source: str, text: str, *, now: datetime) -> None:
        if self.is_broken:
            raise StoreError("locked")
        self.revisions.append(revision)

    async def sources_seen(self) -> frozenset[str]:
        return self.seen


@dataclass
class Loader:
    """Reads the folder, and counts how often."""

    folder: Path
    environment: dict[str, str] = field(default_factory=lambda: {"KEY": "k3y-for-the-quiz"})
    times: int = 0

    def __call__(self) -> Library:
        self.times += 1
        empty = self.folder / "shipped"
        empty.mkdir(exist_ok=True)
        loaded = library.load(shipped=empty, folder=self.folder, lookup=self.environment.get)
        if loaded.errors:
            raise ConfigError(loaded.errors)
        return loaded

    def marks(self) -> Marks:
        return marks([self.folder])


def a_reloader(load: Loader, memory: Memory | None = None, *, look_seconds: float = 0.01) -> Reloader:
    marked = load.marks()
    return Reloader(
        library=load(),
        load=load,
        look=load.marks,
        seen=frozenset(),
        marked=marked,
        memory=memory or Memory(),
        metrics=Metrics("0"),
        clock=lambda: NOW,
        look_seconds=look_seconds,
    )


@asynccontextmanager
async def watching(reloader: Reloader) -> AsyncIterator[None]:
    task = asyncio.create_task(reloader.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def comes_true(condition: Callable[[], object]) -> None:
    await asyncio.to_thread(wait_until, condition)


def rules(reloader: Reloader) -> list[str]:
    return [rule.name for source in reloader.library.sources.values() for rule in source.mapping.rules]


def value(reloader: Reloader, name: str, **labels: str) -> float | None:
    return reloader._metrics.registry.get_sample_value(f"trackbridge_{name}", labels)


async def test_a_changed_file_comes_into_force(tmp_path: Path) -> None:
    quiz(tmp_path)
    memory = Memory(seen=frozenset({"quiz"}))
    reloader = a_reloader(Loader(tmp_path), memory)
    async with watching(reloader):
        quiz(tmp_path, rule="taken twice")
        await comes_true(lambda: rules(reloader) == ["taken twice"])

    assert [reloader.library.sources["quiz"].mapping.revision] == memory.revisions
    assert frozenset({"quiz"}) == reloader.seen
    assert 1 == value(reloader, "reloads_total", result="ok")


async def test_new_and_deleted_files_come_into_force(tmp_path: Path) -> None:
    path = quiz(tmp_path)
    reloader = a_reloader(Loader(tmp_path))
    async with watching(reloader):
        quiz(tmp_path, name="poll")
        await comes_true(lambda: len(reloader.library.sources) == 2)
        path.unlink()
        await comes_true(lambda: list(reloader.library.sources) == ["poll"])


async def test_a_file_replaced_by_another_of_the_same_size_and_age_is_noticed(tmp_path: Path) -> None:
    """What an editor that writes aside and renames does, and what a Kubernetes volume does."""
    path = quiz(tmp_path, rule="one")
    load = Loader(tmp_path)
    before = load.marks()
    aside = tmp_path / "aside"
    aside.mkdir()
    other = quiz(aside, rule="two")
    other.touch()
    stat = path.stat()
    other.rename(path)

    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert before != load.marks()


async def test_a_set_with_a_problem_changes_nothing_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    quiz(tmp_path)
    reloader = a_reloader(Loader(tmp_path))
    before = reloader.library
    async with watching(reloader):
        quiz(tmp_path, name="poll")  # sound, and yet not in force: the set is one
        (tmp_path / "quiz.yaml").write_text("source: quiz\nrulez: []\n", encoding="utf-8")
        await comes_true(lambda: reloader.failure)

        assert before is reloader.library
        assert reloader.failure is not None
        assert any("rulez" in problem.what for problem in reloader.failure.problems)
        assert any(str(tmp_path / "quiz.yaml") in problem.place.file for problem in reloader.failure.problems)
        assert 1 == value(reloader, "mappings_stale")

        quiz(tmp_path, rule="mended")
        await comes_true(lambda: reloader.failure is None)

    assert ["taken", "mended"] == rules(reloader)
    assert 0 == value(reloader, "mappings_stale")
    assert (1, 1) == (
        value(reloader, "reloads_total", result="failed"),
        value(reloader, "reloads_total", result="ok"),
    )
    assert {"mapping.problem", "mappings.kept", "mappings.reloaded"} <= {record.message for record in caplog.records}


async def test_the_same_problem_is_not_told_every_second(tmp_path: Path) -> None:
    quiz(tmp_path)
    load = Loader(tmp_path)
    reloader = a_reloader(load)
    async with watching(reloader):
        (tmp_path / "quiz.yaml").write_text("source: [", encoding="utf-8")
        await comes_true(lambda: reloader.failure)
        times = load.times
        looks = 0

        def look() -> Marks:
            nonlocal looks
            looks += 1
            return load.marks()

        reloader._look = look
        await comes_true(lambda: looks > 5)

    assert times == load.times


async def test_a_folder_that_vanishes_keeps_what_is_in_force(tmp_path: Path) -> None:
    folder = tmp_path / "mappings"
    folder.mkdir()
    quiz(folder)
    load = Loader(folder)
    load.folder = folder
    reloader = a_reloader(load)

    def gone() -> Library:
        loaded = library.load(shipped=tmp_path, folder=tmp_path / "nowhere", lookup=lambda _: None)
        raise ConfigError(loaded.errors)

    reloader._load = gone
    assert not await reloader.reload(frozenset(), why="changed")
    assert ["taken"] == rules(reloader)
    assert reloader.failure is not None


async def test_a_link_whose_file_vanishes_keeps_what_is_in_force_until_it_is_back(tmp_path: Path) -> None:
    real, folder = tmp_path / "real", tmp_path / "mappings"
    real.mkdir()
    folder.mkdir()
    (folder / "quiz.yaml").symlink_to(quiz(real))
    reloader = a_reloader(Loader(folder))
    async with watching(reloader):
        real.rename(tmp_path / "away")
        await comes_true(lambda: reloader.failure is not None)
        assert ["taken"] == rules(reloader)
        (tmp_path / "away").rename(real)
        await comes_true(lambda: reloader.failure is None)

    assert ["taken"] == rules(reloader)


async def test_a_database_that_cannot_answer_is_tried_again(tmp_path: Path) -> None:
    """An event must never name a revision that nobody can look up."""
    quiz(tmp_path)
    memory = Memory(is_broken=True)
    load = Loader(tmp_path)
    reloader = a_reloader(load, memory)
    async with watching(reloader):
        quiz(tmp_path, rule="later")
        await comes_true(lambda: load.times >= 3)
        assert ["taken"] == rules(reloader)
        memory.is_broken = False
        await comes_true(lambda: rules(reloader) == ["later"])


async def test_asking_reloads_what_no_file_says(tmp_path: Path) -> None:
    """SIGHUP: a secret was changed."""
    quiz(tmp_path)
    load = Loader(tmp_path, environment={})
    reloader = a_reloader(load)
    assert not reloader.library.sources["quiz"].is_on
    async with watching(reloader):
        load.environment["KEY"] = "k3y-for-the-quiz"
        reloader.ask()
        await comes_true(lambda: reloader.library.sources["quiz"].is_on)


async def test_a_bug_in_reading_is_told_and_watching_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    quiz(tmp_path)
    load = Loader(tmp_path)
    reloader = a_reloader(load)

    def fails() -> Library:
        raise RuntimeError("a bug of ours")

    reloader._load = fails
    async with watching(reloader):
        reloader.ask()
        await comes_true(lambda: "bug" in [record.message for record in caplog.records])
        reloader._load = load
        quiz(tmp_path, rule="after the bug")
        await comes_true(lambda: rules(reloader) == ["after the bug"])


def test_what_happened_to_each_source_is_named(tmp_path: Path) -> None:
    load = Loader(tmp_path)
    for name in ("stays", "goes", "changes"):
        quiz(tmp_path, name=name)
    before = load()
    quiz(tmp_path, name="changes", rule="other")
    quiz(tmp_path, name="comes")
    (tmp_path / "goes.yaml").unlink()
    load.environment.clear()

    assert {
        "added": ["comes"],
        "removed": ["goes"],
        "changed": ["changes"],
        "on": [],
        "off": ["changes", "comes", "stays"],
    } == differences(before, load())


async def test_one_that_is_asked_as_it_is_cancelled_ends(tmp_path: Path) -> None:
    quiz(tmp_path)
    reloader = a_reloader(Loader(tmp_path), look_seconds=60.0)
    running = asyncio.create_task(reloader.run())
    await asyncio.sleep(0.05)

    reloader.ask()
    running.cancel()

    async with asyncio.timeout(5):
        await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
