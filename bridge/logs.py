"""Log lines: one per outcome, with a stable event name and the same keys everywhere; JSON, or text on a terminal.

A line is made by whoever logs and written by a thread of its own, 50 ms later at most, and at exit. So a slow, full
or closed stream delays nobody: what does not fit is dropped and counted, never waited for. A killed process may lose
its last lines; nothing but people depends on them. Values are escaped, so none of them can end or forge a line.
"""

import atexit
import logging
import math
import os
import re
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from json.encoder import encode_basestring_ascii as _quoted
from types import TracebackType
from typing import TextIO, TypeAlias

Value: TypeAlias = str | int | float | Decimal | datetime | Enum | list[str] | tuple[str, ...] | None
_Cause: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

#: How long a line may wait for others to be written with it.
_GATHER_SECONDS = 0.05
#: How long the end of the process may wait for a stream that takes nothing.
_FAREWELL_SECONDS = 1.0
#: More lines than this are not kept for a stream that takes nothing.
_MOST_LINES = 10_000
_MOST_CHARACTERS = 1_000
_MOST_TRACEBACK = 8_000

#: Libraries that say at INFO what we say better, or print addresses with tokens in them.
_QUIET = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "stripe": logging.WARNING,
    "uvicorn": logging.WARNING,
    "uvicorn.error": logging.WARNING,
    "uvicorn.access": logging.CRITICAL,
    "asyncio": logging.WARNING,
}
_LEVELS = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warning", logging.ERROR: "error"}
_COLOURS = {"debug": "2", "info": "36", "warning": "33", "error": "31"}
_NEEDS_QUOTES = re.compile(r"[\s\"'=\\]")
_EMAIL = re.compile(r"[^\s'\"<>(),;=]+@[^\s'\"<>(),;]+")


def get(name: str) -> logging.Logger:
    """The logger of a module, by its dotted name."""
    return logging.getLogger(name)


def event(
    log: logging.Logger, level: int, name: str, /, *, exception: BaseException | None = None, **facts: Value
) -> None:
    """Log one outcome under its stable name, such as `delivery.attempted`; an exception adds its traceback.

    Facts are for people and machines that may see no secret, no signature, no body and no personal data.
    """
    if not log.isEnabledFor(level):
        return
    # Made by hand: Logger.log looks for the caller's file and line, which costs as much as all the rest.
    cause = None if exception is None else (type(exception), exception, exception.__traceback__)
    log.handle(_Event(log.name, level, name, facts, cause))


class _Event(logging.LogRecord):
    """A record of ours: its message is the event's name, its facts are kept apart."""

    def __init__(
        self, logger: str, level: int, name: str, facts: Mapping[str, Value], cause: _Cause | None = None
    ) -> None:
        super().__init__(logger, level, "", 0, name, None, cause)
        self.facts = facts


def start(form: str = "auto", *, level: int = logging.INFO, stream: TextIO | None = None) -> "Writer":
    """Send every log line of this process to the stream (stderr), as `text`, `json` or `auto`; ends an earlier start.

    `auto` is text on a terminal and JSON elsewhere. Colour needs a terminal, and no NO_COLOR in the environment.
    """
    out = stream or sys.stderr
    is_terminal = out.isatty()
    if form == "text" or (form == "auto" and is_terminal):
        line = colourful_line if is_terminal and not os.environ.get("NO_COLOR") else text_line
    else:
        line = json_line
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, Writer)]:
        handler.close()
    writer = Writer(out.fileno(), line)
    root.addHandler(writer)
    root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, least))
    logging.captureWarnings(capture=True)
    # Nobody reads them, and every record would look them up.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    return writer


class Writer(logging.Handler):
    """Keeps lines and writes them from its own thread, many at a time."""

    def __init__(self, descriptor: int, line: Callable[[logging.LogRecord], str]) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._line = line
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._is_awake = False
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write_until_closed, name="logs", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def emit(self, record: logging.LogRecord) -> None:
        """Make the line now, have it written soon."""
        if len(self._lines) >= _MOST_LINES:
            self._dropped += 1
            return
        self._lines.append(self._line(record))
        if not self._is_awake:
            self._is_awake = True
            self._wake.set()

    def close(self) -> None:
        """Write what is left, but wait no longer than a second for a stream that takes nothing; take no more."""
        logging.getLogger().removeHandler(self)
        atexit.unregister(self.close)
        self._closing.set()
        self._wake.set()
        self._thread.join(_FAREWELL_SECONDS)
        super().close()

    def _write_until_closed(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(_GATHER_SECONDS)
            self._wake.clear()
            self._is_awake = False
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        if not self._lines:
            return
        count = len(self._lines)
        lines = [self._lines.popleft() for _ in range(count)]
        lost, self._dropped = self._dropped, 0
        if lost:
            lines.append(self._line(_Event(__name__, logging.WARNING, "logs.dropped", {"lines": lost})))
        if not self._write("".join(lines).encode("utf-8", "backslashreplace")):
            self._dropped += lost + count

    def _write(self, data: bytes) -> bool:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                if self._closing.wait(_GATHER_SECONDS):
                    return False
            except OSError:
                return False
        return True


def json_line(record: logging.LogRecord) -> str:
    """One JSON object on one line: `ts`, `level`, `event`, then the facts."""
    start = f'{{"ts":"{_moment(record.created)}","level":"{_level(record)}","event":{_quoted(_name(record))}'
    rest = [f'"{key}":{_json(value)}' for key, value in _facts(record).items()]
    if record.exc_info:
        rest.append(f'"traceback":{_quoted(_traceback(record))}')
    return ",".join([start, *rest]) + "}\n"


def text_line(record: logging.LogRecord) -> str:
    """One line for people: time, level, event, facts; a traceback below it, indented."""
    words = " ".join(f"{key}={_word(value)}" for key, value in _facts(record).items())
    line = f"{_moment(record.created)[11:]} {_level(record):7} {_name(record):20} {words}"
    return line.rstrip() + "\n" + _indented(_traceback(record))


def colourful_line(record: logging.LogRecord) -> str:
    """As `text_line`, with the level in colour, the time and the keys dimmed."""
    words = " ".join(f"\033[2m{key}=\033[0m{_word(value)}" for key, value in _facts(record).items())
    level = _level(record)
    start = f"\033[2m{_moment(record.created)[11:]}\033[0m \033[{_COLOURS[level]}m{level:7}\033[0m"
    return f"{start} {_name(record):20} {words}".rstrip() + "\n" + _indented(_traceback(record))


def _name(record: logging.LogRecord) -> str:
    return str(record.msg) if isinstance(record, _Event) else "log"


def _facts(record: logging.LogRecord) -> Mapping[str, Value]:
    """The facts of an event of ours, or those made of another library's message."""
    if isinstance(record, _Event):
        return record.facts
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):  # the library's format does not fit its own arguments
        message = str(record.msg)
    return {"logger": record.name, "message": _EMAIL.sub("(address)", message)}


def _traceback(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
    # Its end says the most. What an exception says may be a sender's words.
    return _EMAIL.sub("(address)", text)[-_MOST_TRACEBACK:]


def _indented(text: str) -> str:
    return "".join(f"    {_escaped(line)}\n" for line in text.split("\n")) if text else ""


def _level(record: logging.LogRecord) -> str:
    return _LEVELS.get(record.levelno, "error" if record.levelno > logging.ERROR else "info")


_second: tuple[int, str] = (-1, "")


def _moment(seconds: float) -> str:
    """ISO 8601 in UTC with milliseconds; the part down to the second is made once a second."""
    global _second  # noqa: PLW0603  # one tuple, replaced as a whole: threads may race for it and lose nothing
    whole = int(seconds)
    at, text = _second
    if at != whole:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        _second = (whole, text)
    return f"{text}.{int((seconds - whole) * 1000):03d}Z"


def _json(value: Value) -> str:
    if isinstance(value, str):
        return _quoted(_cut(value))
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(_quoted(_cut(item)) for item in value) + "]"
    return _quoted(_plain(value))


def _word(value: Value) -> str:
    """A value on a terminal: quoted where it has spaces or quotes, escaped where it would not print."""
    if isinstance(value, bool) or value is None:
        return _json(value)
    text = _plain(value)
    if text and text.isprintable() and not _NEEDS_QUOTES.search(text):
        return text
    return f'"{text}"' if text.isprintable() and '"' not in text and "\\" not in text else _quoted(text)


def _escaped(text: str) -> str:
    return text if text.isprintable() else _quoted(text)[1:-1]


def _plain(value: Value) -> str:
    """A value as text: times in UTC, states by their word, everything else as it prints."""
    match value:
        case str():
            return _cut(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case Enum():
            return str(value.value)
        case list() | tuple():
            return _cut(",".join(value))
        case _:
            return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"
