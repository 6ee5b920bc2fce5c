"""`trackbridge notify`: who is told, and whether it arrived."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.cli import main
from tests.receiver import Receiver, receiver_beside
from tests.support import clean_environment

Text = pytest.CaptureFixture[str]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
QUIZ = """
source: quiz
verify: {scheme: token, header: X-Key, secret: "${KEY}"}
notify: {url: "${QUIZ_NOTIFY_URL}", format: slack, on: [dead]}
rules:
  - {name: taken, track: lead, event_name: quiz_taken, fields: {customer_external_id: person}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "quiz.yaml").write_text(QUIZ, encoding="utf-8")


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver_beside() as made:
        yield made


def test_everybody_is_told_and_who_took_it_is_said(
    there: Receiver, capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKBRIDGE_NOTIFY_URL", there.url)
    monkeypatch.setenv("TRACKBRIDGE_NOTIFY_SECRET", SECRET)
    monkeypatch.setenv("QUIZ_NOTIFY_URL", there.url.replace("/in", "/quiz"))

    assert 0 == main(["notify"])
    said = capsys.readouterr().out
    assert ["TO", "TRACKBRIDGE_NOTIFY_URL", "quiz"] == [line.split()[0] for line in said.splitlines()]
    assert "hunter2" not in said
    generic = next(one for one in there.told if "type" in one.json)
    slack = next(one for one in there.told if one is not generic)
    assert ("notify.test", True) == (generic.type, generic.headers["webhook-signature"].startswith("v1,"))
    assert "notices arrive here" in slack.json["text"]


@pytest.mark.parametrize("answer", [404, 500, 302, 0], ids=["404", "500", "moved", "dropped"])
def test_what_was_not_taken_is_a_failure_and_tried_once(
    there: Receiver, capsys: Text, monkeypatch: pytest.MonkeyPatch, answer: int
) -> None:
    there.answers = [answer]
    monkeypatch.setenv("TRACKBRIDGE_NOTIFY_URL", there.url)
    assert 1 == main(["notify", "--json"])

    (one,) = json.loads(capsys.readouterr().out)
    assert ("TRACKBRIDGE_NOTIFY_URL", "generic", False, False) == tuple(
        one[key] for key in ("to", "format", "signed", "arrived")
    )
    assert (str(answer) if answer else "RemoteProtocolError") == one["why"]
    assert 1 == len(there.told)


def test_one_source_alone_can_be_tried(there: Receiver, capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKBRIDGE_NOTIFY_URL", "http://127.0.0.1:9/nobody")
    monkeypatch.setenv("QUIZ_NOTIFY_URL", there.url)
    assert 0 == main(["notify", "--source", "quiz"])
    assert 1 == len(there.told)


@pytest.mark.parametrize("arguments", [[], ["--source", "stripe"]], ids=["nobody at all", "nobody of that source"])
def test_nobody_to_tell_is_said(capsys: Text, arguments: list[str]) -> None:
    assert 1 == main(["notify", *arguments])
    assert "set TRACKBRIDGE_NOTIFY_URL" in capsys.readouterr().err
