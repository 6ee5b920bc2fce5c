"""One-time payments and what goes back: situations, each with every call that goes out of it."""

from typing import Any

from tests.contract.stripe_situations import Later, Situation
from tests.contract.stripe_world import charge, dispute, refund, refunded, session

ASYNC: dict[str, Any] = {"type": "checkout.session.async_payment_succeeded"}

SALE = "sale purchase_completed 4999 USD pi_1 click_1"

UNKNOWN = (
    "cannot map: rule 'one-time checkout', customer_external_id (data.object.customer || data.object.customer_account "
    "|| lower(data.object.customer_details.email || data.object.custome…): nothing there"
)
ONE_TIME = [
    Situation("A checkout is paid", (session(1),), (SALE,)),
    Situation("Stripe delivers an event twice", (session(1), session(1)), (SALE,)),
    Situation("Stripe tells the same once more as another event", (session(1), session(1, again="_again")), (SALE,)),
    Situation(
        "Nobody's link brought the buyer",
        (session(1, clicked=False),),
        ("sale purchase_completed 4999 USD pi_1 no click",),
    ),
    Situation(
        "A payment link has the click id as reference",
        (session(1, clicked=False, client_reference_id="cms_rf_click_1"),),
        (SALE,),
    ),
    Situation(
        "A shop's own reference is no click id",
        (session(1, clicked=False, client_reference_id="order-81"),),
        ("sale purchase_completed 4999 USD pi_1 no click",),
    ),
    Situation(
        "A payment link has it in a custom field",
        (session(1, clicked=False, custom_fields=[{"key": "clickid", "text": {"value": "click_1"}}]),),
        (SALE,),
    ),
    Situation("A guest buys, known by the e-mail", (session(1, customer=None),), (SALE,)),
    Situation(
        "Nobody at all: no customer, no e-mail",
        (session(1, customer=None, customer_details=None),),
        (),
        (UNKNOWN,),
    ),
    Situation(
        "A bank debit is paid days later",
        (session(1, payment_status="unpaid"), Later(4320), session(1, **ASYNC)),
        (SALE,),
        ("no rule",),
    ),
    Situation(
        "A bank debit fails",
        (
            session(1, payment_status="unpaid"),
            session(1, type="checkout.session.async_payment_failed", payment_status="unpaid"),
        ),
        (),
        ("no rule",),
    ),
    Situation(
        "A coupon of 100 %", (session(1, payment_status="no_payment_required", amount_total=0),), (), ("no rule",)
    ),
    Situation(
        "A card is only set up",
        (session(1, mode="setup", payment_status="no_payment_required", amount_total=None),),
        (),
        ("no rule",),
    ),
    Situation("Its charge is told, too", (charge(1), session(1)), (SALE,), ("no rule",)),
    Situation(
        "A customer buys the same twice",
        (session(1), session(2, customer="cus_1")),
        (SALE, "sale purchase_completed 4999 USD pi_2 click_2"),
    ),
    Situation(
        "Taxes, shipping and a discount",
        (
            session(
                1,
                amount_total=11371,
                total_details={"amount_discount": 1000, "amount_shipping": 490, "amount_tax": 1881},
            ),
        ),
        ("sale purchase_completed 11371 USD pi_1 click_1",),
    ),
    Situation(
        "500 yen", (session(1, amount_total=500, currency="jpy"),), ("sale purchase_completed 500 JPY pi_1 click_1",)
    ),
    Situation(
        "5.120 Kuwaiti dinars",
        (session(1, amount_total=5120, currency="kwd"),),
        ("sale purchase_completed 5120 KWD pi_1 click_1",),
    ),
    Situation(
        "5,900 krónur, which Stripe sends as 590000",
        (session(1, amount_total=590000, currency="isk"),),
        ("sale purchase_completed 5900 ISK pi_1 click_1",),
    ),
    Situation(
        "5,000 Ugandan shillings, sent as 500000",
        (session(1, amount_total=500000, currency="ugx"),),
        ("sale purchase_completed 5000 UGX pi_1 click_1",),
    ),
    Situation(
        "5,000 ariary, which Stripe sends as 5000",
        (session(1, amount_total=5000, currency="mga"),),
        ("sale purchase_completed 500000 MGA pi_1 click_1",),
    ),
    Situation(
        "Adaptive pricing: the buyer paid 46.90 EUR",
        (session(1, presentment_details={"presentment_amount": 4690, "presentment_currency": "eur"}),),
        (SALE,),
    ),
    Situation(
        "Adaptive pricing before 2025-03-31",
        (
            session(
                1,
                amount_total=4690,
                currency="eur",
                currency_conversion={"amount_total": 4999, "source_currency": "usd"},
            ),
        ),
        (SALE,),
    ),
]

REFUNDS = [
    Situation("A refund", (session(1), refund(1)), (SALE,), ("refund",)),
    Situation(
        "Two partial refunds", (session(1), refund(1, amount=1000), refund(1, 2, amount=500)), (SALE,), ("refund",)
    ),
    Situation(
        "A refund that takes days",
        (session(1), refund(1, status="pending"), Later(4320), refund(1, type="refund.updated")),
        (SALE,),
        ("no rule", "refund"),
    ),
    Situation(
        "A refund fails",
        (session(1), refund(1, status="pending"), refund(1, type="refund.failed", status="failed")),
        (SALE,),
        ("no rule",),
    ),
    Situation(
        "A refund before API version 2024-10-28",
        (session(1), refunded(1, 1000), refunded(1, 4999)),
        (SALE,),
        ("refund",),
    ),
    Situation(
        "A later version tells both",
        (session(1), refund(1), refunded(1, 4999, around={"api_version": "2026-01-28.clover"})),
        (SALE,),
        ("refund", "no rule"),
    ),
    Situation("The refund comes before the sale", (refund(1), session(1)), (SALE,), ("refund",)),
    Situation(
        "A dispute",
        (
            session(1),
            dispute(1),
            dispute(1, type="charge.dispute.funds_withdrawn"),
            dispute(1, type="charge.dispute.closed", status="lost"),
        ),
        (SALE,),
        ("dispute", "no rule"),
    ),
    Situation("A bank only asks", (session(1), dispute(1, status="warning_needs_response")), (SALE,), ("no rule",)),
]
