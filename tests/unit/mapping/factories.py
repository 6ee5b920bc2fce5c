"""Mappings, webhooks and their meanings with defaults, for every test about the language."""

import json
from collections.abc import Mapping as Map
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.mapping import Mapping, Parsed, apply, parse
from bridge.mapping.answers import Form
from bridge.mapping.compiler import compiled
from bridge.mapping.context import Context
from bridge.mapping.grammar import read
from bridge.model import Conversion, Json, Lead, Meaning, Sale, Verified, Webhook

NOW = datetime(2026, 4, 10, 12, 34, 56, 789_123, tzinfo=UTC)

#: A whole mapping, one entry a line, so that a test can put another line in a line's place.
MAPPING = """\
source: shop
verify:
  scheme: token
  header: X-Key
  secret: ${SHOP_WEBHOOK_SECRET}
event:
  id: id
  type: type
  occurred_at: created
  test: livemode == `false`
rules:
  - name: paid
    types: [order.paid]
    when: status == 'paid'
    track: sale
    event_name: purchase_completed
    fields:
      click_id: click
      customer_external_id: customer
      invoice_id: order
      amount: total
      currency: currency
    unit: minor
examples:
  - name: a paid order
    webhook: paid.json
    expect: ignored
"""

#: The same for a lead.
LEAD = """\
source: forms
verify:
  scheme: token
  header: X-Key
  secret: ${FORMS_WEBHOOK_SECRET}
event:
  id: id
rules:
  - name: signed up
    track: lead
    event_name: signed_up
    fields:
      click_id: click
      customer_external_id: customer
examples:
  - name: a lead
    webhook: lead.json
    expect: ignored
"""


def mapping_text(*lines: str, base: str = MAPPING) -> str:
    """The base mapping with each given line in the place of the one with the same key; further lines follow it."""
    written = base.splitlines()
    for line in lines:
        first = line.splitlines()[0] if line else ""
        key = first.strip().removeprefix("- ").partition(":")[0].strip()
        places = [n for n, old in enumerate(written) if old.strip().removeprefix("- ").partition(":")[0] == key]
        if not places:
            raise AssertionError(f"the base mapping has no line with {key!r}")
        indent = len(written[places[0]]) - len(written[places[0]].lstrip())
        written[places[0]] = "\n".join(" " * indent + part for part in line.splitlines())
    return "\n".join(written) + "\n"


def without(*keys: str, base: str = MAPPING) -> str:
    """The base mapping less the lines of these keys."""
    kept = [line for line in base.splitlines() if line.strip().removeprefix("- ").partition(":")[0] not in keys]
    return "\n".join(kept) + "\n"


def parsed(text: str, *, file: str = "shop.yaml", base: Map[str, str] | None = None) -> Parsed:
    return parse(text, file=file, base=(base or {}).get)


def problems_of(text: str, **options: Any) -> str:
    """Every problem as an operator reads it."""
    return "\n".join(map(str, parsed(text, **options).problems))


def a_mapping(*lines: str, base: str = MAPPING) -> Mapping:
    """A mapping that has no problem."""
    result = parsed(mapping_text(*lines, base=base))
    assert result.mapping is not None, "\n".join(map(str, result.problems))
    return result.mapping


def an_order(**changes: Json) -> dict[str, Json]:
    """A document that the base mapping makes a sale of."""
    document: dict[str, Json] = {
        "id": "evt_1",
        "type": "order.paid",
        "created": 1_775_824_000,
        "livemode": True,
        "status": "paid",
        "click": "click_1",
        "customer": "cus_1",
        "order": "in_1",
        "total": 4999,
        "currency": "usd",
    }
    return document | changes


def a_signup(**changes: Json) -> dict[str, Json]:
    """A document that the lead mapping makes a lead of."""
    document: dict[str, Json] = {"id": "evt_1", "click": "click_1", "customer": "cus_1"}
    return document | changes


def a_webhook(document: Json = None, *, query: bytes = b"", **headers: str) -> Webhook:
    """A webhook; header names are given with underscores for hyphens."""
    given = tuple((name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items())
    body = json.dumps(document, default=str).encode()
    return Webhook(source="shop", headers=given, query=query, body=body, received_at=NOW)


def proven(webhook: Webhook, *, signed: frozenset[str] | None = frozenset(), sample: bool = False) -> Verified:
    return Verified(webhook=webhook, by="token 1", signed_headers=signed, sample=sample)


def meaning_of(mapping: Mapping, document: Json, *, query: bytes = b"", **headers: str) -> Meaning:
    """The one meaning of a document."""
    (meaning,) = apply(mapping, proven(a_webhook(document, query=query, **headers)), document)
    return meaning


def conversion_of(mapping: Mapping, document: Json) -> Conversion:
    meaning = meaning_of(mapping, document)
    assert len(meaning.conversions) == 1, meaning.reason
    return meaning.conversions[0]


def sale_of(mapping: Mapping, document: Json) -> Sale:
    payload = conversion_of(mapping, document).payload
    assert isinstance(payload, Sale)
    return payload


def lead_of(mapping: Mapping, document: Json) -> Lead:
    payload = conversion_of(mapping, document).payload
    assert isinstance(payload, Lead)
    return payload


def evaluated(expression: str, document: Json, *, query: bytes = b"", answers: str = "", **headers: str) -> Json:
    """An expression's value; `answers` is the expression that `event.answers` would be."""
    context = Context(a_webhook(document, query=query, **headers), document)
    if answers:
        context.form = Form(lambda: compiled(read(answers))(document, context))
    return compiled(read(expression))(document, context)


def exact(text: str) -> Json:
    """JSON text as webhooks are read: numbers exact."""
    value: Json = json.loads(text, parse_float=Decimal)
    return value
