"""How sources tell the operator what to mend, without ever showing a secret.

A Problem's place carries its source line; a line that may hold a literal secret is left out.
"""

from collections.abc import Iterable
from dataclasses import replace

from bridge.errors import Problem, Severity
from bridge.model import Node

#: Keys whose values are no secrets. Anything under another key may be one: `secret`, or a misspelling of it.
_OPEN_KEYS = frozenset(
    (
        *("scheme", "header", "pattern", "algorithm", "encoding", "signed", "timestamp", "tolerance", "id", "url"),
        *("part", "unit", "query", "prefix", "handshake"),
    )
)
#: Keys that look like the place for a secret: open only while they hold one of their own words.
_OPEN_WORDS = {"key": ("utf8", "base64", "hex", "whsec"), "path": ("true",)}


def at(
    node: Node,
    code: str,
    what: str,
    *,
    why: str = "",
    fix: str = "",
    offset: int | None = None,
    severity: Severity = Severity.PROBLEM,
) -> Problem:
    """A Problem about a node; with `offset`, the caret goes into the node's own text."""
    return Problem(
        code=code,
        what=what,
        place=node.place,
        why=why,
        fix=fix,
        severity=severity,
        expression="" if offset is None else node.text,
        offset=offset or 0,
    )


def without_secrets(problems: Iterable[Problem], verify: Node) -> list[Problem]:
    """Take the source lines out of problems when one of those lines may hold a literal secret."""
    if _is_open(verify):
        return list(problems)
    return [replace(problem, place=replace(problem.place, text="")) for problem in problems]


def is_reference(text: str) -> bool:
    """Whether a scalar is `${NAME}`, to be replaced, and so no secret itself."""
    return text.startswith("${") and text.endswith("}")


def _is_open(node: Node) -> bool:
    if node.kind != "map":
        return False
    for key, value in node.entries:
        if value.text in _OPEN_WORDS.get(key.text, ()) or all(is_reference(scalar.text) for scalar in value.scalars()):
            continue
        if key.text not in _OPEN_KEYS or not (_is_text(value) or _is_open(value)):
            return False
    return True


def _is_text(node: Node) -> bool:
    return node.kind == "scalar" or (node.kind == "list" and all(item.kind == "scalar" for item in node.items))
