"""What customers who are stuck cost the others: 1% of the lanes have a front that keeps failing, waiting or hanging."""

from benchmarks.bench import Bench
from benchmarks.result import Row, middle

_STUCK = 10  # of a thousand


def measure(bench: Bench) -> list[Row]:
    """The store, the worker and the tracking client in one process, with and without; neighbours make a ratio."""
    pairs = []
    with bench.tracker(2) as tracker:
        for number in range(bench.repetitions):
            order = (_STUCK, 0) if number % 2 else (0, _STUCK)
            found = {stuck: _one(bench, tracker, stuck) for stuck in order}
            pairs.append((found[_STUCK], found[0]))
    return [
        _row(pairs, "delivered/s of the others", "per_second", "/s", goal=0.95, higher=True),
        _row(pairs, "CPU per delivery of the others", "cpu_us", " µs", goal=1.05, higher=False),
        _row(pairs, "p50 of the others", "p50_ms", " ms", goal=None, higher=False),
        _row(pairs, "p99 of the others", "p99_ms", " ms", goal=1.25, higher=False),
    ]


def _one(bench: Bench, tracker: str, stuck: int) -> dict[str, float]:
    bench.seen(tracker, reset=True)
    for old in bench.scratch.glob("stuck.db*"):
        old.unlink()
    found = bench.probe("stuck", tracker, str(bench.scratch / "stuck.db"), str(stuck), str(bench.seconds))
    seen = bench.seen(tracker)
    if seen.repeats or seen.strange or seen.stuck < stuck or bool(found["open"]) != bool(stuck):
        bench.wrong.append(f"{stuck} stuck customers: the tracker has {seen}, {found['open']:.0f} are open")
    return found


def _row(
    pairs: list[tuple[dict[str, float], dict[str, float]]],
    what: str,
    key: str,
    unit: str,
    *,
    goal: float | None,
    higher: bool,
) -> Row:
    return Row(
        what=f"{what}, 1% stuck : none",
        samples=[stuck[key] / none[key] for stuck, none in pairs],
        goal=goal,
        better="higher" if higher else "lower",
        detail=f"{middle([one[key] for one, _ in pairs])}{unit} with, "
        f"{middle([one[key] for _, one in pairs])}{unit} without",
    )
