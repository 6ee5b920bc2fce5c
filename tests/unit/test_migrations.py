"""Migrations: each once, in order, step and record together; a released step is never edited."""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.store.sqlite.connection import connect
from bridge.store.sqlite.migrations import migrate, version
from bridge.store.steps import Step, shipped

#: A step that a release carried. Changing one of these lines means that somebody's database differs from ours.
RELEASED = {
    "0001_create_the_tables": "e8f997082418e9d20b302ce093f9816cd454e457320e57319671867273face5b",
    "0002_add_batches": "af0d5d51fdfda71145a17116afaa8ffd4902a079aa14633ad1943a2b8566c10e",
    "0003_add_change_numbers": "ae022522f4f18d9e277c38c6784b31c0a3e06b5909516ce17ca48d81371c7c50",
    "0004_add_lookups": "701bc8c85d39d916b25cb070491558211a6d4f8bdcde68913b820889b78e0559",
    "0005_add_attribution": "8aacf8cc0833ddd45c89142eb1be02ec9279537bc00761b9ecc6dce862860685",
    "0006_add_replicas": "b292648982bd1ab287494216cf259c146b8a06ee27edb9fd80e588047a529d64",
    "0007_add_marks": "825cf9f146fa9c615c29fbecb16588f86ef66cd06b1db97a1f068c5488c427b2",
    "0008_add_encryption_keys": "8d7de91431e7e10c56fe6aba3ee0efcb7df4ebf261214511992f6b9973a5d0cb",
    "0009_add_reversal_lookups": "c879110cf2ce7a38ceee0eff43082ed94d333f11ec856212fd77f0a78b6d7467",
}

ONE = Step(number=1, name="create_a", sql="CREATE TABLE a (x TEXT DEFAULT ';');\n-- a comment; with a semicolon\n")
TWO = Step(number=2, name="fill_a", sql="INSERT INTO a VALUES (';');\n\nALTER TABLE a ADD COLUMN y")
BROKEN = Step(number=2, name="break", sql="INSERT INTO a VALUES ('half');\nINSERT INTO nowhere VALUES (1);")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x.db"
    path.touch()
    return path


@pytest.fixture
def db(file: Path) -> Iterator[sqlite3.Connection]:
    opened = connect(file)
    yield opened
    opened.close()


def records(db: sqlite3.Connection) -> list[tuple[int, str, int]]:
    return [tuple(row) for row in db.execute("SELECT number, name, applied_at FROM migrations ORDER BY number")]


def test_pending_steps_are_applied_in_order_and_remembered(db: sqlite3.Connection) -> None:
    assert [ONE, TWO] == migrate(db, [ONE, TWO], now_ms=7)

    assert [(1, "create_a", 7), (2, "fill_a", 7)] == records(db)
    assert [(";", None)] == [tuple(row) for row in db.execute("SELECT x, y FROM a")]
    assert 2 == version(db)


def test_a_step_is_applied_once(db: sqlite3.Connection) -> None:
    migrate(db, [ONE], now_ms=1)

    assert [TWO] == migrate(db, [ONE, TWO], now_ms=2)
    assert [] == migrate(db, [ONE, TWO], now_ms=3)
    assert [(1, "create_a", 1), (2, "fill_a", 2)] == records(db)


def test_a_step_that_fails_leaves_nothing_behind_and_can_be_mended(db: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(db, [ONE, BROKEN], now_ms=1)

    assert (1, 0) == (version(db), db.execute("SELECT count(*) FROM a").fetchone()[0])
    assert not db.in_transaction
    assert [TWO] == migrate(db, [ONE, TWO], now_ms=2)


def test_a_fresh_database_is_at_zero(db: sqlite3.Connection) -> None:
    assert 0 == version(db)


def test_a_newer_database_is_left_alone(db: sqlite3.Connection) -> None:
    migrate(db, [ONE, TWO], now_ms=1)

    assert [] == migrate(db, [ONE], now_ms=2)


def test_nothing_is_locked_when_nothing_is_pending(file: Path, db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    migrate(db, [ONE], now_ms=1)
    other = connect(file)
    other.execute("BEGIN IMMEDIATE")

    assert [] == migrate(db, [ONE], now_ms=2)
    other.close()


def test_programs_that_start_at_once_apply_each_step_once(file: Path, db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    applied: list[Step] = []
    together = threading.Barrier(4)

    def start() -> None:
        mine = connect(file)
        together.wait()
        applied.extend(migrate(mine, [ONE, TWO], now_ms=1))
        mine.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [1, 2] == sorted(step.number for step in applied)
    assert 2 == len(records(db))


def test_the_shipped_steps_make_a_database_and_begin_with_a_verb(db: sqlite3.Connection) -> None:
    steps = shipped("sqlite")
    migrate(db, steps, now_ms=1)

    assert steps[-1].number == version(db)
    assert list(range(1, len(steps) + 1)) == [step.number for step in steps]
    assert {"create", "add", "drop", "rename", "fill", "index"} >= {step.name.split("_")[0] for step in steps}
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {
        "events",
        "deliveries",
        "claims",
        "attempts",
        "associations",
        "tracker",
        "sources_seen",
        "revisions",
        "reversals",
        "reversal_names",
        "reversal_counts",
        "secrets",
        "replicas",
        "announcements",
        "marks",
    } < tables


def test_attribution_keeps_the_clicks_of_before_and_what_waits(db: sqlite3.Connection) -> None:
    """A database of the version before: an association of a lead, one of a sale, a sale that waits for the tracker."""
    steps = shipped("sqlite")
    migrate(db, [step for step in steps if step.number < 5], now_ms=1)
    db.executemany(
        "INSERT INTO associations (namespace, customer, click_id, clicked_at, event_id) VALUES (?, ?, ?, ?, ?)",
        [("stripe", "lead", "c1", 10, 1), ("stripe", "sale", "c2", 20, 2), ("stripe", "dry", "c3", 30, 3)],
    )
    db.executemany(
        """
        INSERT INTO deliveries (
            id, event_id, source, item, rule, kind, lane, state, due_at, created_at, when_unsure, claims, namespace,
            payload
        ) VALUES (?, ?, 'stripe', 0, 'r', ?, ?, ?, 0, 0, 'repeat', '[]', 'stripe', '{}')
        """,
        [
            (1, 1, "lead", "lead", "delivered"),
            (2, 2, "sale", "sale", "delivered"),
            (3, 3, "sale", "dry", "dry_run"),
            (4, 4, "sale", "other", "waiting"),
        ],
    )

    migrate(db, steps, now_ms=2)

    rows = db.execute("SELECT customer, click_id, clicked_at, event_id, told_by, paid_at FROM associations ORDER BY 3")
    assert [("lead", "c1", 10, 1, 1, None), ("sale", "c2", 20, 2, 2, 20), ("dry", "c3", 30, 3, 3, None)] == [
        tuple(row) for row in rows
    ]
    waits = db.execute("SELECT fill, filled_from, click_by FROM deliveries WHERE state = 'waiting'").fetchall()
    assert [("customer", None, None)] == [tuple(row) for row in waits]
    assert [(32,)] == [tuple(row) for row in db.execute("SELECT length(value) FROM secrets")]


def test_a_released_step_is_never_edited() -> None:
    """A change is a new file. When this fails for a step that no release carried yet, write its new digest here."""
    digests = {
        f"{step.number:04}_{step.name}": hashlib.sha256(step.sql.encode()).hexdigest() for step in shipped("sqlite")
    }

    assert RELEASED == digests
