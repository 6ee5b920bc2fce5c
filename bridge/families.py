"""Families of a sender's events: each tells all money, so two of them tell it twice.

Owns which of Stripe's event types belong together. Within a family two tellings of a payment share a name, which a
claim catches; across families they share none (since API version 2025-03-31 an invoice names no payment intent, and a
charge no invoice), unless the worker looks their names up with an API key.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bridge.errors import Problem
from bridge.mapping import Mapping, Rule

#: With this the names of a payment are looked up, and joined.
API_KEY: Final = "STRIPE_API_KEY"

_STRIPE: Final = {
    "checkouts and invoices": frozenset(
        (
            "checkout.session.completed",
            "checkout.session.async_payment_succeeded",
            "invoice.paid",
            "invoice.payment_succeeded",
        )
    ),
    "payments": frozenset(("payment_intent.succeeded", "charge.succeeded", "charge.captured")),
}


@dataclass(frozen=True, slots=True)
class _Teller:
    """A rule that makes sales of one family's events."""

    mapping: Mapping
    rule: Rule
    family: str


def doubled(mapping: Mapping) -> list[Problem]:
    """One problem for each rule that tells once more what an earlier rule of this mapping tells.

    A namespace of its own is how an operator says that a rule takes other payments.
    """
    return [_within(first, other) for first, other in _pairs(_tellers(mapping))]


def doubled_between(mappings: Iterable[Mapping]) -> list[Problem]:
    """One problem for each mapping that tells what another one tells, if they are of one account.

    A namespace of its own is how an operator says that they are not.
    """
    # one that tells twice by itself has its problem already
    first_of_each = [teller for mapping in mappings for teller in _tellers(mapping)[:1]]
    return [_between(first, other) for first, other in _pairs(first_of_each)]


def joined(mappings: Iterable[Mapping]) -> frozenset[str]:
    """The namespaces in which several families tell: there the names of each payment must be looked up."""
    tellers = [teller for mapping in mappings for teller in _tellers(mapping)]
    return frozenset(other.rule.namespace for _, other in _pairs(tellers))


def is_stripe(mapping: Mapping) -> bool:
    """Whether it speaks of Stripe's events."""
    scheme = mapping.verify.get("scheme")
    return scheme is not None and scheme.text.strip() == "stripe"


def _pairs(tellers: Iterable[_Teller]) -> Iterator[tuple[_Teller, _Teller]]:
    """The first of each namespace with every later one of another family."""
    first: dict[str, _Teller] = {}
    for teller in tellers:
        before = first.setdefault(teller.rule.namespace, teller)
        if before.family != teller.family:
            yield before, teller


def _tellers(mapping: Mapping) -> list[_Teller]:
    if not is_stripe(mapping):
        return []
    return [
        _Teller(mapping, rule, family)
        for rule in mapping.rules
        if rule.track == "sale"
        for family in _families(rule.types)
    ]


def _families(types: Iterable[str]) -> list[str]:
    return [family for family, members in _STRIPE.items() if not members.isdisjoint(types)]


def _types(teller: _Teller) -> str:
    return ", ".join(name for name in teller.rule.types if name in _STRIPE[teller.family])


def _within(first: _Teller, other: _Teller) -> Problem:
    alone = first.rule is other.rule
    again = "tells each payment twice" if alone else f'tells the same money as "{first.rule.name}" once more'
    return Problem(
        code="told-twice",
        what=f'the rule "{other.rule.name}" {again}',
        place=other.rule.place,
        why=_why(first, other),
        fix=f"keep one family (payments alone: extends: stripe-payments), or set {API_KEY}, with which their names are "
        "looked up; if it takes other payments, give it a once_namespace of its own",
    )


def _between(first: _Teller, other: _Teller) -> Problem:
    one, two = first.mapping.source, other.mapping.source
    return Problem(
        code="told-twice",
        what=f'"{two}" and "{one}" tell the same money, if they are of one Stripe account',
        place=other.rule.place,
        why=_why(first, other),
        fix=f"unset the secret of one of them, or set {API_KEY}, with which their names are looked up; "
        "if they are of two accounts, give the rules of one a once_namespace of its own",
    )


def _why(first: _Teller, other: _Teller) -> str:
    return f"{_types(first)} and {_types(other)} each tell of every payment, and an invoice does not name its payment"
