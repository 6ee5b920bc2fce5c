"""What can go wrong, and how it is told: one exception tree and one `Problem`.

BridgeError
├── Refused        this webhook is not let in: a status and one plain word for the caller
├── CannotSign     the proof of this source needs a key that only its sender has
├── ConfigError    the operator has something to mend; carries every Problem found
└── StoreError     the database cannot answer now; try later

What is expected is a returned value, not an exception. Nothing here does I/O.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum


class Severity(Enum):
    """How much a Problem weighs: a `PROBLEM` fails `check`, a `WARNING` does not."""

    PROBLEM = "problem"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands: a file with line and column (both from 1), or just a name such as a variable's."""

    file: str
    line: int = 0
    column: int = 0
    #: the whole source line, shown above the caret; empty when there is none to show
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing for the operator to mend: what, where, why, fix.

    Neither text may hold a secret, a signature or a value from somebody's webhook.
    """

    #: a stable word for scripts, such as `unknown-key`
    code: str
    what: str
    place: Place
    why: str = ""
    fix: str = ""
    severity: Severity = Severity.PROBLEM
    #: an expression shown with its own caret when the place's line cannot carry one
    expression: str = ""
    offset: int = 0

    def __str__(self) -> str:
        label = "warning: " if self.severity is Severity.WARNING else ""
        lines = [f"{self.place}: {label}{self.what}"]
        if self.expression:
            lines += _caret(self.expression, self.offset)
        elif self.place.text:
            lines += _caret(self.place.text, self.place.column - 1)
        lines += [f"  why: {self.why}"] if self.why else []
        lines += [f"  fix: {self.fix}"] if self.fix else []
        return "\n".join(lines)

    def as_json(self) -> dict[str, str | int]:
        """The same facts for `--json`; the code first."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "what": self.what,
            "why": self.why,
            "fix": self.fix,
        }


def _caret(line: str, offset: int) -> list[str]:
    shown = line.rstrip("\n")
    padding = "".join("\t" if char == "\t" else " " for char in shown[: max(offset, 0)])
    return [f"    {shown}", f"    {padding}^"]


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems by the place a reader meets them."""
    return sorted(problems, key=lambda p: (p.place.file, p.place.line, p.place.column, p.code))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Say `did you mean "x"?` for the nearest known word, else list what is allowed (12 at most)."""
    words = sorted(known)
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    listed = ", ".join(words[:12]) + (", …" if len(words) > 12 else "")
    return f"use one of: {listed}" if words else ""


class BridgeError(Exception):
    """Anything trackbridge raises on purpose."""


class Refused(BridgeError):
    """This webhook is not let in.

    `status` is the HTTP status for the caller, `word` the one plain word it is told, `detail` what our own
    log may say (never a secret, a signature or a body), `retry_after` in how many seconds it may be let in.
    """

    def __init__(self, word: str, *, status: int = 401, detail: str = "", retry_after: int | None = None) -> None:
        super().__init__(detail or word)
        self.word = word
        self.status = status
        self.detail = detail or word
        self.retry_after = retry_after


class CannotSign(BridgeError):
    """A sample cannot be proven: that needs a key that only the sender has. The text is for the operator."""


@dataclass(eq=False)
class ConfigError(BridgeError):
    """The operator has something to mend; all problems at once."""

    problems: Sequence[Problem] = field(default_factory=tuple)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in in_order(self.problems))


class StoreError(BridgeError):
    """The database cannot answer now; nothing was changed, or it is not known whether it was. Try later."""
