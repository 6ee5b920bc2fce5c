"""Whatever stands in a mapping file: parse answers with Problems that have a place, and raises nothing."""

from pathlib import Path

from bridge import sources
from bridge.errors import Severity
from bridge.mapping import parse
from bridge.mapping.lines import split_lines
from tests.unit.mapping.factories import MAPPING

_FOLDER = Path(__file__).parents[3] / "mappings"
_SHIPPED = {file.stem: file.read_text(encoding="utf-8") for file in sorted(_FOLDER.glob("*.yaml"))}


def seeds() -> list[bytes]:
    """A whole small mapping, one that extends another, and the beginnings of the shipped ones."""
    starts = [text[: text.rfind("\n", 0, 2_000) + 1] for text in _SHIPPED.values()]
    return [text.encode() for text in (MAPPING, "extends: stripe\nsource: stripe\nsend_test: true\n", *starts)]


def check(data: bytes) -> None:
    """Parse it; what has no problem must have a `verify:` section that can be asked about as well."""
    text = data.decode("utf-8", "replace")
    lines = len(split_lines(text)) + 1
    parsed = parse(text, file="fuzzed.yaml", base=_SHIPPED.get)
    has_problem = any(problem.severity is Severity.PROBLEM for problem in parsed.problems)
    assert (parsed.mapping is None) == has_problem
    for problem in parsed.problems:
        assert str(problem)
        assert problem.what
        assert problem.place.file != "fuzzed.yaml" or (problem.place.line or 0) <= lines
    if parsed.mapping is not None:
        sources.parse(parsed.mapping.verify)
