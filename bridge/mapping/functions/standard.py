"""jmespath's own functions: its table, made exact, with each signature checked before the call."""

from collections.abc import Callable
from typing import Any, Final

from jmespath.exceptions import JMESPathTypeError

from bridge.mapping.functions.function import Function
from bridge.mapping.standard import Exact, checker
from bridge.mapping.values import Unfit, kind_of
from bridge.model import Json

_RETURNS: Final = {
    "string": "join to_string type",
    "number": "abs ceil floor length sum",
    "boolean": "contains ends_with starts_with",
    "array": "keys values map sort sort_by to_array",
    "object": "merge",
}

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


def functions() -> list[Function]:
    """All of jmespath's table."""
    exact = Exact()
    return [_from_table(exact, name, spec) for name, spec in Exact.FUNCTION_TABLE.items()]


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


def _wanted(types: tuple[str, ...]) -> str:
    return " or ".join(_WORDS[name] for name in types)


def _got(value: object, types: tuple[str, ...]) -> str:
    return "a list of other things" if isinstance(value, list) and "array" not in types else kind_of(value)
