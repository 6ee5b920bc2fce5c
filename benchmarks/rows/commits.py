"""What sharing commits brings: 64 callers of the store against one, on this disk and on one that takes 2 ms more."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.result import Row, middle

TITLE = "recorded/s, commits shared by 64 : one each"
_SLOW_US = 2000


def measure(bench: Bench) -> list[Row]:
    """Each figure comes from a process and a database of its own; neighbours in time make a ratio."""
    shim, why_not = _shim(bench)
    rows = [_row(bench, TITLE, 2.5, {})]
    slow = f"{TITLE}, fsync + {_SLOW_US // 1000} ms"
    if shim is None:
        return [*rows, Row(what=slow, goal=8, skipped=why_not)]
    return [*rows, _row(bench, slow, 8, {"LD_PRELOAD": str(shim), "SLOW_FSYNC_US": str(_SLOW_US)})]


def _row(bench: Bench, what: str, goal: float, env: dict[str, str]) -> Row:
    pairs = []
    for number in range(bench.repetitions):
        order = (64, 1) if number % 2 else (1, 64)
        figures = {callers: _recorded(bench, callers, env) for callers in order}
        pairs.append((figures[64], figures[1]))
    together, each = zip(*pairs, strict=True)
    return Row(
        what=what,
        samples=[ours / theirs for ours, theirs in pairs],
        goal=goal,
        detail=f"{middle(together)}/s shared, {middle(each)}/s each",
    )


def _recorded(bench: Bench, callers: int, env: dict[str, str]) -> float:
    database = bench.scratch / "commits.db"
    for old in bench.scratch.glob("commits.db*"):
        old.unlink()
    return bench.probe("commits", str(database), str(callers), str(bench.seconds), **env)["per_second"]


def _shim(bench: Bench) -> tuple[Path | None, str]:
    """The library that makes fsync slower, or why there is none."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None, "no C compiler for the slower fsync"
    source, built = Path(__file__).parent.parent / "slow_fsync.c", bench.scratch / "slow_fsync.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(built), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        return None, f"the slower fsync does not compile: {done.stderr.strip()[:80]}"
    slowed = bench.probe("sync", str(bench.scratch), LD_PRELOAD=str(built), SLOW_FSYNC_US=str(_SLOW_US))["sync_ms"]
    if slowed < _SLOW_US / 1000:
        return None, "the slower fsync has no effect on this interpreter"
    return built, ""
