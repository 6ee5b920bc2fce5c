"""The list of promises and their proofs in docs/architecture.md: what it names is there, and it leaves nothing out."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PROMISES = (
    (ROOT / "docs" / "architecture.md")
    .read_text(encoding="utf-8")
    .partition("<!-- promises -->")[2]
    .partition("<!-- /promises -->")[0]
)
ROWS = [line.strip("| ").split(" | ") for line in PROMISES.splitlines() if line.startswith("| ") and "`" in line]
NAMED = sorted({name for row in ROWS for name in re.findall(r"`([^`]+::[^`]+)`", row[-1])})


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("name", NAMED)
def test_a_proof_that_is_named_is_there(name: str) -> None:
    file, _, test = name.partition("::")

    assert test in functions_of(file)
    assert test.startswith("test_")


def test_every_sentence_has_a_proof() -> None:
    assert len(ROWS) > 40
    assert [] == [row for row in ROWS if len(row) != 2 or not re.fullmatch(r"(`[^`]+::[^`]+` ?)+", row[1])]


def test_the_headings_are_the_promises_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8").partition("## What is promised")[2].partition("\n## ")[0]
    promised = [words.rstrip(".") for words in re.findall(r"^\d\. \*\*(.+?)\*\*", readme, re.MULTILINE)]

    assert 8 == len(promised)
    assert promised == re.findall(r"^### (.+)$", PROMISES, re.MULTILINE)


def test_every_test_of_the_verdict_table_and_of_the_long_day_proves_something() -> None:
    files = ("e2e/test_verdicts.py", "integration/test_outage.py", "integration/test_long_verdicts.py")
    tests = {f"{file}::{name}" for file in files for name in functions_of(file) if name.startswith("test_")}

    assert set() == tests - set(NAMED)
