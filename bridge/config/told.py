"""What the operator told us, before it means anything: flags, environment, `.env`, and the files `X_FILE` names.

A name's text is looked up as flag > environment > `.env`; within one of these `X_FILE` says that the text is in a
file. Empty is not set. Nothing is interpolated. Every look reads the files again.
"""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dotenv.parser import parse_stream

from bridge.errors import ConfigError, Place, Problem, in_order

#: Our prefix; an unknown name that begins with it is a mistake.
PREFIX = "TRACKBRIDGE_"
#: What Kubernetes adds to every container near a service called `trackbridge` or `trackbridge-…`.
_SERVICE_NAME = re.compile(
    PREFIX + r"(?:\w+_)?(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_SERVICE_VALUE = re.compile(r"(?:tcp|udp|sctp)://")

#: Larger files are not secrets but mistakes.
_MOST_BYTES = 64 * 1024


class Text(NamedTuple):
    """A text and where it came from, for people: `--port`, `environment`, `.env:3`, `file /run/secrets/token`."""

    text: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One reading of everything the operator can say; `problems` is what could not even be read."""

    #: by variable name, such as TRACKBRIDGE_PORT
    flags: Mapping[str, Text]
    environment: Mapping[str, Text]
    dotenv: Mapping[str, Text]
    dotenv_path: Path | None
    #: what could not be read in `.env`
    problems: tuple[Problem, ...]

    def names(self) -> dict[str, str]:
        """Every variable that is set to something in the environment or in `.env`, with its origin."""
        return {name: text.origin for level in (self.dotenv, self.environment) for name, text in level.items()}

    def look_up(self, name: str) -> Text | None:
        """The text of this variable and its origin; None when it is not set; ConfigError when it cannot be had."""
        if name in self.flags:
            return self.flags[name]
        for level in (self.environment, self.dotenv):
            direct, path = level.get(name), level.get(f"{name}_FILE")
            if direct is not None and path is not None:
                raise ConfigError([_set_twice(name)])
            if path is not None:
                return _read(name, path.text)
            if direct is not None:
                return direct
        return None


def listen(flags: Mapping[str, Text], environ: Mapping[str, str], dotenv_path: Path | None) -> Told:
    """Collect what was said, leaving out what is empty and what only Kubernetes said."""
    dotenv, problems = _read_dotenv(dotenv_path)
    return Told(
        flags={name: text for name, text in flags.items() if text.text.strip()},
        environment={
            name: Text(text, "environment")
            for name, text in environ.items()
            if text.strip() and not _is_service_link(name, text)
        },
        dotenv=dotenv,
        dotenv_path=dotenv_path,
        problems=problems,
    )


def _is_service_link(name: str, text: str) -> bool:
    if not name.startswith(PREFIX):
        return False
    return bool(_SERVICE_NAME.fullmatch(name) or (name.endswith("_PORT") and _SERVICE_VALUE.match(text)))


class Secrets:
    """Looks up the `${NAME}` of mappings; what stood in the way is kept in `problems`, and the name counts as unset."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._problems: dict[str, Problem] = {}

    def __call__(self, name: str) -> str | None:
        """The text of this variable, or None."""
        try:
            found = self._told.look_up(name)
        except ConfigError as error:
            self._problems[name] = error.problems[0]
            return None
        return found.text if found else None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What kept a name that is set from being read, sorted."""
        return tuple(in_order(self._problems.values()))


def _read_dotenv(path: Path | None) -> tuple[dict[str, Text], tuple[Problem, ...]]:
    """Read with python-dotenv's own parser, because its front door drops lines it cannot read with a mere log line."""
    if path is None or not path.exists():
        return {}, ()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return {}, (Problem(code="unreadable-file", what=f"cannot be read: {why}", place=Place(file=str(path))),)
    found: dict[str, Text] = {}
    problems: list[Problem] = []
    for name, value, line, is_broken in _bindings(text):
        if is_broken:
            problems.append(_broken_line(Place(file=str(path), line=line, column=1)))
        elif value.strip():
            found[name] = Text(value, f"{path}:{line}")
    return found, tuple(problems)


def _bindings(text: str) -> Iterator[tuple[str, str, int, bool]]:
    """Name, value, line, and whether the line cannot be read (a name without `=` is a line that lost its quotes)."""
    for binding in parse_stream(io.StringIO(text)):
        if not binding.error and binding.key is None:
            continue
        # The parser counts the blank lines before a statement as part of it.
        before = binding.original.string[: -len(binding.original.string.lstrip("\r\n")) or None]
        line = binding.original.line + before.count("\n")
        yield binding.key or "", binding.value or "", line, binding.error or binding.value is None


def _broken_line(place: Place) -> Problem:
    # The line itself may hold a secret and is not shown.
    return Problem(
        code="unreadable-line",
        what="expected NAME=value",
        place=place,
        fix="quote a value that has quotes in it or runs over several lines",
    )


def _set_twice(name: str) -> Problem:
    return Problem(
        code="set-twice",
        what=f"{name} and {name}_FILE are both set",
        place=Place(file=name),
        fix="keep one of them",
    )


def _read(name: str, path: str) -> Text | None:
    """The text in a file, without the line breaks at its end; None when there is none."""
    why = ""
    try:
        with Path(path).open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
        text = raw.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        why = "it is not UTF-8"
    except OSError as error:
        why = error.strerror or type(error).__name__
    else:
        if len(raw) <= _MOST_BYTES:
            return Text(text, f"file {path}") if text.strip() else None
        why = "it is larger than 64 KiB"
    raise ConfigError(
        [
            Problem(
                code="unreadable-file",
                what=f'expected a file that can be read, got "{path}": {why}',
                place=Place(file=f"{name}_FILE"),
            )
        ]
    )
