"""The load generator: a closed loop over keep-alive connections, one JSON order per line in, one JSON result out.

Requests are made and signed before the clock starts, so the clock sees sockets only; ids never repeat. It speaks
to 127.0.0.1 alone, stops at the order's time or when its requests are used up, and ends when its stdin does.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TypedDict, cast

import uvloop

from benchmarks import events

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_DELIVERIES = re.compile(rb'"deliveries": *(\d+)')
#: how long answers may take after the last request was sent
_PATIENCE = 15.0


@dataclass(slots=True)
class Run:
    """One order being carried out: what is left to send, what came back."""

    ready: list[bytes]
    #: begin again with the same requests when they are used up (for a server that does not look at them)
    repeat: bool
    waiting: list[bytes] = field(default_factory=list)
    warm: float = 0.0
    end: float = 0.0
    open_connections: int = 0
    warm_answers: int = 0
    deliveries: int = 0
    statuses: Counter[bytes] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    last_answer: float = 0.0
    broken: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one is answered."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's own class; it is one
        self._run.open_connections += 1

    def send(self) -> None:
        """Send one request, or close when there is nothing left to do."""
        run, transport = self._run, self._transport
        if transport is None:
            return
        now = time.perf_counter()
        if not run.waiting and run.repeat:
            run.waiting = run.ready.copy()
        if now >= run.end or not run.waiting:
            transport.close()
            return
        self._sent = now
        transport.write(run.waiting.pop())

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        head = data.find(b"\r\n\r\n")
        length = _LENGTH.search(data, 0, head + 2) if head > 0 else None
        if length is None or len(data) < head + 4 + int(length[1]):
            self._buffer = data
            return
        self._buffer = b""
        self._answered(data, head)
        self.send()

    def _answered(self, data: bytes, head: int) -> None:
        run, now = self._run, time.perf_counter()
        run.statuses[data[9:12]] += 1
        found = _DELIVERIES.search(data, head)
        run.deliveries += int(found[1]) if found else 0
        if self._sent < run.warm:
            run.warm_answers += 1
        else:
            run.latencies.append(now - self._sent)
            run.last_answer = now
        self._sent = 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        run = self._run
        run.broken += self._sent > 0.0 or exc is not None
        run.open_connections -= 1
        if not run.open_connections:
            run.done.set()


class Order(TypedDict):
    """What is to be done."""

    #: connections are shared out among them in turn
    ports: list[int]
    connections: int
    seconds: float
    warm_up: float
    most: int
    repeat: bool
    series: int


async def carry_out(order: Order) -> dict[str, object]:
    """Load one server, or several that are one, as ordered."""
    ports = order["ports"]
    ready = events.requests(order["most"], series=order["series"], port=ports[0])
    run = Run(ready=ready, repeat=order["repeat"], waiting=ready.copy())
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(run), "127.0.0.1", ports[number % len(ports)])
        for number in range(order["connections"])
    ]
    started, cpu = time.perf_counter(), time.process_time()
    run.warm = started + order["warm_up"]
    run.end = run.warm + order["seconds"]
    for _, connection in made:
        connection.send()
    try:
        await asyncio.wait_for(run.done.wait(), order["warm_up"] + order["seconds"] + _PATIENCE)
    finally:
        for transport, _ in made:
            transport.abort()
    busy = (time.process_time() - cpu) / (time.perf_counter() - started)
    return {**_result(run, started), "busy": busy}


def _result(run: Run, started: float) -> dict[str, object]:
    ranked = sorted(run.latencies) or [0.0]
    return {
        "answered": sum(run.statuses.values()),
        "measured": len(run.latencies),
        "seconds": max(run.last_answer - run.warm, 1e-9),
        "p50_ms": ranked[len(ranked) // 2] * 1e3,
        "p99_ms": ranked[len(ranked) * 99 // 100] * 1e3,
        "statuses": {status.decode("latin-1"): count for status, count in run.statuses.items()},
        "deliveries": run.deliveries,
        "broken": run.broken,
        "used_up": not run.waiting,
        "started_at": started,
    }


def main() -> None:
    """Carry out orders until stdin ends."""
    for line in sys.stdin:
        try:
            result = uvloop.run(carry_out(json.loads(line)))
        except (OSError, TimeoutError) as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
