"""Every function an expression may call: jmespath's own, and ours for text, pairs, time and the request.

Ours give null for a null first argument, so that `||` can go on, and refuse what they cannot read by an `Unfit`
that names the type. Each of ours is documented in docs/mapping.md with an example that is a test.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from jmespath.exceptions import JMESPathTypeError

from bridge.mapping.context import Context, query_pairs
from bridge.mapping.standard import MOST_TEXT, Exact, checker
from bridge.mapping.times import iso, time_of
from bridge.mapping.values import Unfit, digits_of, kind_of
from bridge.model import Json

#: Names under which tools put a pair's key and its value.
_PAIR_KEYS: Final = ("name", "key", "label", "ref", "id", "title", "question")
_PAIR_VALUES: Final = ("value", "answer", "text")

_TEXT: Final = ("string", "number", "null")
_ANY: Final[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: what it takes, what it gives, and how it is called."""

    name: str
    #: for each argument jmespath's names of the types it may have; empty for any
    parameters: tuple[tuple[str, ...], ...]
    #: jmespath's names of the types it may give; None when that depends
    returns: frozenset[str] | None
    call: Callable[..., Json]
    #: the last argument may be repeated
    is_variadic: bool = False
    #: its first argument is the context, and the others are names written out in the mapping
    asks_request: bool = False
    is_standard: bool = False

    @property
    def usage(self) -> str:
        """How many arguments it takes, in words."""
        count = len(self.parameters)
        word = "argument" if count == 1 else "arguments"
        return f"at least {count} {word}" if self.is_variadic else f"{count or 'no'} {word}"


def _standard() -> dict[str, Function]:
    exact = Exact()
    return {name: _from_table(exact, name, spec) for name, spec in Exact.FUNCTION_TABLE.items()}


_RETURNS: Final = {
    "string": "join to_string type",
    "number": "abs ceil floor length sum",
    "boolean": "contains ends_with starts_with",
    "array": "keys values map sort sort_by to_array",
    "object": "merge",
}


def _from_table(exact: Exact, name: str, spec: dict[str, Any]) -> Function:
    """Wrap a function of jmespath's table with its signature's checks."""
    types = [tuple(argument["types"]) for argument in spec["signature"]]
    checks = [checker(list(wanted)) if wanted else None for wanted in types]
    implementation: Callable[..., Json] = spec["function"]
    is_variadic = bool(spec["signature"] and spec["signature"][-1].get("variadic"))

    def call(*arguments: Any) -> Json:
        for number, value in enumerate(arguments):
            at = min(number, len(checks) - 1)
            check = checks[at]
            if check is not None and not check(value):
                raise Unfit(f"{name}() wants {_wanted(types[at])}, got {_got(value, types[at])}")
        try:
            return implementation(exact, *arguments)
        except (TypeError, JMESPathTypeError):
            raise Unfit(f"{name}() cannot work with these types") from None

    returns = next((kind for kind, names in _RETURNS.items() if name in names.split()), None)
    return Function(
        name=name,
        parameters=tuple(types),
        returns=frozenset((returns,)) if returns else None,
        call=call,
        is_variadic=is_variadic,
        is_standard=True,
    )


_WORDS: Final = {
    "string": "text",
    "number": "a number",
    "boolean": "a boolean",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "expref": "an &expression",
    "array-number": "a list of numbers",
    "array-string": "a list of texts",
}


def _wanted(types: tuple[str, ...]) -> str:
    return " or ".join(_WORDS[name] for name in types)


def _got(value: object, types: tuple[str, ...]) -> str:
    return "a list of other things" if isinstance(value, list) and "array" not in types else kind_of(value)


def _text(name: str, value: Json) -> str:
    """An argument as text; a number gives its digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | list | dict) or value is None:
        raise Unfit(f"{name}() wants text, got {kind_of(value)}")
    return digits_of(value)


def _on_text(name: str, change: Callable[..., Json]) -> Callable[..., Json]:
    """A function of texts: null when the first is null."""

    def call(text: Json, *others: Json) -> Json:
        if text is None:
            return None
        return change(_text(name, text), *[_text(name, other) for other in others])

    return call


def _after_prefix(text: str, prefix: str) -> Json:
    return text[len(prefix) :] if text.startswith(prefix) else None


def _before(text: str, separator: str) -> Json:
    head, found, _ = text.partition(_solid("before", separator))
    return head if found else None


def _after(text: str, separator: str) -> Json:
    _, found, tail = text.partition(_solid("after", separator))
    return tail if found else None


def _split(text: str, separator: str) -> Json:
    return list(text.split(_solid("split", separator)))


def _replace(text: str, old: str, new: str) -> Json:
    if text.count(_solid("replace", old)) * len(new) > MOST_TEXT:
        raise Unfit("replace() would make too long a text")
    return text.replace(old, new)


def _solid(name: str, separator: str) -> str:
    if not separator:
        raise Unfit(f"{name}() wants a separator, got empty text")
    return separator


def _digits(text: str) -> Json:
    return "".join(char for char in text if char in "0123456789") or None


def _to_text(value: Json) -> Json:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else _text("to_text", value)


def _join_present(separator: Json, items: Json) -> Json:
    if items is None:
        return None
    if not isinstance(items, list):
        raise Unfit(f"join_present() wants a list, got {kind_of(items)}")
    texts = [_text("join_present", item).strip() for item in items if item is not None]
    between = _text("join_present", separator)
    if len(between) * len(texts) > MOST_TEXT:
        raise Unfit("join_present() would make too long a text")
    return between.join(text for text in texts if text) or None


def _from_json(text: str) -> Json:
    try:
        value: Json = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, InvalidOperation, RecursionError):
        return None
    return value


def _no_constant(name: str) -> Json:
    raise ValueError(name)


def _url_query(url: str, name: str) -> Json:
    _, _, query = url.partition("#")[0].partition("?")
    return next((value for key, value in query_pairs(query) if key == name), None)


def _pair(pairs: Json, name: Json) -> Json:
    """The value that goes with a name in a list of {name, value} objects, whatever the tool calls the two."""
    match pairs:
        case None:
            return None
        case dict():
            return pairs.get(_text("pair", name))
        case list():
            wanted = _text("pair", name)
            for item in pairs:
                if isinstance(item, dict) and any(item.get(key) == wanted for key in _PAIR_KEYS):
                    return next((item[key] for key in _PAIR_VALUES if item.get(key) is not None), None)
            return None
        case _:
            raise Unfit(f"pair() wants a list of pairs, got {kind_of(pairs)}")


def _lookup(items: Json, key: Json, value: Json) -> Json:
    """The first object of a list that has this value under this key."""
    if items is None or value is None:
        return None
    if not isinstance(items, list):
        raise Unfit(f"lookup() wants a list, got {kind_of(items)}")
    name = _text("lookup", key)
    return next((item for item in items if isinstance(item, dict) and item.get(name) == value), None)


def _iso_time(value: Json) -> Json:
    time = time_of(value)
    return iso(time) if time else None


def _header(context: Context, name: str) -> Json:
    return context.header(name)


def _query(context: Context, name: str) -> Json:
    return context.query(name)


def _root(context: Context) -> Json:
    return context.document


def _texts(name: str, count: int, change: Callable[..., Json], returns: str = "string") -> Function:
    parameters = (_TEXT, *[("string", "number")] * (count - 1))
    return Function(name=name, parameters=parameters, returns=frozenset((returns, "null")), call=_on_text(name, change))


def _ours() -> list[Function]:
    listed, text_or_null = ("array", "null"), frozenset(("string", "null"))
    scalar, anything = ("string", "number", "boolean", "null"), None
    named = (("string",),)
    return [
        _texts("lower", 1, str.lower),
        _texts("upper", 1, str.upper),
        _texts("trim", 1, str.strip),
        _texts("digits", 1, _digits),
        _texts("after_prefix", 2, _after_prefix),
        _texts("before", 2, _before),
        _texts("after", 2, _after),
        _texts("replace", 3, _replace),
        _texts("split", 2, _split, "array"),
        _texts("url_query", 2, _url_query),
        Function(name="from_json", parameters=(_TEXT,), returns=anything, call=_on_text("from_json", _from_json)),
        Function(name="to_text", parameters=(scalar,), returns=text_or_null, call=_to_text),
        Function(name="iso_time", parameters=(_ANY,), returns=text_or_null, call=_iso_time),
        Function(
            name="join_present",
            parameters=(("string",), listed),
            returns=text_or_null,
            call=_join_present,
        ),
        Function(
            name="pair",
            parameters=(("array", "object", "null"), ("string", "number")),
            returns=anything,
            call=_pair,
        ),
        Function(name="lookup", parameters=(listed, ("string",), _ANY), returns=anything, call=_lookup),
        Function(name="header", parameters=named, returns=text_or_null, call=_header, asks_request=True),
        Function(name="query", parameters=named, returns=text_or_null, call=_query, asks_request=True),
        Function(name="root", parameters=(), returns=anything, call=_root, asks_request=True),
    ]


FUNCTIONS: Final[dict[str, Function]] = _standard() | {function.name: function for function in _ours()}
