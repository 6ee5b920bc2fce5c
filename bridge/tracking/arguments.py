"""What a caller of the clients passed, checked before anything is sent: arguments → payload.

TypeError for the wrong kind of value, ValueError for the wrong value; no message repeats a value. Blank optional
text counts as missing, because a cookie that was not set often arrives as "".
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.model import Lead, Payload, Sale


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A payload, and whether the caller said when it happened."""

    payload: Payload
    is_dated: bool


def lead_of(
    event_name: str,
    customer_external_id: str,
    click_id: str | None,
    customer_name: str | None,
    customer_email: str | None,
    customer_avatar: str | None,
    timestamp: datetime | str | None,
    mode: str | None,
) -> Tracked:
    """Check a lead; a deferred one needs the click id that it stores."""
    if mode not in (None, "deferred"):
        raise ValueError('mode: expected "deferred" or nothing')
    if mode and _optional("click_id", click_id) is None:
        raise ValueError("click_id is required with mode deferred: this call stores it for the leads and sales to come")
    payload = Lead(
        event_name=_required("event_name", event_name),
        customer_external_id=_required("customer_external_id", customer_external_id),
        click_id=_optional("click_id", click_id),
        customer_name=_optional("customer_name", customer_name),
        customer_email=_optional("customer_email", customer_email),
        customer_avatar=_optional("customer_avatar", customer_avatar),
        timestamp=_when(timestamp),
        deferred=mode is not None,
    )
    return Tracked(payload=payload, is_dated=timestamp is not None)


def sale_of(
    event_name: str,
    customer_external_id: str,
    invoice_id: str,
    amount: int,
    currency: str,
    click_id: str | None,
    customer_name: str | None,
    customer_email: str | None,
    customer_avatar: str | None,
    timestamp: datetime | str | None,
) -> Tracked:
    """Check a sale; its amount is in minor units."""
    payload = Sale(
        event_name=_required("event_name", event_name),
        customer_external_id=_required("customer_external_id", customer_external_id),
        invoice_id=_required("invoice_id", invoice_id),
        amount=_amount(amount),
        currency=_currency(currency),
        click_id=_optional("click_id", click_id),
        customer_name=_optional("customer_name", customer_name),
        customer_email=_optional("customer_email", customer_email),
        customer_avatar=_optional("customer_avatar", customer_avatar),
        timestamp=_when(timestamp),
    )
    return Tracked(payload=payload, is_dated=timestamp is not None)


def _required(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected text, got {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"{name} is required")
    return value


def _optional(name: str, value: str | None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected text or None, got {type(value).__name__}")
    return value if value.strip() else None


def _amount(amount: int) -> int:
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise TypeError(f"amount: expected an int of minor units (4999 for 49.99), got {type(amount).__name__}")
    if amount < 0:
        raise ValueError("amount: expected 0 or more; the tracker knows no refunds")
    return amount


def _currency(currency: str) -> str:
    code = _required("currency", currency)
    if not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise ValueError("currency: expected three letters such as USD")
    return code.upper()


def _when(timestamp: datetime | str | None) -> datetime:
    if timestamp is None:
        return datetime.now(UTC)
    if not isinstance(timestamp, datetime | str):
        raise TypeError(f"timestamp: expected a datetime or ISO 8601 text, got {type(timestamp).__name__}")
    try:
        when = datetime.fromisoformat(timestamp) if isinstance(timestamp, str) else timestamp
        utc = when.astimezone(UTC) if when.utcoffset() is not None else None
    except (ValueError, OverflowError):
        utc = None
    if utc is None:
        raise ValueError("timestamp: expected a date and time with a zone, such as 2026-04-10T12:34:56Z")
    return utc
