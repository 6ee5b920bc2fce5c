"""What a fault came to: how much was acknowledged, lost and doubled, what else was promised and not kept."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the table."""

    fault: str
    #: how often it was done
    times: int = 1
    #: webhooks that were answered 200 around it
    acknowledged: int = 0
    #: how many of those are neither with the tracker nor kept for it
    lost: int = 0
    #: sales that the tracker was sent again; None where nothing was sent
    doubled: int | None = None
    #: how many those may be
    bound: int = 0
    #: what else was promised and not kept
    broken: tuple[str, ...] = ()
    detail: str = ""
    skipped: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether every promise held."""
        return not (self.lost or self.broken or (self.doubled or 0) > self.bound)

    @property
    def verdict(self) -> str:
        """One word, or why there is none."""
        if self.skipped:
            return f"skipped: {self.skipped}"
        return "kept" if self.is_kept else "BROKEN"


_HEAD = ("fault", "times", "acknowledged", "lost", "doubled (most)", "verdict")


def table(findings: Sequence[Finding]) -> str:
    """The findings as text: a line each, and below it what is worth knowing."""
    rows = [_HEAD, *(_row(finding) for finding in findings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [_line(_HEAD, widths)]
    for finding, row in zip(findings, rows[1:], strict=True):
        lines.append(_line(row, widths))
        lines += [f"    {finding.detail}"] if finding.detail else []
        lines += [f"    BROKEN: {what}" for what in finding.broken]
    return "\n".join(lines)


def _row(finding: Finding) -> tuple[str, ...]:
    if finding.skipped:
        return (finding.fault, "", "", "", "", finding.verdict)
    doubled = "" if finding.doubled is None else f"{finding.doubled} ({finding.bound})"
    return (
        finding.fault,
        str(finding.times),
        str(finding.acknowledged),
        "nothing" if not finding.lost else str(finding.lost),
        doubled,
        finding.verdict,
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *middle, last = row
    cells = [text.rjust(width) for text, width in zip(middle, widths[1:-1], strict=True)]
    return "  ".join([first.ljust(widths[0]), *cells, last]).rstrip()


class Promises:
    """Collects what did not hold, so that one run tells all of it."""

    def __init__(self) -> None:
        self._broken: list[str] = []

    def hold(self, what: str, *, when: bool) -> None:
        """Note what was promised, unless it held."""
        if not when and what not in self._broken:
            self._broken.append(what)

    @property
    def broken(self) -> tuple[str, ...]:
        """Everything that did not hold."""
        return tuple(self._broken)
