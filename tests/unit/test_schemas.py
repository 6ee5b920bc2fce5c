"""Both kinds of database have the same schema: the same steps, tables and columns, for the same code."""

import re
import sqlite3
from contextlib import closing

import pytest

from bridge.errors import ConfigError
from bridge.store.sqlite.migrations import migrate
from bridge.store.steps import Step, check_newer, shipped
from tests.contract.databases import fresh, raw

KINDS = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea", "REAL": "double precision"}


def test_both_have_the_same_steps_and_say_the_same_of_older_code() -> None:
    sqlite, postgres = shipped("sqlite"), shipped("postgres")

    assert [(step.number, step.name) for step in sqlite] == [(step.number, step.name) for step in postgres]
    # of the first five no PostgreSQL ever had one without the others
    assert [step.since for step in sqlite][5:] == [step.since for step in postgres][5:]


def test_both_have_the_same_tables_with_the_same_columns() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db, shipped("sqlite"), now_ms=0)
        in_sqlite = db.execute(
            """
            SELECT m.name, c.name, c.type FROM sqlite_master AS m, pragma_table_info(m.name) AS c
            WHERE m.type = 'table'
            """
        ).fetchall()
    in_postgres = raw(
        fresh(),
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'",
    )

    assert sorted((table, column, KINDS[kind]) for table, column, kind in in_sqlite) == sorted(in_postgres)


def test_both_have_the_same_indexes() -> None:
    def names(dialect: str) -> set[str]:
        made = re.findall(r"CREATE (?:UNIQUE )?INDEX (\w+)", "".join(step.sql for step in shipped(dialect)))
        return set(made)

    # names may be longer than an entry of a B-tree there
    assert names("postgres") - names("sqlite") == {"reversal_names_name"}
    assert set() == names("sqlite") - names("postgres")


def test_texts_compare_byte_by_byte_on_both() -> None:
    for step in shipped("postgres"):
        assert not re.search(r'\bTEXT\b(?! COLLATE "C")', re.sub(r"--.*", "", step.sql)), step.name


@pytest.mark.parametrize(
    ("applied", "may_run"),
    [
        ([(1, 1), (2, 2)], True),
        ([(1, 1), (2, 2), (3, 2)], True),
        ([(1, 1), (2, 2), (3, 1), (4, 2)], True),
        ([(1, 1), (2, 2), (3, 3)], False),
        ([(1, 1), (2, 2), (3, 2), (4, 3)], False),
        ([(1, 1), (2, 2), (3, None)], False),
        ([(1, None), (2, None)], True),
    ],
)
def test_code_runs_beside_newer_steps_that_let_it(applied: list[tuple[int, int | None]], *, may_run: bool) -> None:
    known = [Step(number=1, name="one", sql=""), Step(number=2, name="two", sql="")]
    if may_run:
        check_newer("here", known, applied)
    else:
        with pytest.raises(ConfigError, match="here was written by a newer trackbridge"):
            check_newer("here", known, applied)
