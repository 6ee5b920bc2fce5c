"""`python -m tests.faults`: do to a running bridge what happens to programs, and say what was lost.

Real processes, loopback only; everything that was started is ended. Exit: 0 nothing was lost and every promise was
kept, 1 otherwise, 2 usage. The whole run is over within ten minutes: what had no time left is told as skipped.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.faults import clocks, crashes, crowds, databases, disks, hostile, replicas, shapes, trackers, wal
from tests.faults.report import Finding, table

_MOST_SECONDS = 600.0
#: One fault may take this long.
_EACH_SECONDS = 120.0

#: By name, in the order of the table.
FAULTS: dict[str, Callable[[Path], Awaitable[list[Finding]]]] = {
    "kill": crashes.kill,
    "kill-at-start": crashes.kill_at_start,
    "terminate": crashes.terminate,
    "disk-full": disks.full,
    "disk-fails": disks.failing,
    "read-only": disks.read_only,
    "wal": wal.damaged,
    "clock": clocks.jumping,
    "clock-far": clocks.far_away,
    "tracker": trackers.misbehaving,
    "dns": trackers.nowhere,
    "crowd": crowds.half_open,
    "slow": crowds.slow,
    "unread": crowds.unread,
    "large": crowds.large,
    "shapes": shapes.smuggling,
    "paths": shapes.odd_paths,
    "heads": shapes.floods,
    "compressed": hostile.compressed,
    "json": hostile.odd_json,
    "yaml": hostile.yaml_bombs,
    "replicas": replicas.killed,
    "rolling": replicas.rolled,
    "frozen": replicas.frozen,
    "clocks-apart": replicas.clocks_apart,
    "postgres": databases.troubled,
    "postgres-still": databases.stands_still,
    "postgres-cut": databases.cut_off,
    "postgres-full": databases.full,
    "blackout": databases.blackout,
}


#: These mostly wait, and are tried side by side.
_PAIRS: tuple[set[str], ...] = (
    {"slow", "unread"},
    {"replicas", "postgres-still"},
    {"frozen", "clocks-apart"},
    {"rolling", "blackout"},
)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *FAULTS], metavar="FAULT", help=", ".join(FAULTS))
    parser.add_argument("--keep", action="store_true", help="leave databases and logs behind, and say where")
    return parser.parse_args()


async def _tried(name: str, folder: Path, seconds: float) -> list[Finding]:
    if seconds < 1:
        return [Finding(fault=name, skipped="no time was left")]
    begun = time.monotonic()
    print(f"{name} …", file=sys.stderr, flush=True)
    try:
        await asyncio.to_thread(folder.mkdir)
        async with asyncio.timeout(min(seconds, _EACH_SECONDS)):
            findings = await FAULTS[name](folder)
    except Exception as error:  # noqa: BLE001 - one fault that cannot be tried must not hide the others
        traceback.print_exception(error)
        findings = [Finding(fault=name, broken=(f"it could not be tried: {type(error).__name__}: {error}"[:300],))]
    print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return findings


async def _run(names: list[str], folder: Path) -> list[Finding]:
    until, findings, left = time.monotonic() + _MOST_SECONDS, dict[str, list[Finding]](), list(names)
    while left:
        pair = next((pair for pair in _PAIRS if left[0] in pair), {left[0]})
        now = [name for name in left if name in pair]
        told = await asyncio.gather(*(_tried(name, folder / name, until - time.monotonic()) for name in now))
        findings |= zip(now, told, strict=True)
        left = [name for name in left if name not in pair]
    return [finding for name in names for finding in findings[name]]


def main() -> int:
    """Try everything and tell."""
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="trackbridge-faults-"))
    try:
        findings = asyncio.run(_run(given.names or list(FAULTS), folder))
    finally:
        if given.keep:
            print(f"kept in {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(table(findings))
    return 0 if all(finding.is_kept for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
