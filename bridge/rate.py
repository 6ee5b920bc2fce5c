"""Never faster than the tracker allows: a token bucket of which no window of one unit lets more than n through.

The bucket holds a small burst b and refills with n − b per unit, so any window sees at most b + (n − b) = n.
It is part of the `tracker` row, shared by all replicas, and empty after a restart. Pure: `now` is an argument.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.model import Tracker

#: A bucket never saves up more than this many requests.
MOST_BURST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`n` requests per `seconds`; n = 0 sets no pace at all."""

    n: int
    seconds: float = 60.0

    @property
    def is_free(self) -> bool:
        """Whether requests go as fast as they can."""
        return self.n == 0

    @property
    def burst(self) -> int:
        """How many requests may leave at once after a quiet spell: few, since what is kept for it refills nothing."""
        return max(1, min(MOST_BURST, self.n // 10))

    @property
    def per_second(self) -> float:
        """How quickly the bucket refills."""
        return max(self.n - self.burst, self.n / 2) / self.seconds

    def __str__(self) -> str:
        units = {1.0: "s", 60.0: "min", 3600.0: "hour"}
        return "no limit" if self.is_free else f"{self.n}/{units.get(self.seconds, f'{self.seconds:g} s')}"


def pace_of(tracker: Tracker) -> Pace | None:
    """The pace that is kept; None before the first start."""
    return None if tracker.rate_n is None else Pace(n=tracker.rate_n, seconds=tracker.rate_seconds)


def take(tracker: Tracker, pace: Pace, wanted: int, now: datetime) -> tuple[int, Tracker, datetime | None]:
    """Take up to `wanted` requests out of the bucket: how many, the row after it, when the next one is there.

    The last is None when as many as wanted were granted. A clock that went backwards refills nothing; the bucket
    fills again from there.
    """
    if pace.is_free:
        return wanted, tracker, None
    elapsed = max(0.0, (now - tracker.tokens_at).total_seconds()) if tracker.tokens_at else 0.0
    tokens = min(float(pace.burst), tracker.tokens + elapsed * pace.per_second)
    granted = min(wanted, int(tokens + 1e-9))
    left = max(0.0, tokens - granted)
    after = replace(tracker, tokens=left, tokens_at=now)
    if granted == wanted:
        return granted, after, None
    return granted, after, now + timedelta(seconds=(1 - left) / pace.per_second)
