"""An example's expectation against what came of it: what goes with what, and where the two differ.

An example stands alone: no association is known to it, so a lead that needs one or waits for one is not expected.
An event that only says what went back is `ignored`; an example may say so, or list what went back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bridge.mapping.facts import facts_of, shown
from bridge.mapping.rules import Example
from bridge.model import Conversion, EventState, Json, Meaning, Reversal

#: One expected conversion, a subset of fields.
Wanted = dict[str, Json]
#: What an example sees of what came.
Came: TypeAlias = Conversion | Reversal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An expected conversion and the one that came; one of them may be missing."""

    wanted: Wanted | None
    got: Came | None

    @property
    def differing(self) -> list[str]:
        """The expected fields that are another, by name."""
        if self.wanted is None or self.got is None:
            return []
        found = facts_of(self.got)
        return [key for key, value in self.wanted.items() if found.get(key) != value]

    @property
    def holds(self) -> bool:
        """Whether it came as expected."""
        return self.wanted is not None and self.got is not None and not self.differing


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an example expects and what came, side by side."""

    #: expected and got of the event as a whole, where they differ
    outcome: tuple[str, str] | None = None
    #: why rules failed that were expected to make something
    failures: tuple[str, ...] = ()
    #: in order
    pairs: tuple[Pair, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the example passes."""
        return self.outcome is None and not self.failures and all(pair.holds for pair in self.pairs)

    @property
    def is_short(self) -> bool:
        """Whether something was expected that did not come."""
        return any(pair.got is None for pair in self.pairs)


def verdict(example: Example, meanings: Sequence[Meaning]) -> Verdict:
    """Hold an example against what came of its webhook."""
    got = came_of(meanings)
    failed = tuple(meaning.reason for meaning in meanings if meaning.state is EventState.UNMAPPED)
    match example.expect:
        case "unmapped":
            return Verdict() if failed else Verdict(outcome=("unmapped", _summary(got, meanings)), pairs=_extra(got))
        case "ignored":
            as_expected = not (conversions_of(meanings) or failed)
            return (
                Verdict() if as_expected else Verdict(outcome=("ignored", _summary(got, meanings)), pairs=_extra(got))
            )
        case expected:
            word = "conversion" if len(expected) == 1 else "conversions"
            outcome = (f"{len(expected)} {word}", _summary(got, meanings)) if len(expected) != len(got) else None
            return Verdict(outcome=outcome, failures=failed, pairs=_paired(expected, got))


def compare(example: Example, meanings: Sequence[Meaning]) -> list[str]:
    """Every difference in a line of its own; empty when the example holds."""
    found = verdict(example, meanings)
    lines = [f"unmapped: {why}" for why in found.failures]
    lines += [f"expected {found.outcome[0]}, got {found.outcome[1]}"] if found.outcome else []
    wanted = [pair for pair in found.pairs if pair.wanted is not None]
    for number, pair in enumerate(wanted, start=1):
        if pair.wanted is None or pair.got is None:
            continue
        where = f"conversion {number}, " if len(wanted) > 1 else ""
        values = facts_of(pair.got)
        lines += [
            f"{where}{key}: expected {_value(pair.wanted[key])}, got {_value(values.get(key))}"
            for key in pair.differing
        ]
    return lines


def conversions_of(meanings: Sequence[Meaning]) -> list[Conversion]:
    """What an example sees of the conversions that came: all but those that go only with an earlier click."""
    return [conversion for meaning in meanings for conversion in meaning.conversions if not conversion.needs_click]


def came_of(meanings: Sequence[Meaning]) -> list[Came]:
    """The same, and behind it what went back."""
    return [*conversions_of(meanings), *(reversal for meaning in meanings for reversal in meaning.reversals)]


def _extra(got: Sequence[Came]) -> tuple[Pair, ...]:
    return tuple(Pair(wanted=None, got=one) for one in got)


def _paired(expected: Sequence[Wanted], got: Sequence[Came]) -> tuple[Pair, ...]:
    """Lay both in order side by side, with the fewest differences where one is longer."""
    if len(expected) == len(got):
        return tuple(Pair(wanted=wanted, got=one) for wanted, one in zip(expected, got, strict=True))
    moves = _moves(expected, got)
    pairs: list[Pair] = []
    row = column = 0
    while (row, column) in moves:
        takes_wanted, takes_got = moves[row, column]
        pairs.append(Pair(wanted=expected[row] if takes_wanted else None, got=got[column] if takes_got else None))
        row, column = row + takes_wanted, column + takes_got
    return tuple(pairs)


def _moves(expected: Sequence[Wanted], got: Sequence[Came]) -> dict[tuple[int, int], tuple[int, int]]:
    """From each place in the two lists the cheapest step: one of both, an expected one alone, or one that came."""
    cost: dict[tuple[int, int], int] = {}
    moves: dict[tuple[int, int], tuple[int, int]] = {}
    for row in range(len(expected), -1, -1):
        for column in range(len(got), -1, -1):
            steps: list[tuple[int, tuple[int, int]]] = []
            if row < len(expected) and column < len(got):
                differing = len(Pair(wanted=expected[row], got=got[column]).differing)
                steps.append((cost[row + 1, column + 1] + differing, (1, 1)))
            if row < len(expected):
                steps.append((cost[row + 1, column] + 1 + len(expected[row]), (1, 0)))
            if column < len(got):
                steps.append((cost[row, column + 1] + 1, (0, 1)))
            if steps:
                cost[row, column], moves[row, column] = min(steps, key=lambda step: step[0])
            else:
                cost[row, column] = 0
    return moves


def _value(value: Json) -> str:
    return "nothing" if value is None else str(value)


def _summary(got: list[Came], meanings: Sequence[Meaning]) -> str:
    """What came of the webhook, in a clause."""
    if got:
        return f"{len(got)}: " + ", ".join(shown(one if isinstance(one, Reversal) else one.payload) for one in got)
    if any(meaning.conversions for meaning in meanings):
        return "ignored: no click id"
    reasons = [f"{meaning.state.value}: {meaning.reason}" for meaning in meanings if meaning.reason]
    return "; ".join(dict.fromkeys(reasons)) or "nothing"
