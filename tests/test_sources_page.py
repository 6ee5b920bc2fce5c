"""docs/sources.md: every shipped source has its row, and what the row says is what its section and its mapping say."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import sources
from bridge.mapping import compose
from bridge.model import Node
from bridge.sources.scheme import Hmac

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
SHIPPED = sorted(path.stem for path in (ROOT / "mappings").glob("*.yaml"))
ROW = re.compile(r"^\| `([a-z-]+)` \| ([ABC]) \| [^|]+ \| [^|]+ \| \[[^]]+\]\(([^)#]+)(?:#([^)]+))?\)", re.MULTILINE)
ROWS = {match[1]: match for match in ROW.finditer(PAGE)}
#: each with the preset it spells out
SPELT_OUT = ("slack", "paddle", "standard-webhooks")


def test_every_shipped_source_has_one_row() -> None:
    assert SHIPPED == sorted(match[1] for match in ROW.finditer(PAGE))


def section(page: str, anchor: str) -> str:
    """A section's text, by the anchor that GitHub makes of its heading; empty when there is none."""
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        heading = part.partition("\n")[0].strip()
        if re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") == anchor:
            return part
    return ""


@pytest.mark.parametrize("name", ROWS)
def test_a_row_leads_to_its_section_and_tells_its_tier(name: str) -> None:
    tier, file, anchor = ROWS[name][2], ROWS[name][3], ROWS[name][4]
    page = (ROOT / "docs" / file).read_text(encoding="utf-8")
    if anchor is None:
        return
    found = section(page, anchor)
    assert found, f"no section {anchor} in {file}"
    assert f"**Tier** {tier}" in found


def verify_of(text: str) -> Node:
    node, problems = compose(text, file="sources.md")
    assert [] == problems
    assert node is not None
    return node


@pytest.mark.parametrize(
    ("text", "preset"), list(zip(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL), SPELT_OUT, strict=True))
)
def test_a_signature_written_out_is_its_preset(text: str, preset: str) -> None:
    written, problems = sources.parse(verify_of(text))
    assert [] == problems
    named, _ = sources.parse(verify_of(f"scheme: {preset}\nsecret: ${{SECRET}}\n"))
    assert written is not None
    assert named is not None
    assert isinstance(named.proof, Hmac)
    # a handshake belongs to the sender's name, not to its signature
    assert replace(named.proof, handshake=None) == written.proof
