"""The command line as a whole: every command has its help and an example that works, every end its exit code."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.cli import frame, main
from bridge.cli.frame import COMMANDS
from bridge.config import SETTINGS
from bridge.errors import StoreError
from tests.support import clean_environment

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def clean_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, no setting of ours, and room for long lines."""
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def process(*arguments: str, folder: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """The command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "bridge", *arguments],
        cwd=folder,
        env=clean_environment(PYTHONPATH=str(ROOT), **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["--help"])

    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("usage: trackbridge")
    for name, sentence in COMMANDS.items():
        assert f"{name} {sentence}" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_an_example_and_its_settings(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main([command, "--help"])

    text = capsys.readouterr().out
    assert COMMANDS[command][1:] in " ".join(text.split())
    assert f"example:\n  trackbridge {command}" in text
    for setting in SETTINGS:
        if f"{setting.flag} X" in text:
            assert f"(env: {setting.env}, default: {setting.default or 'not set'})" in " ".join(text.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_can_be_typed(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([command, "--help"])
    example = capsys.readouterr().out.rpartition("example:\n  trackbridge ")[2].strip()

    assert frame._parse(shlex.split(example)).run


def test_serve_takes_every_setting_but_secrets_as_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    main(["serve", "--help"])

    text = capsys.readouterr().out
    assert [] == [setting.flag for setting in SETTINGS if setting.has_flag is not (f"  {setting.flag}" in text)]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["--version"])
    assert capsys.readouterr().out.startswith("trackbridge 0.")


def test_no_command_is_wrong_usage_and_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main([])

    said = capsys.readouterr()
    assert "" == said.out
    assert "usage: trackbridge" in said.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["serv"], 'there is no command "serv": did you mean "serve"?\n'),
        (["ev\x1b[2Jents"], 'there is no command "ev\\u001b[2Jents": did you mean "events"?\n'),
        (["check", "--jsn"], "trackbridge: error: unrecognized arguments: --jsn\n"),
        (["check", "--js"], "trackbridge: error: unrecognized arguments: --js\n"),
        (
            ["explain", "stripe"],
            "trackbridge explain: error: one of the arguments PAYLOAD.json --example is required\n",
        ),
        (
            ["events", "--since", "soon"],
            'trackbridge events: error: argument --since: expected 30m, 12h, 7d or an ISO 8601 time, got "soon"\n',
        ),
        (
            ["events", "--limit", "0"],
            'trackbridge events: error: argument --limit: expected a number from 1, got "0"\n',
        ),
        (
            ["dismiss", "evt_1"],
            'trackbridge dismiss: error: argument ID: expected a number as listings print it, got "evt_1"\n',
        ),
        (["replay"], "or --all-dead, or filters such as --source and --since: one of the three\n"),
        (["replay", "1", "--all-dead"], "or --all-dead, or filters such as --source and --since: one of the three\n"),
        (["replay", "--state", "delivered"], "only with --again: the tracker has them already\n"),
        (["remap"], "or narrow them down, such as by --state unmapped\n"),
        (["remap", "1", "--state", "dead"], "or narrow them down, such as by --state unmapped\n"),
        (["forget"], "name whom: --customer ID or --email ADDRESS\n"),
        (["forget", "--email", "ada"], 'argument --email: expected an e-mail address, got "ada"\n'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_2_and_says_what_is_right(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main(arguments)

    said = capsys.readouterr()
    assert "" == said.out
    assert said.err.endswith(told)


@pytest.mark.parametrize("command", [["events"], ["config"], ["serve"], ["check"], ["send", "stripe"]], ids=" ".join)
def test_wrong_settings_keep_every_command_from_starting(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRACKBRIDGE_PORT", "80a0")
    monkeypatch.setenv("CMS_TIMEOUT", "soon")

    assert 3 == main(command)
    assert (
        'CMS_TIMEOUT: expected a time from 1ms to 300s, such as 10, 10s or 500ms, got "soon"\n'
        'TRACKBRIDGE_PORT: expected a number from 1 to 65535, got "80a0"\n'
    ) == capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["events"], ["dead"], ["tracker"], ["replay", "1"], ["dismiss", "1"]], ids=" ".join
)
def test_without_a_database_a_command_says_where_it_looked_and_makes_none(
    command: list[str], clean_room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 3 == main(command)

    told = capsys.readouterr().err
    assert f"there is no database at {clean_room / 'trackbridge.db'} yet" in told
    assert "fix: run this in the folder where serve runs" in told
    assert [] == list(clean_room.iterdir())


def ending_with(error: BaseException) -> Callable[[object], int]:
    def run(_: object) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (StoreError("the disk is full"), 3, "the database cannot be used now: the disk is full\n"),
        (KeyboardInterrupt(), 130, ""),
        (
            KeyError("x"),
            1,
            "bug: KeyError: 'x'. Please report it with the output of the same under --debug\n",
        ),
    ],
    ids=["store", "interrupted", "bug"],
)
def test_whatever_goes_wrong_has_its_code_and_its_words(
    error: BaseException, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bridge.cli.config.run", ending_with(error))

    assert code == main(["config"])
    assert told == capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--debug", "config"], ["config", "--debug"]], ids=["before", "behind"])
def test_debug_shows_the_traceback(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bridge.cli.config.run", ending_with(KeyError("x")))

    assert 1 == main(arguments)
    assert "Traceback (most recent call last):" in capsys.readouterr().err


def test_whoever_closes_the_pipe_has_seen_enough(clean_room: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "bridge", "config"],
            cwd=clean_room,
            env=clean_environment(PYTHONPATH=str(ROOT)),
            stdout=closed,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )

    assert (0, b"") == (done.returncode, done.stderr)


def test_what_a_terminal_cannot_show_is_shown_as_an_escape(clean_room: Path) -> None:
    done = process("test", "nö.yaml", folder=clean_room, LC_ALL="C.UTF-8", PYTHONIOENCODING="ascii")

    assert 1 == done.returncode
    assert "n\\xf6.yaml: there is no such file or folder" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["--version"], ["check"], ["explain", "stripe", "-"], ["test"], ["config"]], ids=" ".join
)
def test_light_commands_do_not_pay_for_a_web_server(arguments: list[str], clean_room: Path) -> None:
    program = (
        "import sys; from bridge.cli import main; main(sys.argv[1:]); "
        "print(*sorted({'uvicorn', 'starlette', 'httpx', 'stripe', 'uvloop'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=clean_room,
        env=clean_environment(PYTHONPATH=str(ROOT)),
        input="{}",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "" == done.stderr.splitlines()[-1]


def test_config_shows_values_and_origins_and_no_secret(
    clean_room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (clean_room / ".env").write_text("CMS_BEARER_TOKEN=hunter2\nCMS_TIMEOUT=3s\n", encoding="utf-8")
    monkeypatch.setenv("TRACKBRIDGE_HOST", "0.0.0.0")
    monkeypatch.setenv("TRACKBRIDGE_DATABASE_URL", "postgresql://bridge:hunter2@db/track")

    assert 0 == main(["config", "--port", "9000"])

    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["setting", "value", "from"] == rows[0]
    assert [setting.env for setting in SETTINGS] == [row[0] for row in rows[1:]]
    for row in (
        ["CMS_BEARER_TOKEN", "set", ".env:1"],
        ["CMS_TIMEOUT", "3.0", ".env:2"],
        ["TRACKBRIDGE_HOST", "0.0.0.0", "environment"],
        ["TRACKBRIDGE_PORT", "9000", "--port"],
        ["TRACKBRIDGE_ADMIN_TOKEN", "missing", "default"],
        ["TRACKBRIDGE_DRY_RUN", "false", "default"],
        ["TRACKBRIDGE_DATABASE_URL", "postgresql://bridge:***@db/track", "environment"],
    ):
        assert row in rows
