"""Webhook in to tracker told: the bridge against the handler somebody writes in twenty minutes."""

import contextlib
import random
from dataclasses import dataclass
from typing import Literal

from benchmarks.bench import Bench
from benchmarks.result import Row, middle

_CONNECTIONS = (8, 16)
_WARM_EVENTS = 40
Kind = Literal["bridge", "thread", "async"]
_NAMES: dict[Kind, str] = {"bridge": "bridge", "thread": "thread-pool handler", "async": "async handler"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One tracker, the rivals measured with it, and the goals at 8 connections."""

    delay_ms: int
    goals: dict[Kind, float]
    #: what the bridge takes in at most: it acknowledges faster than it may deliver, and the rest must drain
    most: int


_CASES = (
    _Case(delay_ms=0, goals={"thread": 1.5}, most=30_000),
    _Case(delay_ms=50, goals={"thread": 3, "async": 30}, most=1_200),
)


def measure(bench: Bench) -> list[Row]:
    """Every figure from a fresh server; within a repetition the order is random."""
    return [row for case in _CASES for row in _measured(bench, case)]


def _measured(bench: Bench, case: _Case) -> list[Row]:
    rates: dict[tuple[Kind, int], list[float]] = {}
    kinds: list[Kind] = ["bridge", *case.goals]
    with bench.tracker(case.delay_ms) as tracker:
        for _ in range(bench.repetitions):
            visits = [(kind, connections) for kind in kinds for connections in _CONNECTIONS]
            random.shuffle(visits)
            for kind, connections in visits:
                rate = _one(bench, kind, tracker, connections, case.most)
                rates.setdefault((kind, connections), []).append(rate)
    return [_row(case, rival, connections, rates) for rival in case.goals for connections in _CONNECTIONS]


def _one(bench: Bench, kind: Kind, tracker: str, connections: int, most: int) -> float:
    """Events per second from the first request to the last answered POST."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(bench.trackbridge(tracker) if kind == "bridge" else bench.naive(tracker, kind))
        warm = bench.load(server, connections=4, warm_up=0, most=_WARM_EVENTS)
        bench.delivered(tracker, warm.answered, patience=20)
        bench.seen(tracker, reset=True)
        load = bench.load(server, connections=connections, warm_up=0, most=most)
        seen = bench.delivered(tracker, load.answered, patience=30)
        bench.seen(tracker, reset=True)
    return load.answered / max(seen.last_answer_at - load.started_at, 1e-9)


def _row(case: _Case, rival: Kind, connections: int, rates: dict[tuple[Kind, int], list[float]]) -> Row:
    ours, theirs = rates["bridge", connections], rates[rival, connections]
    tracker = f"tracker {case.delay_ms} ms" if case.delay_ms else "quick tracker"
    return Row(
        what=f"delivered/s : {_NAMES[rival]}, {tracker}, {connections} conn.",
        samples=[one / other for one, other in zip(ours, theirs, strict=True)],
        goal=case.goals[rival] if connections == _CONNECTIONS[0] else None,
        detail=f"bridge {middle(ours)}/s, {_NAMES[rival]} {middle(theirs)}/s",
    )
