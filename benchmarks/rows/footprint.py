"""Memory and start-up against the twenty-minute handler."""

from collections.abc import Sequence

from benchmarks.bench import Bench
from benchmarks.result import Row, middle
from benchmarks.servers import Server

_CONNECTIONS = 16


def measure(bench: Bench) -> list[Row]:
    """Started by turns; each is weighed at rest and, at its heaviest, under load with a tracker that is quick."""
    pairs = []
    with bench.tracker(0) as tracker:
        for _ in range(bench.repetitions):
            with bench.trackbridge(tracker) as ours:
                our_peak = _peak(bench, ours, tracker)
            with bench.naive(tracker, "thread") as theirs:
                their_peak = _peak(bench, theirs, tracker)
            pairs.append((ours, our_peak, theirs, their_peak))
    starts = [(ours.start_up * 1e3, theirs.start_up * 1e3) for ours, _, theirs, _ in pairs]
    idle = [(ours.idle_mb, theirs.idle_mb) for ours, _, theirs, _ in pairs]
    peaks = [(our_peak, their_peak) for _, our_peak, _, their_peak in pairs]
    return [
        _row("start to first answer", starts, "ms", goal=1.0),
        _row("memory idle (PSS)", idle, "MB", goal=1.3),
        _row(f"memory loaded (peak RSS, {_CONNECTIONS} conn.)", peaks, "MB", goal=1.5),
    ]


def _peak(bench: Bench, server: Server, tracker: str) -> float:
    load = bench.load(server, connections=_CONNECTIONS, warm_up=0)
    bench.delivered(tracker, load.answered, patience=30)
    bench.seen(tracker, reset=True)
    return server.peak_mb()


def _row(what: str, pairs: Sequence[tuple[float, float]], unit: str, *, goal: float) -> Row:
    ours, theirs = zip(*pairs, strict=True)
    return Row(
        what=f"{what} : thread-pool handler",
        samples=[one / other for one, other in pairs],
        goal=goal,
        better="lower",
        detail=f"bridge {middle(ours)} {unit}, the other {middle(theirs)} {unit}",
    )
