"""A lead's or a sale's fields as mappings and examples name them, the amount in minor units."""

from typing import assert_never

from bridge.mapping.times import iso
from bridge.model import Conversion, Json, Lead, Payload, Sale


def facts(payload: Payload) -> dict[str, Json]:
    """Every field by its name; None where there is nothing."""
    common: dict[str, Json] = {
        "track": "sale" if isinstance(payload, Sale) else "lead",
        "event_name": payload.event_name,
        "click_id": payload.click_id,
        "customer_external_id": payload.customer_external_id,
        "customer_name": payload.customer_name,
        "customer_email": payload.customer_email,
        "customer_avatar": payload.customer_avatar,
        "timestamp": iso(payload.timestamp),
    }
    match payload:
        case Sale():
            return common | {"invoice_id": payload.invoice_id, "amount": payload.amount, "currency": payload.currency}
        case Lead():
            return common | {"mode": "deferred" if payload.deferred else None}
        case _:
            assert_never(payload)


def facts_of(conversion: Conversion) -> dict[str, Json]:
    """The same with the rule that made it, as an example may expect it."""
    return facts(conversion.payload) | {"rule": conversion.rule}


def shown(payload: Payload) -> str:
    """A lead or a sale in a few words: `sale purchase_completed 4999 USD`."""
    match payload:
        case Sale():
            return f"sale {payload.event_name} {payload.amount} {payload.currency}"
        case Lead():
            return f"lead {payload.event_name}" + (" (deferred)" if payload.deferred else "")
        case _:
            assert_never(payload)
