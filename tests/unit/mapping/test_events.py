"""An event's key, what it keeps of its request, and the claims of what comes of it."""

import json
from hashlib import sha256

import pytest

from bridge.mapping import apply
from bridge.model import Json
from tests.unit.mapping.factories import (
    LEAD,
    MAPPING,
    a_mapping,
    a_signup,
    a_webhook,
    an_order,
    conversion_of,
    meaning_of,
    parsed,
    proven,
)

SALE = a_mapping()


def claims_of(line: str, document: Json, *, base: str | None = None) -> list[list[Json]]:
    mapping = a_mapping(line, base=base) if base else a_mapping(line)
    return [json.loads(claim) for claim in conversion_of(mapping, document).claims]


# Keys --------------------------------------------------------------------------------------------------------------


def test_the_senders_id_is_the_key() -> None:
    event = meaning_of(SALE, an_order(id=17)).event
    assert ("17", "17") == (event.key, event.source_id)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "nothing there"),
        ("", "nothing there"),
        (["a"], "a list, expected text or a number"),
        ("x" * 256, "text longer than 255 characters"),
    ],
    ids=["null", "blank", "list", "long"],
)
def test_without_an_id_the_bodys_digest_is_the_key_and_the_event_says_so(value: Json, why: str) -> None:
    meaning = meaning_of(SALE, an_order(id=value))
    digest = sha256(meaning.event.body).hexdigest()

    assert (f"sha256:{digest}", None) == (meaning.event.key, meaning.event.source_id)
    assert f"id (id): {why}; the body's digest is the key" == meaning.steps[0].why


@pytest.mark.parametrize(
    ("expression", "signed", "is_key"),
    [
        ("id", frozenset[str](), True),
        ("header('X-Id')", frozenset[str](), False),
        ("header('X-Id')", frozenset({"x-id"}), True),
        ("header('X-Id')", frozenset({"x-other"}), False),
        ("header('X-Id')", None, True),
        ("header('X-Id') || header('X-Other')", frozenset({"x-id"}), False),
        ("query('id')", frozenset({"id"}), False),
        ("query('id')", None, True),
    ],
)
def test_an_id_the_proof_does_not_cover_is_no_key(expression: str, signed: frozenset[str] | None, is_key: bool) -> None:
    mapping = a_mapping(f"id: {expression}")
    webhook = a_webhook(an_order(), query=b"id=evt_1", x_id="evt_1")
    (meaning,) = apply(mapping, proven(webhook, signed=signed), an_order())

    assert "evt_1" == meaning.event.source_id
    assert is_key == (meaning.event.key == "evt_1")
    assert is_key == (not any("not covered by the proof" in step.why for step in meaning.steps))


# What is kept ------------------------------------------------------------------------------------------------------


def test_only_what_rules_read_is_kept_of_a_request() -> None:
    mapping = a_mapping("when: header('X-Topic') == 'paid' && query('click_id') == 'a b'")
    meaning = meaning_of(
        mapping,
        an_order(),
        query=b"token=c0ffee&click_id=a%20b&click_id=c",
        x_topic="paid",
        x_key="c0ffee",
        authorization="c0ffee",
        user_agent="Shop/1.0\x00",
        content_type="application/json",
    )

    assert 1 == len(meaning.conversions)
    assert (
        ("x-topic", "paid"),
        ("user-agent", "Shop/1.0"),
        ("content-type", "application/json"),
    ) == meaning.event.headers
    assert "click_id=a+b&click_id=c" == meaning.event.query


def test_a_mapping_that_names_no_id_keys_by_the_bodys_digest() -> None:
    text = MAPPING.replace("  id: id\n", "")
    mapping = parsed(text).mapping
    assert mapping is not None
    meaning = meaning_of(mapping, an_order())

    assert f"sha256:{sha256(meaning.event.body).hexdigest()}" == meaning.event.key
    assert "" == meaning.reason


@pytest.mark.parametrize(
    ("topic", "signed", "suffix"),
    [
        ("order.paid", frozenset[str](), ":order.paid"),
        ("order.updated", frozenset[str](), ""),
        ("order.paid", frozenset({"x-topic"}), ""),
        ("order.paid", None, ""),
    ],
    ids=["a rule's type", "no rule's type", "the type is signed", "all is signed"],
)
def test_one_body_under_two_unsigned_types_is_two_events(
    topic: str, signed: frozenset[str] | None, suffix: str
) -> None:
    """Else the type that comes first, and that no rule wants, would swallow the other."""
    mapping = parsed(MAPPING.replace("  id: id\n", "").replace("type: type", "type: header('X-Topic')")).mapping
    assert mapping is not None
    webhook = a_webhook(an_order(), x_topic=topic)
    (meaning,) = apply(mapping, proven(webhook, signed=signed), an_order())

    assert f"sha256:{sha256(webhook.body).hexdigest()}{suffix}" == meaning.event.key


def test_a_header_that_is_not_there_or_blank_is_null() -> None:
    mapping = a_mapping("when: header('X-A') == `null` && header('X-B') == `null` && query('a') == query('b')")
    assert 1 == len(meaning_of(mapping, an_order(), x_a=" ").conversions)


def test_a_header_that_is_no_utf_8_is_read_byte_by_byte() -> None:
    webhook = a_webhook(an_order(), x_topic="\xe4")
    (meaning,) = apply(a_mapping("when: header('X-Topic') == 'ä'"), proven(webhook), an_order())
    assert 1 == len(meaning.conversions)


def test_what_is_kept_gives_the_same_again() -> None:
    mapping = a_mapping("when: header('X-Topic') == 'ärger' && query('a b') == 'ü&'")
    first = meaning_of(mapping, an_order(), query=b"a%20b=%C3%BC%26", x_topic="ärger")
    webhook = a_webhook(an_order(), query=first.event.query.encode(), x_topic=dict(first.event.headers)["x-topic"])
    (again,) = apply(mapping, proven(webhook), an_order())

    assert 1 == len(first.conversions)
    assert first.conversions == again.conversions


def test_nothing_is_kept_of_a_query_nobody_reads() -> None:
    assert "" == meaning_of(SALE, an_order(), query=b"click_id=a").event.query


def test_a_mapping_says_what_it_reads_and_subscribes_to() -> None:
    mapping = a_mapping("id: header('X-Id')", "when: query('a')", "types: [b, a]")
    assert (frozenset({"x-id"}), frozenset({"a"}), ("b", "a")) == (
        mapping.headers_read,
        mapping.queries_read,
        mapping.types,
    )


# Claims ------------------------------------------------------------------------------------------------------------


def test_a_sale_claims_its_invoice() -> None:
    assert ('["sale","shop","","in_1"]',) == conversion_of(SALE, an_order()).claims


def test_every_name_that_is_there_is_claimed_once() -> None:
    line = "unit: minor\nonce_per: [order, order, session, missing, number]"
    expected = [["sale", "shop", "", "in_1"], ["sale", "shop", "", "cs_1"], ["sale", "shop", "", "7"]]

    assert expected == claims_of(line, an_order(session="cs_1", missing="undefined", number=7))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "rule 'paid', once_per (session): nothing there"),
        ({"session": ["a"]}, "rule 'paid', once_per (session): a list, expected text or a number"),
    ],
)
def test_having_no_name_is_a_failure(changes: dict[str, Json], reason: str) -> None:
    mapping = a_mapping("unit: minor\nonce_per: session")
    assert f"cannot map: {reason}" == meaning_of(mapping, an_order(**changes)).reason


def test_names_are_of_a_namespace_and_an_account() -> None:
    shared = claims_of("unit: minor\nonce_namespace: money", an_order())
    connected = claims_of("id: id\naccount: account", an_order(account="acct_1"))

    assert [["sale", "money", "", "in_1"]] == shared
    assert [["sale", "shop", "acct_1", "in_1"]] == connected


def test_a_lead_is_once_per_event_and_item_and_name() -> None:
    assert [["event", "forms", "evt_1", 0, "signed_up"]] == claims_of("track: lead", a_signup(), base=LEAD)


def test_a_leads_name_is_claimed_for_its_event_name() -> None:
    claims = claims_of("track: lead\nonce_per: customer", a_signup(), base=LEAD)
    assert [["lead:signed_up", "forms", "", "cus_1"]] == claims


def test_what_is_claimed_does_not_depend_on_what_the_rule_is_called() -> None:
    renamed = a_mapping("- name: another")
    assert conversion_of(SALE, an_order()).identity == conversion_of(renamed, an_order()).identity


def test_no_name_can_look_like_two() -> None:
    odd = conversion_of(SALE, an_order(order='in_1"],["sale","shop","","in_2')).claims
    assert 1 == len(odd)
    assert 4 == len(json.loads(odd[0]))
