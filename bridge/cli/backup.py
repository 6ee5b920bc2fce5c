"""`trackbridge backup`: a copy of the SQLite database while serve goes on, which serve does not take for the newest."""

import argparse
from pathlib import Path

from bridge.cli.ending import Exit, Failed
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import iso, now, say, say_json, talk
from bridge.errors import StoreError
from bridge.store.backups import back_up

EXAMPLE = "backup /var/backups/trackbridge.db"


def declare(parser: argparse.ArgumentParser) -> None:
    """Where to."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file")
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """Copy, and say how to come back."""
    at = now()
    try:
        copy = back_up(settings_of(options).database_url.reveal(), options.file, now=at)
    except StoreError as error:
        raise Failed(f"no backup was made: {error}") from error
    if options.json:
        say_json({"file": str(copy.file), "bytes": copy.bytes, "events": copy.events, "taken_at": iso(at)})
        return Exit.DONE
    say(f"{copy.file}: {copy.events:,} events, {copy.bytes:,} bytes")
    talk("to come back: stop serve, put it in the database's place (and remove the -wal and -shm beside that),")
    talk("then trackbridge restore-check; serve asks for that")
    return Exit.DONE
