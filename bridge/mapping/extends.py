"""`extends: stripe`: one mapping laid over a shipped one. Every node keeps the file it stands in.

Maps merge; a rule replaces the one of its name where that stands, new ones are appended; a rule that does not say what
it makes (`track`, `record`) changes the keys it names of the one of its name. Examples are not
inherited, because they may no longer hold. A `verify` with a scheme of its own inherits nothing: what one scheme is
told means something else to another, or nothing.
"""

from dataclasses import replace

from bridge.model import Node

_NOT_INHERITED = ("examples", "extends")


def overlaid(base: Node, own: Node) -> Node:
    """The mapping `own` over the mapping `base`; both are maps."""
    inherited = tuple((key, value) for key, value in base.entries if key.text not in _NOT_INHERITED)
    mine = tuple((key, value) for key, value in own.entries if key.text != "extends")
    return _merged(replace(base, entries=inherited), replace(own, entries=mine))


def _merged(base: Node, own: Node) -> Node:
    ours = {key.text: (key, value) for key, value in own.entries}
    entries = [
        (ours[key.text][0], _laid(key.text, value, ours[key.text][1])) if key.text in ours else (key, value)
        for key, value in base.entries
    ]
    known = {key.text for key, _ in base.entries}
    entries += [(key, value) for key, value in own.entries if key.text not in known]
    return replace(own, entries=tuple(entries))


def _laid(key: str, base: Node, own: Node) -> Node:
    if key == "rules" and base.kind == own.kind == "list":
        return replace(own, items=_rules(base.items, own.items))
    if key == "verify" and own.get("scheme") is not None:
        return own
    return _merged(base, own) if base.kind == own.kind == "map" else own


def _rules(base: tuple[Node, ...], own: tuple[Node, ...]) -> tuple[Node, ...]:
    items = list(base)
    replaced: set[int] = set()
    for rule in own:
        name = _name(rule)
        at = next((n for n, item in enumerate(base) if name and _name(item) == name and n not in replaced), None)
        if at is None:
            items.append(rule)
        else:
            replaced.add(at)
            items[at] = _merged(base[at], rule) if _is_change(rule) else rule
    return tuple(items)


def _is_change(rule: Node) -> bool:
    """Whether this changes a rule in part: whole rules say what they make."""
    return rule.get("track") is None and rule.get("record") is None


def _name(rule: Node) -> str:
    name = rule.get("name") if rule.kind == "map" else None
    return name.text.strip() if name is not None else ""
