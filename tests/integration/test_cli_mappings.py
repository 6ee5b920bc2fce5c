"""check, test and explain: what is wrong, what an example becomes, what every rule makes of a payload."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from bridge import library
from bridge.cli import main
from bridge.library import shipped_folder
from tests.support import clean_environment

Text = pytest.CaptureFixture[str]

QUIZ = """\
source: quiz
verify:
  scheme: hmac
  header: X-Quiz-Signature
  secret: ${QUIZ_WEBHOOK_SECRET}
event:
  id: id
  type: kind
rules:
  - name: finished quiz
    types: [quiz.finished]
    track: lead
    event_name: quiz_finished
    fields:
      click_id: click
      customer_external_id: person
examples:
  - name: a finished quiz is a lead
    webhook: examples/finished.json
    expect: [{track: lead, event_name: quiz_finished, click_id: c1, customer_external_id: ada}]
  - name: an abandoned quiz is nothing
    webhook: examples/abandoned.json
    expect: ignored
"""
FINISHED = {"id": "q1", "kind": "quiz.finished", "click": "c1", "person": "ada"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one mapping of one's own, its examples, and no secret."""
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mappings" / "examples").mkdir(parents=True)
    save("quiz.yaml", QUIZ)
    save("examples/finished.json", json.dumps(FINISHED))
    save(
        "examples/abandoned.json",
        json.dumps({"headers": {"X-A": ["1", "2"]}, "body": {"id": "q2", "kind": "quiz.left"}}),
    )
    return tmp_path


def save(name: str, text: str) -> None:
    (Path("mappings") / name).write_text(text, encoding="utf-8")


def parsed(capsys: Text, *arguments: str, code: int = 0) -> Any:
    assert code == main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def test_check_reads_the_set_in_force_and_notes_what_is_off(capsys: Text) -> None:
    assert 0 == main(["check"])

    said = capsys.readouterr()
    shipped = sorted(path.stem for path in shipped_folder().glob("*.yaml"))
    assert f"{1 + len(shipped)} mappings, 0 problems, 0 warnings\n" == said.out
    own, *rest = said.err.splitlines()
    assert "note: quiz is off: QUIZ_WEBHOOK_SECRET is not set" == own
    (line,) = rest
    assert line.startswith("note: off until its secret (such as ")
    assert line.endswith(f" is set: {', '.join(shipped)}")
    assert [] == parsed(capsys, "check")


def test_check_of_a_path_calls_an_unset_secret_a_problem(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 == main(["check", "mappings/quiz.yaml"])

    assert [
        "mappings/quiz.yaml:5:11: QUIZ_WEBHOOK_SECRET is not set",
        "      secret: ${QUIZ_WEBHOOK_SECRET}",
        "              ^",
        '  why: without it no webhook of "quiz" can be proven',
        "  fix: set QUIZ_WEBHOOK_SECRET in the environment or in .env "
        "(or QUIZ_WEBHOOK_SECRET_FILE to the path of a file that holds it)",
        "1 mapping, 1 problem, 0 warnings",
    ] == capsys.readouterr().out.splitlines()
    monkeypatch.setenv("QUIZ_WEBHOOK_SECRET", "a secret of some length")
    assert 0 == main(["check", "mappings"])
    assert "1 mapping, 0 problems, 0 warnings\n" == capsys.readouterr().out


def test_check_tells_every_problem_of_every_file_at_once(capsys: Text) -> None:
    save("quiz.yaml", QUIZ.replace("verify:", "verfy:").replace("track: lead", "track: leed"))
    save("second.yaml", "source: second\n")

    problems = parsed(capsys, "check", code=1)

    assert {"mappings/quiz.yaml", "mappings/second.yaml"} == {problem["file"] for problem in problems}
    assert ("unknown-key", 2, 1, 'did you mean "verify"?') == next(
        (p["code"], p["line"], p["column"], p["fix"]) for p in problems if p["code"] == "unknown-key"
    )


def test_an_example_without_its_file_is_a_problem_of_its_line(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUIZ_WEBHOOK_SECRET", "a secret of some length")
    save("quiz.yaml", QUIZ.replace("examples/finished.json", "examples/finishd.json"))
    assert 1 == main(["check", "mappings/quiz.yaml"])

    said = capsys.readouterr().out
    assert 'quiz.yaml:19:14: there is no file "examples/finishd.json" beside this mapping' in said
    assert 'did you mean "finished.json"?' in said
    assert said.endswith("1 mapping, 1 problem, 0 warnings\n")


def test_a_warning_does_not_fail_a_check(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUIZ_WEBHOOK_SECRET", "a secret of some length")
    save("quiz.yaml", QUIZ.partition("examples:")[0])

    assert 0 == main(["check", "mappings/quiz.yaml"])

    out = capsys.readouterr().out
    assert "warning: " in out
    assert out.endswith("1 mapping, 0 problems, 1 warning\n")


def test_a_secret_that_cannot_be_read_is_a_problem_and_never_shown(
    capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "hunter2 hunter2")
    monkeypatch.setenv("QUIZ_WEBHOOK_SECRET_FILE", "/nowhere")

    main(["check"])

    said = capsys.readouterr()
    assert 'QUIZ_WEBHOOK_SECRET_FILE: expected a file that can be read, got "/nowhere"' in said.out
    assert "hunter2" not in said.out + said.err


def test_examples_that_hold_are_counted(capsys: Text) -> None:
    assert 0 == main(["test", "mappings/quiz.yaml"])
    assert "quiz  2 passed\n2 passed\n" == capsys.readouterr().out

    assert 0 == main(["test", "mappings/quiz.yaml", "-v"])
    assert [
        "quiz  2 passed",
        "  passed a finished quiz is a lead",
        "  passed an abandoned quiz is nothing",
        "2 passed",
    ] == capsys.readouterr().out.splitlines()


def test_the_shipped_examples_hold_too(capsys: Text) -> None:
    assert 0 == main(["test"])

    *sources, last = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert {"stripe", "typeform"} <= {name for name, *_ in sources}
    assert ["passed"] == last[1:]
    assert int(last[0]) == sum(int(count) for _, count, _ in sources) >= 40


def test_an_example_that_does_not_hold_shows_expected_and_got(capsys: Text) -> None:
    save("examples/finished.json", json.dumps(FINISHED | {"person": "bob"}))
    save("quiz.yaml", QUIZ.replace("abandoned.json", "forgotten.json"))

    assert 1 == main(["test", "mappings"])

    assert [
        "quiz  0 passed, 2 failed",
        "",
        "failed quiz: a finished quiz is a lead",
        "  mappings/quiz.yaml:18:5, examples/finished.json",
        "      track                 lead",
        "      event_name            quiz_finished",
        "      click_id              c1",
        "    - customer_external_id  ada",
        "    + customer_external_id  bob",
        "",
        "failed quiz: an abandoned quiz is nothing",
        "  mappings/quiz.yaml:21:5, examples/forgotten.json",
        "    mappings/examples/forgotten.json: cannot be read: No such file or directory",
        "",
        "0 passed, 2 failed",
    ] == capsys.readouterr().out.splitlines()
    assert [False, False] == [example["passed"] for example in parsed(capsys, "test", "mappings", code=1)]


def test_a_conversion_that_did_not_come_shows_what_each_rule_came_to(capsys: Text) -> None:
    save("quiz.yaml", QUIZ.replace("    track: lead\n", "    when: score > `5`\n    track: lead\n", 1))
    save("examples/finished.json", json.dumps(FINISHED | {"score": 3}))

    assert 1 == main(["test", "mappings", "-k", "QUIZ: A FIN"])

    assert [
        "    - 1 conversion",
        "    + ignored: no rule",
        "    - track                 lead",
        "    - event_name            quiz_finished",
        "    - click_id              c1",
        "    - customer_external_id  ada",
        "    rules on quiz.finished",
        "      finished quiz  skipped: when is not met: score > `5`, and it is 3",
        "",
        "0 passed, 1 failed",
    ] == capsys.readouterr().out.splitlines()[4:]


def test_a_conversion_too_many_is_shown_with_its_rule(capsys: Text) -> None:
    save("examples/abandoned.json", json.dumps(FINISHED))

    assert 1 == main(["test", "mappings", "-x"])

    assert [
        "    - ignored",
        "    + 1: lead quiz_finished",
        "    + rule                  finished quiz",
        "    + track                 lead",
    ] == capsys.readouterr().out.splitlines()[4:8]


def test_examples_are_chosen_by_a_part_of_their_name(capsys: Text) -> None:
    assert 0 == main(["test", "-k", "abandoned quiz"])
    assert "quiz  1 passed\n1 passed\n" == capsys.readouterr().out

    assert 1 == main(["test", "-k", "nobody calls it so"])
    assert 'no example has "nobody calls it so" in its name\n' == capsys.readouterr().err


def test_the_first_failure_can_be_the_last_thing_that_runs(capsys: Text) -> None:
    save("quiz.yaml", QUIZ.replace("examples/", "nowhere/"))

    assert 1 == main(["test", "mappings", "--fail-fast"])
    assert "0 passed, 1 failed" == capsys.readouterr().out.splitlines()[-1]


def test_json_holds_what_was_expected_and_what_came(capsys: Text) -> None:
    save("examples/finished.json", json.dumps(FINISHED | {"person": "bob"}))

    first, second = parsed(capsys, "test", "mappings", code=1)

    assert ["customer_external_id: expected ada, got bob"] == first["differences"]
    assert ("ada", "bob") == tuple(
        first["conversions"][0][side]["customer_external_id"] for side in ("expected", "got")
    )
    assert (True, []) == (second["passed"], second["conversions"])


# Expectations written by the tool ---------------------------------------------------------------------------------


def test_update_writes_what_came_and_nothing_else(capsys: Text) -> None:
    save("quiz.yaml", QUIZ.replace("click_id: c1,", "click_id: 'c0',").replace("ada}]", "bob}]   # why"))

    assert 0 == main(["test", "mappings/quiz.yaml", "--update"])

    assert (Path("mappings/quiz.yaml").read_text(encoding="utf-8")) == (
        QUIZ.replace("click_id: c1,", "click_id: 'c1',").replace("ada}]", "ada}]   # why")
    )
    line = "     20 {sign}     expect: [{{track: lead, event_name: quiz_finished, click_id: '{click}', "
    line += "customer_external_id: {person}}}]   # why"
    assert [
        "updated mappings/quiz.yaml",
        line.format(sign="-", click="c0", person="bob"),
        line.format(sign="+", click="c1", person="ada"),
        "2 passed",
    ] == capsys.readouterr().out.splitlines()[-4:]
    assert 0 == main(["test", "mappings"])


def test_update_says_what_it_cannot_do(capsys: Text) -> None:
    save("quiz.yaml", QUIZ.replace("finished.json", "nowhere.json").replace("expect: ignored", "expect: unmapped"))

    assert 1 == main(["test", "mappings", "--update"])

    assert "1 passed, 1 failed" == capsys.readouterr().out.splitlines()[-1]
    assert "expect: ignored" in Path("mappings/quiz.yaml").read_text(encoding="utf-8")


def test_update_keeps_its_talk_out_of_json(capsys: Text) -> None:
    save("quiz.yaml", QUIZ.replace("c1,", "c0,"))

    first, _ = parsed(capsys, "test", "mappings", "--update")

    assert ["click_id: expected c0, got c1"] == first["differences"]


def test_update_leaves_what_is_shipped_as_it_is(capsys: Text, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = tmp_path / "shipped"
    (shipped / "examples").mkdir(parents=True)
    (shipped / "quiz.yaml").write_text(QUIZ.replace("c1,", "c0,"), encoding="utf-8")
    for name in ("finished", "abandoned"):
        (shipped / "examples" / f"{name}.json").write_bytes(Path(f"mappings/examples/{name}.json").read_bytes())
    Path("mappings/quiz.yaml").unlink()
    monkeypatch.setattr(library, "shipped_folder", lambda: shipped)

    assert 1 == main(["test", "--update"])
    assert "came with trackbridge and is left as it is" in capsys.readouterr().err
    assert 0 == main(["test", str(shipped), "--update"])


def test_a_mapping_that_cannot_be_used_fails_the_test(capsys: Text) -> None:
    save("quiz.yaml", QUIZ.replace("verify:", "verfy:"))

    assert 1 == main(["test"])
    assert "mappings/quiz.yaml:2:1: " in capsys.readouterr().err


@pytest.mark.parametrize("source", ["quiz", "mappings/quiz.yaml"], ids=["by name", "by path"])
def test_explain_shows_every_rule_and_expression(source: str, capsys: Text) -> None:
    assert 0 == main(["explain", source, "mappings/examples/finished.json"])

    lines = capsys.readouterr().out.splitlines()
    assert "quiz: q1, quiz.finished" == lines[0]
    assert "  accepted" == lines[1]
    assert any(line.startswith("rule finished quiz (lead)  matched") for line in lines)
    assert any(line.split() == ["click_id", '"c1"', "←", "click"] for line in lines)


def test_explain_reads_stdin_and_speaks_json(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(FINISHED).encode())))

    told = parsed(capsys, "explain", "quiz", "-")

    assert ("quiz", "accepted", "c1") == (
        told["source"],
        told["events"][0]["state"],
        told["events"][0]["conversions"][0]["click_id"],
    )


@pytest.mark.parametrize(
    ("source", "content", "told"),
    [
        ("quizz", b"{}", 'there is no source "quizz": did you mean "quiz"?\n'),
        ("quiz", None, "payload.json: cannot be read: No such file or directory\n"),
        (
            "quiz",
            b'{"a": ',
            "unmapped: not JSON: Expecting value at line 1, column 6\n"
            "  6 bytes, content type application/json\n"
            '    {"a": \n         ^\n',
        ),
        ("quiz", b"", "unmapped: empty\n  0 bytes, content type application/x-www-form-urlencoded\n"),
        (
            "quiz",
            b'{"a": "\xff"}',
            'unmapped: not UTF-8\n  10 bytes, content type application/json\n    {"a": "\\xff"}\n',
        ),
        ("nowhere.yaml", b"{}", "nowhere.yaml: there is no such file or folder\n"),
    ],
    ids=["unknown source", "no file", "half a document", "empty", "not utf-8", "unknown mapping"],
)
def test_what_cannot_be_explained_is_a_failure_with_its_reason(
    source: str, content: bytes | None, told: str, capsys: Text
) -> None:
    if content is not None:
        Path("payload.json").write_bytes(content)

    assert 1 == main(["explain", source, "payload.json"])
    assert told == capsys.readouterr().err


def test_an_unreadable_payload_is_told_to_scripts_too(capsys: Text) -> None:
    Path("payload.json").write_bytes(b'{"a": ')

    told = parsed(capsys, "explain", "quiz", "payload.json", code=1)

    assert ("unmapped", "not JSON: Expecting value at line 1, column 6", []) == (
        told["state"],
        told["reason"],
        told["events"],
    )


def test_an_example_can_be_explained_by_its_name_or_its_files(capsys: Text) -> None:
    assert 0 == main(["explain", "quiz", "--example", "a finished quiz is a lead"])
    by_name = capsys.readouterr().out
    assert 0 == main(["explain", "quiz", "--example", "finished"])
    assert by_name.splitlines()[:3] == capsys.readouterr().out.splitlines()[:3]

    assert 1 == main(["explain", "quiz", "--example", "finish"])
    assert 'quiz" has no example "finish": did you mean "finished"?' in capsys.readouterr().err


def test_explain_shows_what_the_tracker_would_be_told(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMS_AMOUNT_UNIT", "major")

    told = parsed(capsys, "explain", "stripe", "--example", "checkout_paid")

    (conversion,) = told["events"][0]["conversions"]
    assert "/track/sale" == conversion["request"]["path"]
    assert '"amount":49.99' in conversion["request"]["body"]
    assert conversion["claims"]
