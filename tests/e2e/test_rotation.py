"""A token that is rotated while the bridge runs: the file changes, SIGHUP, and what was refused is delivered."""

import json
import signal
from pathlib import Path

from bridge.demo.tracker import Answer, FakeTracker, Received
from tests.e2e.stage import stage


async def test_a_token_in_a_file_is_changed_without_a_restart(tmp_path: Path) -> None:
    right = {"token": "tok_of_january"}

    def judge(received: Received) -> Answer:
        known = received.headers.get("authorization") == f"Bearer {right['token']}"
        return Answer() if known else Answer(status=401, body={"error": "unauthorized"})

    secret, admin = tmp_path / "token", tmp_path / "admin"
    secret.write_text("tok_of_january\n", encoding="utf-8")
    admin.write_text("adm_1\n", encoding="utf-8")
    files = {
        "CMS_BEARER_TOKEN": "",
        "CMS_BEARER_TOKEN_FILE": str(secret),
        "TRACKBRIDGE_ADMIN_TOKEN": "",
        "TRACKBRIDGE_ADMIN_TOKEN_FILE": str(admin),
    }
    async with FakeTracker(judge) as tracker, stage(tmp_path / "bridge", tracker, **files) as scene:
        await scene.post("s1")
        await scene.until_states(delivered=1)
        right["token"] = "tok_of_february"
        await scene.post("s2", "s3")
        await scene.until_paused()
        assert "token is not accepted" in (await scene.ready())["tracker"]["why"]

        secret.write_text("tok_of_february\n", encoding="utf-8")
        admin.write_text("adm_2\n", encoding="utf-8")
        assert scene.bridge.process is not None
        scene.bridge.process.send_signal(signal.SIGHUP)
        await scene.until_states(delivered=3)
        await scene.until_paused(False)

        assert "reasons" not in await scene.ready()
        await scene.post("s4")
        await scene.until_states(delivered=4)
        seen = await scene.finish()

    assert 1 == scene.bridge.starts
    changes = [json.loads(line) for line in seen.log.splitlines() if '"settings.changed"' in line]
    assert ["CMS_BEARER_TOKEN, TRACKBRIDGE_ADMIN_TOKEN"] == [line["changed"] for line in changes]
    assert "tok_of" not in seen.log
    assert 0 == tracker.repeats
