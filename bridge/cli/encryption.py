"""`trackbridge encryption`: make a key, say what is encrypted, bring what is stored under the key of the settings.

`apply` works beside a running serve, in short commits; Ctrl-C ends between two of them, and the next run goes on.
"""

import argparse
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bridge import encryption
from bridge.cli.batches import meter, stoppable
from bridge.cli.database import visit
from bridge.cli.ending import Exit
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import say, say_json, talk
from bridge.store import Store
from bridge.store.resealing import TABLES, Resealed, RowId, StaleRow

EXAMPLE = "encryption apply"

#: So much goes into one commit: rows, and bytes of bodies.
_MOST_ROWS = 50
_MOST_BYTES = 1 << 20
#: A larger file is written anew only when that is asked for: nobody else can write meanwhile.
_MOST_REWRITTEN = 256 << 20
_ANY_SIZE = 1 << 62


@dataclass(slots=True, kw_only=True)
class _Done:
    """What came of the walk, by table."""

    stale: dict[str, int] = field(default_factory=dict)
    resealed: int = 0
    spoiled: int = 0
    is_whole: bool = True

    def add(self, portion: Resealed) -> None:
        """Count one portion in."""
        self.resealed += portion.rows
        self.spoiled += portion.spoiled


def declare(parser: argparse.ArgumentParser) -> None:
    """What to do."""
    parser.add_argument("action", nargs="?", choices=("status", "new-key", "apply"), default="status")
    parser.add_argument("--dry-run", action="store_true", help="count what apply would change, and change nothing")
    parser.add_argument("--rewrite", action="store_true", help="write the database anew, however large it is")
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """Make a key, look, or apply."""
    if options.action == "new-key":
        say(encryption.text_of(secrets.token_bytes(encryption.KEY_BYTES)))
        talk("set TRACKBRIDGE_ENCRYPTION_KEY to it, or TRACKBRIDGE_ENCRYPTION_KEY_FILE to a file with it")
        talk("keep a copy apart from the database and its backups: what it encrypts cannot be read without it")
        return Exit.DONE
    changes = options.action == "apply" and not options.dry_run

    async def work(store: Store) -> int:
        return await (_apply(store, options) if changes else _look(store, options))

    return visit(settings_of(options), work)


async def _look(store: Store, options: argparse.Namespace) -> int:
    """What is encrypted with what, and how much is not as the settings say."""
    done = await _walk(store, changes=False)
    number, needed = await store.key_in_use(), await store.keys_needed()
    if options.json:
        say_json({"encrypts_with": number or None, "keys_needed": list(needed), "rows_to_change": done.stale})
        return Exit.DONE if done.is_whole else Exit.INTERRUPTED
    say(f"new rows     {_target(number)}")
    say(f"keys needed  {', '.join(needed) or 'none'}")
    for table, count in done.stale.items():
        say(f"{table:<11}  {count:,} to change" if count else f"{table:<11}  all like that")
    if not done.is_whole:
        return Exit.INTERRUPTED
    if any(done.stale.values()) or set(needed) - {number}:
        talk("next: trackbridge encryption apply")
    return Exit.DONE


async def _apply(store: Store, options: argparse.Namespace) -> int:
    await store.begin_resealing()
    done = await _walk(store, changes=True)
    if not done.is_whole:
        are = "is" if done.resealed == 1 else "are"
        talk(f"stopped: {_rows(done.resealed)} {are} done. Run it again: it goes on with the others")
        return Exit.INTERRUPTED
    others = await store.end_resealing()
    number = await store.key_in_use()
    # what stood there in clear must not be left in freed space
    is_rewritten = await _rewritten(store, options) if done.resealed else True
    if options.json:
        say_json(
            {
                "encrypts_with": number or None,
                "keys_needed": list(await store.keys_needed()),
                "rows_changed": done.resealed,
                "rows_spoiled": done.spoiled,
                "rewritten": is_rewritten,
            }
        )
    else:
        say(f"{_rows(done.resealed)} changed; everything is {_target(number)}")
    if done.spoiled:
        holds = "holds a value that does not open; it was left as it is"
        many = "hold a value that does not open; they were left as they are"
        talk(f"{_rows(done.spoiled)} {holds if done.spoiled == 1 else many}")
    if others:
        talk(f"key {', '.join(others)} is still needed: another process encrypts with it")
        talk("next: let that one have the new keys, then run this again")
    if not is_rewritten:
        talk("what stood there before may still be in freed space of the database: run this again with --rewrite")
    return Exit.FAILED if others else Exit.DONE


async def _rewritten(store: Store, options: argparse.Namespace) -> bool:
    is_rewritten = await store.rewrite(most=_ANY_SIZE if options.rewrite else _MOST_REWRITTEN)
    if not await store.fold():
        talk("warning: what was deleted could not be cleared away, since somebody reads all the time; run this again")
        return False
    return is_rewritten


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _target(number: str) -> str:
    return f"encrypted with key {number}" if number else "in clear"


async def _walk(store: Store, *, changes: bool) -> _Done:
    """Look through every table; with `changes`, bring to what the settings say what is not."""
    counts = await store.counts()
    total = sum(counts.events.values()) + sum(counts.deliveries.values())
    done, seen = _Done(), 0
    with stoppable() as stopped, meter("looking through rows", total) as show:
        for table in TABLES:
            after: RowId = ()
            done.stale[table.name] = 0
            while (found := await store.look_for_stale(table, after)).last is not None:
                for ids in _portions(found.stale):
                    if stopped():
                        done.is_whole = False
                        return done
                    if changes:
                        done.add(await store.reseal(table, ids))
                done.stale[table.name] += len(found.stale)
                after, seen = found.last, seen + found.rows
                show(min(seen, total))
    return done


def _portions(stale: Sequence[StaleRow]) -> Iterator[list[RowId]]:
    """What goes into one commit each."""
    ids, size = list[RowId](), 0
    for row in stale:
        if ids and (len(ids) == _MOST_ROWS or size + row.size > _MOST_BYTES):
            yield ids
            ids, size = [], 0
        ids.append(row.id)
        size += row.size
    if ids:
        yield ids
