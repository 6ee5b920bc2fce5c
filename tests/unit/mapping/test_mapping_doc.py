"""docs/mapping.md is true: every function has an example, every example and trap is run, every mapping parses."""

import json
from pathlib import Path

import pytest

from bridge.mapping import compare, parse
from bridge.mapping.example_parser import EXPECTED
from bridge.mapping.functions import FUNCTIONS
from bridge.mapping.parser import EVENT_KEYS, KEYS
from bridge.mapping.rule_parser import KEYS as RULE_KEYS
from bridge.mapping.rules import SALE_FIELDS
from tests.unit.mapping.factories import evaluated, exact, mapping_text, meaning_of, parsed

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return [part.partition("\n```")[0] for part in PAGE.split(f"```{kind}\n")[1:]]


FUNCTION_BLOCKS = [block for block in blocks("text") if not block.splitlines()[1].startswith("→")]
TRAPS = [block for block in blocks("text") if block.splitlines()[1].startswith("→")]
OURS = sorted(name for name, function in FUNCTIONS.items() if not function.is_standard)


def examples() -> list[object]:
    found: list[object] = []
    for block in FUNCTION_BLOCKS:
        given, query, headers = "null", b"", {}
        for line in block.splitlines():
            word, _, rest = line.partition(" ")
            match word:
                case "given":
                    given = rest
                case "query":
                    query = rest.encode()
                case "header":
                    name, _, value = rest.partition(": ")
                    headers[name.lower()] = value
                case _:
                    expression, _, result = line.partition(" → ")
                    found.append(pytest.param(given, query, headers, expression, result, id=expression))
    return found


@pytest.mark.parametrize(("given", "query", "headers", "expression", "result"), examples())
def test_a_function_gives_what_its_example_says(
    given: str, query: bytes, headers: dict[str, str], expression: str, result: str
) -> None:
    assert exact(result) == evaluated(expression, exact(given), query=query, **headers)


@pytest.mark.parametrize("name", OURS)
def test_every_function_of_ours_is_documented_with_an_example(name: str) -> None:
    assert f"\n#### {name}(" in PAGE
    assert any(f"{name}(" in block for block in FUNCTION_BLOCKS)


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
    """The base mapping has no customer_name."""
    return line if not line.startswith("customer_name") else f"click_id: click\n{line}"


@pytest.mark.parametrize("key", sorted({*KEYS, *EVENT_KEYS, *RULE_KEYS, *SALE_FIELDS}))
def test_every_key_is_explained(key: str) -> None:
    assert f"| `{key}` |" in PAGE


def test_every_mapping_on_the_page_parses() -> None:
    shipped = (ROOT / "mappings" / "stripe.yaml").read_text(encoding="utf-8")
    for block in blocks("yaml"):
        problems = parse(block, file="page", base=lambda _: shipped).problems
        assert [] == [problem.what for problem in problems if problem.code != "no-examples"]


def test_the_first_mapping_makes_of_its_payload_what_its_example_says() -> None:
    mapping = parsed(blocks("yaml")[0]).mapping
    assert mapping is not None
    meaning = meaning_of(mapping, exact(blocks("json")[0]))

    (example,) = mapping.examples
    assert isinstance(example.expect, tuple)
    assert set(example.expect[0]) <= set(EXPECTED)
    (conversion,) = meaning.conversions
    assert conversion.payload.customer_name == "Ada Byron"
    assert json.loads(conversion.claims[0]) == ["sale", "shop", "", "1042"]
    assert [] == compare(example, (meaning,))
