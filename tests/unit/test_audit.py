"""What an audit's answer means: a service that did not answer must never look like a clean bill."""

import json

import pytest

from tests.audit import judged

CLEAN = {"name": "httpx", "version": "1", "vulns": []}
HOLE = {"name": "pyyaml", "version": "5", "vulns": [{"id": "PYSEC-1", "fix_versions": ["6", "7"]}]}
SKIPPED = {"name": "uvloop", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("found", "code", "words"),
    [
        ([CLEAN, CLEAN], 0, "2 of 2 pinned packages were looked up, 0 known holes"),
        ([CLEAN, HOLE], 1, "pyyaml 5: PYSEC-1, mended in 6, 7"),
        ([CLEAN, SKIPPED], 2, "not looked up: uvloop"),
        ([SKIPPED, HOLE], 1, "1 of 2 pinned packages"),
        ([SKIPPED], 2, "nothing was audited"),
        ([], 2, "nothing was audited"),
    ],
    ids=["clean", "a hole", "one skipped", "both", "all skipped", "nothing"],
)
def test_an_audit_is_clean_only_when_everything_was_looked_up(
    found: list[dict[str, object]], code: int, words: str
) -> None:
    told = judged(json.dumps({"dependencies": found}))

    assert code == told[0]
    assert words in "\n".join(told[1])


def test_no_answer_at_all_is_said_to_be_none() -> None:
    assert (2, ["nothing was audited: PyPI's advisory service could not be asked from here"]) == judged("")
