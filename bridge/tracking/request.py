"""A lead or a sale as the tracker reads it: the path, and JSON bytes with the vendor's keys in the vendor's order.

What is None is left out. Timestamps are UTC with milliseconds and Z. An amount is written as an exact literal and
is never a float on its way. Pure: the same payload gives the same bytes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from json import dumps
from typing import Literal, TypeAlias, assert_never

from bridge.model import Lead, Payload, Sale
from bridge.money import to_major

#: How amounts go out: 4999 or 49.99 for the same USD 49.99.
AmountUnit: TypeAlias = Literal["minor", "major"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is POSTed: where to, below the base URL, and the bytes."""

    path: str
    body: bytes


def encode(payload: Payload, unit: AmountUnit, *, is_dated: bool = True) -> Request:
    """Write a payload for the tracker; undated ones leave the timestamp out, so that the moment of arrival counts.

    Raises MoneyError for a currency whose major unit is not known.
    """
    when = _time(payload.timestamp) if is_dated else None
    match payload:
        case Lead():
            return Request(path="/track/lead", body=_lead(payload, when))
        case Sale():
            return Request(path="/track/sale", body=_sale(payload, when, _amount(payload, unit)))
        case _:
            assert_never(payload)


def _lead(lead: Lead, when: str | None) -> bytes:
    return _object(
        {
            "clickId": _text(lead.click_id),
            "eventName": _text(lead.event_name),
            "customerExternalId": _text(lead.customer_external_id),
            "timestamp": when,
            "customerName": _text(lead.customer_name),
            "customerEmail": _text(lead.customer_email),
            "customerAvatar": _text(lead.customer_avatar),
            "mode": '"deferred"' if lead.deferred else None,
        }
    )


def _sale(sale: Sale, when: str | None, amount: str) -> bytes:
    return _object(
        {
            "clickId": _text(sale.click_id),
            "eventName": _text(sale.event_name),
            "timestamp": when,
            "customerExternalId": _text(sale.customer_external_id),
            "customerName": _text(sale.customer_name),
            "customerEmail": _text(sale.customer_email),
            "customerAvatar": _text(sale.customer_avatar),
            "invoiceId": _text(sale.invoice_id),
            "amount": amount,
            "currency": _text(sale.currency),
        }
    )


def _object(members: dict[str, str | None]) -> bytes:
    """Join members that are JSON already; json.dumps itself would need a float for 49.99."""
    return ("{" + ",".join(f'"{key}":{value}' for key, value in members.items() if value is not None) + "}").encode()


def _text(value: str | None) -> str | None:
    return None if value is None else dumps(value)


def _time(when: datetime) -> str:
    return f'"{when.astimezone(UTC).isoformat(timespec="milliseconds")[:-6]}Z"'


def _amount(sale: Sale, unit: AmountUnit) -> str:
    return str(sale.amount) if unit == "minor" else _shortest(to_major(sale.amount, sale.currency))


def _shortest(amount: Decimal) -> str:
    """The number as JavaScript would write it: 49.99, 49.9, 500."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
