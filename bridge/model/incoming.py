"""What arrives: a located YAML node, a raw request, and the proof of who sent it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from bridge.errors import Place

Json: TypeAlias = bool | int | float | Decimal | str | list["Json"] | dict[str, "Json"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A YAML node that knows where it stands: a scalar's text, a list's items or a map's entries."""

    kind: Literal["scalar", "list", "map"]
    place: Place
    text: str = ""
    #: an unquoted, non-block scalar, as YAML 1.2 calls it
    plain: bool = False
    items: tuple["Node", ...] = ()
    entries: tuple[tuple["Node", "Node"], ...] = ()

    def get(self, key: str) -> "Node | None":
        """The value under a key of this map, or None."""
        return next((value for name, value in self.entries if name.text == key), None)

    def scalars(self) -> Iterator["Node"]:
        """Every scalar value below (keys left out), itself included, in reading order."""
        if self.kind == "scalar":
            yield self
        for item in self.items:
            yield from item.scalars()
        for _, value in self.entries:
            yield from value.scalars()


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """The raw HTTP request. Header names are lower case; bytes stay bytes until somebody proved them."""

    source: str
    method: str = "POST"
    #: as received, in order, repeated headers kept
    headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    query: bytes = field(default=b"", repr=False)
    #: the path segment after the source's name (`/webhooks/{source}/{token}`), still percent-encoded
    token: bytes = field(default=b"", repr=False)
    body: bytes = field(repr=False)
    received_at: datetime

    def header(self, name: bytes) -> list[bytes]:
        """Every value sent under this lower-case name."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A webhook whose sender is proven. Made by `sources` alone; only this can be read."""

    webhook: Webhook
    #: how it was proven: "signature 1" (the first secret), "token 2", "basic 1", "nothing (scheme none)"
    by: str
    #: lower-case header names that the proof covers; `None` when it covers the whole request (a shared token)
    signed_headers: frozenset[str] | None = frozenset()
    #: the tool's own mark of a sample (`Trackbridge-Test: 1`), honoured only here, behind the proof
    sample: bool = False
