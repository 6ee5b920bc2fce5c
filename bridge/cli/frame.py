"""What is common to every command: finding it, its help, its exit code, and how what went wrong is told.

A command is a module of this package with `EXAMPLE`, `declare(parser)` and `run(options) -> exit code`. Only the one
that is asked for is imported, by name: `--help`, `check` and the like must not pay for a web server's start.
"""

import argparse
import importlib
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, cast

from bridge import __version__
from bridge.cli import output
from bridge.cli.ending import Exit, Failed
from bridge.errors import ConfigError, StoreError, did_you_mean

NAME = "trackbridge"

#: Every command with its sentence, in the order a newcomer needs them; `_` in a module's name is `-` in the command's.
COMMANDS = {
    "serve": "take webhooks in and deliver what they mean, until stopped",
    "demo": "see it work: no account, no network, no configuration",
    "check": "read mappings and say everything that is wrong with them",
    "new": "start a mapping from a sample payload",
    "test": "run the examples that stand in the mappings",
    "explain": "show what every rule and expression makes of a payload",
    "schema": "write the JSON Schema of mappings, for editors",
    "send": "send a signed sample to a running bridge",
    "events": "list what came in and what became of it; `events show ID` tells one's story",
    "tail": "follow what comes in and what happens to deliveries",
    "dead": "list the deliveries that need a person",
    "replay": "send dead deliveries again",
    "remap": "apply today's rules to events that are stored",
    "dismiss": "give deliveries up",
    "sources": "show which sources are on, what to paste where, and what came lately",
    "replicas": "list who serves from this database, and in what they differ",
    "tracker": "show, pause or resume the delivering to the tracking API",
    "notify": "send a test notice to everybody who is to be told of troubles",
    "stripe": "with an API key: set the webhook endpoint up, take in what no webhook told",
    "forget": "remove a person's data, and keep what prevents double counting",
    "backup": "copy the SQLite database while serve goes on",
    "restore-check": "before serving from a restored database: doubt what it has as unsent",
    "migrate-store": "move everything from one database to another",
    "encryption": "make a key, and encrypt what is stored, under another key, or not at all",
    "config": "show the settings in force and where each came from",
    "doctor": "look for what is missing, and say the next thing to do",
}


class Command(Protocol):
    """What a command's module has."""

    #: what to type, without the program's name
    EXAMPLE: str
    declare: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; nothing is raised but for a bug in here."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    is_debugging = "--debug" in arguments
    _open_streams()
    _forgive_encoding()
    try:
        options = _parse(arguments)
        code: int = options.run(options)
        sys.stdout.flush()
    except SystemExit as end:  # argparse has said what it had to say
        return int(end.code or 0)
    except Failed as error:
        output.talk(str(error))
        return _told(Exit.FAILED, is_debugging=is_debugging)
    except ConfigError as error:
        output.talk_problems(error.problems)
        return _told(Exit.NOT_STARTED, is_debugging=is_debugging)
    except StoreError as error:
        output.talk(f"the database cannot be used now: {error}")
        return _told(Exit.NOT_STARTED, is_debugging=is_debugging)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        output.silence()
        return Exit.DONE
    except Exception as error:  # noqa: BLE001  # the boundary: a person reads this, not a traceback
        output.talk(f"bug: {type(error).__name__}: {error}. Please report it with the output of the same under --debug")
        return _told(Exit.FAILED, is_debugging=is_debugging)
    return code


def _told(code: Exit, *, is_debugging: bool) -> Exit:
    if is_debugging:
        traceback.print_exc()
    return code


def _open_streams() -> None:
    """Whoever started us may have closed them (`>&-`): then they lead nowhere, and neither into the other."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process


def _forgive_encoding() -> None:
    """Print what the terminal's encoding lacks as an escape; a listing must not die of one character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Make the parser with the one command that is asked for in full, and parse. Raises SystemExit as argparse does."""
    asked = next((word for word in arguments if not word.startswith("-")), None)
    if asked is not None and asked not in COMMANDS:
        output.talk(f'there is no command "{output.printable(asked)}": {did_you_mean(asked, COMMANDS)}')
        raise SystemExit(Exit.USAGE)
    parser = argparse.ArgumentParser(
        prog=NAME,
        description="Take webhooks in, and get the leads and sales they mean to the tracking API.",
        epilog=f"{NAME} COMMAND --help says more. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 could not start.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{NAME} {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, sentence in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=sentence,
            description=sentence[0].upper() + sentence[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if name == asked:
            _declare(command, name)
    options = parser.parse_args(arguments)
    if asked is None:
        parser.print_help(sys.stderr)
        raise SystemExit(Exit.USAGE)
    return options


def _declare(parser: argparse.ArgumentParser, name: str) -> None:
    command = cast("Command", importlib.import_module(f"bridge.cli.{name.replace('-', '_')}"))
    command.declare(parser)
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
    )
    parser.epilog = f"example:\n  {NAME} {command.EXAMPLE}"
    parser.set_defaults(run=command.run)
