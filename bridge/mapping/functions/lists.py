"""Functions that find something in a list: a pair's value, an object, the first that is there, an option's text."""

from typing import Final

from bridge.mapping.functions.function import ANY, LIST, NAME, Function, kinds, list_of_argument, text_of_argument
from bridge.mapping.options import texts_of
from bridge.mapping.values import Unfit, kind_of
from bridge.model import Json

#: Names under which tools put a pair's key and its value.
_PAIR_KEYS: Final = ("name", "key", "label", "ref", "id", "title", "question")
_PAIR_VALUES: Final = ("value", "answer", "text")


def functions() -> list[Function]:
    """Everything that looks something up."""
    return [
        Function(name="pair", parameters=(("array", "object", "null"), NAME), returns=None, call=_pair),
        Function(name="lookup", parameters=(LIST, NAME, ANY), returns=None, call=_lookup),
        Function(name="first_of", parameters=(LIST,), returns=None, call=_first_of),
        Function(name="option_text", parameters=(LIST, ANY), returns=kinds("string"), call=_option_text),
    ]


def _pair(pairs: Json, name: Json) -> Json:
    """The value that goes with a name in a list of {name, value} objects, whatever the tool calls the two."""
    match pairs:
        case None:
            return None
        case dict():
            return pairs.get(text_of_argument("pair", name))
        case list():
            wanted = text_of_argument("pair", name)
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
    name = text_of_argument("lookup", key)
    objects = [item for item in list_of_argument("lookup", items) if isinstance(item, dict)]
    return next((item for item in objects if item.get(name) == value), None)


def _first_of(items: Json) -> Json:
    if items is None:
        return None
    return next((item for item in list_of_argument("first_of", items) if item not in (None, "", [], {})), None)


def _option_text(options: Json, value: Json) -> Json:
    if options is None or value is None:
        return None
    if isinstance(value, dict | bool):
        raise Unfit(f"option_text() wants an id or a list of ids, got {kind_of(value)}")
    return texts_of(list_of_argument("option_text", options), value)
