"""Guesses at the admin token: compared in constant time, and so many in a while, whoever makes them.

Not per address: behind a proxy everybody has the same one, and addresses are free to make up. A right token costs
nothing. When too many wrong ones came, the next ones wait their turn, a few at a time, and the rest are told to come
again; so a flood of guesses can keep strangers out, but neither the loop nor those who are signed in.
"""

import asyncio
import hmac
from collections.abc import Iterable
from enum import Enum
from hashlib import sha256
from typing import Final

#: So many wrong tokens at once, and so many a second from then on.
BURST: Final = 20
PER_SECOND: Final = 2.0
#: So many may wait for their turn.
MOST_WAITING: Final = 10

_BEARER: Final = b"bearer "


class Guess(Enum):
    """What came of one."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_LOOKED_AT = "too many"


def is_token(given: bytes, token: str) -> bool:
    """Whether this is the token, in the same time however much of it is right and however long it is."""
    wanted = sha256(token.encode()).digest()
    return bool(token) and hmac.compare_digest(sha256(given).digest(), wanted)


def bearer_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The bearer token of a request; None when it has none."""
    given = next((value for name, value in headers if name == b"authorization"), b"")
    return given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else None


class Attempts:
    """One budget of guesses."""

    def __init__(self, *, burst: int = BURST, per_second: float = PER_SECOND) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left = float(burst)
        self._at = 0.0

    async def judge(self, given: bytes, token: str) -> Guess:
        """Look at a token when it is its turn; those who wait cost nobody else anything."""
        if not self._take():
            return Guess.NOT_LOOKED_AT
        if self._left < 0:
            await asyncio.sleep(-self._left / self._per_second)
        return self._result(given, token)

    def judge_now(self, given: bytes, token: str) -> Guess:
        """The same for those who do not wait."""
        self._refill()
        if self._left < 1 or not self._take():
            return Guess.NOT_LOOKED_AT
        return self._result(given, token)

    def _result(self, given: bytes, token: str) -> Guess:
        if not is_token(given, token):
            return Guess.WRONG
        self._left += 1
        return Guess.RIGHT

    def _take(self) -> bool:
        self._refill()
        if self._left <= -MOST_WAITING:
            return False
        self._left -= 1
        return True

    def _refill(self) -> None:
        now = asyncio.get_running_loop().time()
        self._left = min(self._left + (now - self._at) * self._per_second, float(self._burst))
        self._at = now
