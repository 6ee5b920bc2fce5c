"""What an operator can do now about an event or a delivery: the exact command, or that nothing needs doing."""

from datetime import datetime

from bridge.model import Delivery, DeliveryState, EventState, StoredReversal
from bridge.store.reports import Story
from bridge.wording.texts import relative


def for_event(story: Story) -> list[str]:
    """What can be done about the event as a whole."""
    stored = story.stored
    if stored.state is EventState.UNMAPPED:
        if story.is_forgotten or not stored.event.body:
            return ["nothing: its body is not kept any more, so no rule can be applied to it"]
        return [
            f"mend the mapping of {stored.event.source}, then trackbridge remap {stored.id} --dry-run",
            f"trackbridge events show {stored.id} --body > payload.json gives what to try it with",
        ]
    if any(_names_a_payment_alone(went) for went in stored.reversals):
        return [
            "nothing, unless an invoice was paid back: since API version 2025-03-31 it does not name its payment",
            "with STRIPE_API_KEY (a key that may read Invoices) serve asks Stripe which invoice it is of, and links it",
        ]
    if stored.state is EventState.IGNORED and stored.event.body and not stored.event.test:
        return [f"nothing; trackbridge remap {stored.id} --dry-run shows what today's rules make of it"]
    return []


def _names_a_payment_alone(went: StoredReversal) -> bool:
    """Whether it is of a payment of Stripe's that no sale here names, and nobody has asked yet."""
    return went.sale is None and not went.note and any(name.startswith("pi_") for name in went.of)


def for_delivery(story: Story, delivery: Delivery, now: datetime) -> list[str]:
    """What can be done about one of its deliveries."""
    number = delivery.id
    match delivery.state:
        case DeliveryState.DEAD:
            return _for_dead(story, number)
        case DeliveryState.PENDING:
            return [_pending(story, delivery, now), f"trackbridge dismiss {number} gives it up"]
        case DeliveryState.WAITING:
            when = relative(delivery.due_at, now) if delivery.due_at > now else "now"
            return [
                f"by itself {when}, or at once when a lead or a click id of that customer arrives",
                f"trackbridge dismiss {number} gives it up",
            ]
        case DeliveryState.SENDING:
            return ["nothing: it is being sent right now"]
        case DeliveryState.DELIVERED | DeliveryState.DISMISSED if story.is_forgotten:
            return ["nothing: its payload is not kept any more"]
        case DeliveryState.DELIVERED:
            return [f"nothing; trackbridge replay --again {number} tells the tracker once more"]
        case DeliveryState.DUPLICATE:
            return [f"nothing: trackbridge events show d{delivery.duplicate_of} tells of the one that stands for it"]
        case DeliveryState.DISMISSED:
            return [f"nothing; trackbridge replay {number} sends it after all"]
        case _:
            return ["nothing: what is recorded in a dry run is never sent"]


def _for_dead(story: Story, number: int) -> list[str]:
    if story.is_forgotten:
        return [f"trackbridge dismiss {number} gives it up; its payload is not kept any more"]
    steps = [f"trackbridge replay {number} sends it as it is"]
    if story.stored.event.body:
        steps.append(f"or mend the mapping, then trackbridge remap {story.stored.id} --dry-run")
    return [*steps, f"or trackbridge dismiss {number} gives it up"]


def _pending(story: Story, delivery: Delivery, now: datetime) -> str:
    tracker, front = story.tracker, story.told[delivery.id].front
    if tracker.paused_by_operator:
        return "trackbridge tracker resume: delivering is paused by hand"
    if tracker.is_paused:
        return f"by itself once the tracker's pause is over ({tracker.pause_reason}): trackbridge tracker"
    if front is not None:
        return f"by itself after delivery {front}: trackbridge events show d{front}"
    return "by itself " + (relative(delivery.due_at, now) if delivery.due_at > now else "now, when serve runs")
