"""A YAML scalar → a compiled Expression, or Problems that point into the file.

Knows how YAML's quoting and JMESPath's get in each other's way: what YAML cut off at ` #`, whose quotes it ate,
and where in the file the n-th character of an expression stands.
"""

from typing import Literal

from bridge.errors import Place, Problem
from bridge.mapping.calls import check_calls, names_asked
from bridge.mapping.compiler import compiled
from bridge.mapping.findings import Finding
from bridge.mapping.grammar import ExpressionError, read
from bridge.mapping.habits import check_habits
from bridge.mapping.kinds import LIST, SCALAR, SEVERAL, check_kind
from bridge.mapping.lines import MOST_SHOWN, entry_of, single_quoted
from bridge.mapping.lints import check_amount, check_meaning
from bridge.mapping.precedence import check_precedence
from bridge.mapping.quoting import check_quoting
from bridge.mapping.rules import Expression
from bridge.mapping.tree import Call, Tree, descend
from bridge.model import Node

#: What an expression is for: some checks only make sense there.
Role = Literal["condition", "amount", "currency", "field", "value", "list", "document"]

#: The types it can use; a condition looks at whether there is anything.
_USABLE = {"condition": None, "list": LIST, "document": SEVERAL}


def expression_of(node: Node, name: str, role: Role, problems: list[Problem]) -> Expression | None:
    """Compile a scalar's expression; None when there is any problem, which is then noted."""
    if node.kind != "scalar":
        problems.append(_no_scalar(node, name))
        return None
    if not node.text.strip():
        what = f'"{name}" has no value'
        problems.append(Problem(code="empty", what=what, place=node.place, fix="write an expression, or leave it out"))
        return None
    try:
        tree = read(node.text)
    except ExpressionError as error:
        problems.append(_syntax(node, error))
        return None
    found = [_placed(node, finding) for finding in _findings(tree, node, name, role)]
    problems += found
    if any(problem.severity.value == "problem" for problem in found):
        return None
    return Expression(
        text=" ".join(node.text.split()),
        place=node.place,
        evaluate=compiled(tree),
        headers=names_asked(tree, "header"),
        queries=names_asked(tree, "query"),
        answer=_answer(tree, node),
        tree=tree,
    )


def _answer(tree: Tree, node: Node) -> Place | None:
    """Where the expression first calls answer(); its beginning, where the file does not show the very place."""
    calls = [part.offset for part in descend(tree) if isinstance(part, Call) and part.name == "answer"]
    if not calls:
        return None
    column = _column(node, calls[0])
    return node.place if column is None else _moved(node.place, column)


def constant_of(text: str, node: Node) -> Expression:
    """A text written out, as an expression that is always that text."""
    shown = f"{{value: {text}}}"
    return Expression(text=shown, place=node.place, evaluate=lambda _value, _context: text, is_constant=True)


def _findings(tree: Tree, node: Node, name: str, role: Role) -> list[Finding]:
    calls = check_calls(tree)
    if calls:
        return calls
    is_condition = role == "condition"
    found = [
        *check_precedence(tree, is_condition=is_condition),
        *check_meaning(tree, is_condition=is_condition),
        *check_habits(tree, is_condition=is_condition),
    ]
    if role in ("amount", "currency", "field"):
        found += check_quoting(tree, node, role)
    if role == "amount":
        found += check_amount(tree)
    wanted = _USABLE.get(role, SCALAR)
    return found if wanted is None else [*found, *check_kind(tree, name, wanted)]


def _no_scalar(node: Node, name: str) -> Problem:
    if node.place.text.startswith("{{", node.place.column - 1):
        fix = "write the path alone, without {{ and }}"
        return Problem(code="expression", what="a template is no expression", place=node.place, fix=fix)
    what, sign = ("a list", "[") if node.kind == "list" else ("a map", "{")
    constant = "a constant is {value: text} and nothing else; " if node.kind == "map" else ""
    return Problem(
        code="wrong-type",
        what=f'"{name}" takes an expression, and this is {what}',
        place=node.place,
        why=f"YAML takes an unquoted value that starts with {sign} for {what}",
        fix=f"{constant}put an expression in single quotes, each ' inside doubled{_written(node)}",
    )


def _written(node: Node) -> str:
    """The mend written out, where the value is all that stands on its line."""
    entry = entry_of(node.place.text)
    if entry is None or entry.column != node.place.column:
        return ""
    return f":  {entry.key}: {single_quoted(entry.value)}"


def _syntax(node: Node, error: ExpressionError) -> Problem:
    cut = _cut(node)
    if cut is not None:
        return cut
    finding = Finding(code="expression", what=error.what, offset=error.offset, why=error.why, fix=error.fix)
    if _quote(node) and error.what.startswith("an operator is missing"):
        text = node.text
        finding = Finding(
            code="expression",
            what=error.what,
            offset=error.offset,
            why="the quotes around the value are YAML's; the expression does not have them",
            fix=f"for this very text write {{value: {text}}}; for a field of this name write '\"{text}\"'",
        )
    return _placed(node, finding)


def _cut(node: Node) -> Problem | None:
    """An unquoted expression that ends too early because YAML saw a comment in it."""
    line, start = node.place.text, node.place.column - 1
    if not node.plain or not line.startswith(node.text, start):
        return None
    rest = line[start + len(node.text) :]
    if not rest.strip().startswith("#"):
        return None
    return Problem(
        code="yaml-comment",
        what="YAML takes the rest of this line for a comment",
        place=_moved(node.place, len(node.text) + len(rest) - len(rest.lstrip())),
        why="' #' begins a comment in an unquoted value, and what is left is no expression",
        fix=f"put it in single quotes, each ' inside doubled{_written(node)}",
    )


def _placed(node: Node, finding: Finding) -> Problem:
    """The finding as a Problem: at its column where that is sure, else at the start with the expression shown."""
    column = _column(node, finding.offset)
    expression, offset = ("", 0) if column is not None else _shown(node.text, finding.offset)
    return Problem(
        code=finding.code,
        what=finding.what,
        place=node.place if column is None else _moved(node.place, column),
        why=finding.why,
        fix=finding.fix,
        severity=finding.severity,
        expression=expression,
        offset=offset,
    )


def _column(node: Node, offset: int) -> int | None:
    """How far from the scalar's start that character stands; None when it is not written there as it is."""
    line, start = node.place.text, node.place.column - 1
    if node.plain or not _quote(node):
        # a value that YAML refused for want of quotes was read as if quoted, and stands here bare
        return offset if line.startswith(node.text, start) and node.text else None
    if line.startswith(single_quoted(node.text), start):
        return 1 + offset + node.text[:offset].count("'")
    is_as_written = any(line.startswith(f"{quote}{node.text}{quote}", start) for quote in ("'", '"'))
    return 1 + offset if is_as_written else None


def _quote(node: Node) -> str:
    """The YAML quote the scalar is written in; empty for none."""
    first = node.place.text[node.place.column - 1 : node.place.column]
    return first if not node.plain and first in ("'", '"') else ""


def _shown(text: str, offset: int) -> tuple[str, int]:
    """The line of a longer expression that holds the offset; nothing where nobody would find it."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start : end if end >= 0 else len(text)]
    return (line, offset - start) if len(line) <= MOST_SHOWN else ("", 0)


def _moved(place: Place, by: int) -> Place:
    return Place(file=place.file, line=place.line, column=place.column + by, text=place.text)
