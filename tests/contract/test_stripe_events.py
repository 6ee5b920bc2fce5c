"""What single events of Stripe come to when something in them is odd."""

from typing import Any

import pytest

from tests.contract.tellings import MAPPINGS, conversions_of, mapping_of, meanings_of, told

STRIPE = mapping_of(MAPPINGS / "stripe.yaml")


def changed(name: str, changes: dict[str, Any]) -> bytes:
    """An example's event with paths of its object changed."""
    return told("stripe", name, {f"data.object.{path}": value for path, value in changes.items()})


@pytest.mark.parametrize(
    "name", ["checkout_guest", "checkout_subscription", "checkout_trial", "invoice_first", "invoice_renewal"]
)
def test_without_a_customer_every_rule_knows_people_by_the_same_lower_cased_email(name: str) -> None:
    email = "Ada.LOVELACE@example.com"
    body = changed(
        name, {"customer": None, "customer_email": email, "customer_details": {"email": email, "name": "Ada"}}
    )
    assert ["ada.lovelace@example.com"] == [item.payload.customer_external_id for item in conversions_of(STRIPE, body)]


ODD = {
    "no amount": ("checkout_paid", {"amount_total": None}),
    "no currency": ("checkout_paid", {"currency": None}),
    "text": ("checkout_paid", {"amount_total": "49.99"}),
    "no such currency": ("checkout_paid", {"currency": "zzz"}),
    "half a króna": ("checkout_isk", {"amount_total": 590050}),
    "nothing paid": ("invoice_first", {"amount_paid": None}),
    "nobody": ("invoice_first", {"customer": None, "customer_email": None}),
    "no trialist": ("subscription_trialing", {"customer": None}),
}


@pytest.mark.parametrize(("name", "changes"), ODD.values(), ids=ODD)
def test_money_that_cannot_be_told_is_for_a_person_to_look_at(name: str, changes: dict[str, Any]) -> None:
    (meaning,) = meanings_of(STRIPE, changed(name, changes))
    assert "unmapped" == meaning.state.value
    assert () == meaning.conversions


CLICKS = {
    "metadata before everything": ({"metadata": {"click_id": "a", "cms_rf": "b"}}, "a"),
    "cms_rf does as well": ({"metadata": {"cms_rf": "b"}, "client_reference_id": "cms_rf_c"}, "b"),
    "then the reference": ({"metadata": {"click_id": ""}, "client_reference_id": "cms_rf_c"}, "c"),
    "then a custom field": (
        {"metadata": {}, "custom_fields": [{"key": "cmsrf", "type": "text", "text": {"value": "d"}}]},
        "d",
    ),
    "a dropdown is none": (
        {"metadata": {}, "custom_fields": [{"key": "clickid", "type": "dropdown", "dropdown": {"value": "d"}}]},
        None,
    ),
    "an empty one is none": (
        {"metadata": None, "custom_fields": [{"key": "clickid", "type": "text", "text": {"value": None}}]},
        None,
    ),
}


@pytest.mark.parametrize(("changes", "click_id"), CLICKS.values(), ids=CLICKS)
def test_a_checkouts_click_id_is_the_first_of_these(changes: dict[str, Any], click_id: str | None) -> None:
    (conversion,) = conversions_of(STRIPE, changed("checkout_paid", changes))
    assert click_id == conversion.payload.click_id
