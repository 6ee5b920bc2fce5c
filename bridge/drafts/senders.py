"""How the sender of a sample proves itself, by the headers that came with it: a preset, an hmac, a token.

Only names and shapes are looked at; a signature, a token or a credential never gets into the draft.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.sources.presets import PRESETS

#: `verify:` as lines below it, in order.
Lines = tuple[str, ...]

_HEX = {40: "sha1", 64: "sha256", 128: "sha512"}
_BASE64 = {28: "sha1", 44: "sha256", 88: "sha512"}
_SIGNATURE_WORDS = ("signature", "hmac", "-sign", "digest", "x-hub-")
_TOKEN_WORDS = ("token", "api-key", "apikey", "secret", "-key", "-auth")
_STAMP = re.compile(r"^(?P<time>t|ts)=[0-9]+(?P<between>[,;])(?P<name>[a-z0-9]+)=[0-9a-f]+")
#: Headers that say who it is where the signature's header does not.
_TELLING = {"x-github-event": "github", "x-razorpay-event-id": "razorpay"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What `verify:` should say, and why."""

    lines: Lines
    why: str
    #: the preset, where the sender is known
    preset: str = ""
    #: the whole request is covered: ids in headers can be trusted
    covers_headers: bool = False


def sender_of(source: str, headers: Mapping[str, str], query: Iterable[str]) -> Sender:
    """Read it from the headers; else from the source's own name; else a token in the address."""
    preset = _preset(source, headers)
    if preset:
        named = preset in source
        why = f"{preset} signs its webhooks" if named else f"the sample's headers are those of {preset}"
        return Sender(lines=(f"scheme: {preset}",), why=why, preset=preset)
    for name, value in headers.items():
        found = _signed(name, value)
        if found is not None:
            return found
    return _token(source, headers, query)


def _preset(source: str, headers: Mapping[str, str]) -> str:
    if source in PRESETS or source == "stripe":
        return source
    if "stripe-signature" in headers:
        return "stripe"
    for header, preset in _TELLING.items():
        if header in headers:
            return preset
    for header, value in headers.items():
        presets = _BY_HEADER.get(header, ())
        if len(presets) == 1:
            return presets[0]
        if presets:
            return _among(presets, value)
    return next((name for name in PRESETS if any(_is_of(header, name) for header in headers)), "")


def _is_of(header: str, preset: str) -> bool:
    return len(preset) > 3 and header.startswith(f"x-{preset}-")


def _among(presets: tuple[str, ...], value: str) -> str:
    """Two senders with one header: the signature's form tells them apart."""
    wanted = "standard-webhooks" if value.startswith(("v1,", "v1a,")) else "gocardless"
    return wanted if wanted in presets else presets[0]


def _by_header() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, axes in PRESETS.items():
        written = axes.get("header", ())
        headers = (written,) if isinstance(written, str) else written if isinstance(written, tuple) else ()
        for header in headers:
            found[header] = (*found.get(header, ()), name)
    return found


_BY_HEADER = _by_header()


def _signed(name: str, value: str) -> Sender | None:
    """A header that looks like a signature, with the axes that its form tells."""
    if not any(word in name for word in _SIGNATURE_WORDS):
        return None
    stamp = _STAMP.match(value)
    if stamp:
        pattern = f"{stamp['time']}={{timestamp}}{stamp['between']}{stamp['name']}={{signature}}"
        lines = (f"header: {name}", f'pattern: "{pattern}"', 'signed: "{timestamp}.{body}"')
        why = f"{name} holds a time and a signature; what lies between time and body is a guess"
        return Sender(lines=("scheme: hmac", *lines), why=why)
    prefix, equals, rest = value.partition("=")
    has_prefix = bool(equals) and prefix.isalnum() and len(prefix) <= 8 and len(rest) >= 28
    digest = rest if has_prefix else value
    axes = _axes(digest)
    if axes is None:
        return None
    pattern_line = (f'pattern: "{prefix}={{signature}}"',) if has_prefix else ()
    why = f"{name} looks like an HMAC of the body; the sender's page says what exactly is signed"
    return Sender(lines=("scheme: hmac", f"header: {name}", *pattern_line, *axes), why=why)


def _axes(digest: str) -> Lines | None:
    if len(digest) in _HEX and all(char in "0123456789abcdefABCDEF" for char in digest):
        algorithm, encoding = _HEX[len(digest)], "hex"
    elif len(digest) in _BASE64 and digest.endswith("="):
        algorithm, encoding = _BASE64[len(digest)], "base64"
    else:
        return None
    lines = (f"algorithm: {algorithm}",) if algorithm != "sha256" else ()
    return (*lines, "encoding: base64") if encoding == "base64" else lines


def _token(source: str, headers: Mapping[str, str], query: Iterable[str]) -> Sender:
    kind = headers.get("authorization", "").partition(" ")[0].lower()
    if kind == "basic":
        why = "the sample came with a user and a password; the secret is user:password"
        return Sender(lines=("scheme: basic",), why=why, covers_headers=True)
    if kind == "bearer":
        lines = ("scheme: token", "header: Authorization", 'prefix: "Bearer "')
        return Sender(lines=lines, why="the sample came with a bearer token", covers_headers=True)
    for name in headers:
        if any(word in name for word in _TOKEN_WORDS) and not name.startswith(("sec-", "cf-")):
            why = f"{name} looks like a shared token"
            return Sender(lines=("scheme: token", f"header: {name}"), why=why, covers_headers=True)
    for name in query:
        if any(word in f"-{name.lower()}" for word in _TOKEN_WORDS):
            why = f"the address had a parameter {name}"
            return Sender(lines=("scheme: token", f"query: {name}"), why=why, covers_headers=True)
    seen = "its headers show no proof" if headers.keys() - {"content-type"} else "the sample has no headers"
    why = (
        f"{seen}: the secret is the last part of the address, /webhooks/{source}/SECRET; "
        "if the sender can sign or send a header, see docs/schemes.md"
    )
    return Sender(lines=("scheme: token", "path: true"), why=why, covers_headers=True)
