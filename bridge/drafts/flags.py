"""Small signs in a document: test money, a payment's state, what kind of thing happened."""

from collections.abc import Iterable, Sequence

from bridge.drafts.choices import Choice
from bridge.drafts.leaves import Leaf, words_of

_LIVE = ({"livemode"}, {"live", "mode"}, {"live"}, {"is", "live"})
_TEST = ({"test"}, {"is", "test"}, {"testmode"}, {"test", "mode"}, {"sandbox"}, {"is", "sandbox"}, {"test", "order"})
_MODE = ({"mode"}, {"environment"}, {"env"})
_MODES = {"live": "test", "production": "sandbox", "prod": "test", "test": "test", "sandbox": "sandbox"}

_PAID = frozenset(
    (
        *("paid", "succeeded", "success", "successful", "completed", "complete", "captured", "confirmed", "approved"),
        "settled",
    )
)
#: Words that say that nothing came in, or went back.
_UNDONE = frozenset(
    (
        *("refund", "refunded", "chargeback", "dispute", "disputed", "canceled", "cancelled", "cancel", "cancellation"),
        *("failed", "failure", "void", "voided", "expired", "deleted", "adjustment", "reversed", "declined", "unpaid"),
        *("rejected", "abandoned", "destroyed", "removed", "uninstalled", "unsubscribed"),
    )
)


def test_flag(found: Sequence[Leaf]) -> Choice | None:
    """An expression that is true of test money."""
    for leaf in found:
        if leaf.is_listed or leaf.is_pair or leaf.depth > 3:
            continue
        if set(leaf.words) in _LIVE and isinstance(leaf.value, bool):
            return Choice(expression=f"{leaf.path} == `false`", value=leaf.value is False, leaf=leaf)
        if set(leaf.words) in _TEST and (isinstance(leaf.value, bool) or leaf.value in ("true", "false")):
            return Choice(expression=leaf.path, value=leaf.value in (True, "true"), leaf=leaf)
        mode = _MODES.get(str(leaf.value).lower()) if set(leaf.words) in _MODE else None
        if mode is not None:
            word = str(leaf.value) if leaf.value in ("test", "sandbox") else mode
            return Choice(expression=f"{leaf.path} == '{word}'", value=leaf.value == word, leaf=leaf)
    return None


def is_paid(found: Sequence[Leaf], money: Leaf) -> Choice | None:
    """A condition that holds when the money is there; a note alone where the sample's word for it says nothing."""
    near = [
        leaf for leaf in found if not leaf.is_listed and f"{money.within}.".startswith(f"{leaf.within}.".lstrip("."))
    ]
    ranked = sorted((leaf for leaf in near if _is_state(leaf)), key=lambda leaf: (-_of_payment(leaf), -leaf.depth))
    for leaf in ranked:
        if isinstance(leaf.value, str) and leaf.value.lower() in _PAID:
            return Choice(expression=f"{leaf.path} == '{leaf.value}'", value=True, leaf=leaf)
    if ranked:
        return Choice(expression="", value=ranked[0].value, note=ranked[0].path, leaf=ranked[0])
    return None


def is_trial(found: Sequence[Leaf], money: Leaf) -> bool:
    """Whether the thing with the price is on trial: nothing was paid, and somebody signed up."""
    near = [leaf for leaf in found if leaf.within == money.within and _is_state(leaf)]
    return any(str(leaf.value).lower() in ("trialing", "in_trial", "on_trial", "trial") for leaf in near)


def _is_state(leaf: Leaf) -> bool:
    return bool(leaf.words & {"status", "state"}) and isinstance(leaf.value, str) and " " not in leaf.value


def _of_payment(leaf: Leaf) -> int:
    return 2 * bool(leaf.words & {"payment", "financial", "billing"}) + (leaf.words == {"status"})


def undone(kind: str) -> str:
    """The word of an event's type that says that money went back or never came; empty when there is none."""
    return next((word for word in sorted(words_of(kind)) if word in _UNDONE), "")


def event_name(kinds: Iterable[str], *, is_sale: bool, is_form: bool) -> str:
    """What the tracker should call it, by the words of the event's type and of the names around."""
    words = frozenset().union(*map(words_of, kinds))
    if is_sale:
        if words & {"subscription", "renewal", "recurring", "renewed"}:
            return "subscription_renewed" if words & {"renewal", "renewed", "renew"} else "subscription_paid"
        return "purchase_completed"
    if words & {"booking", "invitee", "appointment", "meeting", "reservation"}:
        return "booking_created"
    if not is_form and words & {"user", "signup", "account", "registration", "registered", "member", "customer"}:
        return "signup_completed"
    if not is_form and words & {"trial"}:
        return "trial_started"
    return "lead_captured"
