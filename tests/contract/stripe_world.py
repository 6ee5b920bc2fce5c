"""Stripe's side of a story: the events of numbered payments, in the real shape, as bodies.

Payment 7 is told of `cs_7`, `pi_7`, `ch_7`, `in_7`, `sub_7` and `cus_7`, was clicked as `click_7`, and cost 49.99 USD.
An event's id follows from its type and its object, so telling it twice is a redelivery; `again` makes another event
of it. Everything else in a body is as in the example it is made of.
"""

import json
from copy import deepcopy
from functools import cache
from typing import Any

from tests.contract.tellings import MAPPINGS

#: When the story begins: Stripe's seconds.
BEGIN = 1_790_000_000

Body = dict[str, Any]


@cache
def _example(name: str) -> Body:
    folder = "stripe-payments" if name.startswith("payment_intent") else "stripe"
    body: Body = json.loads((MAPPINGS / "examples" / folder / f"{name}.json").read_bytes())
    return body


def event(
    example: str,
    type: str,  # noqa: A002  Stripe's own word
    changes: dict[str, Any],
    *,
    again: str = "",
    around: dict[str, Any] | None = None,
) -> bytes:
    """An example's event of this type, with dotted paths of its object changed, and keys of the event itself."""
    body = deepcopy(_example(example))
    told = body["data"]["object"]
    for path, value in changes.items():
        *outer, last = path.split(".")
        holder = told
        for key in outer:
            holder = holder[key]
        holder[last] = value
    body |= {"type": type, "id": f"evt_{type}_{told['id']}{again}", "created": BEGIN} | (around or {})
    return json.dumps(body).encode()


def click_of(number: int) -> dict[str, str]:
    return {"click_id": f"click_{number}"}


def session(number: int, *, clicked: bool = True, again: str = "", **changes: Any) -> bytes:
    """A paid one-time checkout; `type` and `around` change the event, everything else the session."""
    kind = changes.pop("type", "checkout.session.completed")
    around = changes.pop("around", None)
    told = {
        "id": f"cs_{number}",
        "customer": f"cus_{number}",
        "payment_intent": f"pi_{number}",
        "metadata": click_of(number) if clicked else {},
    }
    return event("checkout_paid", kind, told | changes, again=again, around=around)


def subscribed(number: int, **changes: Any) -> bytes:
    """A paid subscription checkout."""
    told: dict[str, Any] = {
        "mode": "subscription",
        "subscription": f"sub_{number}",
        "invoice": f"in_{number}",
        "payment_intent": None,
    }
    return session(number, **(told | changes))


def invoice(number: int, *, clicked: bool = True, again: str = "", **changes: Any) -> bytes:
    """A subscription's first invoice, paid."""
    kind = changes.pop("type", "invoice.paid")
    around = changes.pop("around", None)
    told = {
        "id": f"in_{number}",
        "customer": f"cus_{number}",
        "amount_paid": 4999,
        "metadata": {},
        "lines": {"object": "list", "data": []},
        "parent": {
            "quote_details": None,
            "subscription_details": {
                "metadata": click_of(number) if clicked else {},
                "subscription": f"sub_{number}",
            },
            "type": "subscription_details",
        },
    }
    return event("invoice_first", kind, told | changes, again=again, around=around)


def renewal(number: int, invoice_number: int, **changes: Any) -> bytes:
    """A later invoice of subscription `number`."""
    return invoice(number, **({"id": f"in_{invoice_number}", "billing_reason": "subscription_cycle"} | changes))


def receipt(number: int, **changes: Any) -> bytes:
    """The invoice that a one-time checkout makes."""
    return invoice(number, clicked=False, **({"billing_reason": "manual", "parent": None} | changes))


def trial(number: int, *, clicked: bool = True, again: str = "", **changes: Any) -> bytes:
    """A subscription that begins with a trial."""
    kind = changes.pop("type", "customer.subscription.created")
    told = {
        "id": f"sub_{number}",
        "customer": f"cus_{number}",
        "metadata": click_of(number) if clicked else {},
    }
    return event("subscription_trialing", kind, told | changes, again=again)


def trial_session(number: int, **changes: Any) -> bytes:
    """The checkout of such a subscription."""
    told: dict[str, Any] = {"payment_status": "no_payment_required", "amount_total": 0}
    return subscribed(number, **(told | changes))


def charge(number: int, *, clicked: bool = True, again: str = "", **changes: Any) -> bytes:
    """A charge that came through."""
    kind = changes.pop("type", "charge.succeeded")
    told = {
        "id": f"ch_{number}",
        "customer": f"cus_{number}",
        "payment_intent": f"pi_{number}",
        "metadata": click_of(number) if clicked else {},
    }
    return event("charge_succeeded", kind, told | changes, again=again)


def intent(number: int, *, clicked: bool = True, again: str = "", **changes: Any) -> bytes:
    """A payment intent whose charge came through."""
    told = {
        "id": f"pi_{number}",
        "customer": f"cus_{number}",
        "latest_charge": f"ch_{number}",
        "metadata": click_of(number) if clicked else {},
    }
    return event("payment_intent_succeeded", "payment_intent.succeeded", told | changes, again=again)


def refund(number: int, part: int = 1, *, again: str = "", **changes: Any) -> bytes:
    """A refund of payment `number` that is done; `part` tells several apart."""
    kind = changes.pop("type", "refund.created")
    around = changes.pop("around", None)
    told = {"id": f"re_{number}_{part}", "charge": f"ch_{number}", "payment_intent": f"pi_{number}"}
    return event("refund_created", kind, told | changes, again=again, around=around)


def refunded(number: int, amount: int, *, again: str = "", **changes: Any) -> bytes:
    """A charge of which so much has gone back, as API versions before 2024-10-28 tell it."""
    told = {"id": f"ch_{number}", "payment_intent": f"pi_{number}", "amount_refunded": amount}
    around = changes.pop("around", {"api_version": "2022-11-15"})
    return event("charge_refunded", "charge.refunded", told | changes, again=again or f"_{amount}", around=around)


def dispute(number: int, **changes: Any) -> bytes:
    """A bank took payment `number` back."""
    kind = changes.pop("type", "charge.dispute.created")
    told = {"id": f"du_{number}", "charge": f"ch_{number}", "payment_intent": f"pi_{number}"}
    return event("dispute_created", kind, told | changes)


def credit_note(number: int, **changes: Any) -> bytes:
    """A credit note on an invoice, paid out outside Stripe."""
    return event(
        "credit_note_created", "credit_note.created", {"id": f"cn_{number}", "invoice": f"in_{number}"} | changes
    )


def thin(snapshot: bytes) -> bytes:
    """The thin twin of an event: it names the object and its twin, and holds neither."""
    told = json.loads(snapshot)
    named = told["data"]["object"]
    body = _example("thin_event") | {
        "id": f"{told['id']}_thin",
        "type": f"v1.{told['type']}",
        "snapshot_event": told["id"],
        "related_object": {"id": named["id"], "type": named["object"], "url": f"/v1/{named['id']}"},
    }
    return json.dumps(body).encode()


def ping() -> bytes:
    """What Stripe sends when an event destination is tried."""
    return json.dumps(_example("event_destination_ping")).encode()
