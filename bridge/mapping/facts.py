"""What came of a webhook as mappings and examples name its fields, the amount in minor units."""

from typing import assert_never

from bridge.mapping.times import iso
from bridge.model import Conversion, Json, Lead, Payload, Reversal, Sale


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


def facts_of(came: Conversion | Reversal) -> dict[str, Json]:
    """The same with the rule that made it, as an example may expect it; or what went back, and of which sale."""
    match came:
        case Conversion():
            return facts(came.payload) | {"rule": came.rule}
        case Reversal():
            return {
                "record": came.kind,
                "rule": came.rule,
                # the names, with commas
                "of": ", ".join(came.of),
                "amount": came.amount,
                "currency": came.currency,
                "timestamp": iso(came.timestamp),
            }
        case _:
            assert_never(came)


def shown(came: Payload | Reversal) -> str:
    """A lead, a sale or what went back in a few words: `sale purchase_completed 4999 USD`."""
    match came:
        case Sale():
            return f"sale {came.event_name} {came.amount} {came.currency}"
        case Lead():
            return f"lead {came.event_name}" + (" (deferred)" if came.deferred else "")
        case Reversal():
            return f"{came.kind} {came.amount} {came.currency}"
        case _:
            assert_never(came)
