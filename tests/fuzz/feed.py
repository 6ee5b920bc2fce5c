"""Bytes that a fuzzer chose → choices. The same bytes always make the same ones; too few are as good as zeros."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Feed:
    """Hands out one input piece by piece."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, below: int) -> int:
        """A number from 0 to below `below`."""
        size = 1 if below <= 256 else 2
        return int.from_bytes(self.take(size).ljust(size, b"\0"), "big") % below

    def pick(self, options: Sequence[T]) -> T:
        """One of these."""
        return options[self.number(len(options))]

    def take(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece

    def short(self, most: int = 255) -> bytes:
        """Some bytes, with their length before them."""
        return self.take(self.number(most + 1))

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data))

    def rest_as_text(self) -> str:
        """The same as text; half a character is replaced."""
        return self.rest().decode("utf-8", "replace")
