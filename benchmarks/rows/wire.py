"""Whether a POST costs more when many are in flight: CPU per POST at 32 against 1."""

from benchmarks.bench import Bench
from benchmarks.result import Row, middle


def measure(bench: Bench) -> list[Row]:
    """The bridge's own tracking client, alone in a process, against a tracker that answers at once."""
    pairs = []
    with bench.tracker(0) as tracker:
        for number in range(bench.repetitions):
            order = (32, 1) if number % 2 else (1, 32)
            costs = {in_flight: _cost(bench, tracker, in_flight) for in_flight in order}
            pairs.append((costs[32], costs[1]))
    many, one = zip(*pairs, strict=True)
    return [
        Row(
            what="CPU per POST, 32 in flight : 1",
            samples=[ours / theirs for ours, theirs in pairs],
            goal=1.5,
            better="lower",
            detail=f"{middle(many)} µs at 32, {middle(one)} µs at 1",
        )
    ]


def _cost(bench: Bench, tracker: str, in_flight: int) -> float:
    bench.seen(tracker, reset=True)
    told = bench.probe("wire", tracker, str(in_flight), str(bench.seconds))
    bench.delivered(tracker, int(told["posts"]), patience=5)
    return told["cpu_us"]
