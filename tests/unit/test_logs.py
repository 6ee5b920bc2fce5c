"""Log lines: one per outcome, escaped, quick, and never in anybody's way."""

import json
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from io import RawIOBase
from pathlib import Path
from time import perf_counter
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import logs
from tests.support import wait_until

LOG = logs.get("bridge.test")
EAST = timezone(timedelta(hours=1))


class Colour(Enum):
    RED = "red"


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[TextIO]:
    with (tmp_path / "log").open("w", encoding="utf-8") as file:
        yield file


@pytest.fixture(autouse=True)
def quiet_after() -> Iterator[None]:
    """Give the process its logging back."""
    flags = (logging.logThreads, logging.logProcesses, logging.logMultiprocessing)
    root, level = logging.getLogger(), logging.getLogger().level
    yield
    logging.captureWarnings(capture=False)
    for handler in [handler for handler in root.handlers if isinstance(handler, logs.Writer)]:
        handler.close()
    root.setLevel(level)
    logging.logThreads, logging.logProcesses, logging.logMultiprocessing = flags
    for name in ("httpx", "httpcore", "stripe", "uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def lines(form: str, stream: TextIO, *facts: dict[str, logs.Value], level: int = logging.INFO) -> list[str]:
    """What is written when these are logged and logging ends."""
    writer = logs.start(form, stream=stream)
    for one in facts:
        logs.event(LOG, level, "event.recorded", exception=None, **one)
    writer.close()
    return Path(stream.name).read_text(encoding="utf-8").splitlines()


def test_json_is_one_object_a_line_with_time_level_event_and_the_facts_in_order(stream: TextIO) -> None:
    before = datetime.now(UTC)

    (line,) = lines("json", stream, {"source": "stripe", "event_id": 7, "why": ""})

    assert line.startswith('{"ts":"')
    assert line.endswith('Z","level":"info","event":"event.recorded","source":"stripe","event_id":7,"why":""}')
    at = datetime.fromisoformat(json.loads(line)["ts"])
    assert before - timedelta(milliseconds=1) <= at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("value", "in_json", "in_text"),
    [
        ("plain", "plain", "plain"),
        ("two words", "two words", '"two words"'),
        ("", "", '""'),
        ('a"b', 'a"b', '"a\\"b"'),
        ("a\nb", "a\nb", '"a\\nb"'),
        ("\x1b[31m", "\x1b[31m", '"\\u001b[31m"'),
        ("Zoë", "Zoë", "Zoë"),
        ("a\u202eb", "a\u202eb", '"a\\u202eb"'),
        ("x" * 2000, "x" * 1000 + "…", "x" * 1000 + "…"),
        (7, 7, "7"),
        (1.5, 1.5, "1.5"),
        (float("nan"), "nan", "nan"),
        (True, True, "true"),
        (None, None, "null"),
        (Decimal("1.10"), "1.10", "1.10"),
        (Colour.RED, "red", "red"),
        (datetime(2026, 1, 2, 3, 4, 5, 678000, EAST), "2026-01-02T02:04:05.678Z", "2026-01-02T02:04:05.678Z"),
        (["a", "b c"], ["a", "b c"], '"a,b c"'),
    ],
    ids=str,
)
def test_a_value_is_written_so_that_it_can_be_read_back(
    value: logs.Value, in_json: object, in_text: str, stream: TextIO
) -> None:
    (line,) = lines("json", stream, {"key": value})
    assert in_json == json.loads(line)["key"]

    assert lines("text", stream, {"key": value})[-1].endswith(f"event.recorded       key={in_text}")


@given(value=st.text(max_size=200))
def test_no_value_ends_its_line_or_adds_another(value: str) -> None:
    record = logs._Event("bridge.test", logging.INFO, "event.recorded", {"key": value})

    for line in (logs.json_line(record), logs.text_line(record)):
        assert line.endswith("\n")
        assert 1 == len(line.encode("utf-8", "backslashreplace").decode().splitlines())
        assert all(char.isprintable() for char in line[:-1])
    assert value == json.loads(logs.json_line(record))["key"]


def test_text_is_time_level_event_and_facts_in_columns(stream: TextIO) -> None:
    (line,) = lines("text", stream, {"source": "stripe", "state": "accepted"}, level=logging.WARNING)

    time, rest = line.split(" ", 1)
    assert len("03:41:46.123Z") == len(time)
    assert "warning event.recorded       source=stripe state=accepted" == rest


def test_what_is_no_terminal_gets_json_by_itself(stream: TextIO) -> None:
    (line,) = lines("auto", stream, {})

    assert "event.recorded" == json.loads(line)["event"]


@pytest.mark.parametrize(("no_color", "has_colour"), [("", True), ("1", False)], ids=["colour", "NO_COLOR"])
def test_a_terminal_gets_text_in_colour_unless_no_color_says_so(
    no_color: str, has_colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen, os.fdopen(theirs, "w") as terminal:
        writer = logs.start("auto", stream=terminal)
        logs.event(LOG, logging.ERROR, "bug", source="stripe")
        writer.close()
        shown = screen.read(4096).decode()

    assert ("\x1b[31m" in shown) is has_colour
    assert "source=" in shown
    assert "{" not in shown


def test_a_line_is_written_soon_without_another_to_push_it(stream: TextIO) -> None:
    logs.start("json", stream=stream)
    began = perf_counter()
    logs.event(LOG, logging.INFO, "event.recorded")

    wait_until(lambda: Path(stream.name).read_text(encoding="utf-8"), seconds=2)

    assert perf_counter() - began < 1.0


def test_an_exception_adds_its_traceback_without_anybodys_address(stream: TextIO) -> None:
    writer = logs.start("json", stream=stream)
    try:
        int("jane@example.com")
    except ValueError as error:
        logs.event(LOG, logging.ERROR, "bug", exception=error, delivery_id=3)
    writer.close()

    (line,) = Path(stream.name).read_text(encoding="utf-8").splitlines()
    told = json.loads(line)
    assert ("error", "bug", 3) == (told["level"], told["event"], told["delivery_id"])
    assert told["traceback"].startswith("Traceback (most recent call last):")
    assert told["traceback"].endswith("ValueError: invalid literal for int() with base 10: '(address)'")


def test_a_traceback_in_text_is_indented_below_its_line(stream: TextIO) -> None:
    writer = logs.start("text", stream=stream)
    logs.event(LOG, logging.ERROR, "bug", exception=ValueError("a\x1bb"))
    writer.close()

    first, second = Path(stream.name).read_text(encoding="utf-8").splitlines()
    assert first.endswith("error   bug")
    assert "    ValueError: a\\u001bb" == second


def test_other_libraries_speak_through_it_and_below_warning_not_at_all(stream: TextIO) -> None:
    writer = logs.start("json", stream=stream)
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("httpx").info("HTTP Request: POST https://api.example.com/?token=hunter2")
    logging.getLogger("uvicorn.access").error("GET /webhooks/quiz/hunter2")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request from %s", "jane@example.com")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    writer.close()

    told = [json.loads(line) for line in Path(stream.name).read_text(encoding="utf-8").splitlines()]
    assert [
        ("warning", "log", "uvicorn.error", "Invalid HTTP request from (address)"),
    ] == [(one["level"], one["event"], one["logger"], one["message"]) for one in told[:1]]
    assert "py.warnings" == told[1]["logger"]
    assert "DeprecationWarning: old" in told[1]["message"]


def test_a_librarys_message_that_does_not_fit_its_arguments_is_told_as_it_stands() -> None:
    record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, "%d of %s", ("many",), None)

    assert '"message":"%d of %s"' in logs.json_line(record)


def test_what_is_below_the_level_costs_no_line(stream: TextIO) -> None:
    assert [] == lines("json", stream, {}, level=logging.DEBUG)


def test_starting_again_writes_to_the_new_stream_alone(stream: TextIO, tmp_path: Path) -> None:
    logs.start("json", stream=stream)
    with (tmp_path / "second").open("w", encoding="utf-8") as second:
        (line,) = lines("json", second, {"n": 1})

    assert '"n":1' in line
    assert "" == Path(stream.name).read_text(encoding="utf-8")


def test_a_stream_nobody_reads_delays_nobody_and_what_does_not_fit_is_counted() -> None:
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb", buffering=0) as reader, os.fdopen(theirs, "w") as full:
        writer = logs.start("json", stream=full)
        began = perf_counter()
        for number in range(25_000):
            logs.event(LOG, logging.INFO, "event.recorded", number=number)
        assert perf_counter() - began < 5.0

        text = read_until(reader, b"logs.dropped")
        closing = threading.Thread(target=writer.close)
        closing.start()
        closing.join(10)

    dropped = next(json.loads(line) for line in text.splitlines() if b"logs.dropped" in line)
    assert dropped["lines"] > 0
    assert not closing.is_alive()


def read_until(reader: RawIOBase, word: bytes) -> bytes:
    """Everything up to the line with this word in it."""
    text = b""
    while word not in text or not text.endswith(b"\n"):
        text += reader.read(65_536) or b""
    return text


def test_a_closed_stream_harms_nobody() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as broken:
        writer = logs.start("json", stream=broken)
        for _ in range(3):
            logs.event(LOG, logging.INFO, "event.recorded")
        writer.close()


def test_the_end_does_not_wait_for_a_stream_that_takes_nothing() -> None:
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "w") as full:
        writer = logs.start("json", stream=full)
        for _ in range(3_000):
            logs.event(LOG, logging.INFO, "event.recorded", text="x" * 100)
        began = perf_counter()
        writer.close()

        assert perf_counter() - began < 5.0
