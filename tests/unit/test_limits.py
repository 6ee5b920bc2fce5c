"""Open files: as many as are allowed, whatever the soft limit was."""

import logging
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.assembly import limits
from tests.support import bridge_process


def test_the_soft_limit_is_raised_to_the_hard_one_and_told(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, limits.MOST_FILES)
    script = (
        "import logging, resource; from bridge import logs; from bridge.assembly.limits import raise_open_files\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (256, {hard}))\n"
        "logs.start('json')\n"
        "print(raise_open_files(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert f"{wanted} {wanted}" == done.stdout.strip()
    assert f'"event":"limits.files","before":256,"now":{wanted}' in done.stderr


def test_one_that_is_high_enough_is_left_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(limits, "MOST_FILES", soft)

    with caplog.at_level(logging.INFO):
        assert soft == limits.raise_open_files()

    assert (soft, hard) == resource.getrlimit(resource.RLIMIT_NOFILE)
    assert [] == caplog.records


def test_the_number_of_connections_follows(tmp_path: Path) -> None:
    with bridge_process(tmp_path) as bridge:
        bridge.start()
        assert bridge.process is not None
        soft, hard = resource.prlimit(bridge.process.pid, resource.RLIMIT_NOFILE)

    assert soft == min(hard, limits.MOST_FILES)
