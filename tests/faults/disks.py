"""The disk: full, failing in the middle of writing or syncing, and read-only."""

import asyncio
import errno
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.load import Link, Load, holds
from tests.faults.report import Finding, Promises
from tests.faults.world import MOST_IN_FLIGHT, Shim, TrackerProcess, a_shim, a_tracker, end, start
from tests.support import BridgeProcess, bridge_process

_ROUNDS = 4
_MIB = 1024 * 1024
_ERRORS = {
    "writes fail: no space (ENOSPC)": ("write", errno.ENOSPC),
    "writes fail: I/O error (EIO)": ("write", errno.EIO),
    "syncs fail: I/O error (EIO)": ("sync", errno.EIO),
    "the disk turns read-only (EROFS)": ("write", errno.EROFS),
}


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of 24 megabytes, where this user may mount one."""
    disk = folder / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    try:
        is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        is_mounted = False
    try:
        yield disk if is_mounted else None
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(disk)], check=False)


class _Full:
    """Makes the disk full, or well again: with a file that takes all there is, else with a limit of the process."""

    def __init__(self, bridge: BridgeProcess, disk: Path | None) -> None:
        self._bridge, self._filler = bridge, disk / "filler" if disk else None

    def begin(self) -> None:
        if self._filler is None:
            self._limit(4096)
            return
        with self._filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def end(self) -> None:
        if self._filler is not None:
            self._filler.unlink(missing_ok=True)
        elif self._bridge.process is not None and self._bridge.process.poll() is None:
            self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        assert self._bridge.process is not None
        resource.prlimit(self._bridge.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def full(folder: Path) -> list[Finding]:
    """The disk runs full under load and has room again; once the process is killed while it is full."""
    promises = Promises()
    acknowledged: set[str] = set()
    with (
        _small_disk(folder) as disk,
        a_tracker(folder) as tracker,
        bridge_process(folder, CMS_BASE_URL=tracker.url) as bridge,
    ):
        bridge.settings["TRACKBRIDGE_DATABASE_URL"] = f"sqlite:///{(disk or folder) / 'trackbridge.db'}"
        full = _Full(bridge, disk)
        for number in range(_ROUNDS):
            is_last = number == _ROUNDS - 1
            await start(bridge)
            load = Load(bridge, f"f{number}")
            await _troubled(load, promises, full.begin, bridge.kill if is_last else full.end)
            if is_last and disk:
                refused = await asyncio.to_thread(bridge.run, "serve", check=False)
                promises.hold("a start on a full disk exits 3 and says so", when=_is_refused(refused, "no space left"))
            full.end()
            acknowledged |= load.acknowledged
            promises.hold("an orderly end afterwards", when=is_last or await end(bridge) == 0)
        lost, doubled = await _after(bridge, tracker, acknowledged)
    kind = "a tmpfs of 24 MiB" if disk else "RLIMIT_FSIZE, because this user may not mount"
    return [
        Finding(
            fault="disk full under load",
            times=_ROUNDS,
            acknowledged=len(acknowledged),
            lost=lost,
            doubled=doubled,
            bound=_ROUNDS * MOST_IN_FLIGHT,
            broken=promises.broken,
            detail=f"{kind}; killed while full the last time; a try whose outcome could not be written may go again",
        )
    ]


async def failing(folder: Path) -> list[Finding]:
    """Every write, or every sync, of the database fails for a while."""
    findings = []
    for number, (name, (call, word)) in enumerate(_ERRORS.items()):
        place = folder / str(number)
        place.mkdir()
        shim = a_shim(place)
        if shim is None:
            findings.append(Finding(fault=name, skipped="needs Linux and a C compiler"))
        else:
            findings.append(await _failing(name, place, shim, {call: word}))
    return findings


async def _failing(name: str, folder: Path, shim: Shim, errors: dict[str, int]) -> Finding:
    promises, acknowledged = Promises(), set[str]()
    with a_tracker(folder) as tracker, bridge_process(folder, **shim.environment) as bridge:
        bridge.settings["CMS_BASE_URL"] = tracker.url
        await start(bridge)
        for number in range(_ROUNDS):
            load = Load(bridge, f"e{number}")
            await _troubled(load, promises, lambda: shim.fail(**errors), shim.fail)
            acknowledged |= load.acknowledged
        bridge.kill()
        lost, doubled = await _after(bridge, tracker, acknowledged)
    return Finding(
        fault=name,
        times=_ROUNDS,
        acknowledged=len(acknowledged),
        lost=lost,
        doubled=doubled,
        bound=(_ROUNDS + 1) * MOST_IN_FLIGHT,
        broken=promises.broken,
    )


async def _troubled(load: Load, promises: Promises, begin: Callable[[], object], finish: Callable[[], object]) -> None:
    """Pour; begin the trouble amid it; see that everything is refused with 503; finish it; see that it is over."""
    pouring = asyncio.create_task(load.pour(clients=8))
    await load.until(100)
    begin()
    refused = load.statuses[503]
    met = await holds(lambda: load.statuses[503] >= refused + 20)
    promises.hold("503 while the disk is in trouble", when=met)
    count = len(load.acknowledged)
    await asyncio.sleep(0.3)
    promises.hold("nothing is acknowledged that cannot be written", when=len(load.acknowledged) <= count + 8)
    finish()
    if load.bridge.process is not None and load.bridge.process.poll() is None:
        count = len(load.acknowledged) + 50
        went_on = await holds(lambda: len(load.acknowledged) >= count)
        promises.hold("it goes on by itself once the disk is well", when=went_on)
    load.stopped = True
    await pouring
    promises.hold("only 200 and 503 are answered", when={200, 503, 0} >= set(load.statuses))


async def _after(bridge: BridgeProcess, tracker: TrackerProcess, acknowledged: set[str]) -> tuple[int, int]:
    """Start once more with everything well: how much was lost, how much was sent again."""
    await start(bridge)
    lost = await tracker.lost(acknowledged)
    await end(bridge)
    return lost, tracker.repeats()


async def read_only(folder: Path) -> list[Finding]:
    """A database that cannot be written at the start: said in words, and nothing changed."""
    name = "database read-only at the start"
    promises = Promises()
    with _small_disk(folder) as disk, a_tracker(folder) as tracker:
        if disk is None:
            return [Finding(fault=name, skipped="needs the right to mount a tmpfs")]
        with bridge_process(disk, CMS_BASE_URL="http://127.0.0.1:9") as bridge:
            await start(bridge)
            load = Load(bridge, "r")
            await load.one(Link(bridge.port), "r1")
            await load.pour(most=100, clients=4)
            await end(bridge)
            _remount(disk, "ro")
            refused = await asyncio.to_thread(bridge.run, "serve", check=False)
            promises.hold("serve exits 3, and says what to do", when=_is_refused(refused, "fix:"))
            _remount(disk, "rw")
            bridge.settings["CMS_BASE_URL"] = tracker.url
            lost, doubled = await _after(bridge, tracker, load.acknowledged)
    return [
        Finding(
            fault=name,
            acknowledged=len(load.acknowledged),
            lost=lost,
            doubled=doubled,
            broken=promises.broken,
        )
    ]


def _is_refused(done: subprocess.CompletedProcess[str], words: str) -> bool:
    return done.returncode == 3 and words in done.stderr and "Traceback" not in done.stderr


def _remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True, capture_output=True)
