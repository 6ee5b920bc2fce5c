"""`trackbridge sources`: what is on, what to paste, what came."""

from pathlib import Path

import pytest

from bridge.cli import main
from tests.integration.cli_hand import (
    Text,
    a_mapping,
    a_quiz,
    parsed,
    received,
    said,
)

pytestmark = pytest.mark.usefixtures("clean_room")


def test_sources_say_what_is_on_what_to_paste_and_what_came(
    clean_room: Path, monkeypatch: pytest.MonkeyPatch, capsys: Text
) -> None:
    a_mapping(clean_room)
    received(a_quiz(1), a_quiz(2, type="other"))
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_0123456789abcdef0123")
    monkeypatch.setenv("TRACKBRIDGE_PUBLIC_URL", "https://hooks.example.com")

    assert 0 == main(["sources"])

    told = capsys.readouterr()
    assert [
        "quiz  off: QUIZ_WEBHOOK_SECRET not set",
        "  url      https://hooks.example.com/webhooks/quiz/<its secret>",
        "  scheme   token, mapping mappings/quiz.yaml",
        "  last     now: other, ignored (2)",
        "  24 h     1 ignored, 1 unmapped",
        "  7 d      1 ignored, 1 unmapped",
        "",
        "stripe  on",
        "  url      https://hooks.example.com/webhooks/stripe",
        "  scheme   stripe, mapping shipped",
        "  last     nothing came yet",
    ] == [
        line if "last     " not in line or "ago" not in line else "  last     now: other, ignored (2)"
        for line in told.out.splitlines()
    ]
    assert told.err.splitlines()[0].endswith("more came along and wait for their secrets: trackbridge sources --all")
    assert (
        "what was refused is counted by the running serve alone: trackbridge_refused_total in its /metrics" in told.err
    )
    assert "whsec" not in told.out


def test_sources_without_a_database_or_a_public_address_say_so(clean_room: Path, capsys: Text) -> None:
    assert 0 == main(["sources", "tally", "--port", "9000"])

    told = capsys.readouterr()
    assert "  url      http://127.0.0.1:9000/webhooks/tally" in told.out.splitlines()
    assert told.err.startswith("there is no database yet: serve makes it\n")
    assert "these are listening addresses; TRACKBRIDGE_PUBLIC_URL makes them what senders reach" in told.err
    assert ['there is no source "taly": did you mean "tally"?'] == said(capsys, "sources", "taly", code=1)[-1:]


def test_sources_for_scripts_are_all_of_them_and_a_gone_one_is_told(clean_room: Path, capsys: Text) -> None:
    a_mapping(clean_room)
    received(a_quiz(1))
    (clean_room / "mappings" / "quiz.yaml").unlink()

    told = {one["source"]: one for one in parsed(capsys, "sources")}

    assert len(told) > 25
    gone = told["quiz"]
    assert (False, None, None, "there is no mapping for it any more: its webhooks are answered 503") == (
        gone["on"],
        gone["url"],
        gone["scheme"],
        gone["why"],
    )
    assert {"accepted": 0, "ignored": 0, "unmapped": 1} == gone["day"] == gone["week"]
    assert ("bought", "unmapped") == (gone["last_event"]["type"], gone["last_event"]["state"])
    assert (None, ["TALLY_WEBHOOK_SECRET"]) == (told["tally"]["last_event"], told["tally"]["missing"])
