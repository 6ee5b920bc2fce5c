"""Whatever order, repetition, crash and answer: one sale for each payment, with its amount, and none for no money."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from bridge.mapping import Mapping, parse
from bridge.model import DeliveryState, Payload, Sale
from tests.contract.stripe_bridge import LOST, Answer, Bridge, Call, a_bridge, a_folder, type_of
from tests.contract.stripe_world import (
    charge,
    dispute,
    intent,
    invoice,
    receipt,
    refund,
    renewal,
    session,
    subscribed,
    trial,
    trial_session,
)
from tests.contract.tellings import MAPPINGS, mapping_of


@dataclass(frozen=True, slots=True)
class Story:
    """What Stripe tells, and the payments in it by their amounts, which differ from all others."""

    bodies: tuple[bytes, ...]
    paid: tuple[int, ...] = ()


PAID: dict[str, Any] = {"type": "invoice.payment_succeeded"}
ASYNC: dict[str, Any] = {"type": "checkout.session.async_payment_succeeded"}
NOTHING: dict[str, Any] = {"amount_total": 0, "payment_status": "no_payment_required"}


def one_time(n: int) -> Story:
    told = (session(n, amount_total=n), session(n, amount_total=n, again="_again"), charge(n, amount=n))
    return Story((*told, refund(n, amount=n), dispute(n, amount=n)), (n,))


def delayed(n: int) -> Story:
    unpaid = session(n, amount_total=n, payment_status="unpaid")
    return Story((unpaid, session(n, amount_total=n, **ASYNC)), (n,))


def with_invoice(n: int) -> Story:
    told = (receipt(n, amount_paid=n), receipt(n, amount_paid=n, **PAID))
    return Story((session(n, amount_total=n, invoice=f"in_{n}"), *told), (n,))


def invoice_to_come(n: int) -> Story:
    told = (receipt(n, amount_paid=n), receipt(n, amount_paid=n, **PAID))
    return Story((session(n, amount_total=n, invoice_creation={"enabled": True}), *told), (n,))


def before_basil(n: int) -> Story:
    told: dict[str, Any] = {"amount_paid": n, "payment_intent": f"pi_{n}", "charge": f"ch_{n}"}
    return Story((session(n, amount_total=n, invoice=f"in_{n}"), receipt(n, **told), receipt(n, **told, **PAID)), (n,))


def subscription(n: int) -> Story:
    told = (invoice(n, amount_paid=n), invoice(n, amount_paid=n, **PAID), invoice(n, amount_paid=n, again="_again"))
    return Story((subscribed(n, amount_total=n), *told), (n,))


def subscription_and_renewals(n: int) -> Story:
    first = (subscribed(n, amount_total=n, invoice=None), invoice(n, amount_paid=n, clicked=False))
    later = (renewal(n, n + 1, amount_paid=n + 1), renewal(n, n + 2, amount_paid=n + 2, **PAID))
    return Story((*first, *later), (n, n + 1, n + 2))


def nobodys(n: int) -> Story:
    """No event of it knows a click id."""
    told = (invoice(n, amount_paid=n, clicked=False), invoice(n, amount_paid=n, clicked=False, **PAID))
    return Story((subscribed(n, amount_total=n, clicked=False), *told), (n,))


def in_parts(n: int) -> Story:
    part = receipt(n, amount_paid=n - 1, status="open", **PAID)
    return Story((part, receipt(n, amount_paid=n, again="_whole", **PAID), receipt(n, amount_paid=n)), (n,))


def after_a_trial(n: int) -> Story:
    free = (trial(n), trial_session(n), invoice(n, amount_paid=0), invoice(n, amount_paid=0, **PAID))
    return Story((*free, renewal(n, n + 1, amount_paid=n)), (n,))


def no_money(n: int) -> Story:
    return Story(
        (
            session(n, **NOTHING),
            session(n + 1, mode="setup", **NOTHING),
            session(n + 2, payment_status="unpaid", amount_total=n),
            invoice(n, billing_reason="subscription_update", amount_paid=0, total=-n),
            session(n + 3, amount_total=n, around={"livemode": False}),
            charge(n, type="charge.refunded", amount_refunded=n),
        )
    )


def two_accounts(n: int) -> Story:
    """The same names in two accounts, and one customer in both."""
    one, other = {"account": "acct_one"}, {"account": "acct_other"}
    return Story(
        (
            subscribed(n, amount_total=n, around=one),
            subscribed(n, amount_total=n + 1, around=other, again="_other"),
            invoice(n, amount_paid=n, around=one),
            invoice(n, amount_paid=n + 1, around=other, again="_other"),
        ),
        (n, n + 1),
    )


STORIES: tuple[Callable[[int], Story], ...] = (
    one_time,
    delayed,
    with_invoice,
    invoice_to_come,
    before_basil,
    subscription,
    subscription_and_renewals,
    nobodys,
    in_parts,
    after_a_trial,
    no_money,
    two_accounts,
)


def paid_by_card(n: int) -> Story:
    taken: dict[str, Any] = {"amount": n, "amount_captured": n}
    return Story((charge(n, **taken), intent(n, amount=n, amount_received=n), charge(n, again="_again", **taken)), (n,))


def captured_later(n: int) -> Story:
    held = charge(n, amount=n + 1, captured=False, amount_captured=0)
    taken = charge(n, amount=n + 1, amount_captured=n, type="charge.captured")
    return Story((held, taken, intent(n, amount=n + 1, amount_received=n)), (n,))


def a_guests_charge(n: int) -> Story:
    nobody: dict[str, Any] = {"customer": None}
    return Story((charge(n, amount=n, amount_captured=n, **nobody), intent(n, amount_received=n, **nobody)), (n,))


def a_checkouts_charge(n: int) -> Story:
    told: dict[str, Any] = {"clicked": False, "amount": n, "amount_captured": n}
    return Story((session(n, amount_total=n), charge(n, **told), subscribed(n, amount_total=n), invoice(n)), (n,))


PAYMENTS: tuple[Callable[[int], Story], ...] = (paid_by_card, captured_later, a_guests_charge, a_checkouts_charge)

#: Far enough apart that no two payments share an amount.
numbers = st.permutations(range(1000, 1100, 10))
answers: st.SearchStrategy[Answer] = st.sampled_from((200, 200, 200, 409, 500, 504, LOST, 404, 422, 422, 429, 503, 401))
#: What happens between two webhooks: nothing much, requests and their answers, a death, time.
acts = st.sampled_from(("work", "work", "die while sending", "die", "a minute", "an hour"))


@st.composite
def tellings(draw: st.DrawFn, kinds: tuple[Callable[[int], Story], ...]) -> tuple[list[bytes], list[int]]:
    """The webhooks of a few stories in any order, some of them more than once; and the payments in them."""
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3))
    stories = [kind(number) for kind, number in zip(chosen, draw(numbers), strict=False)]
    bodies = [body for story in stories for body in story.bodies]
    again = draw(st.lists(st.sampled_from(bodies), max_size=4))
    return draw(st.permutations(bodies + again)), [amount for story in stories for amount in story.paid]


def act(bridge: Bridge, data: st.DataObject) -> None:
    match data.draw(acts):
        case "work":
            claimed = bridge.claim()
            bridge.settle(*[bridge.send(delivery, data.draw(answers)) for delivery in claimed])
        case "die while sending":
            for delivery in bridge.claim():
                bridge.send(delivery, LOST)
            bridge.crash()
        case "die":
            bridge.crash()
        case "a minute":
            bridge.later(minutes=1)
        case "an hour":
            bridge.later(hours=1)


def check(bridge: Bridge, paid: list[int]) -> None:
    calls = [(call, call.payload) for call in bridge.calls]
    made = {(sale.amount, sale.currency) for _, sale in calls if isinstance(sale, Sale)}
    assert made == {(amount, "USD") for amount in paid}
    for amount in paid:
        told = [(call, sale) for call, sale in calls if isinstance(sale, Sale) and sale.amount == amount]
        taken = [call for call, _ in told if call.is_taken]
        died = [one for one in bridge.states(DeliveryState.DEAD) if _amount(one.payload) == amount]
        assert len(taken) == (0 if died and _nobody_left(bridge, amount) else 1)
        assert 1 >= len({sale.invoice_id for call, sale in told if _may_be_there(call)})


def _amount(payload: object) -> int | None:
    return payload.amount if isinstance(payload, Sale) else None


def _nobody_left(bridge: Bridge, amount: int) -> bool:
    """Whether every telling of this payment was refused for good."""
    all_of_it = [one for one in bridge.states() if _amount(one.payload) == amount]
    return all(one.state is DeliveryState.DEAD for one in all_of_it)


def _may_be_there(call: Call) -> bool:
    """Whether the tracker may have it: an answer that says no is believed, one of a failure within is not."""
    return call.is_taken or call.answer in (LOST, 500, 504)


@contextmanager
def at_work(mapping: Mapping) -> Iterator[Bridge]:
    with a_folder() as folder:
        bridge = a_bridge(folder, mapping)
        try:
            yield bridge
        finally:
            bridge.close()


def check_held(bridge: Bridge, paid: list[int]) -> None:
    """What may have arrived is sent no second time, by nobody who tells of it: a person has it to look at."""
    there = [call for call in bridge.calls if _may_be_there(call)]
    assert [] == [told for told in Counter(_what(call.payload) for call in there).items() if told[1] > 1]
    for amount in paid:
        all_of_it = [one for one in bridge.states() if _amount(one.payload) == amount]
        held = [one for one in all_of_it if one.state is DeliveryState.DEAD and one.unsure]
        delivered = [one for one in all_of_it if one.state is DeliveryState.DELIVERED]
        assert 1 == len(held) + len(delivered) or _nobody_left(bridge, amount)


def _what(payload: Payload) -> object:
    """Which payment, or which lead, a call tells of."""
    return payload.amount if isinstance(payload, Sale) else (payload.event_name, payload.customer_external_id)


def prove(
    mapping: Mapping,
    kinds: tuple[Callable[[int], Story], ...],
    data: st.DataObject,
    holds: Callable[[Bridge, list[int]], None],
) -> None:
    bodies, paid = data.draw(tellings(kinds))
    with at_work(mapping) as bridge:
        for body in bodies:
            note(type_of(body))
            bridge.take(body)
            for _ in range(data.draw(st.integers(0, 2))):
                act(bridge, data)
        bridge.finish()
        note("\n".join(map(str, bridge.calls)))
        holds(bridge, paid)


quick = settings(max_examples=25, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))


@quick
@given(data=st.data())
def test_every_payment_is_one_sale_whatever_happens(data: st.DataObject) -> None:
    prove(mapping_of(MAPPINGS / "stripe.yaml"), STORIES, data, check)


@quick
@given(data=st.data())
def test_every_charge_is_one_sale_whatever_happens(data: st.DataObject) -> None:
    prove(mapping_of(MAPPINGS / "stripe-payments.yaml"), PAYMENTS, data, check)


@quick
@given(data=st.data())
def test_what_must_not_be_repeated_never_is(data: st.DataObject) -> None:
    prove(holding(MAPPINGS / "stripe.yaml"), STORIES, data, check_held)


@cache
def holding(file: Path) -> Mapping:
    """The shipped mapping, each rule of which says hold."""
    text = file.read_text(encoding="utf-8").replace("    track: ", "    when_unsure: hold\n    track: ")
    mapping = parse(text, file=file.name, base=lambda _: None).mapping
    assert mapping is not None
    assert {"hold"} == {rule.when_unsure for rule in mapping.rules if rule.track in ("lead", "sale")}
    return mapping
