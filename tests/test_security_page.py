"""docs/security.md and docs/faults.md: every file they name is there, and every limit is the one in force."""

import re
from pathlib import Path

import pytest

from bridge.mapping import document
from bridge.read import MOST_DEPTH, MOST_NODES, MOST_PARTS
from bridge.store.writer import PATIENCE_SECONDS
from bridge.tracking.answer import MOST_BYTES, MOST_KEPT_BYTES
from bridge.web import attempts, bodies, server
from bridge.web.admin import asking, changes, forms, narrowing, pages
from tests.faults.__main__ import FAULTS
from tests.fuzz.inputs import TARGETS

ROOT = Path(__file__).parents[1]
SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
FAULTS_PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
KIB, MIB = 1024, 1024 * 1024


@pytest.mark.parametrize("page", [SECURITY, FAULTS_PAGE], ids=["security", "faults"])
def test_every_file_that_is_named_is_there(page: str) -> None:
    named = re.findall(r"`((?:bridge|tests|docs|mappings)/[^`]*)`", page) + re.findall(r"\]\(([a-z-]+\.md)", page)

    assert named
    assert [] == [path for path in named if not any(base.glob(path) for base in (ROOT, ROOT / "docs"))]


@pytest.mark.parametrize(
    "words",
    [
        f"{server.HEAD_BYTES // KIB} KiB, {server.HEAD_LINES} lines, {server.HEAD_SECONDS:.0f} s",
        f"on one connection | {server.MOST_WAITING} |",
        f"(1 MiB), {bodies.BODY_SECONDS:.0f} s",
        f"{bodies.HELD_BYTES // MIB} MiB ({bodies.LEAST_HELD} of the largest",
        f"{bodies.DRAIN_BYTES // MIB} MiB, {bodies.DRAIN_SECONDS:.0f} s",
        f"{server.UNREAD_SECONDS:.0f} s without progress",
        f"{server.most_connections(10**9):,}, or the limit of open files less 128",
        f"{MOST_DEPTH} levels, {MOST_NODES:,} values",
        f"{MOST_PARTS:,} multipart parts",
        f"{document.MOST_CHARACTERS // MIB} MiB, {document.MOST_NODES:,} values, {document.MOST_DEPTH} levels",
        f"{MOST_BYTES // KIB} KiB, {MOST_KEPT_BYTES // KIB} KiB kept",
        f"{forms.FORM_BYTES // KIB} KiB, {forms.FORM_SECONDS:.0f} s, {asking.MOST_FIELDS:,} fields; "
        f"{forms.FORMS_BYTES // MIB} MiB of unfinished",
        f"| {narrowing.ROWS} rows; {changes.MOST} deliveries, {changes.TOGETHER} in one transaction |",
        f"| {attempts.BURST}, then {attempts.PER_SECOND:.0f} a second; {attempts.MOST_WAITING} wait their turn |",
        f"busy or silent | {PATIENCE_SECONDS:.0f} s |",
        f"more than {pages.MOST_SHOWN:,} of one value are cut",
    ],
)
def test_every_limit_is_the_one_in_force(words: str) -> None:
    assert words in SECURITY


def test_every_fault_and_every_target_is_on_the_page() -> None:
    assert [] == [name for name in [*FAULTS, *TARGETS] if f"`{name}`" not in FAULTS_PAGE]
