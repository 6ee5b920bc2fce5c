"""`notify:` of a mapping with its variables: an outlet, or nobody and why."""

from pathlib import Path
from typing import Any

import pytest

from bridge import library
from bridge.errors import Problem, Severity
from bridge.library import Source
from bridge.notices import TOPICS, Kind

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://alerts.example.com/in?key=hunter2"
VARIABLES = {"KEY": "a secret of some length", "URL": URL, "SECRET": SECRET, "EMPTY": " "}

MAPPING = """
source: quiz
verify: {scheme: token, header: X-Key, secret: "${KEY}"}
notify: NOTIFY
event: {id: id}
rules:
  - name: taken
    track: lead
    event_name: quiz_taken
    fields: {click_id: click, customer_external_id: person}
examples:
  - {name: x, webhook: x.json, expect: ignored}
"""


def read(folder: Path, notify: str) -> tuple[Source | None, list[Problem]]:
    (folder / "quiz.yaml").write_text(MAPPING.replace("NOTIFY", notify), encoding="utf-8")
    loaded = library.load(shipped=folder, folder=None, lookup=VARIABLES.get)
    return loaded.sources.get("quiz"), list(loaded.problems)


def test_all_topics_are_told_unless_some_are_named(tmp_path: Path) -> None:
    source, problems = read(tmp_path, "{url: '${URL}', secret: '${SECRET}'}")

    assert [] == problems
    assert source is not None
    assert source.outlet is not None
    assert (URL, "generic", "quiz") == (source.outlet.url, source.outlet.format, source.outlet.source)
    assert frozenset().union(*TOPICS.values()) == source.outlet.kinds


def test_what_is_named_is_told_and_no_more(tmp_path: Path) -> None:
    source, _ = read(tmp_path, "{url: '${URL}', on: [dead], format: slack}")

    assert source is not None
    assert source.outlet is not None
    assert (frozenset({Kind.DEAD}), "slack", None) == (
        source.outlet.kinds,
        source.outlet.format,
        source.outlet.key,
    )


@pytest.mark.parametrize(
    ("notify", "what"),
    [
        ("{url: '${NONE}'}", "NONE is not set: nobody is told"),
        ("{url: '${EMPTY}'}", "EMPTY is not set: nobody is told"),
        ("{url: '${URL}', secret: '${NONE}'}", "NONE is not set: nobody is told"),
    ],
)
def test_a_variable_that_is_not_set_is_a_warning_and_the_source_is_on(tmp_path: Path, notify: str, what: str) -> None:
    source, (problem,) = read(tmp_path, notify)

    assert source is not None
    assert (True, None) == (source.is_on, source.outlet)
    assert (what, Severity.WARNING) == (problem.what, problem.severity)


@pytest.mark.parametrize(
    ("notify", "code"),
    [
        ("{url: '${KEY}'}", "wrong-outlet"),
        ("{url: '${URL}', secret: '${KEY}'}", "wrong-outlet"),
        ("{url: 'https://x/${URL}'}", "variable-inside"),
        ("{secret: '${SECRET}'}", "missing-key"),
        ("{url: '${URL}', on: [died]}", "wrong-value"),
        ("{url: '${URL}', on: []}", "empty"),
        ("{url: '${URL}', format: teams}", "wrong-value"),
        ("{url: '${URL}', channel: x}", "unknown-key"),
        ("{url: ''}", "empty"),
        ("{url: [x]}", "wrong-type"),
        ("here", "wrong-type"),
    ],
)
def test_what_cannot_work_is_a_problem_that_shows_no_value(tmp_path: Path, notify: str, code: str) -> None:
    _, problems = read(tmp_path, notify)

    assert code in [problem.code for problem in problems if problem.severity is Severity.PROBLEM]
    assert "hunter2" not in "\n".join(map(str, problems))
    assert VARIABLES["KEY"] not in "\n".join(map(str, problems))


def test_an_address_in_the_file_works_with_a_warning(tmp_path: Path) -> None:
    source, problems = read(tmp_path, f"{{url: '{URL}'}}")

    assert source is not None
    assert source.outlet is not None
    assert [("literal-secret", Severity.WARNING)] == [(problem.code, problem.severity) for problem in problems]
    assert "hunter2" not in str(problems[0])


@pytest.mark.parametrize(
    ("silence", "told"),
    [
        ("26h", []),
        ("1m", []),
        ("26", ['"silence" is a span of time, got "26"']),
        ("1d12h", ['"silence" is a span of time, got "1d12h"']),
        ("0h", ['"silence" is a span of time, got "0h"']),
        ("-1h", ['"silence" is a span of time, got "-1h"']),
        ("1000h", ['"silence" is a span of time, got "1000h"']),
        ("P1D", ['"silence" is a span of time, got "P1D"']),
        ("[1h]", ['"silence" must be text, and it is a list']),
        ("''", ['"silence" has no value']),
    ],
)
def test_a_silence_is_a_number_and_a_letter(tmp_path: Path, silence: str, told: list[str]) -> None:
    text = MAPPING.replace("notify: NOTIFY", f"silence: {silence}").replace(
        "    track: lead", f"    silence: {silence}\n    track: lead"
    )
    (tmp_path / "quiz.yaml").write_text(text, encoding="utf-8")
    loaded = library.load(shipped=tmp_path, folder=None, lookup=VARIABLES.get)

    assert told * 2 == [problem.what for problem in loaded.problems]
    assert all(problem.place.line in (4, 8) for problem in loaded.problems)


def test_a_reload_that_changes_nothing_leaves_the_outlet_equal(tmp_path: Path) -> None:
    """So that what was told a moment ago is not told again."""
    outlets: list[Any] = []
    for _ in range(2):
        source, _problems = read(tmp_path, "{url: '${URL}', secret: '${SECRET}'}")
        assert source is not None
        outlets.append(source.outlet)

    assert outlets[0] == outlets[1]
    assert 1 == len(set(outlets))
