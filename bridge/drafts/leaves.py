"""A document's values, each with the path that leads to it and the words of the names on the way.

Of a list of objects the first one speaks for all; a list of {name, value} pairs gives each pair by its name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.mapping.spelling import LIKE_VALUES, name_of
from bridge.model import Json

#: Further down nobody looks: what a webhook is about stands near its top.
MOST_DEPTH = 12
MOST_LEAVES = 20_000

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAME_KEYS = ("name", "key")
_VALUE_KEYS = ("value",)
#: A pair has its two, an id and a type at most.
_MOST_BESIDE = 4

Scalar = bool | int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One value that is no list and no object."""

    path: str
    #: the path of what it stands in; empty at the top
    within: str
    key: str
    words: frozenset[str]
    #: the words of the names above it, the nearest last
    above: tuple[frozenset[str], ...]
    value: Json
    #: it stands in a list's item, of which there may be others
    is_listed: bool = False
    #: it is one of a list of {name, value}
    is_pair: bool = False

    @property
    def depth(self) -> int:
        """How many names lead to it, its own left out."""
        return len(self.above)

    @property
    def parent(self) -> frozenset[str]:
        """The words of the name above it; none at the top."""
        return self.above[-1] if self.above else frozenset()

    @property
    def around(self) -> frozenset[str]:
        """All words above it."""
        return frozenset().union(*self.above)


def words_of(name: str) -> frozenset[str]:
    """The words of a key, however it joins them: `customerEmail`, `customer_email`, `Customer e-mail`."""
    return frozenset(word.lower() for word in _WORD.findall(name))


def leaves(document: Json, path: str = "") -> list[Leaf]:
    """Every value, in the order of the document; with `path`, as if the document stood there."""
    found: list[Leaf] = []
    for leaf in _walk(document, path, (), is_listed=False):
        found.append(leaf)
        if len(found) >= MOST_LEAVES:
            break
    return found


def joined(path: str, key: str) -> str:
    """The path of a key below a path."""
    return f"{path}.{name_of(key)}" if path else name_of(key)


def _walk(value: Json, path: str, above: tuple[frozenset[str], ...], *, is_listed: bool) -> Iterator[Leaf]:
    if not isinstance(value, dict) or len(above) >= MOST_DEPTH:
        return
    for key, item in value.items():
        if key in LIKE_VALUES:  # a path of it would look like a slip, whatever the quotes
            continue
        inner, words = joined(path, key), words_of(key)
        match item:
            case dict():
                yield from _walk(item, inner, (*above, words), is_listed=is_listed)
            case [dict(), *_] if is_pairs(item):
                yield from _pairs(item, inner, (*above, words))
            case [dict() as first, *_]:
                yield from _walk(first, f"{inner}[0]", (*above, words), is_listed=True)
            case list():
                continue
            case _:
                yield Leaf(path=inner, within=path, key=key, words=words, above=above, value=item, is_listed=is_listed)


def is_pairs(items: list[Json]) -> bool:
    """Whether this is a list of {name, value}, with little else in each."""
    return bool(items) and all(
        isinstance(item, dict)
        and len(item) <= _MOST_BESIDE
        and _key_in(item, _NAME_KEYS)
        and _key_in(item, _VALUE_KEYS)
        and not isinstance(item.get("value"), dict | list)
        for item in items
    )


def _pairs(items: list[Json], path: str, above: tuple[frozenset[str], ...]) -> Iterator[Leaf]:
    for item in items:
        if not isinstance(item, dict):
            continue
        name, value = item.get(_key_in(item, _NAME_KEYS)), item.get(_key_in(item, _VALUE_KEYS))
        if isinstance(name, str) and name and "'" not in name and name.isprintable():
            text = f"pair({path}, '{name}')"
            yield Leaf(path=text, within=path, key=name, words=words_of(name), above=above, value=value, is_pair=True)


def _key_in(item: dict[str, Json], keys: tuple[str, ...]) -> str:
    return next((key for key in keys if key in item), "")
