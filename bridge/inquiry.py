"""What to ask Stripe about a sale, and what the answers mean. Pure: an event's document in, questions one by one out.

Two things may be wanted. A click id, where the sale has none: it may stand in the metadata of the payment, the invoice,
the checkout, the subscription or the customer, asked for in this order, what is nearest to the sale first. And the
payment's other names, where payments and invoices are both told: since API version 2025-03-31 neither names the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bridge.mapping.values import Unfit, id_of
from bridge.model import Json

#: Where users put the click id, and in what order it counts.
_CLICKS: Final = ("click_id", "cms_rf")
#: The same as a checkout's text fields, whose keys have no underscore.
_FIELDS: Final = ("clickid", "cmsrf")
#: An object's own, and its subscription's, as of API version 2025-03-31 and before.
_METADATA: Final = (
    ("metadata",),
    ("parent", "subscription_details", "metadata"),
    ("subscription_details", "metadata"),
)
#: A payment link has one slot, shared with shops' own ids: it counts with this prefix alone.
_REFERENCE_PREFIX: Final = "cms_rf_"
#: An invoice paid in more parts than this names the first of them.
_MOST_PAYMENTS: Final = 10


class Thing(Enum):
    """What can be asked for; the value is what people call it, and what a restricted key must be allowed to read."""

    PAYMENT = "payment intents"
    INVOICE = "invoices"
    #: the payments of an invoice, the invoices of a payment: a permission of their own
    PAYMENTS_OF = "invoice payments"
    INVOICES_OF = "invoice payments of a payment"
    CHECKOUT_OF_PAYMENT = "checkout sessions"
    CHECKOUT_OF_SUBSCRIPTION = "checkout sessions of a subscription"
    SUBSCRIPTION = "subscriptions"
    CUSTOMER = "customers"


@dataclass(frozen=True, slots=True)
class Question:
    """One GET."""

    thing: Thing
    id: str
    #: the sub-account it is asked of
    account: str = ""

    @property
    def path(self) -> str:
        """Below https://api.stripe.com."""
        match self.thing:
            case Thing.PAYMENT:
                return f"/v1/payment_intents/{self.id}"
            case Thing.INVOICE:
                return f"/v1/invoices/{self.id}"
            case Thing.SUBSCRIPTION:
                return f"/v1/subscriptions/{self.id}"
            case Thing.CUSTOMER:
                return f"/v1/customers/{self.id}"
            case Thing.PAYMENTS_OF | Thing.INVOICES_OF:
                return "/v1/invoice_payments"
            case Thing.CHECKOUT_OF_PAYMENT | Thing.CHECKOUT_OF_SUBSCRIPTION:
                return "/v1/checkout/sessions"

    @property
    def parameters(self) -> dict[str, object]:
        """The query, as Stripe's library takes it."""
        match self.thing:
            case Thing.PAYMENTS_OF:
                return {"invoice": self.id, "limit": _MOST_PAYMENTS}
            case Thing.INVOICES_OF:
                return {"payment": {"type": "payment_intent", "payment_intent": self.id}, "limit": _MOST_PAYMENTS}
            case Thing.CHECKOUT_OF_PAYMENT:
                return {"payment_intent": self.id, "limit": 1}
            case Thing.CHECKOUT_OF_SUBSCRIPTION:
                return {"subscription": self.id, "limit": 1}
            case _:
                return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an answer says that we wanted to know; nothing else of it is kept."""

    click_id: str | None = None
    invoices: tuple[str, ...] = ()
    payments: tuple[str, ...] = ()
    subscription: str = ""
    customer: str = ""


NOTHING: Final = Answer()


def read(question: Question, document: Json) -> Answer:
    """What Stripe's answer to this question says; None, for "there is none", says nothing."""
    if question.thing in (Thing.PAYMENTS_OF, Thing.INVOICES_OF):
        items = _list(_at(document, "data"))
        invoices = [found for item in items if (found := _id(_at(item, "invoice"), "in_"))]
        payments = [found for item in items if (found := _payment(_at(item, "payment")))]
        return Answer(invoices=tuple(dict.fromkeys(invoices)), payments=tuple(dict.fromkeys(payments)))
    if question.thing in (Thing.CHECKOUT_OF_PAYMENT, Thing.CHECKOUT_OF_SUBSCRIPTION):
        sessions = _list(_at(document, "data"))
        document = sessions[0] if sessions else None
    return Answer(
        click_id=_click(document), subscription=_subscription(document), customer=_id(_at(document, "customer"), "cus_")
    )


def invoices_of(names: Sequence[str], *, account: str) -> Question | None:
    """What to ask about a payment that went back, by the names of its sale; None when none of them is a payment's."""
    payment = next((name for name in names if _id(name, "pi_")), None)
    return Question(Thing.INVOICES_OF, payment, account) if payment is not None else None


class Inquiry:
    """Asks until it knows, or there is nobody left to ask. Give every question back, answered or refused."""

    def __init__(self, document: Json, *, account: str, wants_click: bool, wants_names: bool) -> None:
        told = _at(document, "data", "object")
        self._kind = _at(told, "object")
        self._account = account
        self._wants_click = wants_click
        self._wants_names = wants_names
        own = _at(told, "id")
        self._payment = _id(_at(told, "payment_intent"), "pi_") or _id(own, "pi_")
        self._invoice = _id(_at(told, "invoice"), "in_") or _id(own, "in_")
        self._subscription = _subscription(told) or _id(own, "sub_")
        self._customer = _id(_at(told, "customer"), "cus_")
        self._done: set[Question] = set()
        self._names: list[str] = [self._invoice] if self._is_payment and self._invoice else []
        #: the click id, and where it stood
        self.click_id: str | None = None
        self.origin: Thing | None = None
        #: what the key may not read
        self.refused: list[Thing] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The payment's other names, when they are wanted."""
        return tuple(dict.fromkeys(self._names)) if self._wants_names else ()

    def next(self) -> Question | None:
        """The next question; None when there is nothing left to ask."""
        asked = (Question(thing, id_, self._account) for thing, id_ in self._open() if id_)
        return next((question for question in asked if question not in self._done), None)

    def answered(self, question: Question, answer: Answer) -> None:
        """Take an answer in."""
        self._done.add(question)
        if self.click_id is None and answer.click_id is not None:
            self.click_id, self.origin = answer.click_id, question.thing
        if question.thing is Thing.INVOICES_OF:
            self._names += answer.invoices
            self._invoice = self._invoice or next(iter(answer.invoices), "")
        if question.thing is Thing.PAYMENTS_OF:
            self._names += answer.payments
            self._payment = self._payment or next((name for name in answer.payments if _id(name, "pi_")), "")
        self._subscription = self._subscription or answer.subscription
        self._customer = self._customer or answer.customer

    def forbidden(self, question: Question) -> None:
        """The key may not read this: go on without."""
        self._done.add(question)
        self.refused.append(question.thing)

    @property
    def _is_payment(self) -> bool:
        return self._kind in ("payment_intent", "charge")

    def _open(self) -> Iterator[tuple[Thing, str]]:
        """What is worth asking, by what is known so far."""
        wants_click = self._wants_click and self.click_id is None
        if self._is_payment and not self._invoice and (self._wants_names or wants_click):
            yield Thing.INVOICES_OF, self._payment
        # the invoice of a one-time checkout is tied to it by its payment alone
        is_alone = wants_click and not self._payment and not self._subscription
        if not self._is_payment and (self._wants_names or is_alone):
            yield Thing.PAYMENTS_OF, self._invoice
        if not wants_click:
            return
        if self._kind != "payment_intent":
            yield Thing.PAYMENT, self._payment
        if self._kind != "invoice":
            yield Thing.INVOICE, self._invoice
        if self._kind != "checkout.session":
            of_subscription = Thing.CHECKOUT_OF_SUBSCRIPTION, self._subscription
            yield of_subscription if self._subscription else (Thing.CHECKOUT_OF_PAYMENT, self._payment)
        if self._kind != "subscription":
            yield Thing.SUBSCRIPTION, self._subscription
        yield Thing.CUSTOMER, self._customer


def _click(document: Json) -> str | None:
    """The click id in an object: where the shipped mapping looks for it in an event."""
    metadata = [_at(document, *place) for place in _METADATA]
    metadata += [_at(line, "metadata") for line in _list(_at(document, "lines", "data"))]
    given = [_at(one, name) for one in metadata for name in _CLICKS]
    reference = _text(_at(document, "client_reference_id"))
    given += [reference.removeprefix(_REFERENCE_PREFIX)] if reference.startswith(_REFERENCE_PREFIX) else []
    fields = {_text(_at(item, "key")): _at(item, "text", "value") for item in _list(_at(document, "custom_fields"))}
    given += [fields.get(key) for key in _FIELDS]
    return next((click for value in given if (click := _clean(value))), None)


def _clean(value: Json) -> str | None:
    try:
        return id_of(value)
    except Unfit:
        return None


def _subscription(document: Json) -> str:
    older = _id(_at(document, "subscription"), "sub_")
    return older or _id(_at(document, "parent", "subscription_details", "subscription"), "sub_")


def _payment(payment: Json) -> str:
    return _id(_at(payment, "payment_intent"), "pi_") or _id(_at(payment, "charge"), "ch_")


def _id(value: Json, prefix: str) -> str:
    """An id, as it is or of an expanded object; empty when it is none. It goes into a path: nothing else may pass."""
    text = _text(value if isinstance(value, str) else _at(value, "id"))
    rest = text.removeprefix(prefix)
    return text if rest != text and rest.isascii() and rest.replace("_", "a").isalnum() and len(rest) < 256 else ""


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _at(value: Json, *names: str) -> Json:
    """The value under these names, one inside the other; None where one is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
