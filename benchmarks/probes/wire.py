"""What one POST to the tracker costs: `python -m benchmarks.probes.wire URL IN_FLIGHT SECONDS`."""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime

import uvloop

from bridge.model import Sale
from bridge.tracking import Wire

_WARM_UP = 0.2


def sale(number: int) -> Sale:
    """A sale with everything that most sales carry."""
    return Sale(
        event_name="purchase_completed",
        customer_external_id=f"cus_{number}",
        invoice_id=f"pi_{number}",
        amount=4999,
        currency="EUR",
        click_id=f"clk_{number}",
        customer_email=f"reader-{number}@post.example",
        customer_name="Zoë Brandt",
        timestamp=datetime.now(UTC),
    )


async def post(wire: Wire, first: int, step: int, end: float) -> int:
    """Post one after the other; how many were accepted."""
    accepted = 0
    while time.perf_counter() < end:
        outcome = await wire.send(sale(first + accepted * step))
        if not outcome.succeeded:
            raise SystemExit(f"a POST failed: {outcome.status} {outcome.error}")
        accepted += 1
    return accepted


async def burst(wire: Wire, in_flight: int, first: int, seconds: float) -> int:
    """Keep so many requests in flight for so long; how many there were."""
    end = time.perf_counter() + seconds
    return sum(await asyncio.gather(*(post(wire, first + n, in_flight, end) for n in range(in_flight))))


async def main(url: str, in_flight: int, seconds: float) -> None:
    """Measure CPU time per POST, connections already open."""
    wire = Wire(url, "benchmark", timeout_seconds=10, amount_unit="minor")
    warm = await burst(wire, in_flight, 0, _WARM_UP)
    begun, cpu = time.perf_counter(), time.process_time()
    count = await burst(wire, in_flight, 10_000_000, seconds)
    cpu, took = time.process_time() - cpu, time.perf_counter() - begun
    await wire.aclose()
    print(json.dumps({"cpu_us": 1e6 * cpu / count, "per_second": count / took, "posts": warm + count}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
