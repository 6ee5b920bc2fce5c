"""One request to the pages, as views see it: who asks, by which form or address, and when."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlencode

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from bridge.web.admin.sessions import Session

PREFIX: Final = "/admin"
#: More than so many fields is no form of ours.
MOST_FIELDS: Final = 1_200
_MOST_TEXT: Final = 200
_LOCAL: Final = re.compile(r"/admin(?:/[A-Za-z0-9/_-]*)?(?:\?[!-\[\]-~]*)?")

Fields: TypeAlias = Mapping[str, tuple[str, ...]]


class NotAForm(Exception):
    """What was sent is nothing that one of our pages would send; the message is for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody who may wants to see or do."""

    request: Request
    now: datetime
    #: None: a script, by the token itself
    session: Session | None
    #: of the address, or of the form
    fields: Fields = field(default_factory=dict, repr=False)
    #: the number in the path
    number: int = 0
    #: what was done a moment ago, by the page before
    told: tuple[str, ...] = ()
    form_proof: str = field(default="", repr=False)

    def text(self, name: str) -> str:
        """A field as it was typed, without the white space around it; empty when it is not there."""
        given = self.fields.get(name, ("",))[0].strip()
        if len(given) > _MOST_TEXT:
            raise NotAForm(f"“{name}” is longer than {_MOST_TEXT} characters")
        return given

    def numbers(self, name: str) -> list[int]:
        """The numbers of a field that may be there several times, each once."""
        found = dict.fromkeys(number(text) for text in self.fields.get(name, ()))
        return list(found)


#: A page: who asks, and what is answered.
View: TypeAlias = Callable[[Ask], Awaitable[Response]]


def number(text: str) -> int:
    """The number of an event or a delivery; `d12` is 12. Raises NotAForm."""
    digits = text.strip().removeprefix("d")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise NotAForm("a number of an event or a delivery was expected")
    return int(digits)


def fields_of(text: bytes) -> Fields:
    """The fields of an address or a form. Raises NotAForm."""
    try:
        pairs = parse_qsl(
            text.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, encoding="utf-8", errors="strict"
        )
    except ValueError:
        raise NotAForm("this is no form of these pages") from None
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found


def href(path: str, **query: str | int | None) -> Markup:
    """An address of ours for a page's attribute; what is empty is left out."""
    return escape(address(path, **query))


def address(path: str, **query: str | int | None) -> str:
    """An address below /admin, such as `/admin/events?state=unmapped`."""
    given = {name: str(value) for name, value in query.items() if value not in (None, "")}
    return PREFIX + path + (f"?{urlencode(given)}" if given else "")


def local(wanted: str) -> str:
    """Where to go on after the sign-in: only to pages of ours, whatever the address says."""
    return wanted if _LOCAL.fullmatch(wanted) and len(wanted) <= 2_000 else PREFIX
