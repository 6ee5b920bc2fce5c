"""What happens to a PostgreSQL server while bridges work on it: begin a trouble, and end it."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import psycopg

from tests.postgres import ROLE, Server

#: Makes trouble, and returns what ends it.
Trouble: TypeAlias = Callable[[Server], Callable[[], object]]


def stopped(server: Server) -> Callable[[], object]:
    """Stopped as an operator does, with everybody thrown out."""
    server.stop("fast")
    return server.run


def killed(server: Server) -> Callable[[], object]:
    """kill -9 of the server."""
    server.kill()
    return server.run


def read_only(server: Server) -> Callable[[], object]:
    """Nothing may be written, as on a standby that took over by mistake."""

    def switch(value: str) -> None:
        with psycopg.connect(server.admin_url(), autocommit=True) as admin:
            admin.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}".encode())
            admin.execute("SELECT pg_reload_conf()")

    switch("on")
    return lambda: switch("off")


def refusing(server: Server) -> Callable[[], object]:
    """Everybody is thrown out and nobody of the bridge's role let in, as with a password that was changed."""

    def switch(word: str) -> None:
        with psycopg.connect(server.admin_url(), autocommit=True) as admin:
            admin.execute(f"ALTER ROLE {ROLE} {word}".encode())

    switch("NOLOGIN")
    throw_out(server)
    return lambda: switch("LOGIN")


#: Each ends by itself as soon as it is ended; whoever waits for the database waits no longer than that.
TROUBLES: Mapping[str, Trouble] = {
    "stopped": stopped,
    "killed (-9)": killed,
    "read-only": read_only,
    "its role locked out": refusing,
}


def throw_out(server: Server) -> int:
    """End every connection of the bridge's role; how many there were."""
    return len(server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", ROLE))


def crash_one(server: Server) -> None:
    """kill -9 of one process that serves a bridge: PostgreSQL ends all others too and starts anew by itself."""
    (pid, *_), *_ = server.sql("SELECT pid FROM pg_stat_activity WHERE usename = %s", ROLE)
    os.kill(pid, signal.SIGKILL)


_HOLDER = """
    SELECT l.pid FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND a.client_port = ANY(%s)
"""


def freeze_with_the_turn(server: Server, pid: int) -> None:
    """SIGSTOP for a bridge, at a moment at which it has the turn to write."""
    for _ in range(2_000):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.005)  # its last word reaches the server
        if server.sql(_HOLDER, _ports(pid)):
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.003)
    raise AssertionError("it never had the turn when it was stopped")


def _ports(pid: int) -> list[int]:
    """The local ports of a process's connections, by which its peers know it."""
    inodes = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(str(file.readlink()))
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return [int(row[1].partition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in inodes]


@contextmanager
def frozen(server: Server) -> Iterator[int]:
    """Everything that serves bridges stands still; how many processes that is."""
    pids = [pid for (pid,) in server.sql("SELECT pid FROM pg_stat_activity WHERE usename = %s", ROLE)]
    assert server.process is not None
    held = [server.process.pid, *pids]
    try:
        for pid in held:
            os.kill(pid, signal.SIGSTOP)
        yield len(pids)
    finally:
        for pid in held:
            os.kill(pid, signal.SIGCONT)
