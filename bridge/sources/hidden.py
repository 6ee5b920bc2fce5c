"""A token taken out of a body that echoes it: some senders repeat the whole address they were given, secret included.

The spellings are made once, when a source is bound; a body that holds none of them is left as it is.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

_HIDDEN = b"[redacted]"

#: A secret as short as a word of the body's own would take the body apart.
_LEAST = 6


class Hider:
    """Secrets in every spelling that a body may hold them in."""

    def __init__(self, secrets: Iterable[str]) -> None:
        texts = {text for secret in secrets if len(secret) >= _LEAST for text in _spellings(secret)}
        # the longest first, so that no spelling leaves a piece of a longer one behind
        self._texts: Sequence[bytes] = sorted((text.encode() for text in texts), key=lambda text: (-len(text), text))

    def hidden(self, body: bytes) -> bytes:
        """The body with `[redacted]` in every secret's stead."""
        for text in self._texts:
            if text in body:
                body = body.replace(text, _HIDDEN)
        return body


def _spellings(secret: str) -> Iterator[str]:
    """As it is, percent-encoded, and each of these inside a JSON string."""
    quoted = [quote(secret, safe=safe) for safe in ("", "/", ":", ":/", "!*'()~", "/:@!$&'()*+,;=~")]
    for text in (secret, *quoted, *(_lower_hex(text) for text in quoted)):
        for inner in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
            yield inner
            yield inner.replace("/", "\\/")


def _lower_hex(quoted: str) -> str:
    head, *escaped = quoted.split("%")
    return head + "".join("%" + text[:2].lower() + text[2:] for text in escaped)
