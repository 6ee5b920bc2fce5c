"""What a look at an expression's tree can find before any webhook comes."""

from dataclasses import dataclass

from bridge.errors import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A Problem that knows its offset in the expression, not yet its place in the file."""

    code: str
    what: str
    offset: int
    why: str = ""
    fix: str = ""
    severity: Severity = Severity.PROBLEM
