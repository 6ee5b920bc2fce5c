"""`trackbridge check`: everything that is wrong with mappings, at once, with the place and the fix."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bridge.cli.ending import Exit
from bridge.cli.mappings import add_mappings, at, in_force
from bridge.cli.options import add_json, settings_of
from bridge.cli.output import say, say_json, talk
from bridge.errors import Problem, did_you_mean, in_order
from bridge.library import Library, Source

EXAMPLE = "check mappings/quiz.yaml"


def declare(parser: argparse.ArgumentParser) -> None:
    """Without a path: the mappings in force, and a secret that is not set is a note. With one: a problem."""
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a mapping, or a folder of them")
    add_json(parser)
    add_mappings(parser)


def run(options: argparse.Namespace) -> int:
    """Print problems and warnings; only problems make it fail."""
    settings = settings_of(options)
    loaded = at(options.paths, settings) if options.paths else in_force(settings)
    loaded = replace(loaded, problems=tuple(in_order([*loaded.problems, *_without_a_file(loaded)])))
    if options.json:
        say_json([problem.as_json() for problem in loaded.problems])
    else:
        for problem in loaded.problems:
            say(str(problem))
        _note_unset(loaded)
        say(_summary(loaded))
    return Exit.FAILED if loaded.errors else Exit.DONE


def _without_a_file(loaded: Library) -> Iterator[Problem]:
    """Examples whose webhook is not there: serve does without them, `test` and `send` cannot."""
    for source in loaded.sources.values():
        for example in source.mapping.examples:
            file = source.file.parent / example.webhook
            if not file.is_file():
                beside = [path.name for path in file.parent.glob("*")] if file.parent.is_dir() else []
                yield Problem(
                    code="no-example",
                    what=f'there is no file "{example.webhook}" beside this mapping',
                    place=example.webhook_place,
                    why=f"it would be {file}",
                    fix=did_you_mean(file.name, beside) if beside else "save a webhook's body there, or leave it out",
                )


def _note_unset(loaded: Library) -> None:
    """A shipped source nobody uses is off by nature: all of them are one line. One's own gets its own."""
    off = [source for source in loaded.sources.values() if source.missing]
    for source in off:
        if not source.is_idle:
            talk(f"note: {source.name} is off: {', '.join(source.missing)} is not set")
    idle = [source.name for source in off if source.is_idle]
    if idle:
        talk(f"note: off until its secret (such as {_example(off)}) is set: {', '.join(idle)}")


def _example(off: list[Source]) -> str:
    return next(name for source in off if source.is_idle for name in source.missing)


def _summary(loaded: Library) -> str:
    errors = len(loaded.errors)
    warnings = len(loaded.problems) - errors
    counts = [_count(len(loaded.sources), "mapping"), _count(errors, "problem"), _count(warnings, "warning")]
    return ", ".join(counts)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
