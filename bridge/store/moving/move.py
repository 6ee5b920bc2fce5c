"""The move itself: mark the source, copy and prove in one transaction of the target, mark both.

The source says "moving" before anything is written elsewhere, and "moved" only after the target's commit; both carry
the move's number. So whoever runs it again after a crash finds out whether everything had arrived.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from bridge.encryption import NO_KEYS, EncryptionKeys
from bridge.errors import StoreError
from bridge.store import marks
from bridge.store.encoding import Value, to_ms
from bridge.store.keyring import witness
from bridge.store.marks import Mark, Marked, problem
from bridge.store.moving.ends import PREFILLED, STAYS, End, Tables, Tally, count, tables_that_go
from bridge.store.moving.opening import look, place_of, take
from bridge.store.settle import rescue

#: Is told how many rows are done, of how many.
Show: TypeAlias = Callable[[int, int], None]

_SHOWN_EVERY: Final = 500
_UNKNOWN: Final = "it is not known whether everything arrived; run the same command again: it finds out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a move would take along."""

    source: str
    target: str
    #: by table
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A move that is over."""

    source: str
    target: str
    #: by table
    rows: Mapping[str, int]
    #: deliveries whose outcome nobody will know, because a process ended while it sent them
    rescued: int = 0
    #: an earlier run had brought everything over, and only its end was missing
    had_arrived: bool = False


def plan(source_url: str, target_url: str, *, now: datetime, keys: EncryptionKeys = NO_KEYS) -> Plan:
    """Say how much would go, and change nothing. Raises ConfigError when it could not."""
    _check_differ(source_url, target_url)
    source = look(source_url, now=now, keys=keys)
    if source is None:
        raise problem("database-missing", "there is no database to move", fix="name the one that serve uses")
    with closing(source):
        _check_source(source, target_url)
        rows = {table: count(source, table) for table in _tables(source)}
        target = look(target_url, now=now, keys=keys)
        if target is None:
            return Plan(source=source.place, target=place_of(target_url), rows=rows)
        with closing(target):
            _check_target(target, _number_of(source))
            return Plan(source=source.place, target=target.place, rows=rows)


def go(source_url: str, target_url: str, *, now: datetime, show: Show, keys: EncryptionKeys = NO_KEYS) -> Moved:
    """Move everything. Raises ConfigError when it cannot begin, StoreError when it broke off.

    What is encrypted goes as it is; `keys` are those that serve has, since no database is opened without them.
    """
    _check_differ(source_url, target_url)
    with closing(take(source_url, create=False, now=now, keys=keys)) as source:
        _check_source(source, target_url)
        with closing(take(target_url, create=True, now=now, keys=keys)) as target:
            return _go(source, target, now, show)


def undo(source_url: str, *, now: datetime, keys: EncryptionKeys = NO_KEYS) -> bool:
    """Let a database be served again that has moved, or was about to; whether it had moved.

    One that had moved stands as a backup does: what it has as unsent may have been sent since.
    """
    with closing(take(source_url, create=False, now=now, keys=keys)) as source, source.transaction():
        found = marks.read(source.db)
        marks.take(source.db, Mark.MOVING, Mark.MOVED)
        if moved := found.get(Mark.MOVED):
            marks.put(source.db, Mark.BACKUP, Marked(at_ms=moved.at_ms))
            return True
        if Mark.MOVING not in found:
            raise problem("database-not-moved", "this database has not moved", fix="nothing: serve can use it")
    return False


# ── before ───────────────────────────────────────────────────────────────────────────────────────────────────


def _check_differ(source_url: str, target_url: str) -> None:
    if place_of(source_url) == place_of(target_url):
        raise problem("same-database", "source and target are the same database", fix="name two", place="migrate-store")


def _check_source(source: End, target_url: str) -> None:
    found = marks.read(source.db)
    moving = found.get(Mark.MOVING)
    if moving is not None and moving.place != place_of(target_url):
        raise problem(
            "database-moving",
            f"a move to {moving.place} began and did not end",
            why="it may have arrived there",
            fix="end that one first, by the same command with that target; or give it up with --undo",
            place=source.place,
        )
    if Mark.MOVED in found and found[Mark.MOVED].place != place_of(target_url):
        marks.refuse(source.db, serves=True)
    if Mark.BACKUP in found:
        marks.refuse(source.db, serves=True)


def _check_target(target: End, number: str) -> bool:
    """Whether this very move has arrived there; raises ConfigError when there is anything else."""
    if STAYS - {"replicas"} - target.tables().keys():
        return False  # it was never used
    found = marks.read(target.db)
    if number and Mark.ARRIVED in found and found[Mark.ARRIVED].move == number:
        return True
    _tables(target)
    if found.keys() & {Mark.MOVED, Mark.MOVING, Mark.BACKUP}:
        marks.refuse(target.db, serves=True)
    full = [table for table in tables_that_go() if table not in PREFILLED and count(target, table)]
    if full:
        raise problem(
            "database-not-empty",
            f"{target.place} has data of its own ({', '.join(full)})",
            why="two installations cannot be made one: their events and deliveries have the same numbers",
            fix="name a new database",
            place=target.place,
        )
    return False


def _number_of(source: End) -> str:
    """The number of the move that this database says it is in, or was."""
    found = marks.read(source.db)
    told = found.get(Mark.MOVED) or found.get(Mark.MOVING)
    return told.move if told else ""


def _tables(end: End) -> Tables:
    """What goes; raises ConfigError when an end has other tables or columns than this version."""
    there = end.tables()
    wanted = tables_that_go()
    odd = [table for table, columns in wanted.items() if set(columns) != set(there.get(table, ()))]
    if odd:
        raise problem(
            "database-other-schema",
            f"{end.place} has other columns than this version: {', '.join(odd)}",
            fix="use the version of trackbridge that serves from it",
            place=end.place,
        )
    return wanted


# ── the move ─────────────────────────────────────────────────────────────────────────────────────────────────


def _go(source: End, target: End, now: datetime, show: Show) -> Moved:
    number = _number_of(source)
    if _check_target(target, number):
        rows = {table: count(target, table) for table in tables_that_go()}
        with source.transaction():
            _mark_moved(source, target, number, now)
        return Moved(source=source.place, target=target.place, rows=rows, had_arrived=True)
    marks.refuse_moved(source.db)
    number = str(uuid.uuid4())
    with source.transaction():
        marks.put(source.db, Mark.MOVING, Marked(at_ms=to_ms(now), move=number, place=target.place))
    is_committing = False
    try:
        with source.transaction():
            with target.transaction():
                rows, rescued = _copied(source, target, now, show)
                marks.put(target.db, Mark.ARRIVED, Marked(at_ms=to_ms(now), move=number, place=source.place))
                is_committing = True
            _mark_moved(source, target, number, now)
    except BaseException as error:
        if not is_committing:
            with source.transaction():
                marks.take(source.db, Mark.MOVING)
        elif isinstance(error, Exception):
            raise StoreError(_UNKNOWN) from error
        raise
    return Moved(source=source.place, target=target.place, rows=rows, rescued=rescued)


def _mark_moved(source: End, target: End, number: str, now: datetime) -> None:
    marks.put(source.db, Mark.MOVED, Marked(at_ms=to_ms(now), move=number, place=target.place))
    marks.take(source.db, Mark.MOVING)


def _copied(source: End, target: End, now: datetime, show: Show) -> tuple[dict[str, int], int]:
    """Copy every table, read it again, compare; then free what a dead process was sending."""
    tables = _tables(source)
    done, total = 0, sum(count(source, table) for table in tables)
    rows = {}
    for table, columns in tables.items():
        sent = Tally()
        begin = done

        def told(tally: Tally, begin: int = begin) -> None:
            show(begin + tally.rows, total)

        # closed before anything else is asked of a connection, also when the other end fails
        with closing(source.rows(table, columns)) as there:
            target.fill(table, columns, _counted(there, sent, told))
        arrived = Tally()
        for row in target.rows(table, columns):
            arrived.add(row)
        if arrived != sent:
            raise StoreError(f"{table} did not arrive as it was sent ({sent.rows} rows, {arrived.rows} there)")
        rows[table] = sent.rows
        done += sent.rows
    rescued = rescue(target.db, now)
    witness(target.db)
    return rows, rescued


def _counted(
    rows: Iterator[tuple[Value, ...]], tally: Tally, told: Callable[[Tally], None]
) -> Iterator[Sequence[Value]]:
    for row in rows:
        tally.add(row)
        if tally.rows % _SHOWN_EVERY == 0:
            told(tally)
        yield row
