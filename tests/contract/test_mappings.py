"""Every shipped mapping keeps its own examples, and one payment is one sale in whatever order Stripe tells it."""

import json
import re
from copy import deepcopy
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import pytest

from bridge import sources
from bridge.demo.samples import webhook_of
from bridge.mapping import Example, Mapping, compare, parse
from bridge.model import Lead, Sale
from tests.contract.tellings import (
    MAPPINGS,
    RECEIVED_AT,
    conversions_of,
    mapping_of,
    meanings,
    meanings_of,
    parsed,
    sent,
)

FILES = sorted(MAPPINGS.glob("*.yaml"))
STRIPE = mapping_of(MAPPINGS / "stripe.yaml")
STRIPE_PAGE = (MAPPINGS.parent / "docs" / "stripe.md").read_text(encoding="utf-8")

#: What Razorpay writes for a payer who gave no address: nobody.
NOBODY = frozenset(("void@razorpay.com",))

EXAMPLES = [
    pytest.param(mapping, example, id=f"{mapping.source}: {example.name}")
    for mapping in map(mapping_of, FILES)
    for example in mapping.examples
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_mapping_has_neither_problems_nor_warnings(file: Path) -> None:
    assert [] == [str(problem) for problem in parsed(file).problems]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_mapping_is_proven_by_the_secret_named_after_it(file: Path) -> None:
    mapping = mapping_of(file)
    scheme, problems = sources.parse(mapping.verify)
    assert [] == [str(problem) for problem in problems]
    assert scheme is not None
    variable = mapping.source.upper().replace("-", "_") + "_WEBHOOK_SECRET"
    assert [f"${{{variable}}}"] == [node.text for node in scheme.secret]


@pytest.mark.parametrize(("mapping", "example"), EXAMPLES)
def test_an_example_becomes_what_it_must(mapping: Mapping, example: Example) -> None:
    webhook = webhook_of((MAPPINGS / example.webhook).read_bytes(), mapping.source, RECEIVED_AT)
    assert [] == compare(example, meanings(mapping, sources.sample(webhook)))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_payload_is_some_example(file: Path) -> None:
    mapping = mapping_of(file)
    used = [example.webhook for example in mapping.examples]
    there = [path.relative_to(MAPPINGS).as_posix() for path in (MAPPINGS / "examples" / mapping.source).iterdir()]
    assert sorted(there) == sorted(used)
    assert len(used) == len({example.name for example in mapping.examples})


@pytest.mark.parametrize("path", sorted(MAPPINGS.rglob("examples/**/*.json")), ids=lambda path: path.stem)
def test_nobody_in_an_example_is_real(path: Path) -> None:
    # a body of its own kind holds quotes, commas and colons around an address
    words = re.split(r"""[\s"\\,;:<>()]+""", path.read_text(encoding="utf-8"))
    addresses = [word for word in words if "@" in word and word not in NOBODY]
    assert [] == [address for address in addresses if not address.lower().endswith("@example.com")]


# One payment, told several times ----------------------------------------------------------------------------------


def told(name: str, **changes: Any) -> bytes:
    """An example's event, with fields of its object (or, in upper case, of the event) changed."""
    event = json.loads((MAPPINGS / "examples" / "stripe" / f"{name}.json").read_bytes())
    event["id"] += "".join(changes)
    target = event["data"]["object"]
    for key, value in changes.items():
        if key.isupper():
            event[key.lower()] = value
        else:
            target[key] = deepcopy(value)
    return json.dumps(event).encode()


def intent(name: str) -> str:
    event = json.loads((MAPPINGS / "examples" / "stripe" / f"{name}.json").read_bytes())
    value: str = event["data"]["object"]["payment_intent"]
    return value


PAID_BY = intent("checkout_with_invoice")
PAYMENTS_LIST = {"object": "list", "data": [{"payment": {"type": "payment_intent", "payment_intent": PAID_BY}}]}

SUCCEEDED = {"TYPE": "invoice.payment_succeeded"}
ASYNC = {"TYPE": "checkout.session.async_payment_succeeded"}

#: Tellings of one payment (or one trial), each list in any order.
PAYMENTS = {
    "one-time, card": [told("checkout_paid"), told("charge_succeeded")],
    "one-time, delayed": [told("checkout_unpaid"), told("checkout_async_paid")],
    "one-time, told paid twice": [told("checkout_paid"), told("checkout_paid", **ASYNC)],
    "one-time with invoice": [
        told("checkout_with_invoice"),
        told("invoice_after_checkout"),
        told("invoice_after_checkout", **SUCCEEDED),
    ],
    # the session was sent before its invoice was made: the payment intent is what both know
    "one-time, invoice later, before basil": [
        told("checkout_with_invoice", invoice=None),
        told("invoice_after_checkout", payment_intent=PAID_BY),
    ],
    "one-time, invoice later, payments included": [
        told("checkout_with_invoice", invoice=None),
        told("invoice_after_checkout", payments=PAYMENTS_LIST),
    ],
    "subscription checkout": [told("checkout_subscription"), told("invoice_first"), told("invoice_first_twin")],
    "subscription checkout, delayed": [
        told("checkout_subscription", payment_status="unpaid"),
        told("checkout_subscription", **ASYNC),
        told("invoice_first"),
    ],
    "subscription by payment link": [
        told("checkout_subscription_payment_link"),
        told("invoice_first_payment_link"),
    ],
    "subscription by API, before basil": [told("invoice_acacia"), told("invoice_acacia", **SUCCEEDED)],
    "renewal": [told("invoice_renewal"), told("invoice_renewal", **SUCCEEDED)],
    "guest": [told("checkout_guest"), told("checkout_guest", **ASYNC)],
    "trial with Checkout": [told("subscription_trialing"), told("checkout_trial"), told("invoice_trial")],
    "trial, click id in the session alone": [
        told("subscription_trialing", metadata={}),
        told("checkout_trial"),
        told("invoice_trial"),
    ],
    "trial, click id in the subscription alone": [
        told("subscription_trialing"),
        told("checkout_trial", client_reference_id=None),
        told("invoice_trial"),
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


def test_a_trial_and_the_payment_after_it_are_a_lead_and_a_sale_of_one_customer() -> None:
    lead, sale = sent(STRIPE, (*PAYMENTS["trial with Checkout"], told("invoice_after_trial")))
    assert isinstance(lead.payload, Lead)
    assert isinstance(sale.payload, Sale)
    assert lead.payload.customer_external_id == sale.payload.customer_external_id


def test_the_same_ids_in_two_connected_accounts_are_two_sales() -> None:
    bodies = (told("checkout_connect"), told("checkout_connect", ACCOUNT="acct_another"), told("checkout_connect"))
    assert 2 == len(sent(STRIPE, bodies))


@pytest.mark.parametrize(
    "name", ["checkout_guest", "checkout_subscription", "checkout_trial", "invoice_first", "invoice_renewal"]
)
def test_without_a_customer_every_rule_knows_people_by_the_same_lower_cased_email(name: str) -> None:
    email = "Ada.LOVELACE@example.com"
    body = told(name, customer=None, customer_email=email, customer_details={"email": email, "name": "Ada"})
    assert ["ada.lovelace@example.com"] == [item.payload.customer_external_id for item in conversions_of(STRIPE, body)]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("checkout_paid", {"amount_total": None}),
        ("checkout_paid", {"currency": None}),
        ("checkout_paid", {"amount_total": "49.99"}),
        ("checkout_paid", {"currency": "zzz"}),
        ("checkout_isk", {"amount_total": 590050}),
        ("invoice_first", {"amount_paid": None}),
        ("invoice_first", {"customer": None, "customer_email": None}),
        ("subscription_trialing", {"customer": None}),
    ],
    ids=[
        "no amount",
        "no currency",
        "text",
        "no such currency",
        "half a króna",
        "nothing paid",
        "nobody",
        "no trialist",
    ],
)
def test_money_that_cannot_be_told_is_for_a_person_to_look_at(name: str, changes: dict[str, Any]) -> None:
    (meaning,) = meanings_of(STRIPE, told(name, **changes))
    assert "unmapped" == meaning.state.value
    assert () == meaning.conversions


def test_the_page_names_every_type_that_a_rule_wants() -> None:
    assert [] == [name for name in STRIPE.types if f"`{name}`" not in STRIPE_PAGE]


def test_the_pages_example_of_an_own_rule_adds_it_to_the_shipped_ones() -> None:
    text = STRIPE_PAGE.split("```yaml\n")[1].split("```")[0]
    own = parse(text, file="stripe.yaml", base=lambda name: (MAPPINGS / f"{name}.yaml").read_text(encoding="utf-8"))
    assert own.mapping is not None
    assert [*(rule.name for rule in STRIPE.rules), "new customer"] == [rule.name for rule in own.mapping.rules]
