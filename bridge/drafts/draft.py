"""One sample payload → a Draft: what its mapping would say, each line with its reason.

Raises NoDraftError where there is nothing to make a lead or a sale of. Everything else it proposes can be parsed and
applied; whether it is right is for a person to see.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bridge.drafts import choices, clicks, flags, forms, payments, people, shapes, units
from bridge.drafts.choices import Choice
from bridge.drafts.forms import Answers
from bridge.drafts.leaves import Leaf, words_of
from bridge.drafts.opening import NoDraftError, Opened, opened
from bridge.drafts.senders import Sender, sender_of
from bridge.mapping.calls import is_credential
from bridge.model import Json

#: Fewer points, and no currency anywhere, is a number and no money.
_MONEY_WITHOUT_CURRENCY = 90
#: Presets that sign the id in a header.
_SIGNED_IDS = {"standard-webhooks": "webhook-id", "polar": "webhook-id", "svix": "svix-id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mapping that is proposed."""

    source: str
    sender: Sender
    opened: Opened
    answers: str = ""
    #: id, type, occurred_at, test
    event: dict[str, Choice] = field(default_factory=dict)
    track: Literal["lead", "sale"]
    event_name: str
    rule: str
    #: the sample's event type, where it has one
    kind: str = ""
    when: Choice | None = None
    fields: dict[str, Choice]
    unit: units.Guess | None = None
    once_per: Choice | None = None


def draft(source: str, headers: Mapping[str, str], query: Mapping[str, str], body: Json) -> Draft:
    """Propose a mapping; header names are lower case."""
    look = opened(body)
    sender = sender_of(source, headers, query)
    answers = forms.answers_in(look.document)
    event = _event(look, sender, headers)
    kind = str(event["type"].value) if "type" in event else ""
    _refuse_undone(kind)
    text = "&".join(f"{name}={value}" for name, value in query.items())
    person = _person(look, answers, kind)
    click = (forms.click_id(answers) if answers else None) or clicks.click_id(look.document, look.found, text)
    fields = ({"click_id": click} if click else {}) | person
    money = _money(look, kind)
    if money is not None:
        return _sale(source, look, sender, event, kind, fields, money, answers)
    if "customer_external_id" not in fields:
        raise NoDraftError(_nothing_found(look))
    return Draft(
        source=source,
        sender=sender,
        opened=look,
        answers=answers.path if answers else "",
        event=event,
        track="lead",
        event_name=flags.event_name([kind, *_names(look)], is_sale=False, is_form=answers is not None),
        rule=_rule_name(kind, "lead"),
        kind=kind,
        fields=fields,
        once_per=_thing(look, event),
    )


def _sale(
    source: str,
    look: Opened,
    sender: Sender,
    event: dict[str, Choice],
    kind: str,
    fields: dict[str, Choice],
    money: tuple[Choice, Choice],
    answers: Answers | None,
) -> Draft:
    amount, currency = money
    leaf = amount.leaf
    assert leaf is not None  # noqa: S101  an amount is always a value of the document
    own_id = event["id"].leaf if "id" in event else None
    found = [one for one in look.found if one is not own_id]
    invoice = payments.invoice_id(found, leaf) or _from_event(event)
    if "customer_external_id" not in fields:
        note = "nobody is named in this sample: the purchase stands in for its customer"
        fields = fields | {"customer_external_id": Choice(expression=invoice.expression, note=note)}
    return Draft(
        source=source,
        sender=sender,
        opened=look,
        answers=answers.path if answers else "",
        event=event,
        track="sale",
        event_name=flags.event_name([kind], is_sale=True, is_form=False),
        rule=_rule_name(kind, "sale"),
        kind=kind,
        when=flags.is_paid(look.found, leaf),
        fields=fields | {"invoice_id": invoice, "amount": amount, "currency": currency},
        unit=units.guess(amount.value, str(currency.value), leaf, look.found),
    )


def _event(look: Opened, sender: Sender, headers: Mapping[str, str]) -> dict[str, Choice]:
    kind = choices.event_type(look.found)
    if kind is None or kind.points < 80:
        kind = _kind_in_header(headers) or kind
    found = {
        "id": _signed_id(sender, headers)
        or choices.event_id(look.found, has_type=kind is not None and kind.leaf is not None),
        "type": kind,
        "occurred_at": choices.occurred_at(look.found),
        "test": flags.test_flag(look.found),
    }
    if found["id"] is None and sender.covers_headers:
        found["id"] = _id_in_header(headers)
    return {name: choice for name, choice in found.items() if choice is not None}


def _kind_in_header(headers: Mapping[str, str]) -> Choice | None:
    for ending in ("-event", "-topic", "-event-type", "-event-name"):
        for name, value in headers.items():
            if name.endswith(ending) and shapes.is_word(value) and not is_credential(name):
                return Choice(expression=f"header('{name}')", value=value)
    return None


def _id_in_header(headers: Mapping[str, str]) -> Choice | None:
    for ending in ("-event-id", "-delivery-id", "-delivery", "-message-id", "-webhook-id", "webhook-id", "svix-id"):
        for name, value in headers.items():
            if name.endswith(ending) and shapes.is_id(value) and not is_credential(name):
                return Choice(expression=f"header('{name}')", value=value)
    return None


def _signed_id(sender: Sender, headers: Mapping[str, str]) -> Choice | None:
    name = _SIGNED_IDS.get(sender.preset)
    if name is None or name not in headers:
        return None
    return Choice(expression=f"header('{name}')", value=headers[name], note="it is signed, and the same in a retry")


def _person(look: Opened, answers: Answers | None, kind: str) -> dict[str, Choice]:
    email = (forms.email(answers) if answers else None) or people.email(look.found)
    name = (forms.name(answers) if answers else None) or people.name(look.found, email.leaf if email else None)
    known = None if answers and email else people.customer_id(look.found, kind)
    found: dict[str, Choice] = {}
    if known is not None:
        expression = f"{known.expression} || lower({email.expression})" if email else known.expression
        found["customer_external_id"] = Choice(expression=expression, value=known.value, others=known.others)
    elif email is not None:
        lowered = str(email.value).lower()
        found["customer_external_id"] = Choice(expression=f"lower({email.expression})", value=lowered)
    if email is not None:
        found["customer_email"] = email
    if name is not None:
        found["customer_name"] = name
    return found


def _money(look: Opened, kind: str) -> tuple[Choice, Choice] | None:
    amount = payments.amount(look.found)
    if amount is None or amount.leaf is None or flags.is_trial(look.found, amount.leaf):
        return None
    currency = payments.currency(look.found, amount.leaf)
    if currency is not None:
        return amount, currency
    sign = units.currency_by_sign(look.found)
    around = words_of(kind).union(amount.leaf.around, *map(words_of, look.document))
    if amount.points < _MONEY_WITHOUT_CURRENCY or not (sign or around & payments.BOUGHT):
        return None
    why = "by a sign in the sample" if sign else "the sample names none"
    return amount, Choice(expression="", value=sign or "USD", note=f"{why}: check it")


def _from_event(event: dict[str, Choice]) -> Choice:
    if "id" not in event:
        raise NoDraftError(
            "there is an amount, and nothing that tells one payment from the next (an order's, invoice's or payment's "
            "id): without it money would be counted twice. Take a sample that has one"
        )
    note = "the sample names no order or payment: check that one payment is one event"
    return Choice(expression=event["id"].expression, value=event["id"].value, note=note)


def _thing(look: Opened, event: dict[str, Choice]) -> Choice | None:
    """What a lead is once per: the submission, the booking; nothing where the event's id is that already."""
    own_id = event["id"].leaf if "id" in event else None

    def points(leaf: Leaf) -> int:
        if leaf is own_id or not shapes.is_id(leaf.value) or leaf.is_listed or leaf.is_pair:
            return 0
        is_named = leaf.words & {"submission", "response", "booking", "registration", "entry", "lead"}
        if is_named and leaf.words & {"id", "uid", "token"}:
            return 90 - 3 * leaf.depth
        if leaf.key in ("token", "uid", "id") and leaf.parent & {"form", "response", "payload", "data", "submission"}:
            return 80 - 3 * leaf.depth
        return 0

    if own_id is not None and own_id.words & {"submission", "response", "entry"}:
        return None
    return choices.best(look.found, points, others=False)


def _refuse_undone(kind: str) -> None:
    word = flags.undone(kind)
    if word:
        raise NoDraftError(
            f'the sample is a "{kind}" ({word}): that is money or a person gone, neither a lead nor a sale. '
            "Start from a sample of a payment, a sign-up or a submitted form"
        )


def _nothing_found(look: Opened) -> str:
    seen = ", ".join(leaf.path for leaf in look.found[:12]) + (", …" if len(look.found) > 12 else "")
    return (
        "the sample has neither money (an amount with a currency) nor a person (an e-mail address or a customer's "
        f"id).\n  seen: {seen or 'no values at all'}\n"
        "  fix: take a sample that has them, or write the mapping by hand: docs/mapping.md"
    )


def _rule_name(kind: str, track: str) -> str:
    words = " ".join(word for word in kind.replace("/", ".").replace("_", ".").replace("-", ".").split(".") if word)
    return words.lower() or track


def _names(look: Opened) -> list[str]:
    """The top names of the document, for a hint of what it is about."""
    return [key for key in look.document if words_of(key)][:20]
