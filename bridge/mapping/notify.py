"""`notify:` of a mapping: whom to tell of this source's troubles. What its variables hold is not known here."""

from dataclasses import dataclass
from typing import Final, Literal, cast

from bridge.mapping.reader import Reader
from bridge.model import Node
from bridge.notices import FORMATS, TOPICS

KEYS: Final = ("url", "secret", "format", "on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """The section as it is written; url and secret are variables, or a text that should be one."""

    url: Node
    secret: Node | None = None
    #: None: by the address
    format: Literal["slack", "generic"] | None = None
    #: words of TOPICS; all of them unless some are named
    on: tuple[str, ...] = tuple(TOPICS)


def notify_of(node: Node | None, reader: Reader) -> Notify | None:
    """Read the section; None when it was not given or a problem is noted."""
    if node is None or reader.is_lost(node):
        return None
    given = reader.entries(node, "notify", KEYS)
    if node.kind == "map" and "url" not in given:
        fix = "write url: ${NAME}, and put the address into that variable"
        reader.note("missing-key", node.place, '"notify" has no "url"', fix=fix)
    url, form = given.get("url"), reader.choice(given.get("format"), "format", FORMATS)
    secret = given.get("secret")
    on = tuple(word for item in _words(given.get("on"), reader) if (word := reader.choice(item, "on", tuple(TOPICS))))
    wanted = [(url, "url"), (secret, "secret")]
    if url is None or not all(reader.text(item, name) for item, name in wanted if item is not None):
        return None
    return Notify(
        url=url,
        secret=secret,
        format=cast("Literal['slack', 'generic'] | None", form),
        on=on or tuple(TOPICS),
    )


def _words(node: Node | None, reader: Reader) -> tuple[Node, ...]:
    if node is None or reader.is_lost(node):
        return ()
    reader.texts(node, "on")  # notes what is listed twice
    return (node,) if node.kind == "scalar" else node.items
