"""`trackbridge migrate-store`: move everything from one database to another, while no serve is at work.

Every table is copied and proven row by row in one transaction; then serve refuses the old database and says where it
went. Broken off, wherever, the same command ends it or begins anew. Addresses are shown without their passwords.
"""

import argparse
import sys
from collections.abc import Mapping
from time import perf_counter

from bridge.cli.ending import Exit, Failed
from bridge.cli.options import add_json, settings_of
from bridge.cli.output import now, say, say_json, table, talk, width
from bridge.encryption import EncryptionKeys
from bridge.errors import StoreError
from bridge.store import moving

EXAMPLE = "migrate-store sqlite:///trackbridge.db postgresql://trackbridge@db.example.com/trackbridge"

_URL = "sqlite:///file.db or postgresql://user@host/name; PGPASSWORD and ~/.pgpass are heeded"


def declare(parser: argparse.ArgumentParser) -> None:
    """From where to where."""
    parser.add_argument("source", metavar="FROM", help=f"the database that serve uses now: {_URL}")
    parser.add_argument("target", metavar="TO", nargs="?", help="a new one")
    parser.add_argument("--dry-run", action="store_true", help="say how much would go, and change nothing")
    parser.add_argument("--undo", action="store_true", help="let serve use FROM again, which has moved or was about to")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Move, rehearse or take back."""
    if options.undo == (options.target is not None) or (options.undo and options.dry_run):
        talk("name two databases: FROM TO; or take a move back: --undo FROM")
        return Exit.USAGE
    if options.undo:
        return _undo(options)
    if options.dry_run:
        planned = moving.plan(options.source, options.target, now=now(), keys=_keys(options))
        _tell(options, planned.source, planned.target, planned.rows, {"dry_run": True})
        talk(f"would go from {planned.source} to {planned.target}; nothing was changed")
        return Exit.DONE
    return _move(options)


def _keys(options: argparse.Namespace) -> EncryptionKeys:
    """What is encrypted goes as it is, but no database is opened without its keys."""
    return settings_of(options).encryption_keys


def _move(options: argparse.Namespace) -> int:
    begun = perf_counter()
    try:
        moved = moving.go(options.source, options.target, now=now(), show=_show, keys=_keys(options))
    except StoreError as error:
        raise Failed(f"the move broke off: {error}") from error
    finally:
        _end_line()
    seconds = perf_counter() - begun
    facts = {"dry_run": False, "rescued": moved.rescued, "had_arrived": moved.had_arrived, "seconds": round(seconds, 1)}
    _tell(options, moved.source, moved.target, moved.rows, facts)
    if moved.had_arrived:
        talk("everything had arrived by an earlier run; now the old database says so")
    else:
        talk(f"every row was read again where it went, and is the same: {seconds:.1f} s")
    if moved.rescued:
        talk(f"{moved.rescued} were being sent when a serve ended: their outcome is unknown, and each is flagged")
    talk(f"serve refuses {moved.source} from now on")
    talk(f"next: set TRACKBRIDGE_DATABASE_URL to {moved.target} (with its password), then trackbridge serve")
    return Exit.DONE


def _show(done: int, total: int) -> None:
    """How far it is, on a terminal."""
    if sys.stderr.isatty():
        print(f"\rmoving: {done:,} of {total:,} rows", end="", file=sys.stderr, flush=True)


def _end_line() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _undo(options: argparse.Namespace) -> int:
    had_moved = moving.undo(options.source, now=now(), keys=_keys(options))
    if options.json:
        say_json({"had_moved": had_moved})
    if had_moved:
        talk("it stands as a backup does: what it has as unsent may have been sent from the other database since")
        talk("next: trackbridge restore-check, then trackbridge serve; never serve from both")
    else:
        talk("it had not moved; serve can use it. Begin a later move with a target that is empty")
    return Exit.DONE


def _tell(
    options: argparse.Namespace, source: str, target: str, rows: Mapping[str, int], facts: Mapping[str, object]
) -> None:
    if options.json:
        say_json({"from": source, "to": target, "rows": rows, **facts})
        return
    shown = [(name, f"{number:,}") for name, number in rows.items() if number]
    say(table(("TABLE", "ROWS"), [*shown, ("all", f"{sum(rows.values()):,}")], most=width()))
