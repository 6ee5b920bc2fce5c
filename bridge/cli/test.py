"""`trackbridge test`: every example of every mapping must become what it says. Needs no secret and no database."""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from bridge import mapping, read, sources
from bridge.cli import failures
from bridge.cli.ending import Exit, Failed, failed
from bridge.cli.mappings import add_mappings, at, in_force
from bridge.cli.options import add_json, settings_of
from bridge.cli.output import BOLD, GREEN, RED, paint, printable, say, say_json, talk
from bridge.cli.payload import read_example
from bridge.cli.update import update
from bridge.intake import understand
from bridge.library import Source
from bridge.mapping import Example, Explanation, Verdict
from bridge.model import Meaning

EXAMPLE = "test mappings/quiz.yaml -k checkout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One example that was run."""

    source: Source
    example: Example
    meanings: tuple[Meaning, ...] = ()
    verdict: Verdict
    #: in words, one for each difference
    differences: tuple[str, ...]
    #: of a failed one whose payload could be read
    explanation: Explanation | None = None

    @property
    def name(self) -> str:
        """As it is told, and looked for by `-k`."""
        return f"{self.source.name}: {self.example.name}"


def declare(parser: argparse.ArgumentParser) -> None:
    """Without a path: the mappings in force."""
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a mapping, or a folder of them")
    parser.add_argument("-v", "--verbose", action="store_true", help="name the examples that pass, too")
    parser.add_argument(
        "-k", dest="only", metavar="TEXT", default="", help="only examples with this text in `source: name`"
    )
    parser.add_argument("-x", "--fail-fast", action="store_true", help="stop at the first that fails")
    parser.add_argument(
        "--update",
        action="store_true",
        help="write what came into the `expect:` of those that fail; the rest of the file stays as it is",
    )
    add_json(parser)
    add_mappings(parser)


def run(options: argparse.Namespace) -> int:
    """Run the examples; the last line counts them."""
    settings = settings_of(options)
    loaded = at(options.paths, settings, secretly=False) if options.paths else in_force(settings, secretly=False)
    if loaded.errors:
        raise failed(loaded.errors)
    chosen = list(_chosen(loaded.sources.values(), options.only))
    if options.only and not chosen:
        raise Failed(f'no example has "{printable(options.only)}" in its name')
    results = list(_run(chosen, is_hasty=options.fail_fast))
    bad = [result for result in results if result.differences]
    if not options.json:
        _tell(results, bad, is_verbose=options.verbose)
    left = _updated(bad, talk if options.json else say) if options.update else bad
    if options.json:
        say_json([_as_json(result) for result in results])
    else:
        say(_count(len(results), len(left)))
    return Exit.FAILED if left else Exit.DONE


def _chosen(loaded: Iterable[Source], only: str) -> Iterator[tuple[Source, Example]]:
    for source in loaded:
        for example in source.mapping.examples:
            if only.lower() in f"{source.name}: {example.name}".lower():
                yield source, example


def _run(chosen: Iterable[tuple[Source, Example]], *, is_hasty: bool) -> Iterator[Result]:
    for source, example in chosen:
        result = _try(source, example)
        yield result
        if is_hasty and result.differences:
            return


def _try(source: Source, example: Example) -> Result:
    try:
        webhook = read_example(source, example)
    except Failed as error:
        return Result(source=source, example=example, verdict=Verdict(), differences=(str(error),))
    verified = sources.sample(webhook)
    meanings = understand(source.mapping, verified)
    differences = tuple(mapping.compare(example, meanings))
    document = read.read(verified) if differences else None
    return Result(
        source=source,
        example=example,
        meanings=meanings,
        verdict=mapping.verdict(example, meanings),
        differences=differences,
        explanation=mapping.explain(source.mapping, verified, document.value)
        if isinstance(document, read.Document)
        else None,
    )


def _tell(results: Sequence[Result], bad: Sequence[Result], *, is_verbose: bool) -> None:
    """A line for each source, and what failed in full."""
    size = max((len(result.source.name) for result in results), default=0)
    for name, group in groupby(results, key=lambda result: result.source.name):
        ran = list(group)
        say(f"{name:<{size}}  {_count(len(ran), sum(1 for result in ran if result.differences))}")
        for result in ran if is_verbose else ():
            word = paint("failed", RED) if result.differences else paint("passed", GREEN)
            say(f"  {word} {result.example.name}")
    for result in bad:
        say()
        say(f"{paint('failed', RED)} {paint(result.name, BOLD)}")
        say(f"  {result.example.place}, {result.example.webhook}")
        if not result.meanings:
            say(f"    {printable(result.differences[0])}")
        for line in failures.told(result.verdict, result.explanation):
            say(line)
    if bad:
        say()


def _count(ran: int, bad: int) -> str:
    return f"{ran - bad} passed" + (f", {bad} failed" if bad else "")


def _updated(bad: Sequence[Result], tell: Callable[[str], None]) -> list[Result]:
    """Write what came into the mappings; gives what is left failing: shipped ones, and payloads that are not there."""
    left: list[Result] = []
    for source, group in groupby(bad, key=lambda result: result.source):
        failing = list(group)
        known = {result.example.name: result.meanings for result in failing if result.meanings}
        if source.shipped:
            talk(f"{source.file} came with trackbridge and is left as it is; name the file to have it rewritten")
            left += failing
            continue
        left += [result for result in failing if not result.meanings]
        for line in update(source.file, known) if known else ():
            tell(line)
    return left


def _as_json(result: Result) -> dict[str, object]:
    return {
        "source": result.source.name,
        "example": result.example.name,
        "file": result.example.place.file,
        "line": result.example.place.line,
        "webhook": result.example.webhook,
        "passed": not result.differences,
        "differences": list(result.differences),
        "conversions": failures.as_json(result.verdict),
    }
