"""Explanations and comparisons, word for word: they are what people read."""

import json
from decimal import Decimal

import pytest

from bridge.mapping import Mapping, compare, explain, render
from bridge.mapping.explain import MOST_ITEMS
from bridge.model import Json
from tests.unit.mapping.factories import (
    LEAD,
    MAPPING,
    a_mapping,
    a_signup,
    a_webhook,
    an_order,
    meaning_of,
    parsed,
    proven,
)

SALE = a_mapping()


def explained(mapping: Mapping, document: Json, *, colour: bool = False) -> str:
    return render(explain(mapping, proven(a_webhook(document)), document), colour)


def test_an_explanation_shows_every_rule_and_every_value() -> None:
    assert (
        explained(SALE, an_order(customer=None))
        == """\
shop: evt_1, order.paid, 2026-04-10T12:26:40.000Z
  unmapped: cannot map: rule 'paid', customer_external_id (customer): nothing there

event
  id                    "evt_1"                       ← id
  type                  "order.paid"                  ← type
  occurred_at           1775824000                    ← created
  test                  false                         ← livemode == `false`

rule paid (sale)  failed: rule 'paid', customer_external_id (customer): nothing there
  when                  true                          ← status == 'paid'
    status is "paid"
  event_name            "purchase_completed"          ← {value: purchase_completed}
  click_id              "click_1"                     ← click
  customer_external_id  null                          ← customer
  invoice_id            "in_1"                        ← order
  amount                4999                          ← total
  currency              "usd"                         ← currency
"""
    )


@pytest.mark.parametrize(
    ("when", "changes", "why"),
    [
        ("status == 'paid'", {"status": "open"}, "status == 'paid', and it is \"open\""),
        ("paid", {}, "paid is null"),
        ("!livemode", {}, "!livemode, and it is true"),
        ("status == 'paid' && total > `5000`", {}, "total > `5000`, and it is 4999"),
        ("status == 'open' || status == 'late'", {}, None),
        ("contains(tags || `[]`, 'vip')", {}, "contains(tags || `[]`, 'vip'), and it is []"),
        ("status == customer", {}, 'status == customer, and status is "paid", customer is "cus_1"'),
        ("status == 'open' && missing.name", {}, "status == 'open', and it is \"paid\""),
    ],
    ids=["comparison", "path", "not", "and", "or", "call", "two paths", "the first that is false"],
)
def test_a_rule_that_is_not_met_says_which_part(when: str, changes: dict[str, Json], why: str | None) -> None:
    text = explained(a_mapping(f'when: "{when}"'), an_order(**changes))
    both = "status == 'open', and it is \"paid\"; status == 'late', and it is \"paid\""
    assert f"rule paid (sale)  skipped: when is not met: {why or both}" in text.splitlines()


def test_each_operand_of_a_condition_is_shown_with_what_it_looked_at() -> None:
    when = "status == 'open' && (total > `5` || missing) && customer"
    assert [
        "    false  status == 'open'  (status is \"paid\")",
        "    true   total > `5` || missing  (not looked at)",
        "      true   total > `5`  (not looked at)",
        "      false  missing  (not looked at)",
        "    true   customer  (not looked at)",
    ] == explained(a_mapping(f'when: "{when}"'), an_order()).splitlines()[11:16]


def test_an_operand_that_cannot_be_worked_out_says_why() -> None:
    text = explained(a_mapping("when: \"status == 'paid' && total > `5`\""), an_order(total="six"))
    assert "    failed total > `5`  (text is compared with a number)" in text.splitlines()


def test_what_would_be_sent_and_the_claims_are_shown() -> None:
    text = render(
        explain(SALE, proven(a_webhook(an_order())), an_order()), False, lambda payload: ("/track/sale", "{…}")
    )
    assert ["      sends  POST /track/sale {…}", '      claim  ["sale","shop","","in_1"]'] == text.splitlines()[3:5]


def test_each_item_has_its_own_result() -> None:
    mapping = a_mapping("track: sale\nfor_each: items", "when: price > `1`", "amount: price", "currency: money")
    items: Json = [{"price": 1}, {"price": 2, "money": "usd", "customer": "c", "order": "o"}, {"price": 3}]
    heads = [line for line in explained(mapping, an_order(items=items)).splitlines() if line.startswith("rule ")]

    assert "rule paid, item 0 (sale)  skipped: when is not met: price > `1`, and it is 1" == heads[0]
    assert "rule paid, item 1 (sale)  matched" == heads[1]
    assert heads[2].startswith("rule paid, item 2 (sale)  failed: rule 'paid', item 2, currency (money): nothing there")


def test_a_rule_that_was_not_tried_says_why() -> None:
    text = explained(SALE, an_order(type="order.made"))
    assert "  ignored: no rule\n" in text
    assert text.endswith("rule paid (sale)  not tried: it is for order.paid\n")


def test_a_rule_behind_one_that_stops_says_so() -> None:
    first = "  - name: first\n    track: lead\n    event_name: one\n    stop: true\n"
    fields = "    fields: {click_id: click, customer_external_id: customer}\n"
    mapping = parsed(LEAD.replace("rules:\n", f"rules:\n{first}{fields}")).mapping
    assert mapping is not None

    assert "rule signed up (lead)  not tried: an earlier rule stops here\n" in explained(mapping, a_signup())


def test_a_test_event_shows_what_it_would_be() -> None:
    assert explained(SALE, an_order(livemode=False)).splitlines()[1:5] == [
        "  ignored: test mode",
        "  were it live:",
        "    accepted",
        "      sale purchase_completed 4999 USD, customer cus_1, click click_1",
    ]


def test_a_lead_without_a_click_shows_when_it_would_go() -> None:
    line = "    lead signed_up, customer cus_1, no click id (sent only where an earlier one of the customer is known)"
    assert line in explained(a_mapping(base=LEAD), a_signup(click=None)).splitlines()


def test_an_expression_that_fails_shows_why() -> None:
    text = explained(a_mapping("when: total > `5`"), an_order(total="six"))
    assert "  when                  failed: text is compared with a number  ← total > `5`\n" in text


def test_notes_are_shown() -> None:
    assert "  note: id (id): nothing there; the body's digest is the key\n" in explained(SALE, an_order(id=None))


def test_items_are_shown_one_by_one_and_not_without_end() -> None:
    mapping = a_mapping("track: sale\nfor_each: items", "amount: price")
    text = explained(mapping, an_order(items=[{"price": 1}] * 50))

    assert MOST_ITEMS == text.count("rule paid, item ")
    assert "rule paid (sale)  skipped: for_each gives nothing" in explained(mapping, an_order(items=None))


def test_each_event_of_a_batch_is_explained() -> None:
    mapping = a_mapping("event:\n  for_each: '@'")
    text = explained(mapping, [an_order(id="evt_1"), an_order(id="evt_2")])

    assert [
        "shop: evt_1, order.paid, 2026-04-10T12:26:40.000Z",
        "shop: evt_2, order.paid, 2026-04-10T12:26:40.000Z",
    ] == [line for line in text.splitlines() if line.startswith("shop: ")]
    assert "unmapped" in explained(mapping, {"not": "a batch"})


def test_colour_changes_nothing_but_colour() -> None:
    plain, painted = explained(SALE, an_order()), explained(SALE, an_order(), colour=True)
    for code in ("0", "1", "2", "31", "32", "33"):
        painted = painted.replace(f"\x1b[{code}m", "")

    assert plain == painted
    assert not any(line.endswith(" ") for line in plain.splitlines())


def test_a_value_cannot_write_to_the_terminal() -> None:
    text = explained(SALE, an_order(click="\x1b[31mred\x07" + "x" * 500))

    assert "\x1b" not in text
    assert "\x07" not in text
    assert "x…" in text


def test_an_explanation_is_json() -> None:
    document = an_order(total=Decimal("49.99"))
    explanation = explain(a_mapping("unit: major"), proven(a_webhook(document)), document)
    told = json.loads(json.dumps(explanation.as_json()))

    assert "shop" == told["source"]
    (event,) = told["events"]
    assert ("evt_1", "accepted", None) == (event["event"], event["state"], event["as_live"])
    assert 4999 == event["conversions"][0]["amount"]
    assert {"name": "amount", "expression": "total", "line": 21, "value": "49.99", "error": ""} == (
        event["rules"][0]["expressions"][5]
    )


# Comparisons -------------------------------------------------------------------------------------------------------


def differences(expect: str, document: Json, *, base: str = MAPPING) -> list[str]:
    mapping = a_mapping(f"expect: {expect}", base=base)
    return compare(mapping.examples[0], (meaning_of(mapping, document),))


@pytest.mark.parametrize(
    ("expect", "changes"),
    [
        ("[{}]", {}),
        ("[{track: sale, rule: paid, amount: 4999, currency: USD, invoice_id: in_1}]", {}),
        ("[{click_id: null, timestamp: '2026-04-10T12:26:40Z'}]", {"click": None}),
        ("ignored", {"status": "open"}),
        ("ignored", {"livemode": False}),
        ("unmapped", {"order": None}),
    ],
)
def test_an_example_that_holds_has_no_differences(expect: str, changes: dict[str, Json]) -> None:
    assert [] == differences(expect, an_order(**changes))


@pytest.mark.parametrize(
    ("expect", "changes", "expected"),
    [
        (
            "[{amount: 5000, currency: EUR, customer_name: Ada, click_id: null}]",
            {},
            [
                "amount: expected 5000, got 4999",
                "currency: expected EUR, got USD",
                "customer_name: expected Ada, got nothing",
                "click_id: expected nothing, got click_1",
            ],
        ),
        (
            "[{amount: 1}, {amount: 2}]",
            {},
            [
                "expected 2 conversions, got 1: sale purchase_completed 4999 USD",
                "conversion 1, amount: expected 1, got 4999",
            ],
        ),
        (
            "[{track: lead, mode: deferred}]",
            {},
            ["track: expected lead, got sale", "mode: expected deferred, got nothing"],
        ),
        ("[{}]", {"status": "open"}, ["expected 1 conversion, got ignored: no rule"]),
        ("ignored", {}, ["expected ignored, got 1: sale purchase_completed 4999 USD"]),
        ("unmapped", {}, ["expected unmapped, got 1: sale purchase_completed 4999 USD"]),
        ("unmapped", {"status": "open"}, ["expected unmapped, got ignored: no rule"]),
        (
            "[{}]",
            {"order": None},
            [
                "unmapped: cannot map: rule 'paid', invoice_id (order): nothing there",
                "expected 1 conversion, got unmapped: cannot map: rule 'paid', invoice_id (order): nothing there",
            ],
        ),
        (
            "ignored",
            {"order": None},
            ["expected ignored, got unmapped: cannot map: rule 'paid', invoice_id (order): nothing there"],
        ),
    ],
)
def test_a_difference_is_a_line_that_says_both_sides(
    expect: str, changes: dict[str, Json], expected: list[str]
) -> None:
    assert expected == differences(expect, an_order(**changes))


def test_an_example_knows_no_earlier_click() -> None:
    assert [] == differences("ignored", a_signup(click=None), base=LEAD)
    assert ["expected 1 conversion, got ignored: no click id"] == differences("[{}]", a_signup(click=None), base=LEAD)


def test_a_deferred_lead_is_shown_as_one() -> None:
    mapping = a_mapping("track: lead\nmode: deferred", "expect: [{mode: deferred}, {}]", base=LEAD)
    lines = compare(mapping.examples[0], (meaning_of(mapping, a_signup()),))
    assert ["expected 2 conversions, got 1: lead signed_up (deferred)"] == lines
