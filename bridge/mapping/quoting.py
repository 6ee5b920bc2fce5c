"""Constants that are not: text in YAML's quotes is an expression all the same, and `'USD'` a field named USD."""

from bridge import money
from bridge.errors import Severity
from bridge.mapping.findings import Finding
from bridge.mapping.tree import Field, Tree
from bridge.model import Node


def check_quoting(tree: Tree, node: Node, role: str) -> list[Finding]:
    """A lone name where a constant was probably meant."""
    if not isinstance(tree, Field) or tree.quoted:
        return []
    name = tree.name
    looks_constant = _is_currency(name) if role == "currency" else (not node.plain and _is_shouted(name))
    if looks_constant:
        return [_constant(name, node, Severity.PROBLEM)]
    if not node.plain and node.place.text[node.place.column - 1 : node.place.column] == "'":
        return [_constant(name, node, Severity.WARNING)]
    return []


def _constant(name: str, node: Node, severity: Severity) -> Finding:
    why = "the quotes are YAML's: the expression does not have them" if not node.plain else "a bare word is a path"
    return Finding(
        code="constant",
        what=f"this reads the field named {name}",
        offset=0,
        why=why,
        fix=f"for the text itself write {{value: {name}}}"
        + (f"; for the field write {name} without quotes" if not node.plain else ""),
        severity=severity,
    )


def _is_shouted(name: str) -> bool:
    return len(name) > 1 and name.isupper()


def _is_currency(name: str) -> bool:
    try:
        money.exponent(name)
    except money.MoneyError:
        return False
    return True
