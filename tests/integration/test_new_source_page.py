"""docs/new-source.md is true: its sample, its commands in their order, and what they say."""

import os
import re
from pathlib import Path

import pytest

from bridge.cli import main
from bridge.mapping.document import compose
from bridge.model import Node
from tests.support import clean_environment

PAGE = (Path(__file__).parents[2] / "docs" / "new-source.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def plain(node: Node) -> object:
    match node.kind:
        case "map":
            return {key.text: plain(value) for key, value in node.entries}
        case "list":
            return [plain(item) for item in node.items]
        case _:
            return node.text


def tree(text: str) -> dict[str, object]:
    node, problems = compose(text, file="page")
    assert (node is not None, []) == (True, problems)
    assert node is not None
    found = plain(node)
    assert isinstance(found, dict)
    return found


def test_the_page_can_be_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TICKETS_WEBHOOK_SECRET", "a secret of some length")
    (sample,) = blocks("json")
    Path("ticket.json").write_text(sample, encoding="utf-8")

    for block in blocks("console"):
        for step in block.split("$ trackbridge ")[1:]:
            command, *told = step.rstrip("\n").splitlines()
            assert 0 == main(command.split()), command
            said = capsys.readouterr()
            lines = (said.out + said.err).splitlines()
            assert told == [line for line in lines if line in told], command

    written = tree(Path("mappings/tickets.yaml").read_text(encoding="utf-8"))
    written.pop("examples")
    (shown,) = blocks("yaml")
    assert tree(shown) == written


def test_every_file_the_page_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)", PAGE)
    assert [] == [link for link in links if not (Path(__file__).parents[2] / "docs" / link).exists()]
