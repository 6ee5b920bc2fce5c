"""`trackbridge test`: every example of every mapping must become what it says. Needs no secret and no database."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from bridge import sources
from bridge.cli.ending import Exit, Failed, failed
from bridge.cli.mappings import add_mappings, at, in_force
from bridge.cli.options import add_json, settings_of
from bridge.cli.output import RED, paint, printable, say, say_json
from bridge.cli.payload import read_example
from bridge.intake import understand
from bridge.library import Source
from bridge.mapping import Example, compare

EXAMPLE = "test mappings/quiz.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    source: Source
    example: Example
    differences: list[str]


def declare(parser: argparse.ArgumentParser) -> None:
    """Without a path: the mappings in force."""
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a mapping, or a folder of them")
    parser.add_argument("-v", "--verbose", action="store_true", help="name the examples that pass, too")
    add_json(parser)
    add_mappings(parser)


def run(options: argparse.Namespace) -> int:
    """Run the examples; the last line counts them."""
    settings = settings_of(options)
    loaded = at(options.paths, settings, secretly=False) if options.paths else in_force(settings, secretly=False)
    if loaded.errors:
        raise failed(loaded.errors)
    results = [_try(source, example) for source in loaded.sources.values() for example in source.mapping.examples]
    if options.json:
        say_json([_as_json(result) for result in results])
    else:
        _tell(results, is_verbose=options.verbose)
    return Exit.FAILED if any(result.differences for result in results) else Exit.DONE


def _try(source: Source, example: Example) -> _Result:
    try:
        webhook = read_example(source, example)
    except Failed as error:
        return _Result(source=source, example=example, differences=[str(error)])
    meanings = understand(source.mapping, sources.sample(webhook))
    return _Result(source=source, example=example, differences=compare(example, meanings))


def _tell(results: list[_Result], *, is_verbose: bool) -> None:
    for result in results:
        name = f"{result.source.name}: {result.example.name}"
        if result.differences:
            say(f"{paint('failed', RED)} {name}")
            say(f"  {result.example.place}, {result.example.webhook}")
            for difference in result.differences:
                say(f"  {printable(difference)}")
        elif is_verbose:
            say(f"passed {name}")
    bad = sum(1 for result in results if result.differences)
    say(f"{len(results) - bad} passed" + (f", {bad} failed" if bad else ""))


def _as_json(result: _Result) -> dict[str, object]:
    return {
        "source": result.source.name,
        "example": result.example.name,
        "file": result.example.place.file,
        "line": result.example.place.line,
        "webhook": result.example.webhook,
        "passed": not result.differences,
        "differences": result.differences,
    }
