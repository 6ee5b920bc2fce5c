"""A schema that a newer version has brought further: whether this code may run on it, and that it says so."""

import logging

import pytest

from bridge.errors import ConfigError
from bridge.store.steps import Step, check_newer

STEPS = [Step(number=1, name="create_a", sql=""), Step(number=2, name="add_b", sql="")]


def test_a_newer_schema_that_lets_older_code_run_is_told_and_used(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        check_newer("the database", STEPS, [(1, 1), (2, 2), (3, 2), (4, 1)])

    (record,) = caplog.records
    assert "database.newer" == record.msg
    assert {"where": "the database", "schema": 4, "knows": 2} == getattr(record, "facts", None)


@pytest.mark.parametrize("since", [3, None], ids=["from itself on", "not said"])
def test_a_newer_schema_that_older_code_would_misread_is_refused(since: int | None) -> None:
    with pytest.raises(ConfigError, match="newer trackbridge"):
        check_newer("the database", STEPS, [(1, 1), (2, 2), (3, since), (4, 1)])


def test_nothing_is_said_of_a_schema_of_this_version(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        check_newer("the database", STEPS, [(1, 1), (2, 2)])

    assert [] == caplog.records
