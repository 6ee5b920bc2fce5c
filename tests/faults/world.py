"""The world around a bridge: a tracker as a process of its own, what it was sent, and the shim that makes faults."""

import asyncio
import ctypes
import mmap
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from tests.e2e.test_crash import MOST_IN_FLIGHT, delivered_invoices
from tests.faults.load import holds
from tests.support import BridgeProcess, clean_environment, free_port

__all__ = ["MOST_IN_FLIGHT"]
ROOT = Path(__file__).parents[2]


class TrackerProcess:
    """The fake tracker as a process; it writes every request down."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port, self.log = free_port(), folder / "tracker.jsonl"
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bridge.demo.tracker", "--port", str(self.port), "--log", str(self.log), *options],
            env=clean_environment(PYTHONPATH=str(ROOT)),
            stderr=subprocess.DEVNULL,
        )

    def sent(self) -> Counter[str]:
        """How often it was sent each sale, by invoice id."""
        return delivered_invoices(self.log)

    def repeats(self) -> int:
        """Sales beyond the first of each."""
        sent = self.sent()
        return sent.total() - len(sent)

    async def lost(self, acknowledged: set[str], *, within_seconds: float = 60.0) -> int:
        """How many of these it was not sent within this time."""
        await holds(lambda: acknowledged <= set(self.sent()), within_seconds=within_seconds)
        return len(acknowledged - set(self.sent()))

    def end(self) -> None:
        """Stop it."""
        self._process.kill()
        self._process.wait(10)


@contextmanager
def a_tracker(folder: Path, *options: str) -> Iterator[TrackerProcess]:
    """A tracker that is ended whatever happens; `options` are its own."""
    tracker = TrackerProcess(folder, *options)
    try:
        yield tracker
    finally:
        tracker.end()


async def start(bridge: BridgeProcess) -> None:
    """Start it and wait until it is ready."""
    await asyncio.to_thread(bridge.start)


async def end(bridge: BridgeProcess) -> int:
    """SIGTERM; the exit code, 124 when it did not end."""
    try:
        return await asyncio.to_thread(bridge.terminate)
    except subprocess.TimeoutExpired:
        return 124


def kept_invoices(bridge: BridgeProcess) -> set[str]:
    """Every sale that is in the database, whatever became of it."""
    with closing(sqlite3.connect(bridge.folder / "trackbridge.db")) as db:
        return {row[0] for row in db.execute("SELECT json_extract(payload, '$.invoice_id') FROM deliveries")}


def tries(bridge: BridgeProcess, sent: str) -> int:
    """How many attempts ended so: no, maybe or yes."""
    with closing(sqlite3.connect(bridge.folder / "trackbridge.db")) as db:
        (count,) = db.execute("SELECT count(*) FROM attempts WHERE sent = ?", (sent,)).fetchone()
    return int(count)


def peak_mib(bridge: BridgeProcess) -> float:
    """The most memory it ever had."""
    return _status_mib(bridge, "VmHWM")


def resident_mib(bridge: BridgeProcess) -> float:
    """The memory it has now."""
    return _status_mib(bridge, "VmRSS")


def _status_mib(bridge: BridgeProcess, name: str) -> float:
    assert bridge.process is not None
    status = Path(f"/proc/{bridge.process.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1]) / 1024


def most_files() -> int:
    """How many files this process and its children may have open, after asking for all there are."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65_536 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


class _Control(ctypes.Structure):
    _fields_ = (("ahead_ms", ctypes.c_longlong), ("write_errno", ctypes.c_longlong), ("sync_errno", ctypes.c_longlong))

    ahead_ms: int
    write_errno: int
    sync_errno: int


class Shim:
    """What a bridge started with `environment` is told of clock and disk, from one moment to the next."""

    def __init__(self, folder: Path, library: Path) -> None:
        file = folder / "faults.control"
        file.write_bytes(bytes(ctypes.sizeof(_Control)))
        with file.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), 0)
        self._control = _Control.from_buffer(self._memory)
        self.environment = {"LD_PRELOAD": str(library), "FAULTS_FILE": str(file)}

    def set_ahead(self, seconds: float) -> None:
        """Put the wall clock that far ahead of ours, or behind."""
        self._control.ahead_ms = round(seconds * 1000)

    def fail(self, *, write: int = 0, sync: int = 0) -> None:
        """Let writing or syncing a database fail so from now on; 0 is well again."""
        self._control.write_errno, self._control.sync_errno = write, sync


@cache
def _built() -> Path | None:
    """The shim as a library, or None where there is no compiler or nothing is preloaded."""
    if not sys.platform.startswith("linux"):
        return None
    library = Path(tempfile.mkdtemp(prefix="trackbridge-shim-")) / "shim.so"
    command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(Path(__file__).with_name("shim.c"))]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return library


def a_shim(folder: Path) -> Shim | None:
    """A shim for one bridge; None where none can be built."""
    library = _built()
    return Shim(folder, library) if library else None
