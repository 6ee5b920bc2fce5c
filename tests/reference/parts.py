"""What the model knows: of each delivery, and of the tracker."""

from dataclasses import dataclass
from typing import Final

from bridge.model import DeliveryState

S = DeliveryState
ALIVE: Final = (S.PENDING, S.WAITING, S.SENDING, S.DELIVERED)
SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000
BURST, PER_MINUTE = 5, 60


@dataclass(slots=True)
class Known:
    """One delivery."""

    lane: str
    names: frozenset[str]
    is_lead: bool
    holds: bool
    due: int
    state: DeliveryState = S.PENDING
    duplicate_of: int | None = None
    attempts: int = 0
    unsure: bool = False
    #: these three by the clock that stands still
    budget_from: int | None = None
    waiting_since: int | None = None
    failing_since: int | None = None
    waits: int = 0
    refusals: int = 0
    refused_at: int | None = None
    was_replayed: bool = False

    @property
    def gives_way(self) -> bool:
        return self.state is S.DEAD and not (self.unsure and self.holds)

    def begin_anew(self, now: int) -> None:
        self.state, self.due, self.duplicate_of = S.PENDING, now, None
        self.attempts = self.waits = self.refusals = 0
        self.was_replayed = True
        self.budget_from = self.waiting_since = self.failing_since = self.refused_at = None


@dataclass(slots=True)
class Health:
    """What is known of the tracker."""

    paused_since: int | None = None
    by_hand: bool = False
    until: int | None = None
    probe_at: int | None = None
    probes: int = 0
    probed: str = ""
    paused_for: int = 0
    cautious: bool = True
    proven: bool = False
    failures: int = 0
    failing: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    throttles: int = 0
    success: int | None = None

    def running(self, now: int) -> int:
        """The clock that stands still while paused."""
        return (now if self.paused_since is None else self.paused_since) - self.paused_for

    def resume(self, now: int) -> None:
        if self.paused_since is not None:
            self.paused_for += now - self.paused_since
            self.paused_since = self.until = self.probe_at = None
            self.by_hand, self.probes, self.probed = False, 0, ""
            self.forget_failures()

    def forget_failures(self) -> None:
        self.failures, self.failing, self.unknown = 0, frozenset(), frozenset()

    def pause(self, lane: str, until: int | None, now: int) -> None:
        self.probed, self.cautious = (self.probed, self.cautious) if self.by_hand else (lane, True)
        if self.by_hand:
            self.until = max(self.until or 0, until or 0) or None
        elif self.paused_since is None:
            self.paused_since, self.probes, self.until = now, 0, until
            self.probe_at = None if until else now + 5 * SECOND
        elif until:
            self.until, self.probe_at = max(self.until or 0, until), None
