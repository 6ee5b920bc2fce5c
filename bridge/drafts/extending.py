"""A mapping that starts from a shipped one: nothing but its name, its secret and an example of one's own."""

from collections.abc import Sequence

from bridge.drafts.page import example_lines, secret_of
from bridge.model import Json


def extending(
    source: str, like: str, schema: str, example: tuple[str, str, Sequence[dict[str, Json]] | str] | None = None
) -> str:
    """The whole file; `example` as for `page`."""
    lines = [
        f"# {source} → the shipped {like} with what is different here. Only write what differs: maps merge, a rule of",
        "# the same name is replaced, new ones come after.",
        f"# yaml-language-server: $schema={schema}",
        f"extends: {like}",
        f"source: {source}",
    ]
    if source != like:
        lines += ["verify:", f"  secret: ${{{secret_of(source)}}}"]
    if example is not None:
        lines += ["", "examples:", *example_lines(*example)]
    return "\n".join(lines) + "\n"
