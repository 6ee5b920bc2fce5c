"""Templates and headers: everything that a page shows is escaped, made visible and cut, wherever it came from.

That is not a filter to remember: it happens to each value on its way into the page. What is ours already is Markup.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from bridge import __version__, backlog
from bridge.web.admin.asking import Ask, href
from bridge.wording import deliveries, nextsteps, sources, story, texts, tracker
from bridge.wording.texts import printable

FOLDER: Final = Path(__file__).resolve().parents[1] / "pages"
#: Of one value, so much is shown.
MOST_SHOWN: Final = 2_000
#: Of a webhook's body, so much stands on a page.
MOST_BODY: Final = 16 * 1024

#: No script, no frame, no form to elsewhere, nothing from elsewhere.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "x-robots-tag": "noindex, nofollow",
    "cache-control": "no-store",
}

_STATIC: Final = {"style.css": "text/css", "icon.svg": "image/svg+xml"}


class Pages:
    """Makes the pages; the templates are read once."""

    def __init__(self) -> None:
        self._static = {name: (FOLDER / name).read_bytes() for name in _STATIC}
        self._env = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=harmless,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._env.filters |= {"cut": cut, "lines": lines, "tone": _tone, "facts": list}
        self._env.globals |= {
            "href": href,
            "style": hashlib.sha256(self._static["style.css"]).hexdigest()[:12],
            "version": __version__,
            "backlog": backlog,
            "deliveries": deliveries,
            "nextsteps": nextsteps,
            "sources": sources,
            "story": story,
            "texts": texts,
            "tracker": tracker,
        }

    def show(self, ask: Ask, name: str, *, status: int = 200, refresh: int = 0, **values: object) -> Response:
        """A page for somebody who is signed in."""
        return self.plain(name, status=status, ask=ask, now=ask.now, refresh=refresh, **values)

    def plain(self, name: str, *, status: int = 200, **values: object) -> Response:
        """A page for anybody."""
        return HTMLResponse(self._env.get_template(name).render(values), status_code=status)

    def static(self, name: str) -> Response | None:
        """A file of ours that holds no data; its address changes with it."""
        if name not in self._static:
            return None
        headers = {"cache-control": "private, max-age=31536000, immutable"}
        return Response(self._static[name], media_type=_STATIC[name], headers=headers)


def harmless(value: object) -> object:
    """A value as it may stand on a page, before it is escaped."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return cut(value, MOST_SHOWN)
    return "" if value is None else value


def cut(text: str, most: int) -> str:
    """At most so many characters, with the invisible ones made visible; where it was cut, it says so."""
    if len(text) <= most:
        return printable(text)
    return printable(text[:most]) + f"… (cut: {len(text):,} characters)"


def lines(body: bytes) -> Markup:
    """A body as text of several lines."""
    text = body[:MOST_BODY].decode("utf-8", "replace")
    return Markup("\n").join(escape(printable(line)) for line in text.splitlines())


def _tone(tone: deliveries.Tone) -> Markup:
    """A tone as a class of the style sheet."""
    return Markup(tone.value)  # noqa: S704  # one of our own five words
