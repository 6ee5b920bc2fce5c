"""`python -m benchmarks`: measure the bridge beside its rivals, print a table, exit 1 when a goal is missed.

Every figure is a ratio of neighbours in one run, so a noisy or slow machine disturbs both sides alike.
Exit: 0 every goal kept, 1 a goal missed or something wrong, 2 usage, 3 could not measure.
"""

import argparse
import json
import shlex
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from benchmarks import machine
from benchmarks.bench import Bench
from benchmarks.machine import BenchmarkError
from benchmarks.result import Row, Verdict, table
from benchmarks.rows import acks, commits, end_to_end, footprint, outage, replicas, stuck, wire

#: By name, in the order of the table: from the webhook's side to the tracker's.
MEASUREMENTS: dict[str, ModuleType] = {
    "acks": acks,
    "commits": commits,
    "end_to_end": end_to_end,
    "outage": outage,
    "replicas": replicas,
    "stuck": stuck,
    "wire": wire,
    "footprint": footprint,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2 short repetitions: a look, not a measurement")
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="this measurement (repeatable)")
    parser.add_argument("--repetitions", type=int, metavar="N", help="how often (default 5)")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of one load run (default 1.2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured there")
    parser.add_argument("--bridge", metavar="COMMAND", default="", help="serve the bridge with this command instead")
    parser.add_argument(
        "--postgres", metavar="URL", default="", help="measure with this one (a role that may create databases)"
    )
    parser.add_argument(
        "--scratch",
        type=Path,
        default=Path(__file__).parent / ".build",
        metavar="DIR",
        help="databases and logs go here",
    )
    parser.add_argument("--keep", action="store_true", help="leave databases and logs behind")
    given = parser.parse_args()
    given.repetitions = (2 if given.quick else 5) if given.repetitions is None else given.repetitions
    given.seconds = (0.5 if given.quick else 1.2) if given.seconds is None else given.seconds
    if not (0 < given.repetitions <= 50 and 0.1 <= given.seconds <= 10):
        parser.error("expected 1 to 50 repetitions of 0.1 to 10 seconds")
    return given


def measured(bench: Bench, names: list[str]) -> list[Row]:
    """All rows of these measurements, talking about progress on stderr."""
    rows = []
    for name in names:
        begun = time.perf_counter()
        print(f"{name} …", end=" ", file=sys.stderr, flush=True)
        rows += MEASUREMENTS[name].measure(bench)
        print(f"{time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    return rows


def main() -> int:
    """Measure and tell."""
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    given.scratch.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="run-", dir=given.scratch.resolve()))
    command = shlex.split(given.bridge) or machine.python("-m", "bridge", "serve")
    bench = Bench(scratch=scratch, bridge=command, repetitions=given.repetitions, seconds=given.seconds)
    bench.postgres_url = given.postgres
    begun = time.perf_counter()
    about = machine.described(scratch)
    print(about, file=sys.stderr)
    try:
        with bench.generator():
            rows = measured(bench, given.only or list(MEASUREMENTS))
    except BenchmarkError as error:
        print(f"\ncould not measure: {error}", file=sys.stderr)
        return 3
    finally:
        if not given.keep:
            shutil.rmtree(scratch, ignore_errors=True)
    took = time.perf_counter() - begun
    about += f"; {given.repetitions} repetitions of {given.seconds:g} s, {took:.0f} s in all"
    if given.json:
        found = {"about": about, "rows": [row.as_json() for row in rows], "wrong": bench.wrong}
        given.json.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    print(f"\n{about}\n\n{table(rows)}\n")
    return _verdict(bench, rows)


def _verdict(bench: Bench, rows: list[Row]) -> int:
    for wrong in bench.wrong:
        print(f"WRONG: {wrong}")
    missed = [row.what for row in rows if row.verdict is Verdict.FAIL]
    if bench.wrong or missed:
        print(f"{len(missed)} goals missed, {len(bench.wrong)} things wrong")
        return 1
    print("every goal kept; nothing lost, nothing sent twice, no answer but 2xx")
    return 0


if __name__ == "__main__":
    sys.exit(main())
