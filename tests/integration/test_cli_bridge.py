"""send, doctor and demo: what they do with a bridge that runs, and without one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.cli import main
from bridge.demo.play import Step
from bridge.library import shipped_folder
from tests.support import STRIPE_SECRET, BridgeProcess, bridge_process, clean_environment, free_port, wait_until

Text = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def clean_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgeProcess]:
    """A bridge that runs, without a token."""
    with bridge_process(tmp_path_factory.mktemp("bridge"), CMS_BEARER_TOKEN="") as running:
        running.start()
        yield running


@pytest.fixture
def here(bridge: BridgeProcess, monkeypatch: pytest.MonkeyPatch) -> BridgeProcess:
    """The same, with this process in its folder and under its settings."""
    monkeypatch.chdir(bridge.folder)
    for name, text in bridge.environment.items():
        monkeypatch.setenv(name, text)
    return bridge


def parsed(capsys: Text, *arguments: str, code: int = 0) -> Any:
    assert code == main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def answer_of(capsys: Text, *arguments: str) -> Any:
    """What the bridge answered to what was sent."""
    return json.loads(parsed(capsys, "send", *arguments)["answer"])


def test_a_sample_is_recorded_and_never_sent_on(here: BridgeProcess, capsys: Text) -> None:
    assert 0 == main(["send", "stripe"])

    said = capsys.readouterr()
    assert said.out.startswith('200 {"status": "ignored", "event": "evt_')
    assert said.err.startswith(f"POST {here.url}/webhooks/stripe  ")
    assert said.err.endswith(" bytes, marked as a sample: recorded, never sent on (--live sends it on)\n")


@pytest.mark.usefixtures("here")
def test_a_sample_sent_twice_is_two_events_and_with_the_same_id_one(capsys: Text) -> None:
    first, second = answer_of(capsys, "stripe"), answer_of(capsys, "stripe")
    assert first["event"] != second["event"]

    assert "ignored" == answer_of(capsys, "stripe", "--same-id")["status"]
    assert "duplicate" == answer_of(capsys, "stripe", "--same-id")["status"]


@pytest.mark.parametrize("example", ["checkout_jpy", "yen have no decimals"], ids=["by its file", "by its name"])
@pytest.mark.usefixtures("here")
def test_a_live_sample_goes_the_whole_way(example: str, capsys: Text) -> None:
    names = {one["example"] for one in parsed(capsys, "test") if one["webhook"].endswith("checkout_jpy.json")}
    chosen = example if example == "checkout_jpy" else names.pop()

    answer = answer_of(capsys, "stripe", chosen, "--live")

    assert "accepted" == answer["status"]
    assert "purchase_completed" in json.dumps(parsed(capsys, "events", "show", answer["event"]))


@pytest.mark.usefixtures("here")
def test_a_saved_payload_can_be_sent(capsys: Text, tmp_path: Path) -> None:
    payload = tmp_path / "payload.json"
    payload.write_text('{"id": "evt_mine", "type": "ping", "livemode": true}', encoding="utf-8")

    answer = answer_of(capsys, "stripe", str(payload), "--live", "--same-id")

    assert ("ignored", "evt_mine") == (answer["status"], answer["event"])


def test_what_is_refused_fails(here: BridgeProcess, capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_of_somebody_else")

    assert 1 == main(["send", "stripe", "--url", f"{here.url}/"])
    assert '401 {"error": "unproven"}\n' == capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["stripe"],
            '"stripe" cannot be signed: STRIPE_WEBHOOK_SECRET is not set\n  fix: set it here as it is set for serve\n',
        ),
        (["strip"], 'there is no source "strip": did you mean "stripe"?\n'),
    ],
    ids=["no secret", "no source"],
)
def test_what_cannot_be_signed_is_a_failure(arguments: list[str], told: str, capsys: Text) -> None:
    assert 1 == main(["send", *arguments])
    assert told == capsys.readouterr().err


def test_an_unknown_example_is_met_with_a_suggestion(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", STRIPE_SECRET)

    assert 1 == main(["send", "stripe", "checkout_pad"])
    assert '"stripe" has no example "checkout_pad": did you mean "checkout_paid"?\n' == capsys.readouterr().err


def test_nobody_there_is_a_failure(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", STRIPE_SECRET)
    port = free_port()

    assert 1 == main(["send", "stripe", "--host", "0.0.0.0", "--port", str(port)])
    assert (
        f"http://127.0.0.1:{port}: no answer (ConnectError)\n  fix: start `trackbridge serve`, or name another --url\n"
    ) == capsys.readouterr().err


#: the sources that come with trackbridge
SHIPPED = sorted(path.stem for path in shipped_folder().glob("*.yaml"))


def lines_of(capsys: Text, *arguments: str, code: int) -> list[tuple[str, str, str]]:
    """doctor's lines as (state, check, what), and its last as ("next", "", …)."""
    assert code == main(["doctor", *arguments])
    *checks, empty, last = capsys.readouterr().out.splitlines()
    assert "" == empty
    rows = [(line[:8].strip(), line[9:19].strip(), line[20:]) for line in checks]
    return [*rows, ("next", "", last.removeprefix("next: "))]


def test_doctor_in_an_empty_folder_says_what_to_set_first(capsys: Text) -> None:
    port = free_port()

    lines = lines_of(capsys, "--base-url", f"http://127.0.0.1:{port}", "--port", str(port), code=1)

    assert [
        ("ok", "settings", "can be used (trackbridge config shows them)"),
        ("ok", "mappings", ", ".join(SHIPPED)),
        ("problem", "secrets", "no source is on: no secret is set"),
        ("warning", "token", "CMS_BEARER_TOKEN is not set: deliveries are recorded and wait"),
        ("note", "database", "there is none yet: serve makes it"),
        ("problem", "tracker", f"http://127.0.0.1:{port} cannot be connected to: Connection refused"),
        ("note", "serve", f"nothing listens on 127.0.0.1 port {port}"),
        ("next", "", "set one, such as STRIPE_WEBHOOK_SECRET (in the environment or in .env)"),
    ] == lines


def test_doctor_finds_a_running_bridge_well(here: BridgeProcess, capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMS_BEARER_TOKEN", "tok_1")

    lines = lines_of(capsys, "--base-url", here.url, code=0)

    assert ("ok", "secrets", "set for stripe") in lines
    off = ", ".join(name for name in SHIPPED if name != "stripe")
    assert ("note", "secrets", f"off until their secrets are set: {off}") in lines
    assert ("ok", "token", "CMS_BEARER_TOKEN is set") in lines
    assert ("ok", "tracker", f"{here.url} can be connected to (no call was made)") in lines
    assert ("ok", "serve", f"listens on 127.0.0.1 port {here.port}") in lines
    assert any(state == "ok" and check == "database" for state, check, _ in lines)
    assert ("next", "", "nothing; all is well") == lines[-1]


def test_doctor_tells_settings_mappings_and_database_that_are_wrong(capsys: Text, clean_room: Path) -> None:
    (clean_room / "mappings").mkdir()
    (clean_room / "mappings" / "quiz.yaml").write_text("source: quiz\n", encoding="utf-8")
    (clean_room / "trackbridge.db").write_text("this is a letter, not a database" * 40, encoding="utf-8")

    checks = parsed(capsys, "doctor", "--base-url", "http://127.0.0.1:9", code=1)

    assert {"mappings", "database"} <= {one["check"] for one in checks if one["state"] == "problem"}
    assert [
        {
            "check": "settings",
            "state": "problem",
            "what": '--port: expected a number from 1 to 65535, got "x"',
            "fix": "mend --port",
        }
    ] == parsed(capsys, "doctor", "--port", "x", code=1)


def test_doctor_names_a_tracker_that_speaks_no_tls(here: BridgeProcess, capsys: Text) -> None:
    checks = parsed(capsys, "doctor", "--base-url", here.url.replace("http:", "https:"), code=1)

    (tracker,) = [one for one in checks if one["check"] == "tracker"]
    assert "cannot be connected to: TLS: " in tracker["what"]


def test_the_demo_tells_six_webhooks_and_two_requests(clean_room: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "demo"],  # by no terminal, so it ends by itself
        cwd=clean_room,
        env=clean_environment(PYTHONPATH=str(ROOT), TRACKBRIDGE_PORT="not a port", TMPDIR=str(clean_room)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)
    told = done.stdout
    assert 2 == told.count("tracker got")
    for word in ("POST /track/sale", "POST /track/lead", '401 {"error": "unproven"}', "duplicate of 1", "no rule"):
        assert word in told
    assert told.endswith("6 webhooks, 2 requests to the tracker: nothing lost, nothing twice.\n")
    assert all(len(line) <= 100 for line in told.splitlines())
    assert [] == list(clean_room.iterdir())


def test_the_demo_stays_up_for_whoever_wants_to_try(clean_room: Path) -> None:
    with (clean_room / "told").open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "demo", "--stay"],
            cwd=clean_room,
            env=clean_environment(PYTHONPATH=str(ROOT)),
            stdout=file,
            stderr=file,
        )
        try:
            wait_until(lambda: read(clean_room).partition("# a stranger")[2], what="the invitation")
            told = read(clean_room)
            url = told.partition("--url ")[2].split()[0]
            secret = told.partition("STRIPE_WEBHOOK_SECRET=")[2].split()[0]
            assert 401 == httpx.post(f"{url}/webhooks/stripe", content=b"{}").status_code
            done = subprocess.run(
                [sys.executable, "-m", "bridge", "send", "stripe", "checkout_paid", "--live", "--url", url],
                cwd=clean_room,
                env=clean_environment(PYTHONPATH=str(ROOT), STRIPE_WEBHOOK_SECRET=secret),
                capture_output=True,
                timeout=30,
                check=False,
            )
            assert 0 == done.returncode
            wait_until(lambda: read(clean_room).count("tracker got") == 3, what="the third request")
        finally:
            process.send_signal(signal.SIGINT)
            assert 0 == process.wait(15)


def read(folder: Path) -> str:
    return (folder / "told").read_text(encoding="utf-8")


def test_a_demo_that_goes_wrong_says_what_and_fails(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Step(title="Wrong", source="stripe", example="checkout_paid", status=201, word="lost", requests=2)
    monkeypatch.setattr("bridge.cli.demo.STORY", (wrong,))

    assert 1 == main(["demo", "--exit"])

    told = capsys.readouterr().out
    for difference in (
        "status: expected 201, got 200",
        "word: expected lost, got accepted",
        "requests: expected 2, got 1",
    ):
        assert f"   not as it must be: {difference}" in told
    assert "Not as it must be:\n  1: status: expected 201, got 200" in told
    assert "events in all: expected 4, got 1" in told
