"""Whatever is written and whatever is sent: parse answers with Problems, apply with Meanings, and nothing is raised."""

import string
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Severity
from bridge.mapping import Mapping, apply, explain, parse, render
from bridge.model import EventState, Json
from tests.unit.mapping.factories import (
    LEAD,
    MAPPING,
    a_mapping,
    a_webhook,
    an_order,
    mapping_text,
    parsed,
    proven,
)

SHIPPED = sorted((Path(__file__).parents[3] / "mappings").glob("*.yaml"))

#: A rule that calls every kind of function on whatever is there.
EVERYTHING = a_mapping(
    "id: a.id || header('X-Id') || query('id')",
    "type: type\naccount: account",
    "test: test",
    "types: [x, order.paid, null]",
    "when: a && (b > c || contains(to_array(d), 'x') || !e) || status",
    "click_id: pair(a, 'click_id') || after_prefix(b, 'x') || url_query(c, 'x') || a[?id == 'x'].v | [0]\n"
    "customer_name: join_present(' ', [a, b, split(c, ',')[0]])\n"
    "customer_email: lower(trim(a)) || from_json(b).mail\n"
    "timestamp: iso_time(a) || created",
    "customer_external_id: to_text(a) || digits(b) || replace(c, 'a', 'b') || customer",
    "invoice_id: to_string(a) || lookup(b, 'id', c).id || sort_by(d, &id)[0].id || order",
    "amount: a || sum(b) || max(c) || total",
    "currency: upper(a) || currency",
    "unit: major\nonce_per: [a, b, root().order]",
)
#: The same for what came with forms: a document inside, a batch, answers, and items of a rule.
WRAPPED = a_mapping(
    "id: answer('id') || sha256(id)\ndocument: from_json(a) || from_form(b) || d || @\nfor_each: c || to_array(@)"
    "\nanswers: titled(e, a) || e || @",
    "types: [x, order.paid, null]\nfor_each: to_array(a)",
    "when: decimal(b) > `0` || contains(to_string(@), 'a') || event().status",
    "click_id: first_of(to_array(answer('a', 'click_id'))) || from_base64(b) || url_host(c)\n"
    "customer_name: title(html_text(a)) || join_present(' ', answer('name'))\ncustomer_email: option_text(d, e)",
    "customer_external_id: answer('email') || event().customer || root().a",
    "invoice_id: answer('number') || event().order",
    "amount: add(a, multiply(b, c)) || subtract(d, e) || answer('amount') || event().total",
    "currency: answer('currency') || event().currency",
    "occurred_at: time_in(a, '+02:00') || created",
)
MAPPINGS = [a_mapping(), a_mapping(base=LEAD), EVERYTHING, a_mapping("event:\n  for_each: a || @"), WRAPPED]
NAMES = ["sale", "lead", "everything", "batch", "wrapped"]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(st.characters(), max_size=20),
    st.sampled_from(
        ["paid", "order.paid", "usd", "true", "null", "49.99", "2026-04-10T00:00:00Z", '{"a": [', "x" * 300]
    ),
)
KEYS = st.one_of(
    st.sampled_from(["a", "b", "c", "d", "e", "id", "v", "name", "value", *an_order()]), st.text(max_size=5)
)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8), max_leaves=20
)
ORDERS = st.dictionaries(st.sampled_from([*"abcde", "test", "account", *an_order()]), DOCUMENTS, max_size=6)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=NAMES)
@given(document=DOCUMENTS | ORDERS.map(lambda changes: an_order(**changes)))
def test_no_document_makes_apply_raise(mapping: Mapping, document: Json) -> None:
    meanings = apply(mapping, proven(a_webhook()), document)

    assert meanings
    for meaning in meanings:
        assert meaning.event.key
        assert (meaning.state is EventState.ACCEPTED) <= bool(meaning.conversions)
        assert meaning.state is EventState.ACCEPTED or meaning.reason
        assert all(conversion.claims for conversion in meaning.conversions)


#: Text that nobody may read again: every text and every name of a document holds it.
CANARY = "xq7"


def marked(value: Json) -> Json:
    """The value with the canary in every text and behind every name that no expression asks for."""
    match value:
        case str():
            return value if value in ASKED else f"{CANARY}{value}"
        case list():
            return [marked(item) for item in value]
        case dict():
            return {key if key in ASKED else f"{CANARY}{key}": marked(item) for key, item in value.items()}
        case _:
            return value


#: What a document needs for the rules to look into it at all.
ASKED = {*"abcdev", "paid", "order.paid", "name", "value", "test", "account", *an_order()}


@pytest.mark.parametrize("mapping", MAPPINGS, ids=NAMES)
@given(document=(DOCUMENTS | ORDERS.map(lambda changes: an_order(**changes))).map(marked))
def test_no_reason_holds_anything_of_the_document(mapping: Mapping, document: Json) -> None:
    for meaning in apply(mapping, proven(a_webhook()), document):
        told = [meaning.reason, *(step.why for step in meaning.steps), *(step.rule for step in meaning.steps)]
        assert not [text for text in told if CANARY in text]


@pytest.mark.parametrize("mapping", MAPPINGS, ids=NAMES)
@given(document=DOCUMENTS | ORDERS.map(lambda changes: an_order(**changes)))
def test_every_failure_names_its_rule_its_field_and_its_expression(mapping: Mapping, document: Json) -> None:
    expressions = {
        (name, " ".join(expression.text.split())[:50])
        for name, expression in [*mapping.event.expressions(), *mapping.rules[0].expressions()]
    }
    for meaning in apply(mapping, proven(a_webhook()), document):
        for step in meaning.steps:
            if step.result == "failed":
                assert step.why.startswith(("rule 'paid', ", "rule 'signed up', ", "event, "))
                assert any(f"{name} ({text}" in step.why for name, text in expressions)


@given(document=ORDERS.map(lambda changes: an_order(**changes)))
def test_no_document_makes_an_explanation_raise(document: Json) -> None:
    explanation = explain(EVERYTHING, proven(a_webhook()), document)
    render(explanation, colour=True)
    assert explanation.as_json()


@pytest.mark.parametrize(
    "document", [None, True, 0, "", [], {}, [[]], Decimal("1e400"), float("nan"), "\ud800"], ids=repr
)
@pytest.mark.parametrize("mapping", MAPPINGS, ids=NAMES)
def test_a_document_that_is_no_object_is_just_an_event(mapping: Mapping, document: Json) -> None:
    assert apply(mapping, proven(a_webhook()), document)


def test_a_very_deep_document_is_a_failure_and_no_crash() -> None:
    deep: Json = "x"
    for _ in range(50_000):
        deep = [deep]
    mapping = a_mapping("when: to_string(deep) == 'x'")
    (meaning,) = apply(mapping, proven(a_webhook()), an_order(deep=deep))

    assert "cannot map: rule 'paid', when (to_string(deep) == 'x'): it cannot be worked out (RecursionError)" == (
        meaning.reason
    )


def test_a_text_cannot_be_blown_up() -> None:
    mapping = a_mapping("click_id: replace(click, 'a', other)")
    (meaning,) = apply(mapping, proven(a_webhook()), an_order(click="a" * 10_000, other="b" * 10_000))

    assert meaning.steps[-1].why.endswith("replace() would make too long a text; left out")


KEYWORDS = sorted({line.strip().removeprefix("- ").partition(":")[0] for line in MAPPING.splitlines()})
PIECES = [
    "x",
    "'x'",
    '"x"',
    "[x]",
    "{x: y}",
    "{value: x}",
    "true",
    "null",
    "",
    "|",
    ">-",
    "!x",
    "&x",
    "*x",
    "`1`",
    "a.b",
    "a(",
]


@given(
    changes=st.lists(
        st.tuples(st.sampled_from(KEYWORDS), st.sampled_from(PIECES) | st.text(string.printable, max_size=15)),
        max_size=4,
    )
)
def test_no_change_of_a_mapping_makes_parse_raise(changes: list[tuple[str, str]]) -> None:
    result = parsed(mapping_text(*(f"{key}: {value}" for key, value in changes)))

    has_problem = any(problem.severity is Severity.PROBLEM for problem in result.problems)
    assert (result.mapping is None) == has_problem
    assert all(str(problem) for problem in result.problems)
    if result.mapping is not None:
        assert apply(result.mapping, proven(a_webhook()), an_order())


@given(drop=st.sets(st.integers(0, len(MAPPING.splitlines()) - 1), max_size=5))
def test_no_loss_of_lines_makes_parse_raise(drop: set[int]) -> None:
    lines = [line for number, line in enumerate(MAPPING.splitlines()) if number not in drop]
    result = parsed("\n".join(lines))
    assert result.problems or result.mapping is not None


@given(text=st.text(max_size=100))
def test_no_text_makes_parse_raise(text: str) -> None:
    result = parse(text, file="a.yaml", base=lambda _: text)
    assert result.mapping is None
    assert result.problems


@given(
    file=st.sampled_from(SHIPPED),
    at=st.integers(0, 20_000),
    written=st.sampled_from(["'", '"', "`", "\n", " ", ":", "#", "[", "{", "!", "&", "\t", "x", "("]),
)
def test_no_slip_of_the_finger_makes_parse_raise(file: Path, at: int, written: str) -> None:
    text = file.read_text(encoding="utf-8")
    result = parse(text[: at % len(text)] + written + text[at % len(text) :], file=file.name, base=lambda _: None)
    assert result.problems or result.mapping is not None
