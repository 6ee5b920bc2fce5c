"""`python -m tests.fuzz`: look for inputs that break a promise, guided by coverage; exit 1 when one was found.

`python -m tests.fuzz TARGET FILE` tries one input again and needs no fuzzer. Seconds for each target: FUZZ_SECONDS
(60). What is learnt stays in a folder for temporary files, so that the next run goes on from there.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import inputs
from tests.fuzz.targets import edge

#: An input that takes longer than this is a finding as well.
_LONGEST_SECONDS = 10
_MOST_MIB = 2048
#: How much longer than its time a target may take: its imports are instrumented, its seeds are tried.
_PATIENCE_SECONDS = 120


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", nargs="?", choices=inputs.TARGETS, help="this target alone")
    parser.add_argument("file", nargs="?", type=Path, help="try this input, once")
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("FUZZ_SECONDS") or 60), metavar="N")
    parser.add_argument(
        "--corpora",
        type=Path,
        default=Path(tempfile.gettempdir()) / "trackbridge-fuzz",
        metavar="DIR",
        help="kept here",
    )
    return parser.parse_args()


def fuzz(target: str, seconds: int, corpora: Path) -> list[Path]:
    """Fuzz one target in a process of its own; the inputs it found."""
    corpus, found = corpora / target, corpora / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(inputs.seeds(target)):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    before = {*found.iterdir()}
    options = [f"-max_total_time={seconds}", f"-timeout={_LONGEST_SECONDS}", f"-rss_limit_mb={_MOST_MIB}"]
    options += ["-max_len=8192", "-print_final_stats=1", f"-artifact_prefix={found}/{target}-"]
    with (corpora / f"{target}.log").open("wb") as log:
        subprocess.run(
            [sys.executable, "-m", "tests.fuzz.engine", target, str(corpus), *options],
            stdout=log,
            stderr=log,
            timeout=seconds + _PATIENCE_SECONDS,
            check=False,
        )
    return sorted({*found.iterdir()} - before)


def _tell(target: str, corpora: Path, found: list[Path], seconds: float) -> None:
    log = (corpora / f"{target}.log").read_text(encoding="utf-8", errors="replace")
    tried = log.rpartition("stat::number_of_executed_units:")[2].split()
    size = len([*(corpora / target).iterdir()])
    print(f"{target:20} {tried[0] if tried else '?':>10} inputs tried, {size} kept, {seconds:.0f} s", end=": ")
    print("nothing found" if tried and not found else f"{len(found)} found" if found else "it did not run")
    if not tried or found:
        print(log[max(log.rfind("=== Uncaught"), len(log) - 4000) :].partition("stat::")[0])
    for file in found:
        print(f"\n  found {file}\n  again: python -m tests.fuzz {target} {file}\n")


def main() -> int:
    """Fuzz every target, or try one input again."""
    given = _arguments()
    if given.file is not None:
        try:
            inputs.check(given.target, given.file.read_bytes())
        finally:
            edge.close()
        print("nothing is wrong with it")
        return 0
    has_failed = False
    for target in [given.target] if given.target else inputs.TARGETS:
        begun = time.monotonic()
        found = fuzz(target, given.seconds, given.corpora)
        _tell(target, given.corpora, found, time.monotonic() - begun)
        log = (given.corpora / f"{target}.log").read_text(encoding="utf-8", errors="replace")
        has_failed |= bool(found) or "stat::number_of_executed_units:" not in log
    return 1 if has_failed else 0


if __name__ == "__main__":
    sys.exit(main())
