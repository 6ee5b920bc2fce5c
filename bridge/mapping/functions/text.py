"""Functions for text: case, cutting, putting together."""

from bridge.mapping.functions.function import NAME, Function, kinds, of_texts, text_of_argument
from bridge.mapping.standard import MOST_TEXT
from bridge.mapping.values import Unfit, kind_of
from bridge.model import Json


def functions() -> list[Function]:
    """Everything that makes text of text."""
    scalar = ("string", "number", "boolean", "null")
    return [
        of_texts("lower", str.lower),
        of_texts("upper", str.upper),
        of_texts("title", str.title),
        of_texts("trim", str.strip),
        of_texts("digits", _digits),
        of_texts("after_prefix", _after_prefix, 2),
        of_texts("before", _before, 2),
        of_texts("after", _after, 2),
        of_texts("replace", _replace, 3),
        of_texts("split", _split, 2, "array"),
        Function(name="to_text", parameters=(scalar,), returns=kinds("string"), call=_to_text),
        Function(
            name="join_present",
            parameters=(NAME, ("array", "object", "string", "null")),
            returns=kinds("string"),
            call=_join_present,
        ),
    ]


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
    return None if value is None else text_of_argument("to_text", value)


def _join_present(separator: Json, items: Json) -> Json:
    match items:
        case None:
            return None
        case list():
            parts = items
        case dict():
            parts = list(items.values())
        case str():
            parts = [items]
        case _:
            raise Unfit(f"join_present() wants a list, got {kind_of(items)}")
    texts = [text_of_argument("join_present", part).strip() for part in parts if part is not None]
    between = text_of_argument("join_present", separator)
    if len(between) * len(texts) > MOST_TEXT:
        raise Unfit("join_present() would make too long a text")
    return between.join(text for text in texts if text) or None
