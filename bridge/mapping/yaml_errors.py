"""YAML's complaints in plain words, with the usual mend.

A value that starts with a character YAML keeps for itself, or has `: ` inside, is the commonest slip where
expressions stand in YAML; for those the mend is written out, ready to paste.
"""

from yaml.error import MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

from bridge.errors import Place, Problem
from bridge.mapping.lines import Entry, Lines

#: What YAML takes a value for that starts with this character.
_STARTS = {
    "!": "YAML takes an unquoted value that starts with ! for a tag",
    "&": "YAML takes an unquoted value that starts with & for an anchor",
    "*": "YAML takes an unquoted value that starts with * for an alias",
    "@": "YAML keeps @ at the start of a value for itself",
    "`": "YAML keeps ` at the start of a value for itself",
    "%": "YAML keeps % at the start of a value for itself",
    "|": "YAML takes an unquoted value that starts with | for a block of text",
    ">": "YAML takes an unquoted value that starts with > for a block of text",
    "[": "YAML takes an unquoted value that starts with [ for a list",
    "{": "YAML takes an unquoted value that starts with { for a map",
    "'": "YAML takes the quotes at the start as its own, and they end before the value does",
    '"': "YAML takes the quotes at the start as its own, and they end before the value does",
    ",": "YAML keeps , at the start of a value for itself",
    "]": "YAML takes ] for the end of a list",
    "}": "YAML takes } for the end of a map",
    "-": "YAML takes a dash and a space for a list's item, which belongs on a line of its own below the key",
    "?": "YAML takes a question mark and a space for a key",
}

_COLON = "YAML takes a colon with a space behind it for the end of a key"


def explain_yaml(error: YAMLError, lines: Lines) -> tuple[Problem, int | None]:
    """Say what is wrong; with the number of the line whose value quotes would mend, where they would."""
    if isinstance(error, ReaderError):
        return _character(error, lines), None
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Problem(code="yaml", what="this is not YAML", place=lines.place(1, 1)), None
    line, column = error.problem_mark.line + 1, error.problem_mark.column + 1
    value = _value(error, lines, line, column)
    if value is not None:
        return value, line
    return _layout(error, lines, line, column), None


def quote_it(lines: Lines, line: int) -> str:
    """The mend for a value YAML misreads: quotes, with the line written out; a block where quotes would double."""
    written = lines.quoted(line)
    if not written:
        return "put the value in single quotes"
    if "''" not in written:
        return f"put it in single quotes:  {written}"
    return f"put it in single quotes, each ' inside doubled:  {written}  (or write it below the key as a block: >-)"


def _value(error: MarkedYAMLError, lines: Lines, line: int, column: int) -> Problem | None:
    """The problem when it lies within one value on one line."""
    entry = lines.entry(line)
    problem = error.problem or ""
    if entry is None or column < entry.column or "end of stream" in problem:
        return None
    if not entry.key and not lines.text(line).lstrip().startswith("- "):
        return None
    if "escape" in problem:
        return Problem(
            code="yaml-escape",
            what="a backslash that YAML does not know",
            place=lines.place(line, column),
            why="in double quotes YAML reads \\ as an escape",
            fix="use single quotes around the value; there a backslash is just a backslash",
        )
    if problem.startswith("mapping values") and _has_colon(entry):
        return Problem(
            code="yaml-colon",
            what="a colon with a space behind it, inside an unquoted value",
            place=lines.place(line, column),
            why=_COLON,
            fix=quote_it(lines, line),
        )
    why = _STARTS.get(entry.value[0])
    if why is None or _flow_is_open(error, entry):
        return None
    return Problem(
        code="yaml-quote",
        what="this value must be quoted",
        place=lines.place(line, entry.column),
        why=why,
        fix=quote_it(lines, line),
    )


def _has_colon(entry: Entry) -> bool:
    return bool(entry.key) and (": " in entry.value or entry.value.endswith(":"))


def _flow_is_open(error: MarkedYAMLError, entry: Entry) -> bool:
    """A list or map in brackets that goes on: something inside it is wrong, not its first character."""
    context = error.context or ""
    return entry.value[0] in "[{" and ("flow" in context or "simple key" in context)


def _character(error: ReaderError, lines: Lines) -> Problem:
    before = 0
    for number, text in enumerate(lines.lines, start=1):
        if error.position <= before + len(text):
            place = lines.place(number, error.position - before + 1)
            break
        before += len(text) + 1
    else:
        place = lines.place(1, 1)
    code = error.character if isinstance(error.character, int) else ord(error.character[:1] or "\0")
    return Problem(
        code="yaml-character",
        what=f"a character that may not stand in YAML (U+{code:04X})",
        place=place,
        fix="remove it; it may have come with a copy from a document or a terminal",
    )


def _layout(error: MarkedYAMLError, lines: Lines, line: int, column: int) -> Problem:
    """The problem when it lies between lines: indentation, a missing colon, something never closed."""
    here = lines.place(line, column)
    problem, context = error.problem or "", error.context or ""
    opened = error.context_mark
    start = lines.place(opened.line + 1, opened.column + 1) if opened else here
    if lines.text(line)[column - 1 : column] == "\t":
        return Problem(
            code="yaml-tab", what="a tab indents this line", place=here, fix="use spaces; YAML allows no tabs there"
        )
    if "end of stream" in problem and "quoted" in context:
        return Problem(code="yaml-unclosed", what="this quote is never closed", place=start, fix="close the quote")
    if "flow" in context:
        return _unclosed(lines, start, "]" if "sequence" in context else "}")
    if problem.startswith("mapping values"):
        return _before_colon(lines, line, column)
    if "simple key" in context:
        return _no_colon(lines, start.line)
    if "<block" in problem or "found '?'" in problem or "found '-'" in problem or "entries are not" in problem:
        return Problem(
            code="yaml-indent",
            what="this line's indentation fits neither the line above nor any before it",
            place=here,
            fix="indent keys of one map alike, and each list's dashes alike",
        )
    if "version" in problem:
        return Problem(code="yaml", what="this is YAML of another version", place=here, fix="remove the %YAML line")
    return Problem(code="yaml", what="YAML cannot be read here", place=here, why=problem.split(", but")[0])


def _unclosed(lines: Lines, start: Place, closing: str) -> Problem:
    what = "list" if closing == "]" else "map"
    cut = " #" in lines.text(start.line)[start.column - 1 :]
    return Problem(
        code="yaml-unclosed",
        what=f"this {what} is never closed",
        place=start,
        why="YAML takes ' #' for the beginning of a comment, so the rest of the line is not read"
        if cut
        else f"inside a {what} in brackets, a comma or {closing} must follow each value",
        fix="quote the value that holds ' #'"
        if cut
        else f"close it with {closing}; quote values that hold brackets, braces, commas, ': ' or ' #'",
    )


def _before_colon(lines: Lines, line: int, column: int) -> Problem:
    """`mapping values are not allowed`: the line before is to blame."""
    above = next((n for n in range(line - 1, 0, -1) if lines.text(n).strip()), 0)
    entry = lines.entry(above)
    if entry is not None and entry.key:
        return Problem(
            code="yaml-indent",
            what="this line is indented below a key that already has a value",
            place=lines.place(line, column),
            why=f'line {above} gives "{entry.key}" its value; lines indented deeper belong to that value',
            fix="indent it like the key it follows",
        )
    return _no_colon(lines, above or line)


def _no_colon(lines: Lines, line: int) -> Problem:
    text = lines.text(line)
    column = len(text) - len(text.lstrip()) + 1
    key, colon, rest = text.strip().partition(":")
    if colon and rest and key.replace("_", "").isalnum():
        shown = "" if lines.is_private(line) else f":  {key}: {rest.strip()}"
        return Problem(
            code="yaml-colon",
            what=f'no space behind the colon of "{key}"',
            place=lines.place(line, column + len(key)),
            fix=f"put a space behind the colon{shown}",
        )
    return Problem(
        code="yaml-colon",
        what="no colon on this line",
        place=lines.place(line, column),
        why="every line of a map is a key, a colon and a value",
        fix="write it as `key: value`",
    )
