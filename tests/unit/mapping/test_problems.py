"""Every Problem word for word: `problems.txt` holds what is written and what an operator reads.

A case is a name; the lines put into the base mapping in the place of that with the same key (`| line`, and `+ line`
for those that follow it), or the keys left out of it (`- key`); and the exact text.
"""

from pathlib import Path

import pytest

from tests.unit.mapping.factories import LEAD, MAPPING, mapping_text, parsed, problems_of, without

FILE = Path(__file__).with_name("problems.txt")


def cases() -> list[object]:
    found: list[object] = []
    for block in FILE.read_text(encoding="utf-8").split("#### ")[1:]:
        head, _, expected = block.partition("\n----\n")
        name, *lines = head.splitlines()
        found.append(pytest.param(lines, expected.strip("\n"), id=name))
    return found


def text_of(lines: list[str]) -> str:
    if lines[0].startswith("- "):
        return without(*(line[2:] for line in lines))
    entries: list[str] = []
    for line in lines:
        if line.startswith("|"):
            entries.append(line[2:])
        else:
            entries[-1] += f"\n{line[2:]}"
    return mapping_text(*entries)


@pytest.mark.parametrize(("lines", "expected"), cases())
def test_a_problem_says_what_where_why_and_what_to_do(lines: list[str], expected: str) -> None:
    assert expected == problems_of(text_of(lines)).strip("\n")


@pytest.mark.parametrize("base", [MAPPING, LEAD], ids=["sale", "lead"])
def test_a_sound_mapping_has_no_problems(base: str) -> None:
    assert problems_of(base) == ""


def test_problems_come_in_the_order_of_the_file_and_all_at_once() -> None:
    problems = parsed(mapping_text("source: A B", "id: $.id", "unit: cents", "track: sale\nwait: x")).problems

    assert [1, 7, 16, 24] == [problem.place.line for problem in problems]


def test_a_problem_makes_no_mapping_and_a_warning_does() -> None:
    assert parsed(mapping_text("unit: cents")).mapping is None
    assert parsed(without("click_id")).mapping is not None


@pytest.mark.parametrize(
    "secret",
    [
        "secret: whsec_c0ffee: x",
        "secret: &a whsec_c0ffee",
        "secret: !whsec_c0ffee",
        "secret: *whsec_c0ffee",
        "secret:whsec_c0ffee",
        "secret: [whsec_c0ffee",
        "secret: 'whsec_c0ffee",
        'secret: "whsec_c0ffee\\q"',
        "secret: @whsec_c0ffee",
        "secret: whsec_c0ffee\nsecret: whsec_c0ffee",
        "secret:\n  - whsec_c0ffee: x: y\n  - &b whsec_c0ffee",
        "secret: |\n  whsec_c0ffee\n whsec_c0ffee",
        "'secret' : whsec_c0ffee: x",
        "secret: whsec_c0ffee\x07",
        "secret:\n\twhsec_c0ffee",
        "{secret: whsec_c0ffee: x}",
    ],
)
def test_a_secret_in_the_file_is_never_shown(secret: str) -> None:
    text = MAPPING.replace("secret: ${SHOP_WEBHOOK_SECRET}", secret.replace("\n", "\n  "))
    result = parsed(text)

    assert all("c0ffee" not in str(problem) for problem in result.problems)
    assert all("c0ffee" not in str(problem.as_json()) for problem in result.problems)


def test_a_secret_in_the_file_is_not_in_any_place() -> None:
    mapping = parsed(MAPPING.replace("${SHOP_WEBHOOK_SECRET}", "[whsec_c0ffee, '${OTHER}']")).mapping

    assert mapping is not None
    assert all("c0ffee" not in node.place.text for node in mapping.verify.scalars())
