"""From the body to the events in it: `document`, `for_each`, `answers`, and what root() and event() lead back to."""

import json
from hashlib import sha256

import pytest

from bridge.mapping import Mapping, apply
from bridge.model import EventState, Json, Meaning
from tests.unit.mapping.factories import (
    LEAD,
    a_mapping,
    a_signup,
    a_webhook,
    an_order,
    lead_of,
    meaning_of,
    proven,
    sale_of,
)


def meanings_of(mapping: Mapping, document: Json) -> tuple[Meaning, ...]:
    return apply(mapping, proven(a_webhook(document)), document)


# document ----------------------------------------------------------------------------------------------------------

WRAPPED = a_mapping(
    "id: id\ndocument: from_json(payload) || inner", "customer_external_id: customer", "invoice_id: root().batch"
)


def test_the_document_is_what_everything_else_works_on() -> None:
    bodies: list[Json] = [
        {"payload": json.dumps(an_order()), "batch": "b_1"},
        {"inner": an_order(), "batch": "b_1"},
    ]
    for body in bodies:
        meaning = meaning_of(WRAPPED, body)

        assert ("evt_1", "order.paid") == (meaning.event.key, meaning.event.type)
        assert ("cus_1", "b_1") == (sale_of(WRAPPED, body).customer_external_id, sale_of(WRAPPED, body).invoice_id)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "nothing there"),
        ({"payload": "{"}, "nothing there"),
        ({"payload": [1]}, "from_json() wants text, got a list"),
        ("text", "nothing there"),
    ],
)
def test_without_a_document_the_event_is_unmapped_and_kept_by_its_digest(body: Json, why: str) -> None:
    meaning = meaning_of(WRAPPED, body)
    reason = f"cannot map: event, document (from_json(payload) || inner): {why}"

    assert (EventState.UNMAPPED, reason, ()) == (meaning.state, meaning.reason, meaning.conversions)
    assert (f"sha256:{sha256(meaning.event.body).hexdigest()}", None) == (meaning.event.key, meaning.event.type)


def test_a_document_may_be_any_value() -> None:
    mapping = a_mapping("id: id\ndocument: 'inner || `[]`'\nfor_each: '@'")

    assert "empty batch" == meaning_of(mapping, {}).reason
    assert ["evt_1"] == [meaning.event.key for meaning in meanings_of(mapping, {"inner": [an_order()]})]


# for_each ----------------------------------------------------------------------------------------------------------

BATCH = a_mapping("id: id\ndocument: wrapped\nfor_each: events\nanswers: form", "customer_external_id: answer('mail')")


def test_answers_are_those_of_the_item() -> None:
    events: Json = [an_order(id=mail, form={"mail": mail}) for mail in ("a@b.c", "d@e.f")]
    meanings = meanings_of(BATCH, {"wrapped": {"events": events}})

    got = [meaning.conversions[0].payload.customer_external_id for meaning in meanings]
    assert [("a@b.c", 0), ("d@e.f", 1)] == list(zip(got, [meaning.event.item for meaning in meanings], strict=True))


def test_a_reason_says_which_item_of_a_batch_it_is_about() -> None:
    events: Json = [an_order(form={"mail": "a@b.c"}), an_order(form={"mail": ["a", {"b": 1}]}), an_order(form=5)]
    meanings = meanings_of(BATCH, {"wrapped": {"events": events}})

    rule = "rule 'paid', customer_external_id (answer('mail'))"
    assert [
        "",
        f"cannot map: item 1, {rule}: a list, expected text or a number",
        f"cannot map: item 2, {rule}: event.answers (form): a number, expected a list or an object",
    ] == [meaning.reason for meaning in meanings]


def test_a_reason_says_which_item_of_a_rule_it_is_about() -> None:
    mapping = a_mapping("types: [order.paid]\nfor_each: items", "when: price > `0`", "amount: price")
    meaning = meaning_of(mapping, an_order(items=[{"price": 1}, {"price": "1"}]))

    assert "cannot map: rule 'paid', item 0, currency (currency): nothing there (and 3 more)" == meaning.reason
    assert "rule 'paid', item 1, when (price > `0`): text is compared with a number" == meaning.steps[-1].why


@pytest.mark.parametrize(
    ("wrapped", "why"),
    [
        ({"events": {"a": 1}}, "event, for_each (events): an object, expected a list"),
        ({"events": None}, "event, for_each (events): null, expected a list"),
        (None, "event, document (wrapped): nothing there"),
    ],
)
def test_what_is_no_batch_is_one_unmapped_event(wrapped: Json, why: str) -> None:
    meanings = meanings_of(BATCH, {"wrapped": wrapped})

    assert [(EventState.UNMAPPED, f"cannot map: {why}")] == [(meaning.state, meaning.reason) for meaning in meanings]


# answers, event() and root() ---------------------------------------------------------------------------------------


def test_a_rules_own_items_ask_the_answers_of_the_event() -> None:
    mapping = a_mapping(
        "id: id\nanswers: form",
        "track: lead\nfor_each: guests",
        "customer_external_id: join('/', [answer('mail'), name])",
        base=LEAD,
    )
    meaning = meaning_of(mapping, a_signup(form={"mail": "ada"}, guests=[{"name": "x"}, {"name": "y"}]))

    assert ["ada/x", "ada/y"] == [conversion.payload.customer_external_id for conversion in meaning.conversions]


def test_event_leads_back_to_the_item_and_root_to_the_body() -> None:
    mapping = a_mapping(
        "id: id\ndocument: d\nfor_each: events",
        "types: [order.paid]\nfor_each: lines",
        "customer_external_id: join('/', [root().shop, event().customer, sku])",
        "invoice_id: sku",
        "amount: event().total",
        "currency: event().currency",
        "when: event().status == 'paid'",
    )
    body: Json = {"shop": "s", "d": {"events": [an_order(lines=[{"sku": "a"}, {"sku": "b"}], customer="c")]}}
    (meaning,) = meanings_of(mapping, body)

    assert ["s/c/a", "s/c/b"] == [conversion.payload.customer_external_id for conversion in meaning.conversions]


def test_an_events_own_expressions_may_ask_for_answers() -> None:
    mapping = a_mapping("id: answer('number')\nanswers: form", base=LEAD)

    assert "17" == meaning_of(mapping, a_signup(form={"number": 17})).event.key


def test_answers_reach_the_headers_and_the_body() -> None:
    mapping = a_mapping(
        "id: id\nanswers: root().forms[?form == header('X-Form')] | [0].fields",
        "customer_external_id: answer('mail')",
        base=LEAD,
    )
    body = a_signup(forms=[{"form": "a", "fields": {"mail": "no"}}, {"form": "b", "fields": {"mail": "yes"}}])
    (meaning,) = apply(mapping, proven(a_webhook(body, x_form="b")), body)

    assert frozenset(("x-form",)) == mapping.headers_read
    assert "yes" == meaning.conversions[0].payload.customer_external_id
    assert ("x-form", "b") in meaning.event.headers


def test_a_form_without_answers_maps_what_does_not_ask() -> None:
    mapping = a_mapping("id: id\nanswers: form", "customer_external_id: customer || answer('mail')", base=LEAD)

    assert "cus_1" == lead_of(mapping, a_signup(form="broken")).customer_external_id
