"""One rule on one document → a Conversion or a Reversal, or why there is none. Never raises."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from bridge.mapping import claims
from bridge.mapping.context import Context
from bridge.mapping.reading import Reading, amount_of, names_of, timestamp_of
from bridge.mapping.rules import Rule
from bridge.mapping.values import customer_of, email_of, id_of, name_of, url_of
from bridge.model import Conversion, Event, Json, Lead, Reversal, Sale


@dataclass(frozen=True, slots=True)
class Skipped:
    """The rule matched, and there is nothing to track: said in a word or two."""

    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The rule cannot be applied; every reason names rule, field and expression."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """A conversion, and what is worth saying about it."""

    conversion: Conversion
    note: str = ""


@dataclass(frozen=True, slots=True)
class Noted:
    """Money that went back, and what is worth saying about it."""

    reversal: Reversal
    note: str = ""


Result: TypeAlias = Made | Noted | Skipped | Failed


def convert(rule: Rule, document: Json, context: Context, event: Event, item: int) -> Result:
    """Apply a rule that matched."""
    reading = Reading(rule, document, context, item)
    match rule.track:
        case "sale":
            return _sale(reading, event)
        case "lead":
            return _lead(reading, event)
        case "refund" | "dispute":
            return _reversal(reading, rule.track, event)
        case _:
            assert_never(rule.track)


def _sale(reading: Reading, event: Event) -> Result:
    # Money first: an invoice of nothing is no sale, whatever else it lacks.
    currency = reading.need("currency", id_of).upper()
    amount = amount_of(reading, currency) if currency else None
    if amount is not None and amount <= 0:
        return Skipped("negative amount" if amount else "zero amount")
    customer = reading.need("customer_external_id", customer_of)
    invoice = reading.need("invoice_id", id_of)
    event_name = reading.need("event_name", id_of)
    click = reading.read("click_id", id_of)
    timestamp = timestamp_of(reading, event)
    names = _names(reading, invoice)
    if reading.failures or amount is None:
        return Failed(tuple(reading.failures))
    payload = Sale(
        event_name=event_name,
        customer_external_id=customer,
        invoice_id=invoice,
        amount=amount,
        currency=currency,
        click_id=click,
        customer_name=reading.read("customer_name", name_of),
        customer_email=reading.read("customer_email", email_of),
        customer_avatar=reading.read("customer_avatar", url_of),
        timestamp=timestamp,
    )
    return _made(reading, payload, claims.named("sale", reading.rule, event, names))


def _lead(reading: Reading, event: Event) -> Result:
    rule = reading.rule
    click = reading.read("click_id", id_of)
    if rule.deferred and click is None and not reading.failures:
        return Skipped("no click id")
    customer = reading.need("customer_external_id", customer_of)
    event_name = reading.need("event_name", id_of)
    timestamp = timestamp_of(reading, event)
    names = names_of(reading, "once_per", rule.once_per)
    if reading.failures:
        return Failed(tuple(reading.failures))
    payload = Lead(
        event_name=event_name,
        customer_external_id=customer,
        click_id=click,
        customer_name=reading.read("customer_name", name_of),
        customer_email=reading.read("customer_email", email_of),
        customer_avatar=reading.read("customer_avatar", url_of),
        timestamp=timestamp,
        deferred=rule.deferred,
    )
    if rule.once_per:
        return _made(reading, payload, claims.named(f"lead:{event_name}", rule, event, names))
    return _made(reading, payload, claims.once_per_event(event, reading.item, event_name))


def _made(reading: Reading, payload: Lead | Sale, taken: tuple[str, ...]) -> Made:
    rule = reading.rule
    conversion = Conversion(
        item=reading.item,
        rule=rule.name,
        payload=payload,
        claims=taken,
        needs_association=payload.click_id is None and rule.without_click_id == "skip",
        association_namespace=rule.namespace,
        fill=rule.fill,
        wait=rule.wait,
        when_unsure=rule.when_unsure,
    )
    return Made(conversion, "; ".join(reading.notes))


def _names(reading: Reading, invoice: str) -> list[str]:
    """The names under which this sale is known; by default there is only the invoice id."""
    rule = reading.rule
    if len(rule.once_per) == 1 and rule.once_per[0] is rule.fields["invoice_id"]:
        return [invoice]
    return names_of(reading, "once_per", rule.once_per)


def _reversal(reading: Reading, kind: Literal["refund", "dispute"], event: Event) -> Result:
    rule = reading.rule
    currency = reading.need("currency", id_of).upper()
    amount = amount_of(reading, currency) if currency else None
    if amount == 0:
        return Skipped("zero amount")
    of = names_of(reading, "of", rule.of)
    once_per = names_of(reading, "once_per", rule.once_per)
    timestamp = timestamp_of(reading, event)
    if reading.failures or amount is None:
        return Failed(tuple(reading.failures))
    taken = claims.named(kind, rule, event, once_per) if once_per else claims.once_per_event(event, reading.item, kind)
    reversal = Reversal(
        item=reading.item,
        rule=rule.name,
        kind=kind,
        of=tuple(dict.fromkeys(of)),
        sale=claims.named("sale", rule, event, of),
        claims=taken,
        # some senders write what went back with a minus sign
        amount=abs(amount),
        currency=currency,
        timestamp=timestamp,
    )
    return Noted(reversal, "; ".join(reading.notes))
