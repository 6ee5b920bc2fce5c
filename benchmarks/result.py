"""What a measurement came to: paired ratios, a goal, a verdict; and how it is told."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Verdict(Enum):
    """What the goal says of a row."""

    PASS = "pass"
    FAIL = "FAIL"
    SKIPPED = "skipped"
    TOLD = ""  # information: no goal was set


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. `samples` holds one figure per repetition, each made of neighbours in time."""

    what: str
    samples: Sequence[float] = ()
    goal: float | None = None
    better: Literal["higher", "lower"] = "higher"
    #: the medians behind the ratio, for people
    detail: str = ""
    #: why there is nothing to tell
    skipped: str = ""

    @property
    def median(self) -> float:
        """The figure that is held against the goal."""
        return statistics.median(self.samples)

    @property
    def verdict(self) -> Verdict:
        """Whether the median keeps the goal."""
        if self.skipped:
            return Verdict.SKIPPED
        if self.goal is None:
            return Verdict.TOLD
        kept = self.median >= self.goal if self.better == "higher" else self.median <= self.goal
        return Verdict.PASS if kept else Verdict.FAIL

    def as_json(self) -> dict[str, object]:
        """Everything that was measured, for `--json`."""
        told = {"samples": list(self.samples), "median": self.median} if self.samples else {}
        aims = {"goal": self.goal, "better": self.better, "verdict": self.verdict.name.lower()}
        return {"what": self.what, **told, **aims, "detail": self.detail, "skipped": self.skipped}


def table(rows: Sequence[Row]) -> str:
    """The rows as text, one line each and its detail below."""
    lines = [f"{'':60} {'median':>8}  {'min .. max':>15}  {'goal':>8}  verdict"]
    for row in rows:
        if row.skipped:
            lines.append(f"{row.what:60} {'':8}  {'':15}  {'':8}  skipped: {row.skipped}")
            continue
        spread = f"{_figure(min(row.samples))} .. {_figure(max(row.samples))}"
        sign = "≥" if row.better == "higher" else "≤"
        goal = "" if row.goal is None else f"{sign} {row.goal:g}"
        lines.append(f"{row.what:60} {_figure(row.median):>8}  {spread:>15}  {goal:>8}  {row.verdict.value}".rstrip())
        lines += [f"    {row.detail}"] if row.detail else []
    return "\n".join(lines)


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def middle(values: Sequence[float]) -> str:
    """A median for a sentence, with a separator of thousands."""
    median = statistics.median(values)
    return f"{median:,.0f}" if median >= 100 else f"{median:.1f}"
