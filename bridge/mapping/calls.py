"""Looks at an expression's function calls at load: jmespath itself would only fail when the webhook is there.

Unknown names, wrong numbers of arguments, arguments of a type that never fits, and request functions that ask for
something they may not have.
"""

from collections.abc import Iterator

from bridge.errors import did_you_mean
from bridge.mapping.findings import Finding
from bridge.mapping.functions import FUNCTIONS, Function
from bridge.mapping.kinds import in_words, kinds_of
from bridge.mapping.tree import Call, Literal, Reference, Tree, children, descend, offset_of

#: A header whose name holds one of these carries a proof or a credential: no rule may read or keep it.
_CREDENTIALS = ("authorization", "cookie", "signature", "hmac", "secret", "password", "token", "api-key", "apikey")

#: What other languages call it.
_MEANT = {
    "lowercase": "lower",
    "tolowercase": "lower",
    "downcase": "lower",
    "uppercase": "upper",
    "touppercase": "upper",
    "strip": "trim",
    "capitalize": "title",
    "includes": "contains",
    "indexof": "contains",
    "startswith": "starts_with",
    "endswith": "ends_with",
    "size": "length",
    "count": "length",
    "len": "length",
    "concat": "join_present",
    "coalesce": "not_null",
    "default": "not_null",
    "tostring": "to_text",
    "string": "to_text",
    "str": "to_text",
    "number": "decimal",
    "int": "decimal",
    "float": "decimal",
    "parseint": "decimal",
    "parsefloat": "decimal",
    "tonumber": "decimal",
    "plus": "add",
    "minus": "subtract",
    "times": "multiply",
    "first": "first_of",
    "parsejson": "from_json",
    "tojson": "to_string",
    "date": "iso_time",
    "base64decode": "from_base64",
    "btoa": "from_base64",
    "atob": "from_base64",
    "field": "answer",
    "question": "answer",
    "md5": "sha256",
    "sha1": "sha256",
    "hash": "sha256",
    "jsondecode": "from_json",
    "regexreplace": "replace",
}
#: What is no function here at all.
_INSTEAD = {
    **dict.fromkeys(("if", "iif", "ifelse", "case", "cond"), "write condition && value || other"),
    **dict.fromkeys(("exists", "isset", "defined", "ispresent", "has"), "a path alone is met where something is there"),
    **dict.fromkeys(("isempty", "isnull", "empty", "not"), "write !path, in quotes"),
    **dict.fromkeys(("eq", "equals", "equal"), "write a == 'text'"),
    **dict.fromkeys(("matches", "match", "regex", "test"), "use contains(text, part), starts_with(…) or ends_with(…)"),
    **dict.fromkeys(("and", "or"), "write a && b, a || b"),
    "round": "use floor(…) or ceil(…)",
    "divide": "multiply(a, `0.01`) takes a hundredth",
    "cookie": "a webhook brings none of the visitor's; the sender must hand the click id on",
    "env": "variables stand only under `verify:`",
    "now": "what comes later than the webhook is not known when it is mapped; the time of receipt is the default",
}


def check_calls(tree: Tree) -> list[Finding]:
    """Everything wrong with the calls of a tree; only a tree without findings may be compiled."""
    found = [finding for part in descend(tree) if isinstance(part, Call) for finding in _call(part)]
    return [*found, *_references(tree, allowed=False)]


def names_asked(tree: Tree, function: str) -> frozenset[str]:
    """The names that calls of `header` or `query` in this tree are given."""
    calls = [part for part in descend(tree) if isinstance(part, Call) and part.name == function]
    names = [argument.value for call in calls for argument in call.arguments if isinstance(argument, Literal)]
    return frozenset(str(name).lower() if function == "header" else str(name) for name in names)


def _meant(name: str) -> str:
    """What somebody who calls this function may want."""
    word = name.lower().replace("_", "")
    meant = name.lower() if name.lower() in FUNCTIONS else _MEANT.get(word)
    if meant:
        return f"it is called {meant} here: {meant}(…)"
    return _INSTEAD.get(word) or did_you_mean(name, FUNCTIONS)


def _call(call: Call) -> Iterator[Finding]:
    function = FUNCTIONS.get(call.name)
    if function is None:
        fix = _meant(call.name)
        yield Finding(code="unknown-function", what=f"there is no function {call.name}()", offset=call.offset, fix=fix)
        return
    count, needed = len(call.arguments), len(function.parameters)
    if count < needed or (count > needed and not function.is_variadic):
        yield Finding(
            code="arity",
            what=f"{call.name}() takes {function.usage}, got {count}",
            offset=call.offset,
            fix="the value stands between the brackets: " + f"{call.name}(value)" if not count and needed == 1 else "",
        )
        return
    if function.asks_context:
        yield from _names(call)
    else:
        yield from _arguments(call, function)
        yield from _written(call, function)


def _arguments(call: Call, function: Function) -> Iterator[Finding]:
    for number, argument in enumerate(call.arguments):
        wanted = function.parameters[min(number, len(function.parameters) - 1)]
        known = kinds_of(argument)
        if isinstance(argument, Reference) != ("expref" in wanted):
            what = (
                f"{call.name}() takes {'an &expression' if 'expref' in wanted else 'a value'} as argument {number + 1}"
            )
            fix = "write & before it, as in sort_by(items, &price)" if "expref" in wanted else "leave the & out"
            yield Finding(code="argument", what=what, offset=_inside(call, argument), fix=fix)
        elif wanted and known is not None and known.isdisjoint(kind.partition("-")[0] for kind in wanted):
            allowed = frozenset(kind.partition("-")[0] for kind in wanted)
            what = f"{call.name}() wants {in_words(allowed)} as argument {number + 1}, and this is {in_words(known)}"
            yield Finding(code="argument", what=what, offset=_inside(call, argument))


def _written(call: Call, function: Function) -> Iterator[Finding]:
    """What a function says of the arguments that are written out."""
    for number, argument in enumerate(call.arguments):
        if function.check is not None and isinstance(argument, Literal):
            why = function.check(number, argument.value)
            if why:
                what = f"{call.name}() cannot use this as argument {number + 1}"
                yield Finding(code="argument", what=what, offset=argument.offset, why=why)


def _names(call: Call) -> Iterator[Finding]:
    for argument in call.arguments:
        if not isinstance(argument, Literal) or not isinstance(argument.value, str) or not argument.value.strip():
            yield Finding(
                code="argument",
                what=f"{call.name}() takes a name written out",
                offset=_inside(call, argument),
                why="a question is named in the mapping, never by a webhook"
                if call.name == "answer"
                else "what is kept of a request must be known before it comes",
                fix=f"write {call.name}('name')",
            )
        elif call.name == "header" and is_credential(argument.value):
            yield Finding(
                code="credential",
                what="this header carries a proof or a credential",
                offset=argument.offset,
                why="what rules read is kept with the event; proofs and credentials never are",
            )


def is_credential(header: str) -> bool:
    """Whether a header's name says that a secret may be in it."""
    name = header.lower()
    return not name.isascii() or any(word in name for word in _CREDENTIALS)


def _references(tree: Tree, *, allowed: bool) -> Iterator[Finding]:
    """`&expression` anywhere but as an argument."""
    if isinstance(tree, Reference) and not allowed:
        fix = "use && for and; &expression belongs into sort_by(list, &expression) and kin"
        yield Finding(code="argument", what="a single & stands outside a function", offset=offset_of(tree), fix=fix)
    for child in children(tree):
        yield from _references(child, allowed=isinstance(tree, Call))


def _inside(call: Call, argument: Tree) -> int:
    """Where an argument begins; the call itself when the argument has no words."""
    return offset_of(argument) or call.offset
