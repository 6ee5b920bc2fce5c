"""How fast a webhook is acknowledged: durable 200s of the bridge against 200s of a Starlette that keeps nothing."""

import contextlib
import random

from benchmarks.bench import Bench, Load
from benchmarks.result import Row, middle
from benchmarks.servers import Server

_CONNECTIONS = (64, 16, 1)
_GOALS = {64: 0.30}


def measure(bench: Bench) -> list[Row]:
    """Both servers up at once, visited in a new random order in every repetition; the bridge delivers nothing."""
    runs: dict[tuple[str, int], list[Load]] = {}
    for _ in range(bench.repetitions):
        acknowledged = 0
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(bench.bare()), stack.enter_context(bench.trackbridge(None))]
            visits = [(server, connections) for server in servers for connections in _CONNECTIONS]
            random.shuffle(visits)
            for server, connections in visits:
                load = _visit(bench, server, connections)
                runs.setdefault((server.name, connections), []).append(load)
                acknowledged += load.answered if server.name == "bridge" else 0
        bench.on_disk(acknowledged)
    return [_row(connections, runs["bare", connections], runs["bridge", connections]) for connections in _CONNECTIONS]


def _visit(bench: Bench, server: Server, connections: int) -> Load:
    if server.name == "bridge":
        return bench.load(server, connections=connections)
    # the bare server never looks at a body, so it may be sent the same ones again
    return bench.load(server, connections=connections, repeat=True, most=8_000)


def _row(connections: int, bare: list[Load], bridge: list[Load]) -> Row:
    told = [
        f"{middle([load.per_second for load in loads])}/s, p50 {middle([load.p50_ms for load in loads])} ms,"
        f" p99 {middle([load.p99_ms for load in loads])} ms, {middle([load.cpu_us for load in loads])} µs CPU"
        for loads in (bridge, bare)
    ]
    busiest = max(load.generator_busy for load in bare)
    return Row(
        what=f"durable acks/s : bare Starlette, {connections} conn.",
        samples=[ours.per_second / theirs.per_second for ours, theirs in zip(bridge, bare, strict=True)],
        goal=_GOALS.get(connections),
        detail=f"bridge {told[0]}; bare {told[1]}; generator at most {busiest:.0%} busy",
    )
