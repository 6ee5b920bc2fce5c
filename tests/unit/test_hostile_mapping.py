"""What somebody may have written into a mapping file: found by fuzzing, or built to cost time."""

import time

import pytest

from bridge.mapping import parse
from bridge.mapping.document import MOST_REPAIRS, compose

CONTROLS = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e"]


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_a_control_character_ends_no_line(control: str) -> None:
    """Editors count lines by line feeds: a problem behind a form feed must not point to another line."""
    root, problems = compose(f"source: shop\nname: a{control}b\nother: it: is\n", file="a.yaml")

    assert root is None
    assert [("yaml-character", 2)] == [(problem.code, problem.place.line) for problem in problems]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"], ids=ascii)
def test_a_problem_points_to_the_line_that_yaml_counts(ending: str) -> None:
    _, problems = compose(ending.join(["source: shop", "", "when: a: b", ""]), file="a.yaml")

    assert [("yaml-colon", 3, "when: a: b")] == [
        (problem.code, problem.place.line, problem.place.text) for problem in problems
    ]


def test_every_line_that_wants_quotes_is_found_in_one_run() -> None:
    text = "".join(f"k{number}: it: is\n" for number in range(MOST_REPAIRS - 1))

    assert [*range(1, MOST_REPAIRS)] == [problem.place.line for problem in compose(text, file="a.yaml")[1]]


def test_slips_at_the_end_of_a_large_file_are_not_all_waited_for() -> None:
    """Each costs another slow reading of all that is before it."""
    text = "".join(f"k{number}: {'v ' * 40}\n" for number in range(9_000))
    begun = time.process_time()
    _, problems = compose(text + "".join(f"b{number}: it: is\n" for number in range(60)), file="a.yaml")

    assert {"yaml-colon"} == {problem.code for problem in problems}
    assert time.process_time() - begun < 15


BOMBS = {
    "aliases of aliases": "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*b{n - 1}, *b{n - 1}]\n" for n in range(1, 1_000)),
    "merge keys": "a: &a {x: y}\n" + "b: {<<: *a}\n" * 1_000,
    "deep lists": "a: " + "[" * 100_000,
    "deep maps": "{a: " * 100_000,
    "deep dashes": "- " * 400_000,
    "deep blocks": "".join("  " * n + f"a{n}:\n" for n in range(700)),
    "many keys": "".join(f"k{n}: v\n" for n in range(90_000)),
    "many flow pairs": "[" + "a: b," * 200_000 + "]",
    "question marks": "? " * 500_000,
    "tags": "! " * 500_000,
    "open quotes": '"\\' * 500_000,
    "a megabyte and more": "a: " + "x" * 1_100_000,
    "many documents": "---\na: b\n" * 50_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_few_problems_and_little_time(name: str) -> None:
    begun = time.process_time()
    parsed = parse(BOMBS[name], file="a.yaml", base=lambda _: None)

    assert parsed.mapping is None
    assert parsed.problems
    assert time.process_time() - begun < 5
