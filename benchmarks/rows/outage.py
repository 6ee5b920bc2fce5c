"""What a tracker that is down, slow or quick does to acknowledgements, against not delivering at all."""

import contextlib
import random

from benchmarks.bench import Bench, Load
from benchmarks.result import Row, middle
from benchmarks.servers import nobody

_CONNECTIONS = 64
_GOALS = {"tracker down": 0.6, "tracker slow (50 ms)": 0.6, "tracker quick": None}
_OFF = "off"


def measure(bench: Bench) -> list[Row]:
    """A fresh bridge for every figure; within a repetition the order is random."""
    runs: dict[str, list[Load]] = {}
    for _ in range(bench.repetitions):
        for case in random.sample([_OFF, *_GOALS], len(_GOALS) + 1):
            runs.setdefault(case, []).append(_one(bench, case))
    return [
        Row(
            what=f"acks/s, {case} : delivery off",
            samples=[one.per_second / off.per_second for one, off in zip(runs[case], runs[_OFF], strict=True)],
            goal=goal,
            detail=f"{_told(runs[case])}; off: {_told(runs[_OFF])}",
        )
        for case, goal in _GOALS.items()
    ]


def _one(bench: Bench, case: str) -> Load:
    with contextlib.ExitStack() as stack:
        tracker = None
        if case == "tracker down":
            url: str | None = stack.enter_context(nobody())
        elif case == _OFF:
            url = None
        else:
            url = tracker = stack.enter_context(bench.tracker(50 if "slow" in case else 0))
        server = stack.enter_context(bench.trackbridge(url))
        load = bench.load(server, connections=_CONNECTIONS)
        if tracker:
            _check(bench, case, tracker, load)
    bench.on_disk(load.answered)
    return load


def _check(bench: Bench, case: str, tracker: str, load: Load) -> None:
    """Whatever has arrived so far arrived once; the quick tracker must get everything."""
    if "quick" in case:
        bench.delivered(tracker, load.answered, patience=40)
        return
    seen = bench.seen(tracker)
    if seen.repeats or seen.strange or not 0 < seen.distinct <= load.answered:
        bench.wrong.append(f"{case}: {load.answered} acknowledged, the tracker has {seen}")


def _told(loads: list[Load]) -> str:
    return f"{middle([load.per_second for load in loads])}/s, p99 {middle([load.p99_ms for load in loads])} ms"
