"""Encryption at rest from end to end: what a bridge with a key leaves on the disk, and how its key is changed."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

from bridge.demo.tracker import Answer, FakeTracker, Received
from bridge.encryption import number_of, text_of
from tests.e2e.stage import Stage, stage
from tests.support import clean_environment, wait_until

OLD, NEW = bytes(range(32)), bytes(range(100, 132))
#: not one of those who stand in the examples of shipped mappings, whose texts are kept in clear
GRETE = {"email": "grete@example.com", "name": "Grete Hermann", "note": "Natural Philosophy"}
SECRETS = (b"grete@example.com", b"hermann", b"natural philosophy", b"somerville")


def repeats_names(received: Received) -> Answer:
    """A tracker that says more than it must."""
    return Answer(body={"status": True, "message": "Grete Hermann, a friend of Mary Somerville"})


def on_disk(folder: Path) -> dict[str, list[bytes]]:
    """Which secrets stand in which of the database's files, and in the log."""
    files = [*folder.glob("trackbridge.db*"), folder / "serve.log"]
    found = {file.name: [secret for secret in SECRETS if secret in file.read_bytes().lower()] for file in files}
    return {name: secrets for name, secrets in found.items() if secrets}


def started_without(scene: Stage, **settings: str) -> subprocess.CompletedProcess[str]:
    """A serve on the same database with other settings, which must not come up."""
    environment = {name: value for name, value in scene.bridge.environment.items() if "ENCRYPTION" not in name}
    return subprocess.run(
        [sys.executable, "-m", "bridge", "serve"],
        cwd=scene.bridge.folder,
        env=clean_environment() | environment | {"PYTHONPATH": str(Path(__file__).parents[2])} | settings,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


async def test_nothing_personal_is_on_the_disk_and_the_key_is_changed_while_it_runs(tmp_path: Path) -> None:
    folder, keys = tmp_path / "bridge", tmp_path / "key"
    keys.write_text(text_of(OLD) + "\n", encoding="utf-8")
    async with (
        FakeTracker(repeats_names) as tracker,
        stage(folder, tracker, TRACKBRIDGE_ENCRYPTION_KEY_FILE=str(keys)) as scene,
    ):
        await scene.post("s1", "s2", **GRETE)
        await scene.until_states(delivered=2)
        assert {} == on_disk(folder)
        await scene.story("s1")
        assert GRETE["name"] == scene.seen.delivery("s1")["payload"]["customer_name"]
        assert GRETE["note"] in await scene.run("events", "show", "s1", "--body")

        # another key, without a restart: what is stored goes over to it, and the old one is needed no more
        keys.write_text(f"{text_of(NEW)}\n{text_of(OLD)}\n", encoding="utf-8")
        assert scene.bridge.process is not None
        scene.bridge.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(wait_until, lambda: '"settings.changed"' in scene.bridge.log)
        await scene.post("s3", **GRETE)
        await scene.until_states(delivered=3)
        applied = json.loads(await scene.run("encryption", "apply", "--json"))
        assert [number_of(NEW)] == applied["keys_needed"]
        keys.write_text(text_of(NEW), encoding="utf-8")
        assert "Grete Hermann" in await scene.run("events", "show", "s1")

        # a wrong key is not taken, and what was in use goes on
        keys.write_text(text_of(OLD), encoding="utf-8")
        scene.bridge.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(wait_until, lambda: '"encryption_keys.kept"' in scene.bridge.log)
        await scene.post("s4", **GRETE)
        await scene.until_states(delivered=4)
        keys.write_text(text_of(NEW), encoding="utf-8")
        assert {} == on_disk(folder)
        seen = await scene.finish()
        assert text_of(OLD) not in seen.log
        assert text_of(NEW) not in seen.log
        assert {} == on_disk(folder)

        for settings in ({}, {"TRACKBRIDGE_ENCRYPTION_KEY": text_of(OLD)}):
            refused = await asyncio.to_thread(started_without, scene, **settings)
            assert 3 == refused.returncode
            assert f"encrypted with the key number {number_of(NEW)}" in refused.stderr
    assert 1 == scene.bridge.starts
    assert 4 == len(tracker.requests)
