"""How a setting's text becomes a value: one `Kind` for each sort of setting.

A kind says what it expects in the words an operator reads after `expected`, and refuses with ValueError; an
`Unfit` one says why, never quoting the value. Nothing here knows names, precedence or where a text came from.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from bridge.address import check_base_url, check_hook_url
from bridge.encryption import EncryptionKeys, keys_of
from bridge.money import Unit
from bridge.notices import key_of
from bridge.rate import Pace

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Unfit(ValueError):
    """This text will not do; the message is a clause for the operator that holds nothing of the text."""


class Secret:
    """A text that never shows itself: repr and str give its mask; only `reveal` gives the text."""

    __slots__ = ("_mask", "_text")

    def __init__(self, text: str, mask: str = "set") -> None:
        self._text = text
        self._mask = mask

    def reveal(self) -> str:
        """The text itself, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({self._mask})"

    def __str__(self) -> str:
        return self._mask

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


class LogFormat(Enum):
    """How log lines look."""

    AUTO = "auto"  # text on a terminal, else JSON
    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T_co]):
    """One sort of setting: what it expects, and how its text is read (ValueError when it is something else)."""

    expected: str
    read: Callable[[str], T_co]


def number(least: int, most: int, *, or_zero: bool = False) -> Kind[int]:
    """A whole number within bounds, both included; `or_zero` takes a 0 too, for those who know what it means."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text):
            raise ValueError
        value = int(text)
        if not (least <= value <= most or (or_zero and value == 0)):
            raise ValueError
        return value

    return Kind(expected=f"a number from {least} to {most}", read=read)


def _word(words: dict[str, T]) -> Callable[[str], T]:
    def read(text: str) -> T:
        if text.lower() not in words:
            raise ValueError
        return words[text.lower()]

    return read


SWITCH: Kind[bool] = Kind(
    expected="true or false",
    read=_word(
        {**dict.fromkeys(("true", "1", "yes", "on"), True), **dict.fromkeys(("false", "0", "no", "off"), False)}
    ),
)
UNIT = Kind(expected="minor or major", read=_word({unit.value: unit for unit in (Unit.MINOR, Unit.MAJOR)}))
LOG_FORMAT = Kind(expected="auto, text or json", read=_word({form.value: form for form in LogFormat}))

_PACE_SECONDS = {"s": 1.0, "min": 60.0, "hour": 3600.0}


def _pace(text: str) -> Pace:
    if text == "0":
        return Pace(n=0)
    match = re.fullmatch(r"([1-9][0-9]{0,6})\s*/\s*(s|min|hour)", text)
    if match is None:
        raise ValueError
    return Pace(n=int(match[1]), seconds=_PACE_SECONDS[match[2]])


PACE = Kind(expected="a rate such as 60/min (n/s, n/min or n/hour), or 0 for no limit", read=_pace)

_LEAST_SECONDS, _MOST_SECONDS = Decimal("0.001"), 300


def _seconds(text: str) -> float:
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(ms|s)?", text)
    if match is None:
        raise ValueError
    seconds = Decimal(match[1]) / (1000 if match[2] == "ms" else 1)
    if not _LEAST_SECONDS <= seconds <= _MOST_SECONDS:
        raise ValueError
    return float(seconds)


SECONDS = Kind(expected="a time from 1ms to 300s, such as 10, 10s or 500ms", read=_seconds)

_SPANS = {"m": 60, "min": 60, "h": 3600, "d": 86400}


def _span(text: str) -> timedelta:
    if text == "0":
        return timedelta(0)
    match = re.fullmatch(r"([1-9][0-9]{0,4})\s*(m|min|h|d)", text)
    if match is None:
        raise ValueError
    return timedelta(seconds=int(match[1]) * _SPANS[match[2]])


SPAN = Kind(expected="a time such as 30m, 6h or 1d, or 0 for never", read=_span)

_SIZES = {"": 1, "b": 1, "kib": 1024, "mib": 1024 * 1024}
_MOST_BYTES = 64 * 1024 * 1024


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,9})\s*([a-z]*)", text.lower())
    size = int(match[1]) * _SIZES.get(match[2], 0) if match else 0
    if not 1 <= size <= _MOST_BYTES:
        raise ValueError
    return size


SIZE = Kind(expected="a size up to 64MiB, such as 1MiB, 512KiB or 1048576 (bytes)", read=_size)


def _host(text: str) -> str:
    if ":" in text:
        ipaddress.IPv6Address(text)
    elif not re.fullmatch(r"[A-Za-z0-9_.-]{1,253}", text):
        raise ValueError
    return text


HOST = Kind(expected="an address or a host name without port, such as 127.0.0.1 or 0.0.0.0", read=_host)


def _folder(text: str) -> Path:
    folder = Path(text).expanduser()
    if not folder.is_dir():
        raise Unfit("there is no such folder")
    return folder


FOLDER = Kind(expected="a folder that exists", read=_folder)


def _secret(text: str) -> Secret:
    if text.lower().startswith("bearer "):
        raise Unfit('leave "Bearer" out: it is added when sending')
    if not re.fullmatch(r"[!-~]+", text):
        raise Unfit("it has a space, a line break or a character outside ASCII")
    return Secret(text)


SECRET = Kind(expected="one word of printable ASCII characters", read=_secret)


def _hook_url(text: str) -> Secret:
    try:
        return Secret(check_hook_url(text))
    except ValueError as error:
        raise Unfit(str(error)) from None


def _hook_secret(text: str) -> Secret:
    try:
        key_of(text)
    except ValueError as error:
        raise Unfit(str(error)) from None
    return Secret(text)


HOOK_URL = Kind(expected="an https:// address (http:// only on this machine's loopback)", read=_hook_url)
HOOK_SECRET = Kind(expected="a secret such as whsec_…", read=_hook_secret)


def _encryption_keys(text: str) -> EncryptionKeys:
    try:
        return keys_of(text)
    except ValueError as error:
        raise Unfit(str(error)) from None


ENCRYPTION_KEYS = Kind(expected="keys of 32 random bytes in base64, one a line", read=_encryption_keys)


def _base_url(text: str) -> str:
    try:
        return check_base_url(text)
    except ValueError as error:
        raise Unfit(str(error)) from None


def _public_url(text: str) -> str:
    url = urlsplit(text)
    if re.search(r"[\s\\]", text) or not text.isprintable() or url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError
    if "@" in url.netloc or "?" in text or "#" in text:
        raise Unfit("a user, a password, a query or a fragment does not belong here")
    if "webhooks" in url.path.split("/"):
        raise Unfit("/webhooks and the source's name are added to it: give what stands before them")
    if url.port == 0:
        raise ValueError
    return text.rstrip("/")


BASE_URL = Kind(expected="an https:// address (http:// only on this machine's loopback)", read=_base_url)
PUBLIC_URL = Kind(expected="an address such as https://hooks.example.com", read=_public_url)


def _database(text: str) -> Secret:
    if text.startswith("sqlite:"):
        path = text.removeprefix("sqlite:///")
        if path == text or not path.strip("/") or path.startswith(":memory:") or "?" in path:
            raise Unfit("a file is needed: nothing acknowledged may be lost")
        return Secret(text, mask=text)
    url = urlsplit(text)
    if url.scheme not in ("postgresql", "postgres") or not (url.path.strip("/") or url.query):
        raise ValueError
    return Secret(text, mask=_masked(text))


def _masked(url: str) -> str:
    """The address with what may be a password taken out: between user and host, and in the query."""
    without = re.sub(r"(?<=//)([^/:@]*):.*@", r"\1:***@", url)
    return re.sub(r"(?i)((?:^|[?&])[^=&]*pass[^=&]*=)[^&]*", r"\1***", without)


DATABASE = Kind(expected="sqlite:///file.db or postgresql://user:password@host/name", read=_database)
