"""The texts of chosen options, which form tools send as ids."""

from typing import Final

from bridge.mapping.standard import MOST_TEXT
from bridge.mapping.values import Unfit, digits_of
from bridge.model import Json

#: Names under which tools put an option's id and its text.
_IDS: Final = ("id", "value", "key", "ref")
_TEXTS: Final = ("text", "label", "name", "title", "value")

_BETWEEN: Final = ", "


def texts_of(options: list[Json], value: Json) -> str | None:
    """The texts of one id or of a list of ids, joined by a comma; an id without an option stands for itself."""
    known = _known(options)
    chosen = value if isinstance(value, list) else [value]
    texts = [known.get(text, text) for text in map(scalar_text, chosen) if text]
    return joined(texts)


def joined(texts: list[str]) -> str | None:
    """Several texts as one, nothing left over being null."""
    if sum(map(len, texts)) + len(_BETWEEN) * len(texts) > MOST_TEXT:
        raise Unfit("the chosen options would make too long a text")
    return _BETWEEN.join(texts) or None


def scalar_text(value: Json) -> str | None:
    """Text, a number's digits, true or false; null of null, a list or an object."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case None | list() | dict():
            return None
        case _:
            return digits_of(value)


def _known(options: list[Json]) -> dict[str, str]:
    """The text of each option by its id; of two with one id, the first."""
    found: dict[str, str] = {}
    for option in options:
        if not isinstance(option, dict):
            continue
        text = next((text for name in _TEXTS if (text := scalar_text(option.get(name)))), None)
        for id_ in [scalar_text(option.get(name)) for name in _IDS]:
            if id_ and text is not None:
                found.setdefault(id_, text)
    return found
