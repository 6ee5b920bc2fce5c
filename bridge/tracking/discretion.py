"""What an answer repeats of a person, or of our token, blanked before it is kept, shown or logged. Pure.

Trackers like to quote the request they refuse. Known words are found whatever their case and accents, in JSON
escapes, percent encoding and HTML entities, one inside the other; anything that looks like an e-mail address is
blanked whoever's it is. What is encoded beyond recognition (base64, a hash) is not found. Never raises.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from bridge.model import Payload

#: Takes a text of any length and gives a bounded one in which nobody is named.
Hide: TypeAlias = Callable[[str], str]

BLANK: Final = "[…]"
ADDRESS: Final = "[e-mail]"

_MOST_READ = 8_192
#: The end of what was cut off may hold half a name, in the longest of its spellings.
_MARGIN = 4_096
#: Encodings may be nested this deep.
_MOST_LAYERS = 3
#: A shorter word is blanked only where it stands alone: it would blank the sentence around it.
_SHORTEST_ANYWHERE = 3
_SHORTEST_PART = 2

_MAY_BE_ENCODED = re.compile(r"[\\%&]")
_ENCODED = re.compile(
    r"\\+u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\+u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\+(?:u(?P<four>[0-9a-fA-F]{4})|x(?P<two>[0-9a-fA-F]{2})|(?P<plain>[\"'/\\bfnrt]))"
    r"|%(?:25)*(?P<byte>[0-9a-fA-F]{2})"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});"
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ENDS_ADDRESS = frozenset(" \t\r\n\f\v\"'<>()[]{},;:=&\\/|?#")
_SPACES = str.maketrans("+\t\r\n\f\v", "      ")


def unchanged(text: str) -> str:
    """Hide nothing: for who asked the tracker himself."""
    return text


def hider(payload: Payload, *, secrets: Iterable[str] = ()) -> Hide:
    """What hides the person a payload is about, and these secrets."""
    name = payload.customer_name or ""
    whole = (payload.customer_email, payload.customer_external_id, payload.customer_avatar, name, *secrets)
    words = [_Word.of(word, alone=len(word) < _SHORTEST_ANYWHERE) for word in whole if word]
    words += [_Word.of(part, alone=True) for part in name.split() if len(part) >= _SHORTEST_PART]
    known = tuple(word for word in words if word.folded)
    return lambda text: hidden(text, known)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """Something to look for, as `_Reading` spells it."""

    folded: str
    #: only where no letter or digit touches it
    alone: bool

    @staticmethod
    def of(word: str, *, alone: bool) -> "_Word":
        return _Word(folded=_Reading.of(word).folded.translate(_SPACES).strip(), alone=alone)


def hidden(text: str, words: Sequence[_Word]) -> str:
    """The text, bounded, with these words and every e-mail address blanked."""
    end = len(text) if len(text) <= _MOST_READ else _MOST_READ - _MARGIN
    reading = _Reading.of(text[:_MOST_READ])
    parts, done = [], 0
    for start, stop, blank in _merged(_found(reading, words)):
        if start >= end:
            break
        parts += [text[done:start], blank]
        done = stop
    return "".join([*parts, text[done:end]])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A text as it is meant: decoded, in one case, without accents; and where each character of it came from."""

    folded: str
    #: where each character begins and ends in the text; None: character by character
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    @staticmethod
    def of(text: str) -> "_Reading":
        if text.isascii() and "\0" not in text and not _MAY_BE_ENCODED.search(text):
            return _Reading(folded=text.lower())
        meant, starts, ends = text, list(range(len(text))), list(range(1, len(text) + 1))
        for _ in range(_MOST_LAYERS):
            layer = list(_decoded(meant))
            if len(layer) == len(meant):
                break
            meant = "".join(char for char, _, _ in layer)
            starts, ends = [starts[first] for _, first, _ in layer], [ends[last - 1] for _, _, last in layer]
        folded = [(part, place) for place, char in enumerate(meant) for part in _folded(char)]
        return _Reading(
            folded="".join(part for part, _ in folded),
            starts=[starts[place] for _, place in folded],
            ends=[ends[place] for _, place in folded],
        )

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where the characters from `first` up to `last` stand in the text."""
        if self.starts is None or self.ends is None:
            return first, last
        return self.starts[first], self.ends[last - 1]


def _decoded(text: str) -> Iterator[tuple[str, int, int]]:
    """One layer of encoding less: each character with its place."""
    done, pending = 0, bytearray()
    began = 0
    for found in _ENCODED.finditer(text):
        if pending and (found.start() != done or found["byte"] is None):
            yield from _bytes_decoded(pending, began, done)
            pending.clear()
        yield from ((char, place, place + 1) for place, char in enumerate(text[done : found.start()], done))
        done = found.end()
        if found["byte"] is None:
            yield from ((char, found.start(), done) for char in _character(found))
            continue
        began = began if pending else found.start()
        pending.append(int(found["byte"], 16))
    if pending:
        yield from _bytes_decoded(pending, began, done)
    yield from ((char, place, place + 1) for place, char in enumerate(text[done:], done))


def _bytes_decoded(encoded: bytes | bytearray, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """A run of percent-encoded bytes. Each of its characters takes the whole run with it when more than ASCII."""
    try:
        meant = bytes(encoded).decode()
    except UnicodeDecodeError:
        meant = bytes(encoded).decode("latin-1")
    each, odd = divmod(end - start, len(meant))
    for place, char in enumerate(meant):
        yield (char, start, end) if odd else (char, start + each * place, start + each * (place + 1))


def _character(found: re.Match[str]) -> str:
    if found["high"]:
        high, low = int(found["high"], 16), int(found["low"], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    if found["four"] or found["two"]:
        return chr(int(found["four"] or found["two"], 16))
    if found["plain"]:
        return _CONTROLS.get(found["plain"], found["plain"])
    return html.unescape(found[0])


def _folded(char: str) -> str:
    """Lower case without accents; nothing of what cannot be seen."""
    if char.isascii():
        return char.lower() if char.isprintable() else " " * char.isspace()
    if char.isspace():
        return " "
    apart = unicodedata.normalize("NFKD", char).casefold()
    return "".join(part for part in apart if unicodedata.category(part) not in ("Mn", "Cf", "Cc"))


def _found(reading: _Reading, words: Sequence[_Word]) -> Iterator[tuple[int, int, str]]:
    spaced = reading.folded.translate(_SPACES)
    for word in words:
        size = len(word.folded)
        at = spaced.find(word.folded)
        while at >= 0:
            if not word.alone or not (spaced[at - 1 : at].isalnum() or spaced[at + size : at + size + 1].isalnum()):
                yield (*reading.span(at, at + size), BLANK)
            at = spaced.find(word.folded, at + size)
    at = reading.folded.find("@")
    while at >= 0:
        first, last = _address_around(reading.folded, at)
        if first < at < last - 1:
            yield (*reading.span(first, last), ADDRESS)
        at = reading.folded.find("@", last)


def _address_around(text: str, at: int) -> tuple[int, int]:
    first, last = at, at + 1
    while first > 0 and text[first - 1] not in _ENDS_ADDRESS:
        first -= 1
    while last < len(text) and text[last] not in _ENDS_ADDRESS:
        last += 1
    return first, last


def _merged(found: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Spans in order, none over another; what is an address is called one."""
    current: tuple[int, int, str] | None = None
    for start, stop, blank in sorted(found):
        if current is None or start >= current[1]:
            if current is not None:
                yield current
            current = (start, stop, blank)
        else:
            kind = ADDRESS if ADDRESS in (blank, current[2]) else BLANK
            current = (current[0], max(stop, current[1]), kind)
    if current is not None:
        yield current
