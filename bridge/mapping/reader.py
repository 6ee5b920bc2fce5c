"""Reads a map's entries by name and type, and notes a Problem for everything that is not as it should be.

A value that lost something to YAML (a tag, an alias) was reported by `document`; here it counts as given, and
nothing more is said about it.
"""

from collections.abc import Iterable

from bridge.errors import Place, Problem, Severity, did_you_mean
from bridge.model import Node

#: Problems after which a scalar's text is not what was written.
_LOSSES = ("yaml-tag", "yaml-alias", "yaml-anchor")


class Reader:
    """Collects problems while nodes are read."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self._lost = {problem.place for problem in problems if problem.code in _LOSSES}

    def note(
        self,
        code: str,
        place: Place,
        what: str,
        *,
        why: str = "",
        fix: str = "",
        severity: Severity = Severity.PROBLEM,
    ) -> None:
        """Note one problem."""
        self.problems.append(Problem(code=code, what=what, place=place, why=why, fix=fix, severity=severity))

    def is_lost(self, node: Node) -> bool:
        """Whether YAML took something of this value, which was said already."""
        return node.place in self._lost

    def entries(self, node: Node, name: str, known: Iterable[str]) -> dict[str, Node]:
        """A map's known entries; unknown keys are noted. Empty when it is no map."""
        if not self.is_kind(node, name, "map"):
            return {}
        allowed = tuple(known)
        for key, _ in node.entries:
            if key.text not in allowed:
                inside = f" in {_label(name)}" if name else ""
                meant = _KEYS.get(key.text.lower(), "")
                fix = f'it is called "{meant}" here' if meant in allowed else did_you_mean(key.text, allowed)
                self.note("unknown-key", key.place, f'unknown key "{key.text}"{inside}', fix=fix)
        return {key.text: value for key, value in node.entries if key.text in allowed}

    def items(self, node: Node, name: str) -> tuple[Node, ...]:
        """A list's items; empty, and noted, when it is no list or there is nothing in it."""
        if not self.is_kind(node, name, "list"):
            return ()
        if not node.items:
            self.note("empty", node.place, f'"{name}" is an empty list')
        return node.items

    def text(self, node: Node | None, name: str) -> str | None:
        """A scalar's text, never empty; None when it was not given or is noted."""
        if node is None or self.is_lost(node) or not self.is_kind(node, name, "scalar"):
            return None
        text = node.text.strip()
        if not text:
            self.note("empty", node.place, f'"{name}" has no value')
            return None
        return text

    def texts(self, node: Node | None, name: str) -> tuple[str, ...]:
        """A list of texts, or a single one."""
        if node is None:
            return ()
        nodes = (node,) if node.kind == "scalar" else self.items(node, name)
        texts = [self.text(item, name) for item in nodes]
        for text, item in zip(texts, nodes, strict=True):
            if text is not None and texts.count(text) > 1 and item is not nodes[texts.index(text)]:
                self.note("duplicate", item.place, f'"{text}" is listed twice in "{name}"', fix="keep one")
        return tuple(dict.fromkeys(text for text in texts if text is not None))

    def choice(self, node: Node | None, name: str, allowed: tuple[str, ...]) -> str | None:
        """One of a few words; None when it was not given or is noted."""
        text = self.text(node, name)
        if node is None or text is None or text in allowed:
            return text
        meant = _SPELLINGS.get(text.lower(), "")
        fix = f"write {meant}" if meant in allowed else did_you_mean(text, allowed)
        what = f'"{name}" is {_either(allowed)}, got "{text}"'
        self.note("wrong-value", node.place, what, fix="" if fix.startswith("use one of") else fix)
        return None

    def flag(self, node: Node | None, name: str) -> bool:
        """True or false; false when it was not given."""
        return self.choice(node, name, ("true", "false")) == "true"

    def unique(self, nodes: Iterable[tuple[str, Place]], noun: str) -> None:
        """Note every name that is given twice."""
        first: dict[str, Place] = {}
        for name, place in nodes:
            if name in first:
                why = f"line {first[name].line} has it already"
                self.note("duplicate-name", place, f'two {noun} are called "{name}"', why=why, fix="rename one")
            else:
                first[name] = place

    def slug(self, node: Node | None, name: str) -> str | None:
        """Lower-case letters, digits and hyphens."""
        text = self.text(node, name)
        if node is None or text is None or is_slug(text):
            return text
        fix = suggestion(text)
        self.note(
            "wrong-value",
            node.place,
            f'"{name}" is made of lower-case letters, digits and hyphens',
            why="it stands in a URL" if name == "source" else "",
            fix=f"write {fix}" if fix else "",
        )
        return None

    def is_kind(self, node: Node, name: str, kind: str) -> bool:
        """Whether the node is a map, list or scalar as wanted; noted when it is not."""
        if node.kind == kind:
            return True
        if not self.is_lost(node):
            words = {"map": "a map", "list": "a list", "scalar": "text"}
            got = "nothing" if node.kind == "scalar" and not node.text else words[node.kind]
            self.note("wrong-type", node.place, f"{_label(name)} must be {words[kind]}, and it is {got}")
        return False


def _label(name: str) -> str:
    if not name:
        return "a mapping"
    return name if name.startswith("this ") else f'"{name}"'


def is_slug(text: str) -> bool:
    """Whether the text can stand in a URL as a source's name."""
    return 0 < len(text) <= 64 and text[0] != "-" and all(char in _SLUG for char in text)


def suggestion(text: str) -> str:
    """The nearest slug; empty when nothing is left."""
    return "".join(char if char in _SLUG else "-" for char in text.lower()).strip("-")[:64]


#: Keys of other tools' files.
_KEYS = {
    "if": "when",
    "condition": "when",
    "filter": "when",
    "where": "when",
    "on": "types",
    "events": "types",
    "triggers": "types",
    "action": "track",
    "map": "fields",
    "set": "fields",
    "data": "fields",
    "dedupe": "once_per",
    "unique": "once_per",
    "idempotency_key": "once_per",
    "foreach": "for_each",
    "items": "for_each",
    "body": "document",
    "payload": "document",
    "fields": "answers",
    "timestamp": "occurred_at",
    "time": "occurred_at",
    "created_at": "occurred_at",
    "livemode": "test",
    "email": "customer_email",
    "customer_id": "customer_external_id",
    "external_id": "customer_external_id",
    "avatar": "customer_avatar",
    "total": "amount",
    "price": "amount",
    "order_id": "invoice_id",
    "secret": "verify",
    "auth": "verify",
    "tests": "examples",
}

#: Words people write for others; YAML 1.1 takes some of them for true and false, and this language none.
_SPELLINGS = {
    "yes": "true",
    "on": "true",
    "1": "true",
    "no": "false",
    "off": "false",
    "0": "false",
    "cents": "minor",
    "cent": "minor",
    "purchase": "sale",
    "payment": "sale",
    "conversion": "sale",
    "signup": "lead",
    "sign_up": "lead",
}
_SLUG = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def _either(words: tuple[str, ...]) -> str:
    return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]
