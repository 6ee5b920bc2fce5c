"""An example that does not hold, in full: what was expected and what came, field by field, and why it did not come."""

from collections.abc import Iterator, Sequence

from bridge.cli.output import BOLD, DIM, GREEN, RED, paint, printable
from bridge.mapping import Explanation, Verdict
from bridge.mapping.compare import Pair
from bridge.mapping.facts import facts_of
from bridge.mapping.rewrite import expectation
from bridge.model import Json


def told(found: Verdict, explanation: Explanation | None) -> Iterator[str]:
    """The lines below a failed example's name; `- ` is expected, `+ ` is what came."""
    yield from (_line(" ", f"unmapped: {why}") for why in found.failures)
    if found.outcome is not None:
        yield _line("-", found.outcome[0])
        yield _line("+", found.outcome[1])
    several = len(found.pairs) > 1
    for number, pair in enumerate(found.pairs, start=1):
        if pair.holds:
            continue
        if several:
            yield paint(f"    conversion {number}" + _missing(pair), BOLD)
        yield from _fields(pair)
    if explanation is not None and (found.is_short or found.failures):
        yield from _rules(explanation)


def _missing(pair: Pair) -> str:
    if pair.got is None:
        return ", which did not come"
    return ", which was not expected" if pair.wanted is None else ""


def _fields(pair: Pair) -> Iterator[str]:
    """Every field that is spoken of, aligned; those that are as expected between the others."""
    came = facts_of(pair.got) if pair.got is not None else {}
    wanted = pair.wanted
    if wanted is None:
        wanted = {"rule": came["rule"]} | (expectation(pair.got) if pair.got is not None else {})
    size = max(map(len, wanted), default=0)
    for key, value in wanted.items():
        if key in pair.differing or pair.got is None:
            yield _line("-", f"{key:<{size}}  {_value(value)}")
        if key in pair.differing or pair.wanted is None:
            yield _line("+", f"{key:<{size}}  {_value(came.get(key))}")
        elif pair.got is not None:
            yield _line(" ", f"{key:<{size}}  {_value(value)}")


def _rules(explanation: Explanation) -> Iterator[str]:
    """What each rule came to: somebody looks for the one that should have matched."""
    for event in explanation.events:
        yield paint("    rules", BOLD) + (
            f" on {printable(event.meaning.event.type)}" if event.meaning.event.type else ""
        )
        rows = [(trace.name, trace.result, trace.why) for trace in event.rules]
        size = max((len(name) for name, _, _ in rows), default=0)
        for name, result, why in rows:
            yield paint(f"      {name:<{size}}  {result}" + (f": {printable(why)}" if why else ""), DIM)


def as_json(found: Verdict) -> Sequence[dict[str, object]]:
    """The conversions side by side, for scripts."""
    return [{"expected": pair.wanted, "got": facts_of(pair.got) if pair.got else None} for pair in found.pairs]


def _line(sign: str, text: str) -> str:
    line = f"    {sign} {printable(text)}"
    return paint(line, {"-": RED, "+": GREEN}[sign]) if sign != " " else line


def _value(value: Json) -> str:
    return "nothing" if value is None else str(value)
