"""docs/admin.md: its limits are the ones in force, its pictures are there and small."""

import re
from pathlib import Path

from bridge.web.admin import changes, narrowing, overview, sessions

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "admin.md").read_text(encoding="utf-8")


def test_every_number_is_the_one_in_force() -> None:
    assert f"Up to {changes.MOST} deliveries go by one form, {changes.TOGETHER} in one transaction" in PAGE
    assert f"{narrowing.ROWS} rows at a time" in PAGE
    assert f"every {overview.FOLLOW_SECONDS} s" in PAGE
    assert "twelve hours" in PAGE
    assert 12 * 3600 == sessions.LASTS.total_seconds()


def test_every_picture_is_there_and_small() -> None:
    pictures = re.findall(r"!\[[^\]]{20,}\]\(([a-z-]+\.png)\)", PAGE)

    assert 2 == len(pictures)
    assert [] == [name for name in pictures if (DOCS / name).stat().st_size > 60_000]
