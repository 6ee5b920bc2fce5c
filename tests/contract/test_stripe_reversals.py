"""What Stripe pays back is remembered once, with its own amount and its own sale, whatever comes first."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from bridge.model import DeliveryState
from tests.contract.stripe_bridge import Bridge, a_bridge, a_folder
from tests.contract.stripe_world import charge, credit_note, dispute, receipt, refund, refunded, session
from tests.contract.tellings import MAPPINGS, mapping_of

BY = {name: mapping_of(MAPPINGS / f"{name}.yaml") for name in ("stripe", "stripe-payments")}
LATER: dict[str, Any] = {"type": "refund.updated"}
REFUND, DISPUTE = ("refund", "USD"), ("dispute", "USD")
WITHDRAWN: dict[str, Any] = {"type": "charge.dispute.funds_withdrawn"}

#: Of the sale that the first event makes.
BACK = {
    "all of it": ("stripe", [session(1), refund(1)], {REFUND: 4999}),
    "told by created and updated": ("stripe", [session(1), refund(1), refund(1, **LATER)], {REFUND: 4999}),
    "two parts": ("stripe", [session(1), refund(1, amount=1000), refund(1, 2, amount=500)], {REFUND: 1500}),
    "a part that is done, one that is not": (
        "stripe",
        [session(1), refund(1, amount=1000), refund(1, 2, status="pending")],
        {REFUND: 1000},
    ),
    "a growing sum, before 2024-10-28": (
        "stripe",
        [session(1), refunded(1, 1000), refunded(1, 2500), refunded(1, 4999)],
        {REFUND: 4999},
    ),
    "told by both, before 2024-10-28": (
        "stripe",
        [session(1), refunded(1, 1000), refund(1, amount=1000, around={"api_version": "2022-11-15"})],
        {REFUND: 1000},
    ),
    "a dispute, told twice": ("stripe", [session(1), dispute(1), dispute(1, **WITHDRAWN)], {DISPUTE: 4999}),
    "an invoice before basil": ("stripe", [receipt(1, payment_intent="pi_1"), refund(1, amount=100)], {REFUND: 100}),
    "a credit note paid out elsewhere": ("stripe", [receipt(1), credit_note(1)], {REFUND: 25000}),
    "of a charge": ("stripe-payments", [charge(1), refund(1, payment_intent=None)], {REFUND: 4999}),
    "a charge's dispute": ("stripe-payments", [charge(1), dispute(1)], {DISPUTE: 4999}),
    "yen": (
        "stripe",
        [session(1, amount_total=5000, currency="jpy"), refund(1, amount=500, currency="jpy")],
        {("refund", "JPY"): 500},
    ),
    "another payment's": ("stripe", [session(1), refund(2)], {}),
    "of another account": ("stripe", [session(1), refund(1, around={"account": "acct_other"})], {}),
}


@pytest.mark.parametrize(("name", "bodies", "back"), BACK.values(), ids=BACK)
def test_it_is_remembered_with_its_sale(name: str, bodies: list[bytes], back: dict[tuple[str, str], int]) -> None:
    for order in permutations(bodies):
        with a_folder() as folder:
            bridge = a_bridge(folder, BY[name])
            bridge.take(*order)
            assert back == _of_the_sale(bridge)
            bridge.close()


def _of_the_sale(bridge: Bridge) -> dict[tuple[str, str], int]:
    (sale,) = bridge.states(DeliveryState.PENDING, DeliveryState.WAITING)
    return bridge.returned(sale)


def test_it_is_never_sent(tmp_path: Path) -> None:
    bridge = a_bridge(tmp_path, BY["stripe"])
    bridge.take(refund(1), dispute(1), refunded(1, 100), credit_note(1))
    bridge.finish()
    assert [] == bridge.calls
    assert ["refund", "dispute"] == [*dict.fromkeys(bridge.reasons())]
    bridge.close()
