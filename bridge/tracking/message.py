"""What an answer says went wrong, in one line for people, whatever shape the tracker chose for saying it.

Reads every error shape seen in the vendor's documents and packages, and the usual ones of web frameworks. What
comes out is one short printable line; e-mail addresses and long tokens, which trackers like to quote, are blanked.
Pure; takes any JSON and never raises.
"""

import re
from collections.abc import Iterator
from itertools import islice

from bridge.model import Json
from bridge.tracking.discretion import ADDRESS, BLANK, Hide, unchanged

MOST_CHARS = 200
_MOST_READ = 4_000
_MOST_PARTS = 6
_MOST_DEPTH = 5

#: The sentence, best first.
_SENTENCE = (
    "message", "error", "detail", "description", "error_description", "errorMessage", "msg", "reason", "title", "code",
)  # fmt: skip
#: What it is about, item by item.
_PARTICULARS = ("errors", "details", "issues", "fieldErrors", "formErrors", "violations")
#: The field an item speaks of.
_FIELD = ("field", "path", "loc", "param", "property", "pointer")

_NUMBER = re.compile(r"\+?[0-9]{8,}")
_TOKEN = re.compile(r"[A-Za-z0-9_\-+/=.~]{16,}")


def message_of(answer: Json, hide: Hide = unchanged) -> str:
    """The line for an answer that was JSON; empty when it says nothing."""
    said = dict.fromkeys(islice(_says(answer, _MOST_DEPTH), _MOST_PARTS))
    return one_line("; ".join(hide(text)[:_MOST_READ] for text in said))


def title_of(page: str) -> str:
    """The line for an answer that was a web page: its title."""
    lower = page.lower()
    start = lower.find(">", lower.find("<title")) + 1 if "<title" in lower else 0
    end = lower.find("</title", start)
    return one_line(f"a web page: {page[start:end]}") if 0 < start < end else "a web page"


def one_line(text: str) -> str:
    """Bounded, printable, on one line, with e-mail addresses and long tokens blanked."""
    printable = "".join(char if char.isprintable() else " " for char in text[:_MOST_READ])
    line = " ".join(_blanked(word) for word in printable.split())
    return line if len(line) <= MOST_CHARS else f"{line[: MOST_CHARS - 1].rstrip()}…"


def _says(value: Json, depth: int) -> Iterator[str]:
    if depth < 0:
        return
    match value:
        case str():
            if value.strip():
                yield value.strip()
        case list():
            for item in value[:_MOST_PARTS]:
                yield from _says(item, depth - 1)
        case dict():
            yield from _object_says(value, depth)


def _object_says(value: dict[str, Json], depth: int) -> Iterator[str]:
    field = _field(value)
    sentence = _sentence(value, depth)
    yield from (f"{field}: {text}" if field else text for text in sentence)
    named = [value[key] for key in _PARTICULARS if key in value]
    for particulars in named:
        if isinstance(particulars, dict):
            yield from _fields_say(particulars, depth - 1)
        else:
            yield from _says(particulars, depth - 1)
    if not sentence and not named:
        yield from _says(value.get("data"), depth - 1)


def _sentence(value: dict[str, Json], depth: int) -> list[str]:
    for key in _SENTENCE:
        said = list(islice(_says(value.get(key), depth - 1), _MOST_PARTS))
        if said:
            return said
    return []


def _fields_say(fields: dict[str, Json], depth: int) -> Iterator[str]:
    """A map of field → what is wrong with it, or one more object that says it in its own words."""
    said = list(islice(_object_says(fields, depth), _MOST_PARTS)) if depth >= 0 else []
    yield from said
    if not said:
        for name, item in islice(fields.items(), _MOST_PARTS):
            yield from (f"{name}: {text}" for text in islice(_says(item, depth - 1), _MOST_PARTS))


def _field(value: dict[str, Json]) -> str:
    for key in _FIELD:
        match value.get(key):
            case str() as name if name:
                return name
            case list() as path if path:
                return ".".join(str(step) for step in path[:_MOST_PARTS] if isinstance(step, str | int))
    return ""


def _blanked(word: str) -> str:
    at = word.find("@")
    if 0 < at < len(word) - 1 or "%40" in word:
        return ADDRESS
    return _NUMBER.sub(BLANK, _TOKEN.sub(_blanked_token, word))


def _blanked_token(found: re.Match[str]) -> str:
    """Keep long words of an error such as CUSTOMER_EXTERNAL_ID_REQUIRED; ids and tokens hold digits."""
    token = found[0]
    return BLANK if len(token) > 40 or any(char.isdigit() for char in token) else token
