"""Every function of ours: null in, null out; a wrong type is named; nothing sent makes it raise, long or large."""

import time
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.calls import check_calls
from bridge.mapping.functions import FUNCTIONS, Function
from bridge.mapping.grammar import read
from bridge.mapping.kinds import kinds_of
from bridge.mapping.standard import KINDS
from bridge.mapping.tree import Call, Reference, descend
from bridge.mapping.values import Unfit
from bridge.model import Json
from tests.unit.mapping.factories import evaluated, exact, mapping_text, problems_of

OURS = [function for function in FUNCTIONS.values() if not function.is_standard]
CALLED = [function for function in OURS if not function.asks_context]

#: A value of each of jmespath's types.
OF_KIND: dict[str, Json] = {
    "string": "5",
    "number": 5,
    "boolean": True,
    "array": ["a"],
    "object": {"a": "b"},
}
_WORD = {"string": "text", "number": "a number", "boolean": "a boolean", "array": "a list", "object": "an object"}


def usual(function: Function) -> list[Json]:
    """Arguments that fit, as far as types tell."""
    return [OF_KIND[next((kind for kind in wanted if kind in OF_KIND), "string")] for wanted in function.parameters]


def named(function: Function) -> str:
    return function.name


@pytest.mark.parametrize("function", CALLED, ids=named)
def test_a_function_gives_null_for_null(function: Function) -> None:
    subject = 1 if function.name == "join_present" else 0
    arguments = usual(function)
    arguments[subject] = None

    assert function.call(*arguments) is None


@pytest.mark.parametrize(
    ("function", "number", "kind"),
    [
        pytest.param(function, number, kind, id=f"{function.name}-{number}-{kind}")
        for function in CALLED
        for number, wanted in enumerate(function.parameters)
        for kind in OF_KIND
        if wanted and kind not in wanted
    ],
)
def test_a_wrong_type_is_refused_by_its_name(function: Function, number: int, kind: str) -> None:
    arguments = usual(function)
    arguments[number] = OF_KIND[kind]

    with pytest.raises(Unfit, match=rf"{function.name}\(\) wants .*, got ({_WORD[kind]}|.*text)"):
        function.call(*arguments)


# What comes out ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "document", "expected"),
    [
        ("decimal(a)", '{"a": " 12.50 "}', "12.50"),
        ("decimal(a)", '{"a": "-0.10"}', "-0.10"),
        ("decimal(a)", '{"a": 12345678901234567890.123456789}', "12345678901234567890.123456789"),
        ("add(a, b)", '{"a": 0.1, "b": "0.2"}', "0.3"),
        ("add(a, a, a)", '{"a": "9007199254740993"}', "27021597764222979"),
        ("subtract(a, b)", '{"a": "1", "b": "0.99999999999999999999999999999999999"}', "1E-35"),
        ("multiply(a, b)", '{"a": "123456789012345678901234567890", "b": "1.1"}', "135802467913580246791358024679.0"),
        ("multiply(a, `-3`)", '{"a": 5}', "-15"),
        ("sum(a)", '{"a": [12345678901234567890123456789.01, 0.001]}', "12345678901234567890123456789.011"),
        ("sum(map(&multiply(p, q), a))", '{"a": [{"p": "0.10", "q": 3}, {"p": 1, "q": "2"}]}', "2.30"),
    ],
)
def test_numbers_are_exact(expression: str, document: str, expected: str) -> None:
    assert expected == str(evaluated(expression, exact(document)))


@pytest.mark.parametrize(
    "text",
    [
        "1,000",
        "1.000,50",
        "1 000",
        "1'000",
        "$5",
        "5 EUR",
        "1e3",
        "0x10",
        "+5",
        "--5",
        ".5",
        "1_000",
        "٣",
        "NaN",
        "1" * 121,
    ],
)
@pytest.mark.parametrize("expression", ["decimal(a)", "add(a, `1`)", "subtract(`1`, a)", "multiply(a, `1`)"])
def test_a_text_that_is_no_plain_number_is_refused(expression: str, text: str) -> None:
    with pytest.raises(Unfit, match=r"wants a number, got (text that is not just|too long)"):
        evaluated(expression, {"a": text})


def test_products_are_bounded() -> None:
    number = "9" * 60

    with pytest.raises(Unfit, match=r"multiply\(\) would make too long a number"):
        evaluated("multiply(a, a, a, a, a)", {"a": number})
    with pytest.raises(Unfit, match="too many digits"):
        evaluated("add(a, `1`)", {"a": Decimal("1e400")})
    with pytest.raises(Unfit, match=r"sum\(\) would make too long a number"):
        evaluated("sum(a)", {"a": [Decimal("1e400"), 1]})


@pytest.mark.parametrize(
    ("expression", "document", "expected"),
    [
        ("from_form(a)", {"a": "?x=1&x=2&y=%C3%A9&z="}, {"x": "1", "y": "é", "z": ""}),
        ("from_form(a)", {"a": "&&"}, None),
        ("from_base64(a)", {"a": "aGk"}, "hi"),
        ("from_base64(a)", {"a": "aG\nk="}, "hi"),
        ("from_base64(a)", {"a": "Pz8_"}, "???"),
        ("from_base64(a)", {"a": "/w=="}, None),
        ("from_base64(a)", {"a": "a"}, None),
        ("from_base64(a)", {"a": "é"}, None),
        ("from_base64(a)", {"a": ""}, ""),
        ("url_host(a)", {"a": "//x.example:80/"}, "x.example"),
        ("url_host(a)", {"a": "http://[::1"}, None),
        ("url_host(a)", {"a": "http://u:p@x.example/"}, "x.example"),
        ("html_text(a)", {"a": "<b>&lt;&eacute;&#x1F98A;&bogus;&amp;amp;"}, "<b><é🦊&bogus;&amp;"),
        ("sha256(a)", {"a": ""}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("sha256(a)", {"a": "é"}, "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"),
        ("sha256(a)", {"a": 5}, "ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d"),
        ("join_present('-', a)", {"a": {"x": "1", "y": None, "z": " 3 "}}, "1-3"),
        ("join_present('-', a)", {"a": " x "}, "x"),
        ("first_of(a)", {"a": [None, "", [], {}, False, 1]}, False),
        ("first_of(a)", {"a": []}, None),
        ("time_in(a, '-03:30')", {"a": "2026-01-01 00:00"}, "2026-01-01T03:30:00.000Z"),
        ("time_in(a, '+0200')", {"a": "2026-01-01T00:00:00"}, "2025-12-31T22:00:00.000Z"),
        ("time_in(a, 'UTC')", {"a": "2026-01-01T00:00:00"}, "2026-01-01T00:00:00.000Z"),
        ("time_in(a, '+02:00')", {"a": "2026-01-01T00:00:00+01:00"}, "2025-12-31T23:00:00.000Z"),
        ("time_in(a, '+02:00')", {"a": 1_775_824_496}, "2026-04-10T12:34:56.000Z"),
        ("time_in(a, '+02:00')", {"a": "0001-01-01T00:00:00"}, None),
        ("time_in(a, '+02:00')", {"a": "soon"}, None),
        ("a[?id == event().b].c | [0]", {"a": [{"id": 1, "c": "x"}, {"id": 2, "c": "y"}], "b": 2}, "y"),
    ],
)
def test_a_function_gives(expression: str, document: Json, expected: Json) -> None:
    assert expected == evaluated(expression, document)


def test_a_character_number_without_end_is_refused() -> None:
    with pytest.raises(Unfit, match="html_text"):
        evaluated("html_text(a)", {"a": f"&#{'9' * 5000};"})


@pytest.mark.parametrize("zone", ["Europe/Berlin", "CET", "2", "+2", "+15:00", "+02:60", "02:00", "+٠٢:٠٠", "+2:000"])
def test_only_an_offset_is_a_zone(zone: str) -> None:
    assert "expected an offset from UTC" in problems_of(mapping_text(f"click_id: time_in(click, '{zone}')"))
    with pytest.raises(Unfit, match="wants an offset"):
        evaluated("time_in(a, zone)", {"a": "2026-01-01T00:00:00", "zone": zone})


# At load -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", OURS, ids=named)
def test_a_wrong_number_of_arguments_is_found_at_load(function: Function) -> None:
    few = ", ".join(["'a'"] * (len(function.parameters) - 1))
    many = ", ".join(["'a'"] * (len(function.parameters) + 1))

    if function.parameters:
        assert "arity" in {finding.code for finding in check_calls(read(f"{function.name}({few})"))}
    if not function.is_variadic:
        assert "arity" in {finding.code for finding in check_calls(read(f"{function.name}({many})"))}


@pytest.mark.parametrize("function", [function for function in CALLED if function.parameters[0]], ids=named)
def test_a_written_argument_that_never_fits_is_found_at_load(function: Function) -> None:
    wrong = next(kind for kind in ("boolean", "object", "array") if kind not in function.parameters[0])
    arguments = [
        {"boolean": "`true`", "object": "`{}`", "array": "`[]`"}[wrong],
        *["a"] * (len(function.parameters) - 1),
    ]

    assert "argument" in {finding.code for finding in check_calls(read(f"{function.name}({', '.join(arguments)})"))}


# Whatever is sent --------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.decimals(),
        st.text(max_size=20),
        st.sampled_from(
            ["&#", "=&=", "2026-01-01T00:00:00+99:99", "http://[", "%ff", "[[", '{"a":', "UTC", "-", "\ud800"]
        ),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("function", CALLED, ids=named)
@given(arguments=st.lists(VALUES, min_size=3, max_size=3))
def test_whatever_it_is_given_a_function_gives_a_value_of_its_kind_or_is_unfit(
    function: Function, arguments: Sequence[Json]
) -> None:
    with suppress(Unfit):
        found = function.call(*arguments[: len(function.parameters)])
        assert function.returns is None or KINDS[type(found)] in function.returns


LONG = "a&#1;,=%20<>\"'[{/?:@é" * 25_000
#: Half a million characters, a hundred thousand elements.
LARGE: list[Json] = [LONG, "9" * 500_000, "&#" * 250_000, "=" * 500_000, "[" * 500_000, "A" * 500_000, "%" * 500_000]
LARGE += [
    [LONG] * 3,
    [{"id": "a", "text": "b", "name": str(n)} for n in range(30_000)],
    {str(n): "x" for n in range(30_000)},
]


@pytest.mark.parametrize("function", CALLED, ids=named)
def test_a_function_is_bounded_in_time_and_size(function: Function) -> None:
    for value in LARGE:
        for others in ([value, value], ["a", "b"]):
            arguments = [value, *others][: len(function.parameters)]
            begun = time.perf_counter()
            with suppress(Unfit):
                found = function.call(*arguments)
                assert not isinstance(found, str) or len(found) <= 3 * 1024 * 1024
            assert time.perf_counter() - begun < 2


def test_every_function_that_says_what_it_returns_is_believed() -> None:
    for function in FUNCTIONS.values():
        arguments = ", ".join("&a" if "expref" in wanted else "a" for wanted in function.parameters)
        tree = read(f"{function.name}({arguments})")
        assert function.returns == kinds_of(tree)
        assert [part.name for part in descend(tree) if isinstance(part, Call)] == [function.name]
        assert ("expref" in str(function.parameters)) == any(isinstance(part, Reference) for part in descend(tree))
