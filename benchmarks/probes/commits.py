"""How many events a store records per second: `python -m benchmarks.probes.commits DATABASE CALLERS SECONDS`.

One caller waits for its commit before it asks for the next: a commit per event. Many callers share commits.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime

import uvloop

from benchmarks import events
from bridge.model import Conversion, Event, EventState, Meaning, Sale
from bridge.store import open_store
from bridge.store.base import Store

_WARM_UP = 0.2


def meaning(unique: str, now: datetime) -> Meaning:
    """One paid event with one sale, as the rules would make it."""
    sale = Sale(
        event_name="purchase_completed",
        customer_external_id=f"cus_{unique}",
        invoice_id=f"pi_{unique}",
        amount=4999,
        currency="EUR",
        click_id=f"clk_{unique}",
        customer_email=f"reader-{unique}@post.example",
        timestamp=now,
    )
    event = Event(
        source="stripe",
        key=f"evt_{unique}",
        source_id=f"evt_{unique}",
        type="checkout.session.completed",
        occurred_at=now,
        received_at=now,
        body=events.body(unique),
        verified_by="signature 1",
        revision="benchmark",
    )
    conversion = Conversion(item=0, rule="paid checkout", payload=sale, claims=(f"stripe:{unique}",))
    return Meaning(event=event, state=EventState.ACCEPTED, conversions=(conversion,))


async def record_until(store: Store, caller: int, warm: float, end: float) -> int:
    """Record one event after the other; how many after the warm-up."""
    counted = number = 0
    while (now := time.perf_counter()) < end:
        moment = datetime.now(UTC)
        await store.record([meaning(f"{caller:06x}{number:010x}", moment)], now=moment)
        number += 1
        counted += now >= warm
    return counted


async def main(database: str, callers: int, seconds: float) -> None:
    """Measure one new database: a file, or a URL."""
    url = database if "://" in database else f"sqlite:///{database}"
    store = await open_store(url, exclusive=True)
    warm = time.perf_counter() + _WARM_UP
    tasks = [record_until(store, caller, warm, warm + seconds) for caller in range(callers)]
    recorded = sum(await asyncio.gather(*tasks))
    took = time.perf_counter() - warm
    await store.close()
    print(json.dumps({"per_second": recorded / took}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
