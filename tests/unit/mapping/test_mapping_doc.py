"""The pages on the language are true: every function has an example; every example, recipe and trap is run."""

import json
import re
from pathlib import Path

import pytest

from bridge.mapping import compare, parse
from bridge.mapping.example_parser import EXPECTED
from bridge.mapping.functions import FUNCTIONS
from bridge.mapping.parser import EVENT_KEYS, KEYS
from bridge.mapping.rule_parser import KEYS as RULE_KEYS
from bridge.mapping.rules import SALE_FIELDS
from tests.unit.mapping.factories import evaluated, exact, mapping_text, meaning_of, parsed, problems_of

DOCS = Path(__file__).parents[3] / "docs"
PAGE, FUNCTIONS_PAGE, RECIPES, TRAPS_PAGE = (
    (DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("mapping", "functions", "recipes", "traps")
)


def blocks(kind: str, page: str) -> list[str]:
    return [part.partition("\n```")[0] for part in page.split(f"```{kind}\n")[1:]]


TRAPS = blocks("text", TRAPS_PAGE)
OURS = sorted(name for name, function in FUNCTIONS.items() if not function.is_standard)


def examples(page: str) -> list[object]:
    """Every `expression → value` of a page, with what stands above it in its block."""
    found: list[object] = []
    for block in blocks("text", page):
        given, query, headers, answers = "null", b"", {}, ""
        for line in block.splitlines():
            word, _, rest = line.partition(" ")
            match word:
                case "given":
                    given = rest
                case "query":
                    query = rest.encode()
                case "answers":
                    answers = rest
                case "header":
                    name, _, value = rest.partition(": ")
                    headers[name.lower()] = value
                case _:
                    expression, _, result = line.partition(" → ")
                    found.append(pytest.param(given, query, headers, answers, expression, result, id=expression))
    return found


@pytest.mark.parametrize(
    ("given", "query", "headers", "answers", "expression", "result"),
    [*examples(PAGE), *examples(FUNCTIONS_PAGE), *examples(RECIPES)],
)
def test_an_expression_gives_what_its_example_says(
    given: str, query: bytes, headers: dict[str, str], answers: str, expression: str, result: str
) -> None:
    assert exact(result) == evaluated(expression, exact(given), query=query, answers=answers, **headers)


@pytest.mark.parametrize("name", OURS)
def test_every_function_of_ours_has_a_section_with_an_example_of_its_own(name: str) -> None:
    section = FUNCTIONS_PAGE.partition(f"\n### {name}(")[2].partition("\n## ")[0].partition("\n### ")[0]

    assert any(
        f"{name}(" in line.partition(" → ")[0] for block in blocks("text", section) for line in block.splitlines()
    )
    assert f"[{name}](#" in FUNCTIONS_PAGE


def test_no_function_is_documented_that_is_not_there() -> None:
    sections = [line[4:].partition("(")[0] for line in FUNCTIONS_PAGE.splitlines() if line.startswith("### ")]

    assert OURS == sorted(sections)


def test_the_index_of_functions_leads_to_their_sections() -> None:
    titles = [line[4:] for line in FUNCTIONS_PAGE.splitlines() if line.startswith("### ")]
    anchors = {"".join(char for char in title.replace(" ", "-") if char.isalnum() or char in "-_") for title in titles}

    assert anchors == set(re.findall(r"\]\(#([^)]+)\)", FUNCTIONS_PAGE))


@pytest.mark.parametrize("lines", blocks("yaml", RECIPES), ids=lambda lines: lines.splitlines()[0])
def test_the_lines_of_a_recipe_have_no_problem(lines: str) -> None:
    assert "" == problems_of(mapping_text(*map(_known, lines.splitlines())))


@pytest.mark.parametrize("name", sorted(name for name, function in FUNCTIONS.items() if function.is_standard))
def test_every_standard_function_is_listed(name: str) -> None:
    listed = PAGE.partition("All of jmespath's own functions are there:")[2].partition(".")[0]
    assert name in listed.replace(",", " ").split()


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.splitlines()[0])
def test_a_trap_is_told_as_the_page_says_and_its_mend_is_sound(trap: str) -> None:
    written, told, meant = trap.splitlines()
    problems = parsed(mapping_text(_known(written))).problems

    assert told.removeprefix("→ ") in [problem.what for problem in problems]
    assert [] == [str(problem) for problem in parsed(mapping_text(_known(meant))).problems]


def _known(line: str) -> str:
    """The line as the base mapping can take it: some keys it does not have stand behind another."""
    behind = {"customer_name": "click_id: click", "document": "id: id", "for_each": "types: [order.paid]"}
    behind |= {"once_per": "unit: minor", "once_namespace": "track: sale"}
    before = behind.get(line.partition(":")[0])
    return f"{before}\n{line}" if before else line


@pytest.mark.parametrize("key", sorted({*KEYS, *EVENT_KEYS, *RULE_KEYS, *SALE_FIELDS}))
def test_every_key_is_explained(key: str) -> None:
    assert f"| `{key}` |" in PAGE


def test_every_mapping_on_the_page_parses() -> None:
    shipped = (DOCS.parent / "mappings" / "stripe.yaml").read_text(encoding="utf-8")
    for block in blocks("yaml", PAGE):
        problems = parse(block, file="page", base=lambda _: shipped).problems
        assert [] == [problem.what for problem in problems if problem.code != "no-examples"]


def test_the_first_mapping_makes_of_its_payload_what_its_example_says() -> None:
    mapping = parsed(blocks("yaml", PAGE)[0]).mapping
    assert mapping is not None
    meaning = meaning_of(mapping, exact(blocks("json", PAGE)[0]))

    (example,) = mapping.examples
    assert isinstance(example.expect, tuple)
    assert set(example.expect[0]) <= set(EXPECTED)
    (conversion,) = meaning.conversions
    assert conversion.payload.customer_name == "Ada Byron"
    assert json.loads(conversion.claims[0]) == ["sale", "shop", "", "1042"]
    assert [] == compare(example, (meaning,))
