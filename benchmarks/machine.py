"""Processes on chosen cores: start, wait for the first answer, weigh, end. Linux; loopback only.

The first core carries the load generator and the tracker, the last one the server under test. Everything started
here dies with us and is ended by its own process group; nothing else is touched.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_CORES = sorted(os.sched_getaffinity(0))
LOAD_CORE, SERVER_CORE = _CORES[0], _CORES[-1]
#: the kernel ends our children when we die, however we die
_DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()
_TICK = os.sysconf("SC_CLK_TCK")
#: a load average below this is nobody in particular
_QUIET = 0.5
_ROOT = Path(__file__).resolve().parent.parent


class BenchmarkError(Exception):
    """A measurement could not be made; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """Something we started, in a process group of its own."""

    popen: subprocess.Popen[bytes]
    log: Path

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def share_mb(self) -> float:
        """Its proportional share of memory now."""
        return self._kilobytes("smaps_rollup", "Pss:") / 1024

    def peak_mb(self) -> float:
        """The most memory it ever had."""
        return self._kilobytes("status", "VmHWM:") / 1024

    def said(self) -> str:
        """The end of what it said."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:]) or "it said nothing"

    def end(self) -> None:
        """Kill the group: what is measured here keeps nothing worth a farewell."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(10)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                pipe.close()

    def first_answer(self, port: int, request: bytes, *, limit: float = 20.0) -> bytes:
        """Ask until it answers; the status of that answer."""
        deadline = time.perf_counter() + limit
        while time.perf_counter() < deadline:
            if self.popen.poll() is not None:
                raise BenchmarkError(f"a server ended with {self.popen.returncode} while starting: {self.said()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5) as link:
                link.settimeout(2)
                link.sendall(request)
                answer = link.recv(4096)
                if answer.startswith(b"HTTP/1.1 "):
                    return answer[9:12]
            time.sleep(0.002)
        raise BenchmarkError(f"a server did not answer within {limit:.0f} s: {self.said()}")

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.popen.pid}/{name}").read_text()

    def _kilobytes(self, file: str, key: str) -> int:
        return next(int(line.split()[1]) for line in self._proc(file).splitlines() if line.startswith(key))


def start(
    command: list[str], *, core: int, log: Path, env: Mapping[str, str] | None = None, piped: bool = False
) -> Process:
    """Start a command on a core, its talk in a file (stdin and stdout in pipes if asked), in that file's folder."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ}
    with on_core(core), log.open("ab") as talk:
        popen = subprocess.Popen(
            [*_DIE_WITH_US, *command],
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else talk,
            stderr=talk,
            env={**kept, "PYTHONPATH": str(_ROOT), **(env or {})},
            cwd=log.parent,
            start_new_session=True,
        )
    return Process(popen=popen, log=log)


def run(command: list[str], *, core: int, log: Path, limit: float, env: Mapping[str, str]) -> str:
    """Run a command to its end, at most `limit` seconds; its stdout."""
    process = start(command, core=core, log=log, env=env, piped=True)
    try:
        told, _ = process.popen.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"{' '.join(command)} did not end within {limit:.0f} s: {process.said()}") from None
    finally:
        process.end()
    if process.popen.returncode:
        raise BenchmarkError(f"{' '.join(command)} ended with {process.popen.returncode}: {process.said()}")
    return told.decode()


def python(*arguments: str) -> list[str]:
    """A command line for this interpreter."""
    return [sys.executable, *arguments]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sync_ms(folder: Path, count: int = 200) -> float:
    """The median time of a 4 KiB write that is really on the disk, in milliseconds."""
    times = []
    with (folder / "sync").open("wb") as file:
        for _ in range(count):
            file.write(b"\0" * 4096)
            file.flush()
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begun)
    return sorted(times)[count // 2] * 1e3


def described(scratch: Path) -> str:
    """The machine in one line, for people who read the figures later."""
    cores = f"server on core {SERVER_CORE}, load and tracker on core {LOAD_CORE}"
    alone = "ONE core for everything: ratios only roughly hold" if LOAD_CORE == SERVER_CORE else cores
    version = ".".join(map(str, sys.version_info[:3]))
    busy = os.getloadavg()[0]
    others = f"; BUSY with other things (load {busy:.1f}): expect noise" if busy > _QUIET else ""
    disk = f"a durable 4 KiB write takes {sync_ms(scratch):.2f} ms"
    return f"{len(_CORES)} cores ({alone}), Python {version}, {disk}{others}"


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """What is started inside runs on this core from its first instruction."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)
