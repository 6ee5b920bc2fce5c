"""What Stripe is asked about a sale, in which order, and what its answers mean."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inquiry import NOTHING, Answer, Inquiry, Question, Thing, read
from bridge.mapping.claims import alike

T = Thing

#: Events as they are kept, by what they tell.
CHECKOUT: dict[str, Any] = {
    "object": "checkout.session",
    "id": "cs_1",
    "payment_intent": "pi_1",
    "invoice": None,
    "subscription": None,
    "customer": "cus_1",
}
SUBSCRIPTION_CHECKOUT = CHECKOUT | {"payment_intent": None, "invoice": "in_1", "subscription": "sub_1"}
INVOICE = {
    "object": "invoice",
    "id": "in_1",
    "customer": "cus_1",
    "parent": {"subscription_details": {"subscription": "sub_1", "metadata": {}}},
}
OLDER_INVOICE = {
    "object": "invoice",
    "id": "in_1",
    "customer": {"id": "cus_1", "object": "customer"},
    "subscription": "sub_1",
    "payment_intent": "pi_1",
}
PAYMENT = {"object": "payment_intent", "id": "pi_1", "customer": "cus_1"}
OLDER_PAYMENT = PAYMENT | {"invoice": "in_1"}
CHARGE = {"object": "charge", "id": "ch_1", "payment_intent": "pi_1", "customer": None}

Asked = list[tuple[Thing, str]]


def ask(told: Any, world: Mapping[Thing, Answer], *, click: bool = True, names: bool = False) -> tuple[Inquiry, Asked]:
    """Let it ask a Stripe that answers by `world`."""
    inquiry = Inquiry({"data": {"object": told}}, account="acct_1", wants_click=click, wants_names=names)
    asked: Asked = []
    while (question := inquiry.next()) is not None:
        assert "acct_1" == question.account
        assert len(asked) < 10, "it asks for ever"
        asked.append((question.thing, question.id))
        inquiry.answered(question, world.get(question.thing, NOTHING))
    return inquiry, asked


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (CHECKOUT, [(T.PAYMENT, "pi_1"), (T.CUSTOMER, "cus_1")]),
        (SUBSCRIPTION_CHECKOUT, [(T.INVOICE, "in_1"), (T.SUBSCRIPTION, "sub_1"), (T.CUSTOMER, "cus_1")]),
        (INVOICE, [(T.CHECKOUT_OF_SUBSCRIPTION, "sub_1"), (T.SUBSCRIPTION, "sub_1"), (T.CUSTOMER, "cus_1")]),
        (
            OLDER_INVOICE,
            [
                (T.PAYMENT, "pi_1"),
                (T.CHECKOUT_OF_SUBSCRIPTION, "sub_1"),
                (T.SUBSCRIPTION, "sub_1"),
                (T.CUSTOMER, "cus_1"),
            ],
        ),
        (INVOICE | {"parent": None}, [(T.PAYMENTS_OF, "in_1"), (T.CUSTOMER, "cus_1")]),
        (PAYMENT, [(T.INVOICES_OF, "pi_1"), (T.CHECKOUT_OF_PAYMENT, "pi_1"), (T.CUSTOMER, "cus_1")]),
        (OLDER_PAYMENT, [(T.INVOICE, "in_1"), (T.CHECKOUT_OF_PAYMENT, "pi_1"), (T.CUSTOMER, "cus_1")]),
        (CHARGE, [(T.INVOICES_OF, "pi_1"), (T.PAYMENT, "pi_1"), (T.CHECKOUT_OF_PAYMENT, "pi_1")]),
    ],
    ids=[
        "checkout",
        "subscription checkout",
        "invoice",
        "older invoice",
        "one-off invoice",
        "payment",
        "older payment",
        "charge",
    ],
)
def test_what_is_nearest_to_the_sale_is_asked_first(told: Any, expected: Asked) -> None:
    inquiry, asked = ask(told, {})

    assert expected == asked
    assert (None, None, ()) == (inquiry.click_id, inquiry.origin, inquiry.names)


def test_a_payment_leads_to_its_invoice_and_that_to_its_subscription() -> None:
    world = {T.INVOICES_OF: Answer(invoices=("in_1",)), T.INVOICE: Answer(subscription="sub_1")}
    _, asked = ask(PAYMENT | {"customer": None}, world)

    assert [
        (T.INVOICES_OF, "pi_1"),
        (T.INVOICE, "in_1"),
        (T.CHECKOUT_OF_SUBSCRIPTION, "sub_1"),
        (T.SUBSCRIPTION, "sub_1"),
    ] == asked


def test_the_invoice_of_a_one_time_checkout_leads_to_it_by_its_payment() -> None:
    world = {T.PAYMENTS_OF: Answer(payments=("pi_1",)), T.CHECKOUT_OF_PAYMENT: Answer(click_id="c1")}
    inquiry, asked = ask(INVOICE | {"parent": None}, world)

    assert [(T.PAYMENTS_OF, "in_1"), (T.PAYMENT, "pi_1"), (T.CHECKOUT_OF_PAYMENT, "pi_1")] == asked
    assert ("c1", ()) == (inquiry.click_id, inquiry.names)


def test_the_first_click_id_ends_the_search() -> None:
    world = {T.CHECKOUT_OF_SUBSCRIPTION: Answer(click_id="c1"), T.CUSTOMER: Answer(click_id="c2")}
    inquiry, asked = ask(INVOICE, world)

    assert [(T.CHECKOUT_OF_SUBSCRIPTION, "sub_1")] == asked
    assert ("c1", T.CHECKOUT_OF_SUBSCRIPTION) == (inquiry.click_id, inquiry.origin)


@pytest.mark.parametrize(
    ("told", "world", "expected", "names"),
    [
        (PAYMENT, {T.INVOICES_OF: Answer(invoices=("in_1",))}, [(T.INVOICES_OF, "pi_1")], ("in_1",)),
        (PAYMENT, {}, [(T.INVOICES_OF, "pi_1")], ()),
        (OLDER_PAYMENT, {}, [], ("in_1",)),
        (CHARGE, {T.INVOICES_OF: Answer(invoices=("in_1",))}, [(T.INVOICES_OF, "pi_1")], ("in_1",)),
        (INVOICE, {T.PAYMENTS_OF: Answer(payments=("pi_1", "pi_2"))}, [(T.PAYMENTS_OF, "in_1")], ("pi_1", "pi_2")),
        (SUBSCRIPTION_CHECKOUT, {T.PAYMENTS_OF: Answer(payments=("pi_1",))}, [(T.PAYMENTS_OF, "in_1")], ("pi_1",)),
        (CHECKOUT, {}, [], ()),
    ],
    ids=["payment", "of no invoice", "older payment", "charge", "invoice", "subscription checkout", "checkout"],
)
def test_the_other_names_of_a_payment(
    told: Any, world: Mapping[Thing, Answer], expected: Asked, names: tuple[str, ...]
) -> None:
    inquiry, asked = ask(told, world, click=False, names=True)

    assert expected == asked
    assert names == inquiry.names


def test_names_that_nobody_wants_are_not_given() -> None:
    inquiry, _ = ask(PAYMENT, {T.INVOICES_OF: Answer(invoices=("in_1",))})

    assert () == inquiry.names


def test_what_may_not_be_read_is_remembered_and_the_rest_is_asked() -> None:
    inquiry = Inquiry({"data": {"object": CHECKOUT}}, account="", wants_click=True, wants_names=False)
    first = inquiry.next()
    assert first is not None
    inquiry.forbidden(first)

    assert Question(T.CUSTOMER, "cus_1") == inquiry.next()
    assert [T.PAYMENT] == inquiry.refused


@pytest.mark.parametrize(
    "told",
    [
        None,
        "text",
        [],
        {},
        {"object": "payment_intent", "id": 7},
        {"object": "payment_intent", "id": "pi_1/../../v1/charges"},
        {"object": "payment_intent", "id": "pi_ä"},
        {"object": "payment_intent", "id": "pi_"},
        {"object": "invoice", "customer": "acct_1", "subscription": ["sub_1"]},
        {"object": "invoice", "customer": {"id": {"id": "cus_1"}}},
        {"object": "invoice", "customer": "cus_" + "a" * 300},
    ],
    ids=repr,
)
def test_nothing_but_an_id_is_asked_for(told: Any) -> None:
    assert [] == ask(told, {}, names=True)[1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["pi_1", "in_1", "sub_1", "cus_1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "object", "id", "invoice", "customer", "metadata", "payment", "click_id", "parent"]
            ),
            inner,
        )
    ),
)


@given(JSON, JSON)
def test_no_document_and_no_answer_breaks_it(told: Any, answer: Any) -> None:
    inquiry = Inquiry(told, account="", wants_click=True, wants_names=True)
    while (question := inquiry.next()) is not None:
        inquiry.answered(question, read(question, answer))


@pytest.mark.parametrize(
    ("document", "click"),
    [
        ({"metadata": {"click_id": "c1", "cms_rf": "c2"}}, "c1"),
        ({"metadata": {"click_id": "", "cms_rf": " c2 "}}, "c2"),
        ({"metadata": {"click_id": "undefined"}}, None),
        ({"metadata": {"click_id": "c" * 256}}, None),
        ({"metadata": {"click_id": ["c1"]}}, None),
        ({"metadata": None}, None),
        ({"parent": {"subscription_details": {"metadata": {"click_id": "c1"}}}}, "c1"),
        ({"subscription_details": {"metadata": {"cms_rf": "c1"}}}, "c1"),
        ({"metadata": {}, "client_reference_id": "cms_rf_c1"}, "c1"),
        ({"lines": {"data": [{"metadata": {}}, {"metadata": {"click_id": "c1"}}]}}, "c1"),
        (
            {"custom_fields": [{"key": "size", "text": {"value": "L"}}, {"key": "clickid", "text": {"value": "c1"}}]},
            "c1",
        ),
        ({"custom_fields": [{"key": "cmsrf", "dropdown": {"value": "c1"}}]}, None),
        ({"metadata": {}, "client_reference_id": "order 7"}, None),
        ({"metadata": {}, "client_reference_id": "cms_rf_"}, None),
        ({"id": "cus_1", "deleted": True}, None),
        (None, None),
    ],
    ids=repr,
)
def test_where_a_click_id_stands_in_an_answer(document: Any, click: str | None) -> None:
    assert click == read(Question(T.INVOICE, "in_1"), document).click_id
    listed: Any = {"data": [document]}
    assert click == read(Question(T.CHECKOUT_OF_PAYMENT, "pi_1"), listed).click_id


def test_the_payments_of_an_invoice_and_the_invoices_of_a_payment() -> None:
    listed: Any = {
        "data": [
            {"invoice": "in_1", "payment": {"type": "payment_intent", "payment_intent": "pi_1"}},
            {"invoice": {"id": "in_1"}, "payment": {"type": "charge", "charge": {"id": "ch_1"}}},
            {"invoice": None, "payment": {"type": "payment_record", "payment_record": "pr_1"}},
            "odd",
        ]
    }
    answer = read(Question(T.PAYMENTS_OF, "in_1"), listed)

    assert (("in_1",), ("pi_1", "ch_1")) == (answer.invoices, answer.payments)


@pytest.mark.parametrize(
    ("thing", "path", "parameters"),
    [
        (T.PAYMENT, "/v1/payment_intents/x", {}),
        (T.INVOICE, "/v1/invoices/x", {}),
        (T.SUBSCRIPTION, "/v1/subscriptions/x", {}),
        (T.CUSTOMER, "/v1/customers/x", {}),
        (T.PAYMENTS_OF, "/v1/invoice_payments", {"invoice": "x", "limit": 10}),
        (
            T.INVOICES_OF,
            "/v1/invoice_payments",
            {"payment": {"type": "payment_intent", "payment_intent": "x"}, "limit": 10},
        ),
        (T.CHECKOUT_OF_PAYMENT, "/v1/checkout/sessions", {"payment_intent": "x", "limit": 1}),
        (T.CHECKOUT_OF_SUBSCRIPTION, "/v1/checkout/sessions", {"subscription": "x", "limit": 1}),
    ],
    ids=lambda value: value.name if isinstance(value, Thing) else "",
)
def test_every_question_is_one_get(thing: Thing, path: str, parameters: dict[str, object]) -> None:
    assert (path, parameters) == (Question(thing, "x").path, Question(thing, "x").parameters)


def test_a_claim_of_another_name_is_alike_in_all_else() -> None:
    assert '["sale","stripe","acct_1","in_\\u00e9\\""]' == alike('["sale","stripe","acct_1","pi_1"]', 'in_é"')
