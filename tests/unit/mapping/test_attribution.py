"""What rules say of conversions without a click id, and of money that went back."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.mapping import compare, explain, parse, render
from bridge.mapping.compare import came_of, verdict
from bridge.mapping.rewrite import updated
from bridge.model import EventState, Json, Meaning, Reversal
from tests.unit.mapping.factories import (
    LEAD,
    MAPPING,
    NOW,
    a_mapping,
    a_signup,
    a_webhook,
    an_order,
    conversion_of,
    mapping_text,
    meaning_of,
    parsed,
    proven,
)

PAGE = (Path(__file__).parents[3] / "docs" / "attribution.md").read_text(encoding="utf-8")

#: A mapping that records refunds, one entry a line.
REFUND = """\
source: shop
verify:
  scheme: token
  header: X-Key
  secret: ${SHOP_WEBHOOK_SECRET}
event:
  id: id
  occurred_at: created
  account: account
rules:
  - name: refund
    record: refund
    fields:
      of: [order, payment]
      amount: total
      currency: currency
    unit: minor
    stop: true
examples:
  - name: a refund
    webhook: refund.json
    expect: ignored
"""


def a_refund(**changes: Json) -> dict[str, Json]:
    document: dict[str, Json] = {"id": "evt_1", "order": "in_1", "payment": None, "total": 500, "currency": "usd"}
    return document | changes


def reversal_of(document: Json, *lines: str) -> Reversal:
    meaning = meaning_of(a_mapping(*lines, base=REFUND), document)
    assert len(meaning.reversals) == 1, meaning.reason
    return meaning.reversals[0]


# ── waiting and filling ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "wait"),
    [
        ("unit: minor", None),
        ("unit: minor\nwithout_click_id: wait", timedelta(minutes=10)),
        ("unit: minor\nwait: {for: click_id, up_to: 90s}", timedelta(seconds=90)),
        ("unit: minor\nwait: {for: click_id, up_to: 7d}", timedelta(days=7)),
        ("unit: minor\nwithout_click_id: wait\nwait: {for: click_id, up_to: 2h}", timedelta(hours=2)),
    ],
)
def test_a_rule_says_how_long_its_conversions_wait(line: str, wait: timedelta | None) -> None:
    assert wait == conversion_of(a_mapping(line), an_order(click=None)).wait


@pytest.mark.parametrize(
    ("base", "key", "document", "needs"),
    [(LEAD, "event_name: signed_up", a_signup, True), (MAPPING, "unit: minor", an_order, False)],
    ids=["lead", "sale"],
)
def test_what_waits_needs_no_association_and_a_lead_goes_only_with_a_click(
    base: str, key: str, document: Callable[..., dict[str, Json]], needs: bool
) -> None:
    mapping = a_mapping(f"{key}\nwithout_click_id: wait", base=base)
    without, clicked = conversion_of(mapping, document(click=None)), conversion_of(mapping, document())

    assert (False, needs) == (without.needs_association, without.needs_click)
    assert not clicked.needs_click


@pytest.mark.parametrize(
    ("line", "fill"),
    [
        ("unit: minor", ("customer",)),
        ("unit: minor\nfill: []", ()),
        ("unit: minor\nfill: customer", ("customer",)),
        ("unit: minor\nfill: email", ("email",)),
        ("unit: minor\nfill: [email, customer]", ("customer", "email")),
    ],
)
def test_a_rule_says_where_a_click_id_may_come_from(line: str, fill: tuple[str, ...]) -> None:
    mapping = a_mapping(line, "click_id: click\ncustomer_email: mail")

    assert fill == conversion_of(mapping, an_order()).fill


def test_an_example_knows_no_click_so_a_lead_that_waits_is_ignored_and_a_sale_is_not() -> None:
    lead = parsed(mapping_text("event_name: signed_up\nwithout_click_id: wait", base=LEAD)).mapping
    sale = parsed(mapping_text("unit: minor\nwithout_click_id: wait", "expect: [{click_id: null}]")).mapping
    assert lead is not None
    assert sale is not None

    assert [] == compare(lead.examples[0], [meaning_of(lead, a_signup(click=None))])
    assert [] == compare(sale.examples[0], [meaning_of(sale, an_order(click=None))])


@pytest.mark.parametrize(
    ("base", "line", "document", "told"),
    [
        (LEAD, "event_name: signed_up", a_signup(click=None), "after 10m it is not sent"),
        (MAPPING, "unit: minor", an_order(click=None), "after 10m it is sent without"),
    ],
    ids=["lead", "sale"],
)
def test_explain_says_what_becomes_of_what_waits(base: str, line: str, document: Json, told: str) -> None:
    mapping = a_mapping(f"{line}\nwithout_click_id: wait", base=base)
    found = explain(mapping, proven(a_webhook(document)), document)

    assert told in render(found, colour=False)


# ── money that went back ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_refund_names_its_sale_as_the_sale_names_itself() -> None:
    sale = conversion_of(a_mapping("unit: minor\nonce_per: [order, payment]"), an_order(payment="pi_1"))
    refund = reversal_of(a_refund(payment="pi_1", total=250))

    assert sale.claims == refund.sale
    assert ("in_1", "pi_1") == refund.of
    assert ("refund", "refund", 250, "USD") == (refund.kind, refund.rule, refund.amount, refund.currency)


def test_a_refund_alone_makes_an_event_ignored_and_is_never_sent() -> None:
    meaning = meaning_of(a_mapping(base=REFUND), a_refund())

    assert (EventState.IGNORED, "refund", ()) == (meaning.state, meaning.reason, meaning.conversions)
    assert ("refund", "matched") == (meaning.steps[-1].rule, meaning.steps[-1].result)


def test_an_event_may_be_a_refund_and_a_sale() -> None:
    rule = REFUND.partition("rules:\n")[2].partition("examples:")[0]
    both = parsed(mapping_text().replace("examples:\n", f"{rule}examples:\n")).mapping
    assert both is not None

    meaning = meaning_of(both, an_order())

    assert (EventState.ACCEPTED, 1, 1) == (meaning.state, len(meaning.conversions), len(meaning.reversals))


@pytest.mark.parametrize(("total", "amount"), [(500, 500), (-500, 500), ("-5", 5)], ids=str)
def test_what_went_back_may_have_a_minus_sign(total: Json, amount: int) -> None:
    assert amount == reversal_of(a_refund(total=total)).amount


def test_a_dispute_of_major_units_is_dated_by_its_own_time() -> None:
    lines = ["record: dispute", "unit: major", "amount: total\ntimestamp: at"]

    found = reversal_of(a_refund(total="12.34", at="2026-04-01T00:00:00Z"), *lines)

    assert ("dispute", 1234) == (found.kind, found.amount)
    assert "2026-04-01" == found.timestamp.date().isoformat()


def test_a_refund_is_once_per_event_unless_the_rule_names_it() -> None:
    by_event = reversal_of(a_refund())
    by_name = reversal_of(a_refund(payment="pi_1", account="acct_1"), "unit: minor\nonce_per: [nothing, payment]")

    assert ['["event","shop","evt_1",0,"refund"]'] == list(by_event.claims)
    assert [["refund", "shop", "acct_1", "pi_1"]] == [json.loads(claim) for claim in by_name.claims]


@pytest.mark.parametrize(
    ("document", "state", "reason"),
    [
        (a_refund(total=0), EventState.IGNORED, "zero amount"),
        (
            a_refund(order=None),
            EventState.UNMAPPED,
            "cannot map: rule 'refund', of (order): nothing there",
        ),
        (a_refund(total=None), EventState.UNMAPPED, "cannot map: rule 'refund', amount (total): nothing there"),
        (a_refund(order=[1]), EventState.UNMAPPED, "cannot map: rule 'refund', of (order): a list, expected text"),
    ],
    ids=["of nothing", "of nobody", "of no amount", "of a list"],
)
def test_a_refund_that_cannot_be_one_says_why(document: Json, state: EventState, reason: str) -> None:
    meaning = meaning_of(a_mapping(base=REFUND), document)

    assert state is meaning.state
    assert meaning.reason.startswith(reason)
    assert () == meaning.reversals


def test_a_refund_in_test_mode_is_only_remembered() -> None:
    mapping = a_mapping("account: account\ntest: livemode == `false`", base=REFUND)
    meaning = meaning_of(mapping, a_refund(livemode=False))

    assert ("test mode", ()) == (meaning.reason, meaning.reversals)


@pytest.mark.parametrize(
    "expect",
    ["ignored", "[{record: refund, amount: 500, currency: USD, of: in_1, rule: refund}]", "[{track: null}]"],
)
def test_an_example_may_say_what_went_back_or_that_nothing_is_sent(expect: str) -> None:
    mapping = a_mapping(f"expect: {expect}", base=REFUND)

    assert [] == compare(mapping.examples[0], [meaning_of(mapping, a_refund())])


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("[{record: dispute}]", ["record: expected dispute, got refund"]),
        ("[{track: sale}]", ["track: expected sale, got nothing"]),
        ("[{record: refund}, {}]", ["expected 2 conversions, got 1: refund 500 USD"]),
    ],
)
def test_an_example_that_expects_something_else_of_a_refund_fails(expect: str, told: list[str]) -> None:
    mapping = a_mapping(f"expect: {expect}", base=REFUND)

    assert told == compare(mapping.examples[0], [meaning_of(mapping, a_refund())])


def test_what_went_back_can_be_written_into_an_example() -> None:
    text = mapping_text("expect: unmapped", base=REFUND)
    mapping = parsed(text).mapping
    assert mapping is not None
    meanings = [meaning_of(mapping, a_refund(payment="pi_1"))]

    (example,) = mapping.examples
    written = parsed(updated(text, example, verdict(example, meanings), meanings)).mapping

    assert written is not None
    assert written.examples[0].expect == ({"record": "refund", "of": "in_1, pi_1", "amount": 500, "currency": "USD"},)


def test_explain_shows_what_went_back_and_of_which_sale() -> None:
    document = a_refund(payment="pi_1")
    found = explain(a_mapping(base=REFUND), proven(a_webhook(document)), document)

    shown = render(found, colour=False)
    assert "ignored: refund" in shown
    assert "refund 500 USD of in_1, pi_1" in shown
    told: Any = found.as_json()
    assert 500 == told["events"][0]["reversals"][0]["amount"]


def test_the_pages_rules_have_no_problem() -> None:
    blocks = [part.partition("\n```")[0] for part in PAGE.split("```yaml\n")[1:]]
    wait, refund = blocks
    head = REFUND.partition("rules:\n")[0].replace("  id: id\n", "  id: id\n  type: type\n") + "rules:\n"

    problems = parse(head + refund, file="page", base=lambda _: None).problems
    assert ["no-examples"] == [problem.code for problem in problems]
    assert () == parsed(mapping_text(f"unit: minor\n{wait.strip()}")).problems


def test_nothing_of_a_refund_is_taken_for_a_conversion() -> None:
    meanings: list[Meaning] = [meaning_of(a_mapping(base=REFUND), a_refund())]

    (came,) = came_of(meanings)
    assert isinstance(came, Reversal)
    assert NOW >= came.timestamp
