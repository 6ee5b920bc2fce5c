"""What every key of a mapping means, in a sentence or two, with an example: what an editor shows beside it.

The names are the parser's own tables; a test holds the two together, so a new key needs its sentence here.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Word:
    """One key: what it says, and what people write there."""

    meaning: str
    examples: tuple[str, ...] = ()


MAPPING: Final = {
    "extends": Word("The shipped mapping to start from. Maps merge; a rule of the same name is replaced.", ("stripe",)),
    "source": Word("The name in the URL: POST /webhooks/{source}. Lower-case letters, digits, hyphens.", ("shop",)),
    "verify": Word("How the sender proves itself. Nothing is read before that. See docs/schemes.md."),
    "event": Word("Where the event's id, type and time stand in the body. All are JMESPath, all may be left out."),
    "send_test": Word("true: test events are sent like live ones. Otherwise they are recorded and never sent."),
    "redact": Word("Dotted paths of the body that are replaced by [redacted] in what is stored.", ("webhookURL",)),
    "silence": Word("So long without an event of this source is an alarm. A number and m, h or d.", ("26h", "7d")),
    "notify": Word("Whom to tell when a delivery of this source dies, when it falls silent, when events were missed."),
    "rules": Word("What to track, and when. Every rule that matches makes a lead or a sale."),
    "examples": Word("Webhooks and what must become of them; `trackbridge test` runs them."),
}

EVENT: Final = {
    "document": Word(
        "What everything else here works on, when it is not the whole body. root() stays the whole body.",
        ("from_json(payload) || @",),
    ),
    "answers": Word(
        "A form's answers, as a list of questions or a map: answer('email') then finds one.", ("data.fields",)
    ),
    "for_each": Word("A list of events in one webhook; each item is an event of its own.", ("events",)),
    "id": Word("The sender's id of the event: the same id is the same event, however often it is sent.", ("id",)),
    "type": Word("The event's type; a rule's `types` are compared with it.", ("type", "header('X-Topic')")),
    "occurred_at": Word("When it happened: seconds, milliseconds or ISO 8601.", ("created_at",)),
    "test": Word("Whether it is test money, true or false. Such an event is never sent.", ("livemode == `false`",)),
    "account": Word("The sender's sub-account, where ids are unique only within one.", ("account",)),
}

RULE: Final = {
    "name": Word("How events and problems speak of this rule.", ("paid order",)),
    "types": Word("The event types this rule looks at; without it, all.", ("order.paid",)),
    "for_each": Word("A list, each item of which is converted by itself; paths begin at the item.", ("order.items",)),
    "when": Word("A condition in JMESPath. A value written out stands in quotes: 'paid'.", ("status == 'paid'",)),
    "track": Word("lead: somebody became known. sale: money came in."),
    "record": Word(
        "Instead of track. refund, dispute: money went back. It is shown with its sale and counted, never sent."
    ),
    "event_name": Word(
        "What the tracker calls it. Plain text; for an expression put it under `fields`.", ("signed_up",)
    ),
    "fields": Word("What is sent. Each is JMESPath, or {value: text} for a constant."),
    "unit": Word(
        "What the amount counts. minor: 4999 is 49.99 USD. major: 49.99. stripe: minor, but for ISK, UGX, MGA."
    ),
    "once_per": Word(
        "Names of the business thing, any known one of which makes this a duplicate. Default of a sale: invoice_id. "
        "Of refunds with a name in common, which tell a growing sum, the largest counts.",
        ("[order.id, payment.id]",),
    ),
    "once_namespace": Word(
        "Whose names `once_per` gives, when two sources tell of the same thing. Default: the source."
    ),
    "mode": Word("deferred: the first half of a lead in two steps; needs a click id."),
    "stop": Word("true: when this rule matches, later ones are not tried."),
    "without_click_id": Word(
        "skip: goes only where an earlier click of that customer is known (default of a lead). send: goes anyway. "
        "wait: waits ten minutes for a click id; then a sale goes, and a lead does not."
    ),
    "wait": Word(
        "How long a lead or sale without click id waits for one: s, m, h or d, seven days at most.",
        ("{for: click_id, up_to: 10m}",),
    ),
    "fill": Word(
        "Where a sale without click id may take one from: earlier events of the same customer (default); with email, "
        "of the same address in all sources. [] is never.",
        ("[customer, email]", "[]"),
    ),
    "when_unsure": Word(
        "When the tracker may have it (its answer was lost, or is 500, 502, 504 …). repeat: send again. "
        "hold: let a person look."
    ),
    "silence": Word("So long without a lead or sale of this rule is an alarm. A number and m, h or d.", ("3d",)),
}

NOTIFY: Final = {
    "url": Word("The address of a webhook receiver, as a variable: it may hold a token.", ("${SHOP_NOTIFY_URL}",)),
    "secret": Word("What signs what is told (Standard Webhooks), as a variable.", ("${SHOP_NOTIFY_SECRET}",)),
    "format": Word("slack: {text: …}. generic: {type, timestamp, data}. Default: by the address."),
    "on": Word(
        "What to tell. dead: dead letters. silent: silence, and its end. gaps: events that `stripe reconcile` found. "
        "Default: all."
    ),
}

WAIT: Final = {
    "for": Word("What it waits for: click_id."),
    "up_to": Word("How long at most: a number and s, m, h or d.", ("10m",)),
}

FIELD: Final = {
    "of": Word(
        "Of a refund or dispute: the names its sale has in `once_per`, as far as they are told.",
        ("[invoice, payment_intent]",),
    ),
    "event_name": Word("The event's name as an expression, instead of the rule's event_name.", ("plan.name",)),
    "click_id": Word("The click id that came with the visitor.", ("metadata.click_id || metadata.cms_rf",)),
    "customer_external_id": Word("Who it is: a stable customer id, or the e-mail in small letters.", ("customer.id",)),
    "customer_name": Word("The customer's name.", ("join_present(' ', [first_name, last_name])",)),
    "customer_email": Word("The customer's e-mail address.", ("customer.email",)),
    "customer_avatar": Word("A web address of the customer's picture.", ("customer.avatar_url",)),
    "timestamp": Word("When it happened, instead of the event's occurred_at.", ("paid_at",)),
    "invoice_id": Word("What was paid: the id of the invoice, order or payment.", ("order.id",)),
    "amount": Word("The money, text or number, read digit by digit. `unit` says what it counts.", ("order.total",)),
    "currency": Word("Three letters, either case; {value: USD} when the sender has only one.", ("order.currency",)),
}

EXAMPLE: Final = {
    "name": Word("A sentence that says what this example shows.", ("a paid order is one sale",)),
    "webhook": Word(
        "The file of a payload, from this folder: a body, or {headers, query, body}.", ("examples/shop/paid.json",)
    ),
    "expect": Word(
        "The complete list of conversions in order, then of what went back, each with the fields you care for; "
        "or ignored, or unmapped."
    ),
}

EXPECTED: Final = {
    "track": Word("lead or sale."),
    "record": Word("refund or dispute."),
    "of": Word("The names of the sale that a refund or dispute is of, with commas.", ("in_1, pi_1",)),
    "rule": Word("The name of the rule that makes it."),
    "mode": Word("deferred, or null."),
    "event_name": Word("The event's name."),
    "click_id": Word("The click id; null when there must be none."),
    "customer_external_id": Word("The customer's id."),
    "customer_name": Word("The customer's name."),
    "customer_email": Word("The customer's e-mail address."),
    "customer_avatar": Word("The customer's picture."),
    "timestamp": Word("When it happened, ISO 8601.", ("2026-04-10T12:34:56.000Z",)),
    "invoice_id": Word("The id of what was paid."),
    "amount": Word("Whole minor units, whatever the source sends: 49.99 USD is 4999, 500 JPY is 500."),
    "currency": Word("Three capital letters.", ("USD",)),
}
