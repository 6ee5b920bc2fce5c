"""The set of mappings in force: overlay, secrets, and everything that can be wrong with a folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge import library
from bridge.errors import Severity

QUIZ = """\
source: {name}
verify:
  scheme: hmac
  header: X-Quiz-Signature
  secret: {secret}
event:
  id: id
  type: kind
rules:
  - name: finished quiz
    types: [quiz.finished]
    track: lead
    event_name: quiz_finished
    fields:
      click_id: hidden.click_id
      customer_external_id: person.email
"""


def a_file(folder: Path, name: str = "quiz", *, source: str = "quiz", secret: str = "${QUIZ_SECRET}") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(QUIZ.format(name=source, secret=secret), encoding="utf-8")
    return path


def variables(**values: str) -> Callable[[str], str | None]:
    return lambda name: values.get(name)


def load(folder: Path | None, **values: str) -> library.Library:
    return library.load(shipped=library.shipped_folder(), folder=folder, lookup=variables(**values))


def test_an_operators_file_joins_the_shipped_ones_and_replaces_its_namesake(tmp_path: Path) -> None:
    a_file(tmp_path, source="quiz")
    a_file(tmp_path, "mine", source="typeform")

    loaded = load(tmp_path, QUIZ_SECRET="a secret of some length")

    assert {"quiz", "stripe", "typeform"} <= loaded.sources.keys()
    assert {"quiz", "typeform"} == {source.name for source in loaded.sources.values() if not source.shipped}
    assert [] == loaded.errors


def test_a_secret_that_is_not_set_turns_its_source_off_and_names_the_variable(tmp_path: Path) -> None:
    a_file(tmp_path)

    source = load(tmp_path).sources["quiz"]

    assert not source.is_on
    assert ("QUIZ_SECRET",) == source.missing


def test_checking_a_path_calls_an_unset_secret_a_problem(tmp_path: Path) -> None:
    path = a_file(tmp_path)

    (problem,) = library.read_paths([path], shipped=library.shipped_folder(), lookup=variables()).errors

    assert "QUIZ_SECRET is not set" == problem.what
    assert (5, 11) == (problem.place.line, problem.place.column)


def test_a_variable_of_several_lines_is_several_secrets(tmp_path: Path) -> None:
    a_file(tmp_path)

    assert load(tmp_path, QUIZ_SECRET="old secret value\n\n new secret value \n").sources["quiz"].is_on


@pytest.mark.parametrize("secret", ["whsec_hunter2_hunter2", "${QUIZ_SECRET}hunter2_hunter2", "x${QUIZ_SECRET}"])
def test_no_problem_shows_a_secret(tmp_path: Path, secret: str) -> None:
    a_file(tmp_path, secret=secret)

    loaded = load(tmp_path, QUIZ_SECRET="hunter2_in_the_environment")

    assert loaded.problems
    assert not any("hunter2" in str(problem) for problem in loaded.problems)


def test_a_literal_secret_is_a_warning(tmp_path: Path) -> None:
    a_file(tmp_path, secret="a_literal_secret_of_length")

    loaded = load(tmp_path)

    assert "literal-secret" in [p.code for p in loaded.problems if p.severity is Severity.WARNING]
    assert loaded.sources["quiz"].is_on


def test_two_files_for_one_source_are_a_problem(tmp_path: Path) -> None:
    a_file(tmp_path, "a")
    a_file(tmp_path, "b")

    (problem,) = load(tmp_path, QUIZ_SECRET="a secret of some length").errors

    assert "source-twice" == problem.code
    assert "b.yaml" in str(problem.place)


def test_a_folder_that_is_not_there_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    (problem,) = load(tmp_path / "nowhere").errors

    assert "no-folder" == problem.code
    assert "TRACKBRIDGE_MAPPINGS" == str(problem.place)


def test_a_folder_that_may_not_be_read_is_a_problem_not_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests may run as root, who may read everything: the refusal is made where the system would make it."""

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    theirs = tmp_path / "theirs"
    theirs.mkdir()
    shipped = library.load(shipped=library.shipped_folder(), folder=None, lookup=variables())
    monkeypatch.setattr(library, "_files", refuse)

    loaded = library.read_paths([theirs], shipped=tmp_path / "none", lookup=variables())

    assert ["Permission denied"] == [problem.why for problem in loaded.errors]
    assert shipped.sources


@pytest.mark.parametrize("name", [".#quiz.yaml", "._quiz.yaml", ".quiz.yaml"], ids=["Emacs", "macOS", "hidden"])
def test_what_editors_and_file_systems_hide_is_no_mapping(tmp_path: Path, name: str) -> None:
    a_file(tmp_path)
    (tmp_path / name).write_bytes(b"\xff\xfe\x00")
    (tmp_path / f"{name}.yaml").symlink_to("ada@host.1234")

    loaded = load(tmp_path, QUIZ_SECRET="a secret of some length")

    assert [] == loaded.errors
    assert "quiz" in loaded.sources


def test_a_link_that_leads_nowhere_is_a_problem_for_its_source_would_be_gone(tmp_path: Path) -> None:
    (tmp_path / "quiz.yaml").symlink_to(tmp_path / "elsewhere" / "quiz.yaml")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    (tmp_path / "folder.yaml").mkdir()

    loaded = load(tmp_path)

    assert ["loop.yaml", "quiz.yaml"] == [Path(str(problem.place)).name for problem in loaded.errors]
    assert {"unreadable-file"} == {problem.code for problem in loaded.errors}


def test_a_file_that_is_no_text_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe\x00")

    (problem,) = load(tmp_path).errors

    assert "it is not UTF-8 text" == problem.why
