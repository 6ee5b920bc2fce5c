"""What the pages on Stripe say: every type, every mapping shown, every situation."""

import json
from typing import Any

import pytest

from bridge.errors import Severity
from bridge.mapping import Mapping, parse
from bridge.model import Sale
from tests.contract.stripe_more_cases import as_markdown
from tests.contract.stripe_world import charge, invoice, renewal, session, subscribed
from tests.contract.tellings import MAPPINGS, conversions_of, mapping_of

DOCS = MAPPINGS.parent / "docs"
PAGE = (DOCS / "stripe.md").read_text(encoding="utf-8")
CASES = (DOCS / "stripe-cases.md").read_text(encoding="utf-8")
#: The mappings shown, by the heading that they stand under.
SHOWN = {
    section.partition("\n")[0].lstrip("# "): block.partition("```")[0]
    for section in PAGE.replace("\n### ", "\n## ").split("\n## ")
    for block in section.split("```yaml\n")[1:]
}


def own(heading: str) -> Mapping:
    """A mapping that the page shows, with the shipped one it starts from."""

    def shipped(name: str) -> str:
        return (MAPPINGS / f"{name}.yaml").read_text(encoding="utf-8")

    parsed = parse(SHOWN[heading], file="own.yaml", base=shipped)
    assert [] == [str(problem) for problem in parsed.problems if problem.severity is Severity.PROBLEM]
    assert parsed.mapping is not None
    return parsed.mapping


def sale(mapping: Mapping, body: bytes) -> Sale:
    (conversion,) = conversions_of(mapping, body)
    assert isinstance(conversion.payload, Sale)
    return conversion.payload


@pytest.mark.parametrize("name", ["stripe", "stripe-payments"])
def test_the_page_names_every_type_that_a_rule_wants(name: str) -> None:
    assert [] == [kind for kind in mapping_of(MAPPINGS / f"{name}.yaml").types if f"`{kind}`" not in PAGE]


@pytest.mark.parametrize("heading", SHOWN)
def test_every_mapping_shown_can_be_loaded(heading: str) -> None:
    assert own(heading).rules


def test_an_own_rule_is_added_to_the_shipped_ones() -> None:
    shipped = [rule.name for rule in mapping_of(MAPPINGS / "stripe.yaml").rules]
    assert [*shipped, "new customer"] == [rule.name for rule in own("Change or add a rule").rules]


TAX: dict[str, Any] = {"total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 799}}
NET: dict[str, Any] = {"amount_paid": 4999, "total": 4999, "total_excluding_tax": 4200}


@pytest.mark.parametrize(
    ("body", "amount"),
    [
        (session(1, **TAX), 4200),
        (session(1, total_details=None), 4999),
        (subscribed(1, **TAX), 4200),
        (invoice(1, **NET), 4200),
        (renewal(1, 2, **NET), 4200),
        (renewal(1, 2, **{**NET, "amount_paid": 3000}), 3000),
        (invoice(1, **{**NET, "total_excluding_tax": None}), 4999),
    ],
    ids=["checkout", "no taxes told", "subscription", "its invoice", "renewal", "credit paid a part", "old invoice"],
)
def test_net_of_tax_every_telling_of_a_payment_says_the_same(body: bytes, amount: int) -> None:
    assert amount == sale(own("Net of tax"), body).amount


@pytest.mark.parametrize(
    ("changes", "click_id"),
    [
        ({"discounts": [{"coupon": None, "promotion_code": "promo_1TxPartnerA"}]}, "5e6e1650"),
        ({"discounts": [{"coupon": None, "promotion_code": "promo_of_nobody"}]}, None),
        ({"discounts": []}, None),
    ],
    ids=["a partner's code", "another code", "no code"],
)
def test_a_promotion_code_stands_for_a_click(changes: dict[str, Any], click_id: str | None) -> None:
    told = sale(own("Bring the click id along"), session(1, clicked=False, **changes))
    assert click_id == told.click_id


def test_changing_over_keeps_the_url_the_secret_and_the_names() -> None:
    mapping = own("Checkouts and invoices, or payments")
    secret = mapping.verify.get("secret")
    assert ("stripe", "${STRIPE_WEBHOOK_SECRET}") == (mapping.source, secret.text if secret else "")
    (charged,) = conversions_of(mapping, charge(1))
    (before,) = conversions_of(mapping_of(MAPPINGS / "stripe.yaml"), session(1))
    assert {*charged.claims} & {*before.claims}


@pytest.mark.parametrize("key", ["detail", "data"])
def test_an_envelope_is_opened(key: str) -> None:
    text = "Through EventBridge or Event Grid"
    mapping = own(text)
    if key == "data":
        parsed = parse(
            SHOWN[text].replace("document: detail", "document: data"),
            file="own.yaml",
            base=lambda name: (MAPPINGS / f"{name}.yaml").read_text(encoding="utf-8"),
        )
        assert parsed.mapping is not None
        mapping = parsed.mapping
    body = json.dumps({"id": "another", "type": "envelope", key: json.loads(session(1))}).encode()
    assert "pi_1" == sale(mapping, body).invoice_id


def test_the_cases_are_those_that_are_tested() -> None:
    shown = CASES.partition("<!-- situations -->\n")[2].partition("<!-- /situations -->")[0]
    assert as_markdown().strip() == shown.strip()
