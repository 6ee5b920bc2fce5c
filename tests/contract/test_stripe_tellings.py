"""One payment is one sale in whatever order Stripe tells it, and every telling says the same."""

from itertools import combinations, permutations
from typing import Any

import pytest

from bridge.model import Conversion, Lead, Sale
from tests.contract.stripe_world import charge, invoice, receipt, renewal, session, subscribed, trial, trial_session
from tests.contract.tellings import MAPPINGS, conversions_of, mapping_of, sent

STRIPE = mapping_of(MAPPINGS / "stripe.yaml")

SUCCEEDED: dict[str, Any] = {"type": "invoice.payment_succeeded"}
ASYNC: dict[str, Any] = {"type": "checkout.session.async_payment_succeeded"}
PAYMENTS_LIST = {"object": "list", "data": [{"payment": {"type": "payment_intent", "payment_intent": "pi_4"}}]}
#: An invoice as it was before API version 2025-03-31, where it named what its subscription was.
BEFORE_BASIL: dict[str, Any] = {
    "parent": None,
    "subscription": "sub_7",
    "subscription_details": {"metadata": {"click_id": "click_7"}},
}

#: Tellings of one payment (or one trial), each list in any order.
PAYMENTS = {
    "one-time, card": [session(1), charge(1)],
    "one-time, delayed": [session(2, payment_status="unpaid"), session(2, **ASYNC)],
    "one-time, told paid twice": [session(3), session(3, **ASYNC), session(3, again="_again")],
    "one-time with invoice": [session(4, invoice="in_4"), receipt(4), receipt(4, **SUCCEEDED)],
    "one-time with invoice, before basil": [session(5, invoice="in_5"), receipt(5, payment_intent="pi_5")],
    "subscription checkout": [subscribed(6), invoice(6), invoice(6, **SUCCEEDED)],
    "subscription checkout, before basil": [subscribed(7), invoice(7, **BEFORE_BASIL)],
    "subscription checkout, session without invoice": [
        subscribed(8, invoice=None),
        invoice(8),
        invoice(8, **SUCCEEDED),
    ],
    "subscription checkout, delayed": [subscribed(9, payment_status="unpaid"), subscribed(9, **ASYNC), invoice(9)],
    "subscription by payment link": [subscribed(10, client_reference_id="cms_rf_x"), invoice(10, clicked=False)],
    "subscription by API": [invoice(11), invoice(11, **SUCCEEDED)],
    "invoice paid in parts": [invoice(12, status="open", amount_paid=1000, **SUCCEEDED), invoice(12)],
    "renewal": [renewal(13, 113), renewal(13, 113, **SUCCEEDED)],
    "guest": [session(14, customer=None), session(14, customer=None, **ASYNC)],
    "trial with Checkout": [trial(15), trial_session(15), invoice(15, amount_paid=0)],
    "trial, click id in the session alone": [trial(16, clicked=False), trial_session(16), invoice(16, amount_paid=0)],
    "trial, click id in the subscription alone": [
        trial(17),
        trial_session(17, clicked=False),
        invoice(17, amount_paid=0),
    ],
}


@pytest.mark.parametrize("bodies", list(PAYMENTS.values()), ids=PAYMENTS)
def test_one_payment_is_one_conversion_in_whatever_order_it_is_told(bodies: list[bytes]) -> None:
    for order in permutations(bodies):
        assert 1 == len(sent(STRIPE, order))


@pytest.mark.parametrize("bodies", list(PAYMENTS.values()), ids=PAYMENTS)
def test_every_telling_of_a_payment_says_the_same(bodies: list[bytes]) -> None:
    """Whoever comes first is sent, so who comes first must not matter."""
    tellings = {
        (payload.event_name, payload.customer_external_id, *money(payload))
        for body in bodies
        for payload in (conversion.payload for conversion in conversions_of(STRIPE, body))
    }
    assert 1 == len(tellings)


def money(payload: Lead | Sale) -> tuple[int, str] | tuple[()]:
    return (payload.amount, payload.currency) if isinstance(payload, Sale) else ()


def test_the_invoice_id_is_the_same_wherever_the_session_knows_it() -> None:
    for name in ("one-time with invoice", "subscription checkout", "subscription by payment link"):
        payloads = [conversion.payload for body in PAYMENTS[name] for conversion in conversions_of(STRIPE, body)]
        assert 1 == len({payload.invoice_id for payload in payloads if isinstance(payload, Sale)}), name


DIFFERENT = [
    "one-time, card",
    "one-time, delayed",
    "one-time with invoice",
    "subscription checkout",
    "renewal",
    "guest",
]


@pytest.mark.parametrize(("one", "other"), list(combinations(DIFFERENT, 2)))
def test_two_payments_are_two_sales(one: str, other: str) -> None:
    assert 2 == len(sent(STRIPE, (*PAYMENTS[one], *PAYMENTS[other])))


def sales(bodies: tuple[bytes, ...]) -> list[Conversion]:
    return [conversion for conversion in sent(STRIPE, bodies) if isinstance(conversion.payload, Sale)]


TO_COME = {"enabled": True, "invoice_data": {"metadata": {}}}


@pytest.mark.parametrize(
    "named", [{}, {"payment_intent": "pi_4"}, {"payments": PAYMENTS_LIST}], ids=["no name", "before basil", "included"]
)
def test_a_checkout_that_does_not_know_its_invoice_leaves_the_sale_to_it(named: dict[str, Any]) -> None:
    """Nothing need tie the two together: so only one of them may tell."""
    bodies = (session(4, invoice_creation=TO_COME), receipt(4, **named), receipt(4, **named, **SUCCEEDED))
    for order in permutations(bodies):
        assert ["in_4"] == [sale.payload.invoice_id for sale in sales(order) if isinstance(sale.payload, Sale)]


def test_a_renewal_is_not_the_first_payment_of_its_subscription() -> None:
    assert 3 == len(sales((subscribed(6), invoice(6), renewal(6, 61), renewal(6, 62))))


def test_a_trial_and_the_payment_after_it_are_a_lead_and_a_sale_of_one_customer() -> None:
    lead, sale = sent(STRIPE, (*PAYMENTS["trial with Checkout"], renewal(15, 151)))
    assert isinstance(lead.payload, Lead)
    assert isinstance(sale.payload, Sale)
    assert lead.payload.customer_external_id == sale.payload.customer_external_id


def test_the_same_ids_in_two_connected_accounts_are_two_sales() -> None:
    one, other = {"account": "acct_one"}, {"account": "acct_other"}
    bodies = (session(1, around=one), session(1, around=other), session(1, around=one))
    assert 2 == len(sent(STRIPE, bodies))
