"""Write what came of an example into its `expect:`, in the mapping's own text, and touch nothing else.

Where as many conversions came as were expected, only the values that differ are replaced, each in its place and its
style. A conversion that is new is written with all its fields, one that is gone is taken out. Pure: text in, text out.
"""

from collections.abc import Sequence
from typing import TypeAlias

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from bridge.mapping import yaml_text
from bridge.mapping.compare import Came, Pair, Verdict, came_of
from bridge.mapping.facts import facts_of
from bridge.mapping.rules import Example
from bridge.model import EventState, Json, Meaning

#: From, to, and what stands there instead.
_Edit: TypeAlias = tuple[int, int, str]

#: Not written into new expectations: the time of receipt where the sender says none, so it would never hold again;
#: the rule's name, which may be changed.
_LEFT_OUT = ("timestamp", "rule")


def updated(text: str, example: Example, found: Verdict, meanings: Sequence[Meaning]) -> str:
    """The mapping's text with this example expecting what came; raises LookupError when it is not in there."""
    expect = _expect(text, example)
    edits = _edits(text, expect, found, meanings)
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def expectation(came: Came) -> dict[str, Json]:
    """Everything worth expecting of what came; that a sale has no click id is worth it, too."""
    found = facts_of(came)
    is_sale = found.get("track") == "sale"
    return {
        key: value
        for key, value in found.items()
        if key not in _LEFT_OUT and (value is not None or (key == "click_id" and is_sale))
    }


def _expect(text: str, example: Example) -> tuple[Node, Node]:
    """The key `expect` and its value."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for item in _items(_value(root, "examples")):
        mark = item.start_mark
        if (mark.line + 1, mark.column + 1) == (example.place.line, example.place.column):
            for key, value in item.value if isinstance(item, MappingNode) else ():
                if key.value == "expect":
                    return key, value
    raise LookupError(example.name)


def _edits(text: str, expect: tuple[Node, Node], found: Verdict, meanings: Sequence[Meaning]) -> list[_Edit]:
    key, value = expect
    got = came_of(meanings)
    if any(meaning.state is EventState.UNMAPPED for meaning in meanings):
        return _instead(text, expect, " unmapped")
    if not got:
        return _instead(text, expect, " ignored")
    items = _items(value)
    if not items:
        return _instead(text, expect, _written(text, key, got))
    if all(pair.wanted is not None and pair.got is not None for pair in found.pairs):
        return [edit for pair, item in zip(found.pairs, items, strict=True) for edit in _values(text, item, pair)]
    if isinstance(value, SequenceNode) and value.flow_style:
        return [(value.start_mark.index, value.end_mark.index, f"[{', '.join(_in_flow(text, items, found))}]")]
    return _in_block(text, items, found)


def _values(text: str, item: Node, pair: Pair) -> list[_Edit]:
    """The values of one conversion that differ, each in its place."""
    if pair.got is None:
        return []
    came = facts_of(pair.got)
    nodes = {key.value: value for key, value in item.value} if isinstance(item, MappingNode) else {}
    return [_scalar(text, nodes[key], came.get(key)) for key in pair.differing]


def _scalar(text: str, node: Node, value: Json) -> _Edit:
    """The new value in the old one's quotes, where it had some."""
    start, end = node.start_mark.index, _end(node, text)
    style = node.style if isinstance(node, ScalarNode) else None
    written = yaml_text.scalar(value)
    if isinstance(value, str) and style == "'" and value.isprintable():
        written = "'" + value.replace("'", "''") + "'"
    elif isinstance(value, str) and style == '"' and not written.startswith('"'):
        written = f'"{written}"'
    return start, end, written if start < end else f" {written}"


def _in_flow(text: str, items: list[Node], found: Verdict) -> list[str]:
    """The items of a list in brackets: what stays as it was written, but for its changed values."""
    written: list[str] = []
    nodes = iter(items)
    for pair in found.pairs:
        node = next(nodes) if pair.wanted is not None else None
        if pair.got is None:
            continue
        if node is None:
            written.append(yaml_text.flow(expectation(pair.got)))
            continue
        start, end = node.start_mark.index, _end(node, text)
        body = text[start:end]
        for first, last, new in sorted(_values(text, node, pair), reverse=True):
            body = body[: first - start] + new + body[last - start :]
        written.append(body)
    return written


def _in_block(text: str, items: list[Node], found: Verdict) -> list[_Edit]:
    """The items of a list with dashes: lines come and go."""
    newline = _newline(text)
    indent = text[_line_start(text, items[0].start_mark.index) :].index("-")
    edits: list[_Edit] = []
    nodes = iter(items)
    at = _line_start(text, items[0].start_mark.index)
    for pair in found.pairs:
        node = next(nodes) if pair.wanted is not None else None
        if node is not None:
            start, at = _line_start(text, node.start_mark.index), _line_end(text, _end(node, text))
            edits += _values(text, node, pair) if pair.got is not None else [(start, at, "")]
        elif pair.got is not None:
            lines = yaml_text.block(expectation(pair.got), indent)
            before = "" if not at or text[at - 1] == "\n" else newline
            edits.append((at, at, before + newline.join(lines) + newline))
    return edits


def _instead(text: str, expect: tuple[Node, Node], new: str) -> list[_Edit]:
    """Another value behind `expect:`; a comment beside the key stays."""
    key, value = expect
    behind = text.index(":", key.end_mark.index) + 1
    end = _end(value, text)
    if value.start_mark.line == key.start_mark.line or behind == end:
        return [(behind, end, new)]
    return [(behind, behind, new), (_line_start(text, value.start_mark.index), _line_end(text, end), "")]


def _written(text: str, key: Node, got: Sequence[Came]) -> str:
    """A list where there was none: below the key, or in brackets where the example itself is."""
    line = text[_line_start(text, key.start_mark.index) : key.start_mark.index]
    if line.strip(" -"):
        return " [" + ", ".join(yaml_text.flow(expectation(one)) for one in got) + "]"
    newline = _newline(text)
    lines = [line for one in got for line in yaml_text.block(expectation(one), key.start_mark.column + 2)]
    return newline + newline.join(lines)


def _end(node: Node, text: str) -> int:
    """Where a value's own text ends: YAML counts what follows a block, up to the next value, as part of it."""
    if isinstance(node, ScalarNode):
        end = node.end_mark.index
        while node.style in ("|", ">") and text[end - 1 : end].isspace():
            end -= 1
        return int(end)
    if not isinstance(node, CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(node, MappingNode) else last, text)


def _items(node: Node | None) -> list[Node]:
    return list(node.value) if isinstance(node, SequenceNode) else []


def _value(node: Node | None, name: str) -> Node | None:
    entries = node.value if isinstance(node, MappingNode) else ()
    return next((value for key, value in entries if key.value == name), None)


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    """Behind the line's end."""
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
