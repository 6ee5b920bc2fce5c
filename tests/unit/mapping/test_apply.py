"""What the rules make of a document: states and reasons, failures, skips, tests, batches. Never an exception."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bridge.mapping import apply, unreadable
from bridge.mapping.apply import MOST_STEPS
from bridge.mapping.opening import MOST_ITEMS
from bridge.model import EventState, Json, Step
from tests.unit.mapping.factories import (
    LEAD,
    MAPPING,
    NOW,
    a_mapping,
    a_signup,
    a_webhook,
    an_order,
    conversion_of,
    lead_of,
    mapping_text,
    meaning_of,
    parsed,
    proven,
    sale_of,
)

SALE = a_mapping()
SIGNUP = a_mapping(base=LEAD)


def test_a_paid_order_is_a_sale() -> None:
    meaning = meaning_of(SALE, an_order())
    sale = sale_of(SALE, an_order())

    assert (EventState.ACCEPTED, "") == (meaning.state, meaning.reason)
    assert (Step(rule="paid", result="matched"),) == meaning.steps
    assert ("purchase_completed", "cus_1", "in_1", "click_1") == (
        sale.event_name,
        sale.customer_external_id,
        sale.invoice_id,
        sale.click_id,
    )
    assert (4999, "USD") == (sale.amount, sale.currency)
    assert datetime(2026, 4, 10, 12, 26, 40, tzinfo=UTC) == sale.timestamp


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "order.made"}, "no rule"),
        ({"type": None}, "no rule"),
        ({"status": "pending"}, "no rule"),
        ({"livemode": False}, "test mode"),
        ({"total": 0}, "zero amount"),
        ({"total": "0"}, "zero amount"),
        ({"total": -5}, "negative amount"),
        ({"total": 0, "order": None, "customer": None}, "zero amount"),
    ],
)
def test_what_is_not_wanted_is_ignored_and_says_why(changes: dict[str, Json], reason: str) -> None:
    meaning = meaning_of(SALE, an_order(**changes))

    assert (EventState.IGNORED, reason, ()) == (meaning.state, meaning.reason, meaning.conversions)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"customer": None}, "customer_external_id (customer): nothing there"),
        ({"customer": 0}, "customer_external_id (customer): nothing there"),
        ({"customer": "undefined"}, "customer_external_id (customer): nothing there"),
        ({"customer": {"id": "c0ffee"}}, "customer_external_id (customer): an object, expected text or a number"),
        ({"customer": ["c0ffee"]}, "customer_external_id (customer): a list, expected text or a number"),
        ({"customer": True}, "customer_external_id (customer): a boolean, expected text or a number"),
        ({"customer": "c0ffee" * 50}, "customer_external_id (customer): text longer than 255 characters"),
        ({"order": ""}, "invoice_id (order): nothing there"),
        ({"currency": None}, "currency (currency): nothing there"),
        ({"currency": "dollars"}, "currency (currency): not a currency code: expected three letters such as USD"),
        ({"currency": "XQX"}, "currency (currency): not a currency code of ISO 4217"),
        ({"total": None}, "amount (total): nothing there"),
        ({"total": " "}, "amount (total): nothing there"),
        (
            {"total": "c0ffee"},
            "amount (total): not plain decimal text such as 1234.50 (no separators, signs, spaces or exponent)",
        ),
        ({"total": "49.99"}, "amount (total): not a whole number of minor units"),
        ({"total": True}, "amount (total): a boolean, expected text or a number"),
    ],
)
def test_a_rule_that_fails_says_which_field_and_never_the_value(changes: dict[str, Json], reason: str) -> None:
    meaning = meaning_of(SALE, an_order(**changes))

    assert EventState.UNMAPPED == meaning.state
    assert f"cannot map: rule 'paid', {reason}" == meaning.reason
    assert () == meaning.conversions
    assert "c0ffee" not in meaning.reason + "".join(step.why for step in meaning.steps)


def test_all_failures_of_a_rule_are_told_at_once() -> None:
    meaning = meaning_of(SALE, an_order(customer=None, order=None, total=None))

    assert ["amount", "customer_external_id", "invoice_id"] == [step.why.split()[2] for step in meaning.steps]
    assert meaning.reason.endswith("(and 2 more)")


@pytest.mark.parametrize("click", [["c0ffee"], {"id": "c0ffee"}, "c0ffee" * 50], ids=["list", "object", "too long"])
def test_an_odd_click_id_never_costs_the_sale(click: Json) -> None:
    """Visitors write the click id into links and forms: what they write must not keep money from being counted."""
    meaning = meaning_of(SALE, an_order(click=click))

    assert EventState.ACCEPTED is meaning.state
    assert meaning.conversions[0].payload.click_id is None
    assert "left out" in meaning.steps[-1].why


def test_a_condition_that_cannot_be_worked_out_is_a_failure_and_says_the_types() -> None:
    mapping = a_mapping("when: total > `5`")

    assert "cannot map: rule 'paid', when (total > `5`): text is compared with a number" == (
        meaning_of(mapping, an_order(total="6")).reason
    )
    assert "no rule" == meaning_of(mapping, an_order(total=None)).reason


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("contains(tags, 'x')", "contains() wants a list or text, got null"),
        ("length(status) > `3` && starts_with(total, 'x')", "starts_with() wants text, got a number"),
        ("sort_by(items, &id)[0]", "sort_by() cannot work with these types"),
        ("join(',', items)", "join() wants a list of texts, got a list of other things"),
        ("before(status, empty)", "before() wants a separator, got empty text"),
        ("lower(items)", "lower() wants text, got a list"),
        ("to_text(items)", "to_text() wants text, got a list"),
        ("join_present(',', total)", "join_present() wants a list, got a number"),
        ("join_present(',', [items])", "join_present() wants text, got a list"),
        ("join_present(many, items[*].none)", "join_present() wants text, got an object"),
        ("join(long, letters)", "join() would make too long a text"),
        ("join_present(long, letters)", "join_present() would make too long a text"),
        ("pair(status, 'x')", "pair() wants a list of pairs, got text"),
        ("lookup(status, 'x', 'y')", "lookup() wants a list, got text"),
        ("max_by(items, &id)", "max_by() cannot work with these types"),
    ],
)
def test_a_function_that_cannot_read_its_argument_says_so(expression: str, reason: str) -> None:
    mapping = a_mapping(f'when: "{expression}"')
    items: Json = [{"id": 1, "none": {}}, {"id": "b"}]
    document = an_order(items=items, empty="", many="x", long="x" * 10_000, letters=["a"] * 1000)
    meaning = meaning_of(mapping, document)

    assert meaning.reason.endswith(f"): {reason}")


def test_the_conversions_of_good_rules_stand_beside_a_rule_that_fails() -> None:
    second = "examples:\n"
    text = MAPPING.replace(
        second,
        "  - name: lead too\n    track: lead\n    event_name: bought\n    fields:\n      click_id: click\n"
        f"      customer_external_id: customer\n{second}",
    )
    mapping = parsed(text).mapping
    assert mapping is not None
    meaning = meaning_of(mapping, an_order(total=None))

    assert EventState.UNMAPPED == meaning.state
    assert ["lead too"] == [conversion.rule for conversion in meaning.conversions]
    assert [("paid", "failed"), ("lead too", "matched")] == [(step.rule, step.result) for step in meaning.steps]


def two_rules(*, stop: bool) -> str:
    first = f"  - name: first\n    track: lead\n    event_name: one\n    stop: {str(stop).lower()}\n    when: first\n"
    fields = "    fields: {click_id: click, customer_external_id: customer}\n"
    return LEAD.replace("rules:\n", f"rules:\n{first}{fields}")


@pytest.mark.parametrize(
    ("stop", "first", "names"),
    [(True, True, ["one"]), (False, True, ["one", "signed_up"]), (True, False, ["signed_up"])],
    ids=["stops", "does not stop", "does not match"],
)
def test_a_rule_that_stops_is_the_last_that_matches(stop: bool, first: bool, names: list[str]) -> None:
    mapping = parsed(two_rules(stop=stop)).mapping
    assert mapping is not None
    meaning = meaning_of(mapping, a_signup(first=first))

    assert names == [conversion.payload.event_name for conversion in meaning.conversions]


@pytest.mark.parametrize(
    ("value", "met"),
    [(True, True), (0, True), ("false", True), ([0], True), (False, False), (None, False), ("", False), ([], False)],
)
def test_a_condition_is_met_by_what_jmespath_holds_for_true(value: Json, met: bool) -> None:
    mapping = a_mapping("when: status")
    assert met == bool(meaning_of(mapping, an_order(status=value)).conversions)


# Test events -------------------------------------------------------------------------------------------------------


def test_a_test_event_is_sent_where_the_mapping_says_so() -> None:
    mapping = a_mapping("source: shop\nsend_test: true")
    meaning = meaning_of(mapping, an_order(livemode=False))

    assert meaning.event.test
    assert EventState.ACCEPTED == meaning.state


def test_a_sample_of_our_own_is_a_test_event() -> None:
    (meaning,) = apply(SALE, proven(a_webhook(an_order()), sample=True), an_order())

    assert meaning.event.test
    assert (EventState.IGNORED, "test mode") == (meaning.state, meaning.reason)


@pytest.mark.parametrize(
    ("value", "test"), [(True, True), ("true", True), (False, False), ("false", False), ("", False), (None, False)]
)
def test_whether_it_is_a_test_may_be_text(value: Json, test: bool) -> None:
    mapping = a_mapping("test: test")
    assert test == meaning_of(mapping, an_order(test=value)).event.test


@pytest.mark.parametrize("value", [1, "yes", [], {"a": 1}])
def test_what_is_neither_test_nor_live_is_for_a_person(value: Json) -> None:
    meaning = meaning_of(a_mapping("test: test"), an_order(test=value))

    assert (EventState.UNMAPPED, ()) == (meaning.state, meaning.conversions)
    assert meaning.reason.startswith("cannot map: event, test (test): ")
    assert meaning.reason.endswith(", expected true or false")


def test_an_event_that_cannot_be_told_from_a_test_is_for_a_person() -> None:
    meaning = meaning_of(a_mapping("test: total > `5`"), an_order(total="six"))
    assert "cannot map: event, test (total > `5`): text is compared with a number" == meaning.reason


def test_an_event_without_a_word_on_tests_is_live() -> None:
    assert not meaning_of(a_mapping(base=LEAD), a_signup(livemode=False)).event.test


# Click ids ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "lines", "needs"),
    [
        (LEAD, (), True),
        (LEAD, ("track: lead\nwithout_click_id: send",), False),
        (MAPPING, (), False),
        (MAPPING, ("track: sale\nwithout_click_id: skip",), True),
    ],
    ids=["lead", "lead: send", "sale", "sale: skip"],
)
def test_without_a_click_id_a_lead_needs_an_association_and_a_sale_goes(
    base: str, lines: tuple[str, ...], needs: bool
) -> None:
    mapping = a_mapping(*lines, base=base)
    document = a_signup() if base is LEAD else an_order()

    assert not conversion_of(mapping, document).needs_association
    assert needs == conversion_of(mapping, document | {"click": None}).needs_association


def test_associations_are_of_the_source_unless_the_rule_shares_them() -> None:
    assert "forms" == conversion_of(SIGNUP, a_signup()).association_namespace
    shared = a_mapping("track: lead\nonce_namespace: people", base=LEAD)
    assert "people" == conversion_of(shared, a_signup()).association_namespace


def test_a_deferred_lead_is_one_with_its_click_and_nothing_without() -> None:
    mapping = a_mapping("track: lead\nmode: deferred", base=LEAD)

    assert lead_of(mapping, a_signup()).deferred
    assert not lead_of(SIGNUP, a_signup()).deferred
    meaning = meaning_of(mapping, a_signup(click=None))
    assert (EventState.IGNORED, "no click id", ()) == (meaning.state, meaning.reason, meaning.conversions)


def test_a_rule_may_hold_what_is_unsure() -> None:
    assert "repeat" == conversion_of(SALE, an_order()).when_unsure
    assert "hold" == conversion_of(a_mapping("track: sale\nwhen_unsure: hold"), an_order()).when_unsure


# Lists -------------------------------------------------------------------------------------------------------------

ITEMS = a_mapping(
    "track: sale\nfor_each: items",
    "click_id: root().click",
    "customer_external_id: root().customer",
    "invoice_id: number",
    "amount: price",
    "currency: root().currency",
    "when: price",
)


def test_each_item_of_a_list_is_converted_by_itself() -> None:
    document = an_order(items=[{"number": 1, "price": 5}, {"number": 2}, {"number": 3, "price": 7}])
    meaning = meaning_of(ITEMS, document)

    assert [(0, 5), (2, 7)] == [
        (conversion.item, getattr(conversion.payload, "amount", None)) for conversion in meaning.conversions
    ]


@pytest.mark.parametrize("items", [None, []])
def test_no_items_are_nothing_to_track(items: Json) -> None:
    meaning = meaning_of(ITEMS, an_order(items=items))

    assert (EventState.IGNORED, "no rule") == (meaning.state, meaning.reason)
    assert (Step(rule="paid", result="skipped", why="for_each gives nothing"),) == meaning.steps


@pytest.mark.parametrize(
    ("items", "why"),
    [
        ("two", "text, expected a list"),
        ({}, "an object, expected a list"),
        ([{}] * (MOST_ITEMS + 1), "more than 1000 items"),
    ],
    ids=["text", "object", "flood"],
)
def test_what_is_no_list_of_items_is_a_failure(items: Json, why: str) -> None:
    assert f"cannot map: rule 'paid', for_each (items): {why}" == meaning_of(ITEMS, an_order(items=items)).reason


def test_an_explanation_stays_readable_however_many_items_there_are() -> None:
    meaning = meaning_of(ITEMS, an_order(items=[{"price": 1}] * MOST_ITEMS))

    assert MOST_STEPS + 1 == len(meaning.steps)
    assert "and 900 more steps" == meaning.steps[-1].why


BATCH = a_mapping("event:\n  for_each: '@'")


def test_each_item_of_a_batch_is_an_event() -> None:
    batch: Json = [an_order(id="evt_1"), an_order(id="evt_2", status="open"), an_order(id=None)]
    webhook = a_webhook(batch)
    meanings = apply(BATCH, proven(webhook), batch)

    assert ["accepted", "ignored", "accepted"] == [meaning.state.value for meaning in meanings]
    assert ["evt_1", "evt_2"] == [meaning.event.key for meaning in meanings[:2]]
    assert meanings[2].event.key.startswith("sha256:")
    assert meanings[2].event.key.endswith("/2")
    assert {webhook.body} == {meaning.event.body for meaning in meanings}


@pytest.mark.parametrize(
    ("batch", "state", "reason"),
    [
        ([], EventState.IGNORED, "empty batch"),
        (None, EventState.UNMAPPED, "cannot map: event, for_each (@): null, expected a list"),
        ({"id": 1}, EventState.UNMAPPED, "cannot map: event, for_each (@): an object, expected a list"),
    ],
    ids=["empty", "null", "object"],
)
def test_a_batch_without_items_is_one_event_that_says_so(batch: Json, state: EventState, reason: str) -> None:
    (meaning,) = apply(BATCH, proven(a_webhook(batch)), batch)

    assert (state, reason) == (meaning.state, meaning.reason)
    assert meaning.event.key.startswith("sha256:")


# Fields nothing depends on -----------------------------------------------------------------------------------------


def test_what_nothing_depends_on_is_left_out_where_it_cannot_be_used() -> None:
    mapping = a_mapping(
        "click_id: click\ncustomer_name: name\ncustomer_email: mail\ncustomer_avatar: face\ntimestamp: at"
    )
    good = sale_of(
        mapping, an_order(name=" Ada ", mail="ada@example.com", face="https://example.com/a", at=1_700_000_000)
    )
    odd = meaning_of(mapping, an_order(name=["Ada"], mail="nobody", face={"a": 1}, at="soon"))

    assert ("Ada", "ada@example.com", "https://example.com/a") == (
        good.customer_name,
        good.customer_email,
        good.customer_avatar,
    )
    assert datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC) == good.timestamp
    (conversion,) = odd.conversions
    assert (None, None, None) == (
        conversion.payload.customer_name,
        conversion.payload.customer_email,
        conversion.payload.customer_avatar,
    )
    assert datetime(2026, 4, 10, 12, 26, 40, tzinfo=UTC) == conversion.payload.timestamp
    assert [
        "timestamp (at): no time can be read from text; left out",
        "customer_name (name): a list, expected text or a number; left out",
        "customer_avatar (face): an object, expected text or a number; left out",
    ] == odd.steps[-1].why.replace("; left out; ", "; left out\n").splitlines()


@pytest.mark.parametrize(
    ("unit", "total", "currency", "amount"),
    [
        ("minor", 4999, "usd", 4999),
        ("minor", " 4999 ", "USD", 4999),
        ("major", "49.99", "eur", 4999),
        ("major", Decimal("49.9"), "eur", 4990),
        ("major", "500", "jpy", 500),
        ("major", "1.25", "kwd", 1250),
        ("stripe", 500, "isk", 5),
        ("stripe", 5120, "kwd", 5120),
    ],
)
def test_an_amount_is_minor_units_whatever_the_sender_counts(
    unit: str, total: Json, currency: str, amount: int
) -> None:
    sale = sale_of(a_mapping(f"unit: {unit}"), an_order(total=total, currency=currency))
    assert (amount, currency.upper()) == (sale.amount, sale.currency)


def test_an_event_name_may_be_an_expression() -> None:
    text = mapping_text("click_id: click\nevent_name: kind").replace("    event_name: purchase_completed\n", "")
    mapping = parsed(text).mapping
    assert mapping is not None

    assert "upgrade" == sale_of(mapping, an_order(kind="upgrade")).event_name
    assert meaning_of(mapping, an_order()).reason == "cannot map: rule 'paid', event_name (kind): nothing there"


@pytest.mark.parametrize(
    ("created", "sent"),
    [
        (1_775_824_000, datetime(2026, 4, 10, 12, 26, 40, tzinfo=UTC)),
        ("2026-04-10T12:00:00.123456Z", datetime(2026, 4, 10, 12, 0, 0, 123_000, tzinfo=UTC)),
        ("2036-04-10T12:00:00Z", NOW.replace(microsecond=789_000)),
        (None, NOW.replace(microsecond=789_000)),
        ("soon", NOW.replace(microsecond=789_000)),
    ],
    ids=["past", "microseconds", "future", "none", "unreadable"],
)
def test_the_time_sent_is_never_later_than_the_time_of_receipt(created: Json, sent: datetime) -> None:
    assert sent == sale_of(SALE, an_order(created=created)).timestamp


def test_a_document_that_cannot_be_read_is_kept_with_the_reason() -> None:
    verified = proven(a_webhook())
    meaning = unreadable(SALE, replace(verified, webhook=replace(verified.webhook, body=b"\xff")), "not UTF-8")

    assert (EventState.UNMAPPED, "not UTF-8", ()) == (meaning.state, meaning.reason, meaning.conversions)
    assert meaning.event.key == "sha256:a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89"
    assert b"\xff" == meaning.event.body
