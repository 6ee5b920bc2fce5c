"""Our closures give what jmespath gives, for every expression of the standard language; only numbers stay exact."""

import json
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError

from bridge.mapping.calls import check_calls
from bridge.mapping.grammar import ExpressionError, read
from bridge.mapping.values import Unfit
from bridge.model import Json
from tests.unit.mapping.factories import evaluated, exact

CASES = [
    pytest.param(group["given"], case, id=case["expression"])
    for group in json.loads(Path(__file__).with_name("jmespath_cases.json").read_text(encoding="utf-8"))
    for case in group["cases"]
]


def floating(value: Any) -> Any:
    """The value with floats for decimals, as jmespath would have them."""
    match value:
        case Decimal():
            return float(value)
        case list():
            return [floating(item) for item in value]
        case dict():
            return {key: floating(item) for key, item in value.items()}
        case _:
            return value


def same(left: Any, right: Any) -> bool:
    """Equal in value and in type, though 2 and 2.0 are both the number 2."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


@pytest.mark.parametrize(("document", "case"), CASES)
def test_a_standard_expression_gives_what_jmespath_gives(document: Any, case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises((JMESPathError, TypeError)):
            jmespath.search(case["expression"], document)
        with pytest.raises(Unfit):
            evaluated(case["expression"], exact(json.dumps(document)))
        return
    assert same(case["result"], jmespath.search(case["expression"], document))
    assert same(case["result"], floating(evaluated(case["expression"], exact(json.dumps(document)))))


# Whatever expression, whatever document ---------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c", '"a b"'])
NUMBERS = st.sampled_from(["0", "1", "2", "-1", "0.5", "1.5", "-2.5"])
LITERALS = st.one_of(
    NUMBERS.map(lambda number: f"`{number}`"),
    st.sampled_from(["`true`", "`false`", "`null`", "`[]`", "`{}`", "`[1, 0.5]`", '`{"a": 1}`']),
    st.sampled_from(["'a'", "''", "'b c'", "'1'", "'1.5'"]),
)


def wrapped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    operators = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "&&", "||", "|"])
    numeric = ["abs", "ceil", "floor", "max", "min", "sum", "to_number"]
    others = ["keys", "length", "not_null", "reverse", "sort", "to_array", "to_string", "type", "values"]
    one = st.sampled_from([*numeric, *others])
    two = st.sampled_from(["contains", "ends_with", "starts_with", "join", "merge", "not_null"])
    by = st.sampled_from(["sort_by", "max_by", "min_by"])
    return st.one_of(
        st.tuples(inner, NAMES).map(".".join),
        st.tuples(inner, st.sampled_from(["[0]", "[-1]", "[]", "[*]", ".*", "[1:]", "[::-1]", "[:1]"])).map("".join),
        st.tuples(pair, operators).map(lambda parts: f"{parts[0][0]} {parts[1]} {parts[0][1]}"),
        st.tuples(inner, inner, NAMES).map(lambda parts: f"{parts[0]}[?{parts[1]}].{parts[2]}"),
        inner.map(lambda part: f"!{part}"),
        inner.map(lambda part: f"({part})"),
        pair.map(lambda parts: f"[{parts[0]}, {parts[1]}]"),
        pair.map(lambda parts: f"{{a: {parts[0]}, b: {parts[1]}}}"),
        st.tuples(one, inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(two, pair).map(lambda parts: f"{parts[0]}({parts[1][0]}, {parts[1][1]})"),
        st.tuples(by, pair).map(lambda parts: f"{parts[0]}({parts[1][0]}, &{parts[1][1]})"),
        pair.map(lambda parts: f"map(&{parts[0]}, {parts[1]})"),
    )


EXPRESSIONS = st.recursive(st.one_of(NAMES, LITERALS, st.just("@")), wrapped, max_leaves=8)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 1.5, -2.5]),
    st.sampled_from(["", "a", "1", "é"]),
)
KEYS = st.sampled_from(["a", "b", "c", "a b"])
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)


def as_json(document: Any) -> Json:
    return exact(json.dumps(document))


@given(expression=EXPRESSIONS, document=DOCUMENTS)
def test_any_expression_on_any_document_gives_what_jmespath_gives(expression: str, document: Any) -> None:
    try:
        tree = read(expression)
    except ExpressionError:
        with pytest.raises(JMESPathError):
            jmespath.compile(expression)
        return
    if check_calls(tree):
        return
    try:
        expected = jmespath.search(expression, document)
    except (JMESPathError, TypeError, ValueError):
        with pytest.raises((Unfit, ValueError)):
            evaluated(expression, as_json(document))
        return
    assert same(expected, floating(evaluated(expression, as_json(document))))


@given(text=st.text(alphabet="ab.[]*?(){}:,|&!=<>@'`\"\\ 01-", max_size=30))
def test_what_jmespath_refuses_is_refused_and_nothing_else_is_raised(text: str) -> None:
    try:
        read(text)
        refused = False
    except ExpressionError:
        refused = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            jmespath.compile(text)
        known = True
    except JMESPathError:
        known = False
    # a bare word in backticks is let through by jmespath, with a warning that it will not be
    assert refused or known


@given(text=st.text(max_size=60))
def test_an_error_points_into_the_text(text: str) -> None:
    offset = offset_of_error(text)

    assert offset is None or 0 <= offset <= len(text)


def offset_of_error(text: str) -> int | None:
    try:
        read(text)
    except ExpressionError as error:
        return error.offset
    return None


# Exactness ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "document", "expected"),
    [
        ("amount", '{"amount": 0.1000000000000000055511151231257827}', Decimal("0.1000000000000000055511151231257827")),
        ("to_number(a)", '{"a": "1234567890123456.78"}', Decimal("1234567890123456.78")),
        ("to_number(a)", '{"a": "NaN"}', None),
        ("to_number(a)", '{"a": "Infinity"}', None),
        ("to_number(a)", '{"a": "1e400"}', Decimal("1e400")),
        ("`12345678901234567890.5`", "null", Decimal("12345678901234567890.5")),
        ("a == `0.3`", '{"a": 0.3}', True),
        ("sum(a)", '{"a": [0.1, 0.2]}', Decimal("0.3")),
        ("avg(a)", '{"a": [0.1, 0.2]}', Decimal("0.15")),
        ("to_string(a)", '{"a": 9007199254740993}', "9007199254740993"),
        ("to_string(a)", '{"a": 10.50}', "10.50"),
        ("to_string(a)", '{"a": [10.50]}', "[10.50]"),
        ("ceil(a)", '{"a": 1e400}', Decimal("1e400")),
        ("floor(a)", '{"a": -0.5}', -1),
        ("max(a)", '{"a": [9007199254740993, 9007199254740992.5]}', 9007199254740993),
        ("sort_by(a, &b)[0].b", '{"a": [{"b": 1.5}, {"b": 1}]}', 1),
        ("a > `9007199254740992`", '{"a": 9007199254740993}', True),
    ],
)
def test_numbers_never_pass_through_a_float(expression: str, document: str, expected: Json) -> None:
    found = evaluated(expression, exact(document))

    assert expected == found
    assert str(expected) == str(found)
