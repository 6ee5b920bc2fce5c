"""What the documents say is true: every command, setting and exit code, and every mapping shown."""

import re
import tomllib
from pathlib import Path

import pytest

import bridge
from bridge import library
from bridge.cli.frame import COMMANDS
from bridge.config import SETTINGS, as_markdown

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_settings_table_is_the_one_in_force() -> None:
    shown = README.partition("<!-- settings -->\n")[2].partition("<!-- /settings -->")[0]

    assert as_markdown().strip() == shown.strip()


@pytest.mark.parametrize("setting", [setting.env for setting in SETTINGS])
def test_every_setting_is_in_the_readme(setting: str) -> None:
    assert f"`{setting}`" in README


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert re.search(rf"trackbridge {command}\b|`{command}`|make {command}\b", README)


def test_the_readmes_mapping_is_sound(tmp_path: Path) -> None:
    text = README.partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "quiz.yaml").write_text(text, encoding="utf-8")

    loaded = library.read_paths(
        [tmp_path], shipped=library.shipped_folder(), lookup=lambda _: "a secret of some length"
    )

    assert [] == loaded.errors
    assert ["quiz"] == list(loaded.sources)


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=;\[ ]", line, maxsplit=1)[0] for line in project["dependencies"]]
    table = README.partition("## Dependencies")[2].partition("\n## ")[0]

    assert [] == [name for name in names if name not in table]


def test_every_file_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)

    assert [] == [link for link in links if not (ROOT / link).exists()]


def test_the_changelog_knows_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.search(rf"^## \[(Unreleased|{re.escape(bridge.__version__)})\]", changelog, re.MULTILINE)


def test_pins_are_plain_and_name_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

    assert [] == [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.+!]*", line)]
