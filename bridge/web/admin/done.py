"""The answer to a form that did something: on to a page that says so; for a script, what was done.

By way of a redirect, so that a page that is loaded again does nothing again.
"""

from collections.abc import Sequence

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from bridge.web.admin.asking import Ask


class Done(RedirectResponse):
    """On to a page of ours, which says what was done."""

    def __init__(self, lines: Sequence[str], then: str) -> None:
        super().__init__(then, status_code=303)
        self.lines = list(lines)


def done(ask: Ask, lines: Sequence[str], then: str) -> Response:
    """Tell what was done, and go on there."""
    if ask.session is None:
        return PlainTextResponse("".join(f"{line}\n" for line in lines))
    return Done(lines, then)
