"""An answer's value as a person would say it: the texts of what was chosen, one thing instead of a list of one."""

from typing import Final

from bridge.mapping.options import joined, scalar_text, texts_of
from bridge.model import Json

_EMPTY: Final[tuple[Json, ...]] = (None, "", [], {})


def plain(value: Json, options: list[Json]) -> Json:
    """The value; null when there is nothing in it. `options` are those of its question."""
    match value:
        case str():
            return (texts_of(options, value) if options else value) if value.strip() else None
        case list():
            return _several([item for item in value if item not in _EMPTY], options)
        case dict():
            return _chosen(value) if any(item not in _EMPTY for item in value.values()) else None
        case bool() | None:
            return value
        case _:
            return texts_of(options, value) if options else value


def _several(items: list[Json], options: list[Json]) -> Json:
    """One thing as it is, several as one text; objects that are no options stay a list."""
    if len(items) <= 1:
        return plain(items[0], options) if items else None
    texts = [scalar_text(_chosen(item) if isinstance(item, dict) else item) for item in items]
    known = [text for text in texts if text is not None]
    if len(known) < len(texts):
        return items
    return texts_of(options, [*known]) if options else joined(known)


def _chosen(value: dict[str, Json]) -> Json:
    """The text of an option, or of several, that came as an object; another object as it is."""
    labels = value.get("labels")
    texts = [text for text in map(scalar_text, labels if isinstance(labels, list) else []) if text]
    texts += [text for key in ("label", "other") if (text := scalar_text(value.get(key)))]
    return joined(texts) if texts else value
