"""What tests of commands about the store share: a store in the folder, what is printed, a mapping and its webhooks."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bridge import library, sources
from bridge.cli import main
from bridge.intake import understand
from bridge.model import Dead, Delivered, EventState, Meaning, Webhook
from bridge.store import Store, open_store
from bridge.store.base import DeliveryFilter
from tests.contract.store_hand import Hand, a_meaning, a_sale, an_event, an_outcome

T = TypeVar("T")
Text = pytest.CaptureFixture[str]

NOW = datetime.now(UTC).replace(microsecond=0)

QUIZ = """\
source: quiz
verify: {{scheme: token, path: true, secret: "${{QUIZ_WEBHOOK_SECRET}}"}}
event: {{id: id, type: type}}
rules:
  - name: bought
    types: [bought]
    track: sale
    event_name: {name}
    unit: minor
    fields:
      customer_external_id: customer
      customer_email: email
      click_id: click
      invoice_id: invoice
      amount: {amount}
      currency: currency
"""


def with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    async def go() -> T:
        url = os.environ.get("TRACKBRIDGE_DATABASE_URL", "sqlite:///trackbridge.db")
        store = await open_store(url, exclusive=True)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(go())


def printed(capsys: Text, *arguments: str, code: int = 0) -> list[str]:
    """The lines a command prints as data."""
    assert code == main(list(arguments))
    return capsys.readouterr().out.splitlines()


def said(capsys: Text, *arguments: str, code: int = 0) -> list[str]:
    """The lines a command prints as talk."""
    assert code == main(list(arguments))
    return capsys.readouterr().err.splitlines()


def parsed(capsys: Text, *arguments: str, code: int = 0) -> Any:
    assert code == main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def states() -> dict[int, str]:
    async def look(store: Store) -> dict[int, str]:
        found = await store.deliveries(DeliveryFilter(limit=10_000))
        return {delivery.id: delivery.state.value for delivery in reversed(found)}

    return with_store(look)


def a_graveyard(count: int, *, delivered: int = 0) -> None:
    """Sales of customers of their own: dead ones, then delivered ones."""

    async def fill(store: Store) -> None:
        hand = Hand(store)
        hand.now = NOW
        await hand.set(cautious=False)
        total = count + delivered
        sales = [a_sale(f"s{number}", f"cus_{number}", timestamp=NOW) for number in range(total)]
        meanings = []
        for sale in sales:
            event = an_event(
                f"e{sale.event_name}", received_at=NOW, source="quiz" if sale.event_name == "s1" else "stripe"
            )
            meanings.append(a_meaning(sale, event=event))
        await hand.record(*meanings)
        while claimed := (await hand.ask()).deliveries:
            for delivery in claimed:
                is_dead = int(delivery.payload.event_name[1:]) < count
                decision = Dead(reason="422: no amount") if is_dead else Delivered()
                await hand.end(delivery, decision, an_outcome(422 if is_dead else 200, started_at=NOW))

    with_store(fill)


def a_mapping(folder: Path, *, amount: str = "amount", name: str = "bought") -> None:
    (folder / "mappings").mkdir(exist_ok=True)
    (folder / "mappings" / "quiz.yaml").write_text(QUIZ.format(amount=amount, name=name), encoding="utf-8")


def a_quiz(number: int, **changes: object) -> bytes:
    body = {
        "id": f"q{number}",
        "type": "bought",
        "customer": f"cus_{number}",
        "email": f"buyer{number}@example.com",
        "click": f"click_{number}",
        "invoice": f"in_{number}",
        "total": 4999,
        "currency": "USD",
    }
    return json.dumps(body | changes).encode()


def received(*bodies: bytes) -> None:
    """The webhooks as serve would have recorded them by the mapping that is in force now."""
    loaded = library.read_paths([Path("mappings")], shipped=library.shipped_folder(), lookup=lambda _: "x" * 20)
    meanings = [
        meaning
        for body in bodies
        for meaning in understand(
            loaded.sources["quiz"].mapping, sources.sample(Webhook(source="quiz", body=body, received_at=NOW))
        )
    ]

    async def fill(store: Store) -> None:
        await store.record(meanings, now=NOW)

    with_store(fill)


#: Two days ago and a bit, so that every listing says `2 d ago`.
THEN = NOW - timedelta(days=2, minutes=5)
THEN_TEXT = THEN.strftime("%Y-%m-%d %H:%M:%S UTC")


def an_old_meaning(*conversions: Any, key: str, state: EventState = EventState.ACCEPTED, **changes: Any) -> Meaning:
    event = an_event(
        key, received_at=THEN, type="checkout.session.completed", body=b'{"id": 1}', **changes.pop("event", {})
    )
    return Meaning(event=event, state=state, conversions=conversions, **changes)
