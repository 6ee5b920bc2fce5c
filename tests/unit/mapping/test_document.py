"""YAML text → located nodes: places to the column, no tags or aliases, and no text that can hurt."""

from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping import compose
from bridge.mapping.document import MOST_CHARACTERS, MOST_DEPTH, MOST_NODES, MOST_REPAIRS
from bridge.model import Node
from tests.unit.mapping.factories import MAPPING


def composed(text: str) -> Node:
    node, problems = compose(text, file="a.yaml")
    assert [] == [str(problem) for problem in problems]
    assert node is not None
    return node


def codes_of(text: str) -> list[str]:
    return [problem.code for problem in compose(text, file="a.yaml")[1]]


def test_every_node_knows_where_it_stands() -> None:
    node = composed("a: b\nc:\n  - 'd'\n  - {e: f}\n")
    places = {scalar.text: (scalar.place.line, scalar.place.column) for scalar in node.scalars()}

    assert {"b": (1, 4), "d": (3, 5), "f": (4, 9)} == places
    assert "  - {e: f}" == [scalar.place.text for scalar in node.scalars()][-1]


@pytest.mark.parametrize(
    ("written", "text", "plain"),
    [
        ("a: b c", "b c", True),
        ("a: 'b'", "b", False),
        ('a: "b\\n"', "b\n", False),
        ("a: |\n  b\n  c", "b\nc\n", False),
        ("a: >-\n  b\n  c", "b c", False),
        ("a: b\n  c", "b c", True),
        ("a:", "", True),
        ("a: ''", "", False),
        ("a: null", "null", True),
        ("a: 012", "012", True),
        ("a: yes", "yes", True),
        ("a: ü é", "ü é", True),
    ],
)
def test_a_scalar_is_its_text_and_nothing_is_made_of_it(written: str, text: str, plain: bool) -> None:
    value = composed(f"{written}\n").get("a")
    assert value is not None
    assert (text, plain) == (value.text, value.plain)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
def test_line_endings_do_not_move_places(ending: str) -> None:
    node = composed(ending.join(["a: b", "c: d", ""]))
    assert [(1, 4), (2, 4)] == [(scalar.place.line, scalar.place.column) for scalar in node.scalars()]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert ["a"] == [key.text for key, _ in composed("\ufeffa: b\n").entries]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "---\n...\n"])
def test_an_empty_file_says_what_belongs_into_it(text: str) -> None:
    node, problems = compose(text, file="a.yaml")
    assert node is None or "" == node.text
    assert node is not None or ["empty"] == [problem.code for problem in problems]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: " + "b" * MOST_CHARACTERS, "too-large"),
        ("a: [" + "b, " * (MOST_NODES + 1) + "b]", "too-large"),
        ("[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1), "too-deep"),
        ("[" * 100_000, "too-deep"),
        ("a: " * 100_000, "yaml-colon"),
        ("- " * (MOST_DEPTH + 1) + "a", "too-deep"),
        ("a: &a [b]\nc: &c [*a, *a]\nd: [*c, *c]", "yaml-anchor"),
    ],
    ids=["characters", "nodes", "depth", "open brackets", "colons", "dashes", "laughs"],
)
def test_a_bomb_is_told_and_not_unrolled(text: str, code: str) -> None:
    assert code in codes_of(text)


def test_every_line_that_wants_quotes_is_told_in_one_run() -> None:
    lines = [f"key{n}: `{n}`" for n in range(10)]
    node, problems = compose("\n".join(lines), file="a.yaml")

    assert list(range(1, 11)) == [problem.place.line for problem in problems]
    assert node is not None
    assert "`3`" == getattr(node.get("key3"), "text", None)


def test_more_slips_than_anybody_mends_at_once_end_the_reading() -> None:
    node, problems = compose("\n".join(f"key{n}: `{n}`" for n in range(200)), file="a.yaml")

    assert node is None
    assert MOST_REPAIRS + 1 == len(problems)


def test_a_long_line_is_not_shown() -> None:
    _, problems = compose(f"a: `{'b' * 500}`", file="a.yaml")
    assert [""] == [problem.place.text for problem in problems]
    assert "put the value in single quotes" == problems[0].fix


def marks(text: str, loader: type) -> Iterator[tuple[object, ...]]:
    for event in yaml.parse(text, Loader=loader):
        mark = event.start_mark
        if isinstance(event, yaml.ScalarEvent) and mark is not None:
            yield (mark.line, mark.column, event.value, not event.style)


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml")
@pytest.mark.parametrize(
    "text",
    [
        MAPPING,
        "a: 'b''c'\nd: \"e\\tf\"\ng: >-\n  h\n  i\nj: |\n  k\n",
        "é: ü # c\n- a\n",
        "a: {b: [c, 'd'], e: f}\n",
    ],
)
def test_both_of_yamls_parsers_see_the_same(text: str) -> None:
    try:
        slow = list(marks(text, yaml.SafeLoader))
    except yaml.YAMLError:
        return
    assert slow == list(marks(text, yaml.CSafeLoader))


FRAGMENTS = [
    "a",
    "b: ",
    "- ",
    "\n",
    "  ",
    "\t",
    "'",
    '"',
    "{",
    "}",
    "[",
    "]",
    ",",
    "#",
    " #",
    ":",
    "!",
    "&x",
    "*x",
    "|",
]
MORE = [
    ">",
    "%",
    "@",
    "`",
    "?",
    "~",
    "<<: ",
    "---\n",
    "...\n",
    "\r",
    "\x00",
    "\ud800",
    "\u2028",
    "é",
    "\ufeff",
    "secret:",
]


@given(text=st.one_of(st.text(max_size=80), st.lists(st.sampled_from([*FRAGMENTS, *MORE]), max_size=30).map("".join)))
def test_no_text_makes_compose_raise(text: str) -> None:
    node, problems = compose(text, file="a.yaml")

    assert node is not None or problems
    assert all(str(problem) for problem in problems)
