"""What is spelled out means what was written."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.mapping import parse
from bridge.mapping.grammar import read
from bridge.mapping.spelling import spelled
from bridge.mapping.values import Unfit
from bridge.model import Json
from tests.unit.mapping.factories import evaluated, exact

MAPPINGS = sorted((Path(__file__).parents[3] / "mappings").glob("*.yaml"))
CASES = [
    pytest.param(group["given"], case["expression"], id=case["expression"])
    for group in json.loads(Path(__file__).with_name("jmespath_cases.json").read_text(encoding="utf-8"))
    for case in group["cases"]
]


def value_of(expression: str, document: Json) -> Any:
    try:
        return evaluated(expression, document)
    except Unfit as error:
        return str(error)


@pytest.mark.parametrize(("given", "expression"), CASES)
def test_a_standard_expression_means_the_same_spelled_out(given: Any, expression: str) -> None:
    document, again = exact(json.dumps(given)), spelled(read(expression))

    assert value_of(expression, document) == value_of(again, document), again
    assert again == spelled(read(again))


@pytest.mark.parametrize("file", MAPPINGS, ids=lambda file: file.stem)
def test_every_expression_of_a_shipped_mapping_can_be_spelled_out(file: Path) -> None:
    mapping = parse(file.read_text(encoding="utf-8"), file=file.name, base=lambda _: None).mapping
    assert mapping is not None
    named = [*mapping.event.expressions(), *(pair for rule in mapping.rules for pair in rule.expressions())]
    texts = [spelled(expression.tree) for _, expression in named if expression.tree is not None]

    assert texts == [spelled(read(text)) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "data.object.mode == 'payment' && data.object.payment_status == 'paid'",
        "!contains(tags, 'x') && (a == 'b' || c)",
        "items[?sku == 'A1' && price > `5`].price | [0]",
        "order.\"First name\"",
        "a[*].b[0].c",
        "a.*.b",
        "a[].b[]",
        "a[1:2].b",
        "sort_by(items, &price)[-1]",
        "[a, b.c][0]",
        "{x: a, \"y z\": b}.x",
        "from_json(payload) || @",
        "from_json(payload).a",
        "root().order",
        "[?a]",
        "@",
    ],
)  # fmt: skip
def test_what_is_plain_is_spelled_as_people_write_it(text: str) -> None:
    assert text == spelled(read(text))


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("(answers[?ref == 'email'].email)[0] || a", "(answers[?ref == 'email'].email | [0]) || a"),
        ("'it\\'s'", '`"it\'s"`'),
        ('`"paid"`', "'paid'"),
        ("(a)", "a"),
        ("@.a", "a"),
    ],
)
def test_what_can_be_written_in_two_ways_is_spelled_in_one(text: str, again: str) -> None:
    assert again == spelled(read(text))
