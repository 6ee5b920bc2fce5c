"""What a mapping's text comes to: defaults, constants, one mapping laid over another, its revision."""

from hashlib import sha256

import pytest

from bridge.money import Unit
from tests.unit.mapping.factories import (
    LEAD,
    MAPPING,
    a_mapping,
    an_order,
    mapping_text,
    meaning_of,
    parsed,
    problems_of,
    sale_of,
    without,
)


def test_a_mapping_is_what_its_text_says() -> None:
    mapping = a_mapping()
    (rule,) = mapping.rules

    assert ("shop", "shop.yaml", False) == (mapping.source, mapping.file, mapping.send_test)
    assert ("paid", "sale", ("order.paid",), Unit.MINOR) == (rule.name, rule.track, rule.types, rule.unit)
    assert 12 == rule.place.line
    assert "${SHOP_WEBHOOK_SECRET}" == getattr(mapping.verify.get("secret"), "text", None)
    (example,) = mapping.examples
    assert ("a paid order", "paid.json", "ignored") == (example.name, example.webhook, example.expect)


@pytest.mark.parametrize(
    ("base", "without_click_id", "names"), [(MAPPING, "send", 1), (LEAD, "skip", 0)], ids=["sale", "lead"]
)
def test_what_a_rule_does_not_say(base: str, without_click_id: str, names: int) -> None:
    (rule,) = a_mapping(base=base).rules

    assert (without_click_id, names) == (rule.without_click_id, len(rule.once_per))
    assert (None, False, False, "repeat") == (rule.for_each, rule.deferred, rule.stop, rule.when_unsure)


@pytest.mark.parametrize("value", ["{value: USD}", "{value: 'USD'}", "{value: usd}"])
def test_a_constant_is_a_text(value: str) -> None:
    assert "USD" == sale_of(a_mapping(f"currency: {value}"), an_order(currency="eur")).currency


@pytest.mark.parametrize("written", ["order", "[order, session]", "'order'", "\n  - order\n  - session", "|\n  order"])
def test_names_are_one_or_a_list(written: str) -> None:
    assert "shop" == a_mapping(f"unit: minor\nonce_per: {written}").rules[0].namespace


def test_an_expectation_is_what_conversions_are_compared_with() -> None:
    line = "expect: [{amount: 4999, click_id: null, customer_external_id: 0077, mode: deferred, timestamp: 1775824496}]"
    (example,) = a_mapping(line).examples
    assert (
        {
            "amount": 4999,
            "click_id": None,
            "customer_external_id": "0077",
            "mode": "deferred",
            "timestamp": "2026-04-10T12:34:56.000Z",
        },
    ) == example.expect


def test_the_same_text_is_the_same_revision() -> None:
    assert sha256(MAPPING.encode()).hexdigest() == a_mapping().revision
    assert a_mapping().revision != a_mapping("unit: major").revision


def test_a_mapping_without_examples_is_warned_of_and_still_one() -> None:
    result = parsed(MAPPING.partition("examples:")[0])

    assert result.mapping is not None
    assert ["no-examples"] == [problem.code for problem in result.problems]


def test_a_line_of_quoted_lists_and_comments_is_read_as_written() -> None:
    when = "when: 'status == ''a # b'''  # a comment"
    mapping = a_mapping("types: ['order.paid', order.made]   # both", when)

    assert ("order.paid", "order.made") == mapping.types
    assert meaning_of(mapping, an_order(status="a # b")).conversions


def test_a_comment_that_cuts_is_mended_without_the_comment_behind_it() -> None:
    problems = problems_of(mapping_text("when: status == 'a # b'  # a comment"))
    assert problems.endswith("when: 'status == ''a # b'''")


# One mapping over another -------------------------------------------------------------------------------------------

OVER = """\
extends: shop
source: shop-eu
verify:
  secret: ${SHOP_EU_WEBHOOK_SECRET}
event:
  test: sandbox
rules:
  - name: refunded
    types: [order.refunded]
    track: lead
    event_name: refunded
    fields: {click_id: click, customer_external_id: customer}
  - name: paid
    types: [order.paid]
    track: sale
    event_name: bought
    fields: {click_id: click, customer_external_id: customer, invoice_id: order, amount: total, currency: currency}
    unit: major
"""


def test_maps_merge_and_rules_replace_by_name() -> None:
    result = parsed(OVER, file="eu.yaml", base={"shop": MAPPING})
    mapping = result.mapping
    assert mapping is not None, [str(problem) for problem in result.problems]

    assert "shop-eu" == mapping.source
    assert ["token", "X-Key", "${SHOP_EU_WEBHOOK_SECRET}"] == [node.text for node in mapping.verify.scalars()]
    assert ["id", "type", "occurred_at", "test"] == [name for name, _ in mapping.event.expressions()]
    assert [("paid", "eu.yaml"), ("refunded", "eu.yaml")] == [(rule.name, rule.place.file) for rule in mapping.rules]
    assert ("bought", 499900) == (
        sale_of(mapping, an_order(type="order.paid", status="x")).event_name,
        sale_of(mapping, an_order()).amount,
    )
    assert () == mapping.examples


def test_what_is_inherited_keeps_its_place() -> None:
    mapping = parsed("extends: shop\n", file="eu.yaml", base={"shop": MAPPING}).mapping
    assert mapping is not None

    assert "shop" == mapping.source
    assert "shop.yaml (shipped)" == mapping.rules[0].place.file


def test_a_problem_of_the_shipped_mapping_is_told_where_it_stands() -> None:
    base = {"shop": mapping_text("unit: cents")}
    text = problems_of("extends: shop\nsend_test: yes\n", file="eu.yaml", base=base)

    assert 'shop.yaml (shipped):23:11: "unit" is minor, major or stripe, got "cents"' in text
    assert 'eu.yaml:2:12: "send_test" is true or false, got "yes"' in text


def test_the_revision_is_of_all_that_decides() -> None:
    one = parsed(OVER, base={"shop": MAPPING}).mapping
    other = parsed(OVER, base={"shop": mapping_text("occurred_at: sent")}).mapping

    assert one is not None
    assert other is not None
    assert one.revision != other.revision
    assert sha256(one.text.encode()).hexdigest() == one.revision
    assert OVER in one.text
    assert MAPPING in one.text


@pytest.mark.parametrize(
    ("text", "base", "what"),
    [
        ("extends: shopp\n", {"shop": MAPPING}, 'there is no shipped mapping "shopp"'),
        ("extends: ../shop\n", {"../shop": MAPPING}, '"extends" is made of lower-case letters, digits and hyphens'),
        ("extends: shop\n", {"shop": "extends: shop\n"}, '"shop" extends itself'),
        ("extends: a\n", {"a": "extends: b\n", "b": "extends: a\n"}, '"a" extends itself'),
        ("extends: shop\n", {"shop": ""}, "there is nothing in this file"),
        ("extends: [shop]\n", {"shop": MAPPING}, '"extends" must be text, and it is a list'),
        ("- a\n", {}, "a mapping must be a map"),
        ("a\n", {}, "a mapping must be a map"),
    ],
)
def test_what_cannot_be_started_from(text: str, base: dict[str, str], what: str) -> None:
    result = parsed(text, base=base)

    assert result.mapping is None
    assert [what] == [problem.what for problem in result.problems]


def test_a_warning_of_the_shipped_mapping_is_no_obstacle() -> None:
    mapping = parsed("extends: shop\n", base={"shop": without("click_id")}).mapping
    assert mapping is not None
    assert meaning_of(mapping, an_order()).conversions
