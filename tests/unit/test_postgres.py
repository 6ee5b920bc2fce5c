"""The PostgreSQL that tests use is a real one: passwords, durability, and deaths."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.postgres import PASSWORD, Server
from tests.support import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server.start(tmp_path_factory.mktemp("postgres"), work_mem="5MB") as started:
        yield started


def test_a_durable_server_starts_within_seconds_and_waits_for_the_disk(tmp_path: Path) -> None:
    begun = time.monotonic()
    with Server.start(tmp_path, durable=True) as started:
        assert [("on",)] == started.sql("SHOW fsync")
        data, process = started.data, started.process
    assert time.monotonic() - begun < 10
    assert not data.exists()
    assert process is not None
    assert process.returncode is not None


def test_the_bridges_role_owns_its_database_and_is_nobody_elsewhere(server: Server) -> None:
    with psycopg.connect(server.fresh_database(), autocommit=True) as connection:
        connection.execute("CREATE TABLE mine (x int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("ALTER SYSTEM SET fsync = off")


def test_a_wrong_password_is_refused(server: Server) -> None:
    url = server.url("postgres").replace("not", "now")
    assert url != server.url("postgres")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)
    assert PASSWORD not in server.log


def test_settings_reach_the_server(server: Server) -> None:
    assert [("5MB",)] == server.sql("SHOW work_mem")
    assert [("off",)] == server.sql("SHOW fsync")
    assert [("",)] == server.sql("SHOW unix_socket_directories")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give away")
def test_a_server_that_root_started_has_none_of_roots_rights(server: Server) -> None:
    assert server.process is not None
    assert Path(f"/proc/{server.process.pid}").stat().st_uid == 65534


@pytest.mark.parametrize("end", ["fast", "immediate", "kill -9"])
def test_what_was_committed_is_there_after_each_kind_of_end(server: Server, end: str) -> None:
    url = server.fresh_database()
    with psycopg.connect(url, autocommit=True) as client:
        client.execute("CREATE TABLE kept (x int)")
        client.execute("INSERT INTO kept VALUES (7)")
        if end == "kill -9":
            server.kill()
            server.run()
        else:
            server.restart(end)
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
    with psycopg.connect(url) as again:
        assert [(7,)] == again.execute("SELECT x FROM kept").fetchall()


def test_a_database_can_be_made_like_another(server: Server) -> None:
    first = server.fresh_database()
    with psycopg.connect(first, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (x int)")
    with psycopg.connect(server.fresh_database(like=first.rpartition("/")[2])) as connection:
        assert [] == connection.execute("SELECT x FROM kept").fetchall()


def test_a_server_does_not_outlive_a_test_run_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from tests.postgres import Server;"
        "server = Server.start(Path(sys.argv[1])); print(server.process.pid, server.data, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    pid, data = done.stdout.split()

    assert -signal.SIGKILL == done.returncode
    wait_until(lambda: not Path(data).parent.exists(), what="the end of the cluster")
    assert not Path(f"/proc/{pid}/exe").exists()
