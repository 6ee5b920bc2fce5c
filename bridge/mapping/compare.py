"""An example's expectation against what came of it: one readable line for each difference.

An example stands alone: no association is known to it, so a lead that needs one is not expected.
"""

from collections.abc import Sequence

from bridge.mapping.rules import Example
from bridge.mapping.times import iso
from bridge.model import Conversion, EventState, Json, Lead, Meaning, Sale


def compare(example: Example, meanings: Sequence[Meaning]) -> list[str]:
    """Every difference; empty when the example holds."""
    got = [conversion for meaning in meanings for conversion in meaning.conversions if not conversion.needs_association]
    failed = [meaning.reason for meaning in meanings if meaning.state is EventState.UNMAPPED]
    match example.expect:
        case "unmapped":
            return [] if failed else [f"expected unmapped, got {_summary(got, meanings)}"]
        case "ignored":
            return [f"expected ignored, got {_summary(got, meanings)}"] if got or failed else []
        case expected:
            return [*[f"unmapped: {why}" for why in failed], *_conversions(expected, got, meanings)]


def shown(conversion: Conversion) -> str:
    """A conversion in one line."""
    match conversion.payload:
        case Sale() as sale:
            return f"sale {sale.event_name} {sale.amount} {sale.currency}"
        case Lead() as lead:
            return f"lead {lead.event_name}" + (" (deferred)" if lead.deferred else "")


def facts(conversion: Conversion) -> dict[str, Json]:
    """A conversion's fields as examples name them."""
    payload = conversion.payload
    found: dict[str, Json] = {
        "track": "sale" if isinstance(payload, Sale) else "lead",
        "rule": conversion.rule,
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
            found |= {"invoice_id": payload.invoice_id, "amount": payload.amount, "currency": payload.currency}
        case Lead():
            found["mode"] = "deferred" if payload.deferred else None
    return found


def _conversions(
    expected: tuple[dict[str, Json], ...], got: list[Conversion], meanings: Sequence[Meaning]
) -> list[str]:
    lines: list[str] = []
    if len(expected) != len(got):
        word = "conversion" if len(expected) == 1 else "conversions"
        lines.append(f"expected {len(expected)} {word}, got {_summary(got, meanings)}")
    for number, (wanted, conversion) in enumerate(zip(expected, got, strict=False), start=1):
        found = facts(conversion)
        where = f"conversion {number}, " if len(expected) > 1 else ""
        lines += [
            f"{where}{key}: expected {_value(value)}, got {_value(found.get(key))}"
            for key, value in wanted.items()
            if found.get(key) != value
        ]
    return lines


def _value(value: Json) -> str:
    return "nothing" if value is None else str(value)


def _summary(got: list[Conversion], meanings: Sequence[Meaning]) -> str:
    """What came of the webhook, in a clause."""
    if got:
        return f"{len(got)}: " + ", ".join(map(shown, got))
    if any(meaning.conversions for meaning in meanings):
        return "ignored: no click id"
    reasons = [f"{meaning.state.value}: {meaning.reason}" for meaning in meanings if meaning.reason]
    return "; ".join(dict.fromkeys(reasons)) or "nothing"
