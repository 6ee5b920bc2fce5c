"""YAML text → located nodes. Nothing is constructed: no tags, no types, no aliases, so no bombs.

Everything YAML would take silently and an expression would lose by is a Problem here: tags, anchors, aliases,
merge keys, duplicate keys, several documents. A value that YAML refuses for want of quotes is reported, then
read as if quoted, so that one run finds every such line. Size, depth and the number of nodes are bounded.
"""

from collections.abc import Iterator

import yaml
from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from bridge.errors import Place, Problem
from bridge.mapping.lines import Lines, meant, single_quoted
from bridge.mapping.yaml_errors import explain_yaml, quote_it
from bridge.model import Node

MOST_CHARACTERS = 1024 * 1024
MOST_NODES = 20_000
MOST_DEPTH = 32
#: Values that are read as if quoted in one run; beyond that the first problems are enough to begin with.
MOST_REPAIRS = 50
#: Every repair reads the file once more, slowly: so many characters in all.
MOST_REREAD = 1_000_000


class _Stop(Exception):
    """Reading ends here; the problem that says why is noted already."""


def compose(text: str, *, file: str) -> tuple[Node | None, list[Problem]]:
    """Read YAML into located nodes, with every problem found; None when there is no document to look at."""
    text = text.removeprefix("\ufeff")
    if len(text) > MOST_CHARACTERS:
        return None, [Problem(code="too-large", what="this file is larger than 1 MiB", place=Place(file=file))]
    lines = Lines(text, file)
    repairs: list[Problem] = []
    repaired: set[int] = set()
    written = list(lines.lines)
    while True:
        builder = _Builder(lines)
        try:
            return builder.document("\n".join(written) + "\n"), [*repairs, *builder.problems]
        except YAMLError as error:
            problem, line = explain_yaml(error, lines)
            repairs.append(problem)
            is_enough = len(repairs) > MOST_REPAIRS or len(repairs) * len(text) > MOST_REREAD
            if line is None or line in repaired or is_enough:
                return None, [*repairs, *_unless_repaired(builder.problems, repaired)]
            repaired.add(line)
            written[line - 1] = _as_quoted(lines, line, is_quoted=problem.code == "yaml-escape")


def _unless_repaired(problems: list[Problem], repaired: set[int]) -> list[Problem]:
    return [problem for problem in problems if problem.place.line not in repaired]


def _as_quoted(lines: Lines, line: int, *, is_quoted: bool) -> str:
    """The line with its value in single quotes, in the place of its double quotes if it has them."""
    entry = lines.entry(line)
    text = lines.text(line)
    if entry is None:
        return text
    return text[: entry.column - 1] + single_quoted(entry.value.strip('"') if is_quoted else meant(entry.value))


class _Builder:
    """Builds nodes from events, noting problems on the way."""

    def __init__(self, lines: Lines) -> None:
        self.problems: list[Problem] = []
        self._lines = lines
        self._count = 0

    def document(self, text: str) -> Node | None:
        """The first document's root; raises YAMLError where the text is not YAML."""
        events = _events(text)
        root: Node | None = None
        try:
            for event in events:
                match event:
                    case DocumentStartEvent() if root is not None:
                        self._note("several-documents", event, "a second document begins here", fix="keep one per file")
                        return None
                    case NodeEvent():
                        root = self._node(event, events, 1)
                    case _:
                        pass
        except _Stop:
            return None
        if root is None:
            place = Place(file=self._lines.file, line=1, column=1)
            fix = "a mapping begins with `source:`, `verify:` and `rules:`"
            self.problems.append(Problem(code="empty", what="there is nothing in this file", place=place, fix=fix))
        return root

    def _node(self, event: Event, events: Iterator[Event], depth: int) -> Node:
        self._count += 1
        if self._count > MOST_NODES:
            self._note("too-large", event, f"more than {MOST_NODES:,} values in one file")
            raise _Stop
        if depth > MOST_DEPTH:
            self._note("too-deep", event, f"nested deeper than {MOST_DEPTH} levels")
            raise _Stop
        self._check_indicators(event)
        place = self._place(event)
        match event:
            case ScalarEvent():
                return Node(kind="scalar", place=place, text=event.value, plain=not event.style)
            case SequenceStartEvent():
                items = tuple(self._until(SequenceEndEvent, events, depth))
                return Node(kind="list", place=place, items=items)
            case MappingStartEvent():
                return Node(kind="map", place=place, entries=tuple(self._entries(events, depth)))
            case _:
                return Node(kind="scalar", place=place, plain=True)

    def _until(self, end: type[Event], events: Iterator[Event], depth: int) -> Iterator[Node]:
        for event in events:
            if isinstance(event, end):
                return
            yield self._node(event, events, depth + 1)

    def _entries(self, events: Iterator[Event], depth: int) -> Iterator[tuple[Node, Node]]:
        seen: dict[str, Place] = {}
        nodes = self._until(MappingEndEvent, events, depth)
        for key in nodes:
            value = next(nodes)
            if key.kind != "scalar":
                self._at(key.place, "odd-key", "a key that is not plain text", fix="write it as `key: value`")
            elif key.text == "<<" and key.plain:
                why = "merge keys would pull in values from elsewhere in the file"
                fix = "write the keys out, or start from a shipped mapping with `extends:`"
                self._at(key.place, "yaml-merge", '"<<" is a YAML merge key', why=why, fix=fix)
            elif key.text in seen:
                why = f"it stands on line {seen[key.text].line} already, and only one of them would count"
                self._at(key.place, "duplicate-key", f'"{key.text}" is given twice', why=why, fix="keep one")
            else:
                seen[key.text] = key.place
                yield key, value

    def _check_indicators(self, event: Event) -> None:
        """Tags, anchors and aliases: an expression's `!`, `&` or `*` that YAML took for its own."""
        if not isinstance(event, NodeEvent):
            return
        if isinstance(event, AliasEvent):
            self._indicator("yaml-alias", event, "an alias", "*")
            return
        if event.anchor is not None:
            self._indicator("yaml-anchor", event, "an anchor", "&")
        tag = event.tag if isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent) else None
        if tag is not None:
            self._indicator("yaml-tag", event, "a tag", "!")

    def _indicator(self, code: str, event: Event, noun: str, sign: str) -> None:
        place = self._place(event)
        shown = place.text[place.column - 1 :].split()
        word = f'"{shown[0]}"' if shown else "this"
        self.problems.append(
            Problem(
                code=code,
                what=f"{word} is {noun} of YAML, not part of a value",
                place=place,
                why=f"YAML takes an unquoted value that starts with {sign} for {noun}, and the value loses it",
                fix=f"quote the expression; {quote_it(self._lines, place.line)}",
            )
        )

    def _place(self, event: Event) -> Place:
        mark = event.start_mark
        return self._lines.place(mark.line + 1, mark.column + 1) if mark else Place(file=self._lines.file)

    def _note(self, code: str, event: Event, what: str, *, fix: str = "") -> None:
        self._at(self._place(event), code, what, fix=fix)

    def _at(self, place: Place, code: str, what: str, *, why: str = "", fix: str = "") -> None:
        self.problems.append(Problem(code=code, what=what, place=place, why=why, fix=fix))


def _events(text: str) -> Iterator[Event]:
    """YAML's events: by libyaml where it is there, and by PyYAML for an error's words, which are always the same."""
    try:
        events = list(_until_too_many(yaml.parse(text, Loader=_FAST)))
    except (YAMLError, UnicodeError):
        return iter(yaml.parse(text, Loader=yaml.SafeLoader))
    return iter(events)


def _until_too_many(events: Iterator[Event]) -> Iterator[Event]:
    """Events up to the limits, which the builder then names: a bomb is never unrolled."""
    depth = 0
    for number, event in enumerate(events):
        yield event
        depth += isinstance(event, SequenceStartEvent | MappingStartEvent)
        depth -= isinstance(event, SequenceEndEvent | MappingEndEvent)
        if depth > MOST_DEPTH or number > 3 * MOST_NODES:
            return
        if isinstance(event, StreamEndEvent):
            return


_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
