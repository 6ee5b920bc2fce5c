"""What is no expression, in plain words: where it goes wrong, what other language it was, how this one says it.

jmespath's own errors say what token came; people pasted JSONPath, jq, JavaScript or a template, or forgot a quote.
"""

from typing import Final

from jmespath.exceptions import IncompleteExpressionError, JMESPathError, LexerError, ParseError

from bridge.errors import BridgeError


class ExpressionError(BridgeError):
    """The text is no expression."""

    def __init__(self, what: str, offset: int, *, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.offset = offset
        self.why = why
        self.fix = fix


def told(error: JMESPathError, text: str) -> ExpressionError:
    """Say what jmespath found."""
    if isinstance(error, LexerError):
        return _character(text, error.lexer_position)
    if isinstance(error, IncompleteExpressionError):
        return _early(text)
    if not isinstance(error, ParseError):
        return ExpressionError("this is no expression", 0)
    offset, kind, word = error.lex_position, error.token_type, str(error.token_value)
    if "function name" in error.msg:
        return ExpressionError("only a plain name can be called", offset, fix="a function is called as name(…)")
    match kind:
        case "UNQUOTED_IDENTIFIER" | "QUOTED_IDENTIFIER" | "CURRENT" | "LITERAL":
            return _word(text, offset, kind, word)
        case "NUMBER":
            return _number(text, offset, word)
        case "EOF":
            return _early(text)
        case _:
            return _sign(text, offset, word)


_WORDS: Final = {
    "and": "use && for and",
    "or": "use || for or",
    "not": "use ! for not",
    "in": "use contains(list, value)",
    "is": "use == to compare",
    "eq": "use == to compare",
    "like": "use contains(text, part), starts_with or ends_with",
    "if": "use condition && value || other",
    "then": "use condition && value || other",
}

_JSONPATH: Final = "that is JSONPath; here a path begins with its first name"
_DOT: Final = "the parts of a path are joined by dots: order.customer.id"

#: What stands at a character that no token begins with; the first that fits.
_CHARACTERS: Final = (
    ("${", "a variable is no part of an expression", "", "variables stand only under `verify:`; write a value or path"),
    ("$.", "$. is no part of a path", _JSONPATH, "leave $. out"),
    ("$[", "$ is no part of a path", _JSONPATH, 'write the first name: order."a name"'),
    ("$", "$ is no part of a path", "", "begin with the first name; root() is the whole document"),
    ("?.", "?. is no operator", "a path through something that is missing gives null anyway", "write a plain dot"),
    ("??", "?? is no operator", "", "use a || b: b where a is null, false or empty"),
    ("->", "-> is no operator", "", _DOT),
    ("{%", "a template is no expression", "", "write the path alone, without {% and %}"),
    ("%}", "a template is no expression", "", "write the path alone, without {% and %}"),
    ("%=", "a template is no expression", "", "write the path alone, without <%= and %>"),
    ("%>", "a template is no expression", "", "write the path alone, without <% and %>"),
    ("+", "+ is no operator", "", "add(a, b) adds numbers; join('', [a, b]) puts texts together"),
    ("%", "% is no operator", "", "there is no arithmetic in signs: add, subtract and multiply are functions"),
    ("#", "# is no part of an expression", "", "put a name with a # in double quotes"),
    (";", "; is no part of an expression", "", "leave it out: one value is one expression"),
    ("~", "~ is no part of an expression", "", "leave the line out for nothing; == compares"),
)  # fmt: skip


def _character(text: str, offset: int) -> ExpressionError:
    """A character no token begins with; the lexer's own position points at it."""
    rest, char = text[offset:], text[offset : offset + 1]
    for sign, what, why, fix in _CHARACTERS:
        if rest.startswith(sign):
            return ExpressionError(what, offset, why=why, fix=fix)
    match char:
        case "=":
            return _equals(text, offset)
        case "?" if " :" in rest or ": " in rest:
            fix = "use condition && value || other"
            return ExpressionError("? : is no operator", offset, fix=fix)
        case "?":
            fix = "use a || b for a fallback, [?condition] to choose from a list"
            return ExpressionError("? is no operator", offset, fix=fix)
        case "-" if text[offset - 1 : offset] == " " and rest.startswith("- ") and text[:offset].strip():
            return ExpressionError("- is no operator", offset, fix="subtract(a, b) takes one number from another")
        case "-":
            fix = 'put a name with a hyphen in double quotes: "utm-source"; subtract(a, b) is for numbers'
            return ExpressionError("a hyphen outside quotes", offset, fix=fix)
        case "/" if not text[:offset].strip():
            return ExpressionError("a path does not begin with /", offset, fix=_DOT)
        case "/":
            fix = "multiply(a, `0.01`) takes a hundredth; put a name with a slash in double quotes"
            return ExpressionError("/ is no operator", offset, fix=fix)
        case '"':
            fix = "write \\\\ for a backslash"
            return ExpressionError("this quoted name is not valid JSON text", offset, fix=fix)
        case _ if char.isalpha():
            fix = "put names with other letters than a to z in double quotes"
            return ExpressionError(f'"{char}" outside quotes', offset, fix=fix)
        case _:
            return ExpressionError(f"{char} is no part of an expression", offset)


def _equals(text: str, offset: int) -> ExpressionError:
    """A lone =, or the third sign of === and !==."""
    before = text[max(offset - 2, 0) : offset]
    if before in ("==", "!="):
        return ExpressionError(f"{before}= is no operator", offset - 2, fix=f"use {before}: types are compared, too")
    if text[offset + 1 : offset + 2] in ("<", ">"):
        sign = text[offset + 1]
        return ExpressionError(f"={sign} is no operator", offset, fix=f"use {sign}=")
    return ExpressionError("a single = is no operator", offset, fix="use == to compare")


def _word(text: str, offset: int, kind: str, word: str) -> ExpressionError:
    """A name or a value where an operator should be."""
    before = text[:offset].rstrip()
    last = before.rpartition(" ")[2]
    if kind == "UNQUOTED_IDENTIFIER" and word in _WORDS:
        return ExpressionError(f'"{word}" is no operator', offset, fix=_WORDS[word])
    if last in _WORDS:
        return ExpressionError(f'"{last}" is no operator', len(before) - len(last), fix=_WORDS[last])
    if before.endswith("["):
        return _index(offset, kind, word)
    if kind == "LITERAL":
        return _value(text, offset, word)
    fix = 'put a name with spaces in double quotes: "First name"; text in single quotes'
    return ExpressionError(f'an operator is missing before "{word}"', offset, fix=fix)


def _index(offset: int, kind: str, word: str) -> ExpressionError:
    """`customer["id"]`, as other languages have it."""
    name = word if is_name(word) else f'"{word}"'
    what = "a name is no index" if kind == "UNQUOTED_IDENTIFIER" else "text is no index"
    return ExpressionError(what, offset, fix=f"a name follows a dot: .{name}; an index is a number: [0]")


def _value(text: str, offset: int, word: str) -> ExpressionError:
    before = text[:offset]
    if before.endswith("'") and text[offset : offset + 1] == "'":
        fix = "write \\' for a quote inside the text"
        return ExpressionError("the text ends before this quote", offset, fix=fix)
    if before.rstrip().endswith("."):
        name = word if is_name(word) else f'"{word}"'
        return ExpressionError("text is no name", offset, fix=f"write the name as it is: .{name}")
    return ExpressionError("an operator is missing before this value", offset)


def _number(text: str, offset: int, word: str) -> ExpressionError:
    """A number outside brackets."""
    rest = text[offset + len(word) :]
    if text[:offset].rstrip().endswith("."):
        fix = f'an index stands in brackets: [{word}]; a name that begins with a digit in double quotes: ."{word}"'
        return ExpressionError(f"{word} is not expected here", offset, fix=fix)
    if rest[:1].isalpha() or rest[:1] == "_":
        fix = "put a name that begins with a digit in double quotes"
        return ExpressionError("a name cannot begin with a digit", offset, fix=fix)
    fraction = rest[1:].partition(" ")[0] if rest[:1] == "." else ""
    number = f"{word}.{fraction}" if fraction.isdigit() else word
    why = "a bare number is only an index: [0]"
    fix = f'write the number as `{number}`, a name that begins with a digit in double quotes: "{number}"'
    return ExpressionError(f"{word} is not expected here", offset, why=why, fix=fix)


_PAIRS: Final = {")": "(", "]": "[", "}": "{"}


def _sign(text: str, offset: int, word: str) -> ExpressionError:
    """An operator or a bracket where a value should be."""
    what, fix = f"{word} is not expected here", ""
    match word:
        case "&":
            what, fix = "a single & is no operator here", "use && for and"
        case "{" if text[offset - 1 : offset + 1] == "{{":
            return ExpressionError(
                "a template is no expression", offset - 1, fix="write the path alone, without {{ and }}"
            )
        case ">" if text[offset - 1 : offset] == "<":
            return ExpressionError("<> is no operator", offset - 1, fix="use !=")
        case "." if text[offset - 1 : offset] == ".":
            what = "a name is missing between the two dots"
        case "." if not text[:offset].strip():
            what, fix = "a path does not begin with a dot", "begin with the first name"
        case "*":
            fix = "multiply(a, b) multiplies; [*] is every item of a list"
        case ":":
            fix = _DOT
        case ",":
            fix = "use a || b for a fallback; a list of values stands in brackets: [a, b]"
        case ")" | "]" | "}" if _open(text[:offset]).count(_PAIRS[word]) == 0:
            what, fix = f"this {word} closes nothing", "leave it out, or open it before"
        case _:
            pass
    return ExpressionError(what, offset, fix=fix)


def _early(text: str) -> ExpressionError:
    closing = {opening: closer for closer, opening in _PAIRS.items()}
    still_open = _open(text)
    fix = f"close it with {closing[still_open[-1]]}" if still_open else "finish the last operator"
    return ExpressionError("the expression ends too early", len(text.rstrip()), fix=fix)


def _open(text: str) -> str:
    """The brackets that are still open at the end of the text, those in quotes not counted."""
    found: list[str] = []
    quote, skip = "", False
    for char in text:
        if skip or char == "\\":
            skip = not skip
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char in "([{":
            found.append(char)
        elif char in _PAIRS and found and found[-1] == _PAIRS[char]:
            found.pop()
    return "".join(found)


def is_name(text: str) -> bool:
    """Whether the text is a name that needs no quotes."""
    return text.isascii() and text.replace("_", "a").isalnum() and not text[0].isdigit()
