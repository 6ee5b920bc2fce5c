"""Reading a stored event anew: the same event under its key, and no guess where something is missing."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge import mapping, sources
from bridge.mapping import Mapping
from bridge.model import Event, EventState, Meaning, Sale, StoredEvent, Webhook
from bridge.read import Document, read
from bridge.remap import reread

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

SALES = """\
source: quiz
verify: {scheme: none}
event: {id: id, type: type%(event)s}
%(more)s
rules:
  - name: bought
    types: [bought]
    track: sale
    event_name: bought
    unit: minor
    without_click_id: send
    fields:
      customer_external_id: customer
      customer_email: email
      invoice_id: invoice
      amount: amount
      currency: currency
"""
LEADS = """\
source: quiz
verify: {scheme: none}
event: {%(event)s}
rules:
  - name: asked
    track: lead
    event_name: asked
    without_click_id: send
    fields: {customer_external_id: customer, click_id: "header('X-Click')"}
"""
BODY = {"id": "q1", "type": "bought", "customer": "cus_1", "invoice": "in_1", "amount": 500, "currency": "USD"}


def a_mapping(text: str = SALES, *, event: str = "", more: str = "") -> Mapping:
    parsed = mapping.parse(text % {"event": event, "more": more}, file="quiz.yaml", base=lambda _: None)
    assert parsed.mapping is not None, [str(problem) for problem in parsed.problems]
    return parsed.mapping


def recorded(rules: Mapping, body: object, **changes: Any) -> list[StoredEvent]:
    """What a webhook was kept as."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    webhook = Webhook(source="quiz", body=raw, received_at=NOW, headers=tuple(changes.pop("headers", ())))
    verified = sources.sample(webhook)
    document = read(verified)
    meanings: Sequence[Meaning]
    if isinstance(document, Document):
        meanings = mapping.apply(rules, verified, document.value)
    else:
        meanings = [mapping.unreadable(rules, verified, document.why)]
    return [
        StoredEvent(id=number, event=with_changes(one.event, changes), state=one.state, reason=one.reason)
        for number, one in enumerate(meanings, start=1)
    ]


def with_changes(event: Event, changes: dict[str, Any]) -> Event:
    fields = {name: getattr(event, name) for name in Event.__dataclass_fields__}
    return Event(**{**fields, **changes})


def meaning_of(stored: StoredEvent, rules: Mapping) -> Meaning:
    found = reread(stored, rules)
    assert found.meaning is not None, found.why
    return found.meaning


def test_todays_rules_are_applied_to_the_body_that_is_kept() -> None:
    (stored,) = recorded(a_mapping(), BODY)

    meaning = meaning_of(stored, a_mapping(SALES.replace("amount: amount", "amount: multiply(amount, `2`)")))

    (conversion,) = meaning.conversions
    assert isinstance(conversion.payload, Sale)
    assert 1000 == conversion.payload.amount
    assert (stored.event.key, NOW, "example") == (
        meaning.event.key,
        meaning.event.received_at,
        meaning.event.verified_by,
    )


def test_the_key_that_is_remembered_stays_and_so_does_a_claim_made_of_it() -> None:
    """Or a lead would be sent a second time as soon as its mapping says where the id stands."""
    (stored,) = recorded(a_mapping(LEADS), BODY)
    (before,) = meaning_of(stored, a_mapping(LEADS)).conversions

    meaning = meaning_of(stored, a_mapping(LEADS, event="id: id"))

    assert stored.event.key.startswith("sha256:")
    assert ("q1", stored.event.key) == (meaning.event.source_id, meaning.event.key)
    assert [before.claims] == [conversion.claims for conversion in meaning.conversions]


def test_a_claim_by_a_business_name_is_left_alone() -> None:
    (stored,) = recorded(a_mapping(), BODY, key="sha256:1")

    (conversion,) = meaning_of(stored, a_mapping()).conversions

    assert ('["sale","quiz","","in_1"]',) == conversion.claims


@pytest.mark.parametrize("body", [b"", b"\xff", b"[1"], ids=["gone", "not UTF-8", "not JSON"])
def test_what_cannot_be_read_stays_unmapped_and_what_is_gone_cannot_be_asked(body: bytes) -> None:
    (stored,) = recorded(a_mapping(), body)
    found = reread(stored, a_mapping())

    if body:
        assert found.meaning is not None
        assert EventState.UNMAPPED is found.meaning.state
    else:
        assert (None, "its body is not kept any more (retention or forget took it)") == (found.meaning, found.why)


def test_a_handshake_is_no_event() -> None:
    (stored,) = recorded(a_mapping(), BODY)
    handshake = StoredEvent(id=1, event=stored.event, state=EventState.IGNORED, reason="handshake")

    assert "it is a handshake, no event of its sender's" == reread(handshake, a_mapping()).why


# ── batches ──────────────────────────────────────────────────────────────────────────────────────────────────────

BATCH = [{**BODY, "id": f"q{number}", "invoice": f"in_{number}"} for number in range(3)]


def test_an_item_of_a_batch_finds_the_meaning_with_its_key_wherever_it_stands_today() -> None:
    items = recorded(a_mapping(event=", for_each: '@'"), BATCH)
    backwards = a_mapping(event=", for_each: reverse(@)")

    for number, stored in enumerate(items):
        (conversion,) = meaning_of(stored, backwards).conversions
        assert isinstance(conversion.payload, Sale)
        assert f"in_{number}" == conversion.payload.invoice_id


def test_an_item_whose_key_is_a_digest_is_found_by_its_number() -> None:
    """The body is kept without what is redacted, so its digest is another than when it came."""
    rules = a_mapping(
        LEADS.replace("customer_external_id: customer", "customer_external_id: invoice"), event="for_each: '@'"
    )
    second = recorded(rules, [{**one, "secret": "x"} for one in BATCH])[1]
    kept = with_changes(second.event, {"body": json.dumps(BATCH).encode()})

    meaning = meaning_of(StoredEvent(id=2, event=kept, state=second.state, reason=""), rules)

    assert (second.event.key, "in_1") == (meaning.event.key, meaning.conversions[0].payload.customer_external_id)


def test_an_item_that_is_no_item_today_is_not_guessed_at() -> None:
    last = recorded(a_mapping(event=", for_each: '@'"), BATCH)[2]

    assert (
        "today's rules find no item 2 with its id in the webhook's body"
        == reread(last, a_mapping(event=", for_each: '@[:2]'")).why
    )
    assert reread(last, a_mapping()).meaning is None


# ── what is not kept ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "field",
    ["customer_external_id: email", "customer_external_id: sha256(email)", "invoice_id: upper(email)"],
    ids=["itself", "a digest of it", "a text of it"],
)
def test_rules_that_read_what_was_redacted_are_refused(field: str) -> None:
    name, _, _ = field.partition(":")
    rules = a_mapping("\n".join(f"      {field}" if f"  {name}:" in line else line for line in SALES.split("\n")))
    (stored,) = recorded(rules, {**BODY, "email": "[redacted]"})

    assert "today's rules read what was redacted when it came" == reread(stored, rules).why


def test_rules_that_do_not_need_what_was_redacted_are_applied_and_it_is_noted() -> None:
    rules = a_mapping(more="redact: email")
    (stored,) = recorded(rules, {**BODY, "email": "ada@example.com"})

    found = reread(stored, rules)

    assert b"ada" not in stored.event.body
    assert ("its body is kept without what was redacted",) == found.notes
    assert found.meaning is not None
    assert EventState.ACCEPTED is found.meaning.state


def test_a_header_that_was_not_kept_is_noted() -> None:
    (with_header,) = recorded(a_mapping(LEADS), BODY, headers=[(b"x-click", "ç1".encode())])
    (without,) = recorded(a_mapping(LEADS), BODY)

    assert "ç1" == meaning_of(with_header, a_mapping(LEADS)).conversions[0].payload.click_id
    assert () == reread(with_header, a_mapping(LEADS)).notes
    assert ("header x-click was not sent or not kept",) == reread(without, a_mapping(LEADS)).notes


def test_a_test_stays_a_test() -> None:
    (stored,) = recorded(a_mapping(), BODY, test=True)

    found = reread(stored, a_mapping())

    assert found.meaning is not None
    assert (EventState.IGNORED, "test mode") == (found.meaning.state, found.meaning.reason)
    assert ("it came as a test, so it stays one",) == found.notes
    assert EventState.ACCEPTED is meaning_of(stored, a_mapping(more="send_test: true")).state
