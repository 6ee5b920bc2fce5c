"""All of the model: what may be sent, and what a process that ends, or begins, and an operator change."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from tests.reference.parts import ALIVE, BURST, PER_MINUTE, SECOND, S
from tests.reference.verdicts import Verdicts


@dataclass(slots=True, kw_only=True)
class Model(Verdicts):
    """Everything there is."""

    is_paced: bool
    tokens: Fraction = Fraction(0)
    tokens_at: int = 0
    #: when requests left
    left: list[int] = field(default_factory=list)

    def heads(self) -> list[int]:
        """The oldest of each customer, unless one of theirs is under way."""
        busy = {one.lane for one in self.deliveries.values() if one.state is S.SENDING}
        found: dict[str, int] = {}
        for number, one in sorted(self.deliveries.items()):
            if one.state is S.PENDING and one.lane not in busy:
                found.setdefault(one.lane, number)
        return list(found.values())

    def may_go(self, now: int) -> list[int]:
        """Whom pause and caution let go, were there no rate."""
        health, under_way = self.health, any(one.state is S.SENDING for one in self.deliveries.values())
        if health.paused_since is not None and (health.by_hand or now < (health.until or health.probe_at or 0)):
            return []
        if under_way and (health.paused_since is not None or health.cautious):
            return []
        is_probe = health.paused_since is not None and health.until is None
        return [number for number in self.heads() if is_probe or self.deliveries[number].due <= now]

    def claimed(self, numbers: list[int], limit: int, now: int) -> None:
        """These were taken to be sent: no others, and not fewer."""
        health = self.health
        for one in self.deliveries.values():
            if one.state is S.WAITING and one.due <= now:
                one.state = S.PENDING
        allowed = self.may_go(now)
        if health.paused_since is not None and not health.by_hand and health.until is not None and now >= health.until:
            health.resume(now)
            health.cautious = True
        is_probe = health.paused_since is not None
        most = 1 if is_probe or health.cautious else limit
        count = min(len(allowed), most, self._tokens(now))
        assert count == len(numbers), f"{allowed} might have gone, {most} at most; gone are {numbers}"
        assert set(numbers) <= set(allowed)
        if count and is_probe:
            others = [one for one in allowed if self.deliveries[one].lane != health.probed]
            assert not others or self.deliveries[numbers[0]].lane != health.probed
            health.probes += 1
            health.probe_at = now + min(300 * SECOND, 5 * SECOND << health.probes)
            health.probed = self.deliveries[numbers[0]].lane
        elif count > 1:
            assert numbers == sorted(allowed, key=lambda one: (self.deliveries[one].due, one))[:count]
        if self.is_paced:
            self.spend(count, now)
        self.left += [now] * count
        for number in numbers:
            self.deliveries[number].state = S.SENDING

    def released(self, numbers: Iterable[int]) -> None:
        """Taken, but not sent: as if they had not been."""
        for number in numbers:
            self.deliveries[number].state = S.PENDING

    def check(self) -> None:
        """What must hold whatever happened."""
        held = {(name, who) for name, who in self.holder.items() if self.deliveries[who].state in ALIVE}
        alive = {(name, number) for number, one in self.deliveries.items() if one.state in ALIVE for name in one.names}
        assert held <= alive
        first = dict(sorted(alive))
        assert len(held) == len({name for name, _ in held}) <= len(first)
        under_way = [one.lane for one in self.deliveries.values() if one.state is S.SENDING]
        assert len(under_way) == len(set(under_way))
        if self.is_paced:
            windows = zip(self.left, self.left[PER_MINUTE:], strict=False)
            assert all(later - first >= 60 * SECOND for first, later in windows)

    def _tokens(self, now: int) -> int:
        if not self.is_paced:
            return len(self.deliveries)
        elapsed = max(0, now - self.tokens_at)
        there = min(Fraction(BURST), self.tokens + Fraction(elapsed * (PER_MINUTE - BURST), 60 * SECOND))
        return int(there)

    def spend(self, count: int, now: int) -> None:
        """Requests have left."""
        elapsed = max(0, now - self.tokens_at)
        there = min(Fraction(BURST), self.tokens + Fraction(elapsed * (PER_MINUTE - BURST), 60 * SECOND))
        self.tokens, self.tokens_at = there - count, now

    # ── the process ──────────────────────────────────────────────────────────────────────────────────────────────

    def rescue(self, now: int) -> None:
        """A process is gone: what it was sending may have arrived."""
        for one in self.deliveries.values():
            if one.state is S.SENDING:
                one.state = S.DEAD if one.holds else S.PENDING
                one.due, one.unsure, one.attempts = now, True, one.attempts + 1
                one.budget_from = self.health.running(now) if one.budget_from is None else one.budget_from

    def greet(self, now: int, *, is_other: bool) -> None:
        """A process begins."""
        health = self.health
        self.tokens, self.tokens_at, health.cautious = Fraction(0), now, True
        if is_other:
            health.forget_failures()
            health.proven, health.throttles = False, 0
            if health.paused_since is not None and not health.by_hand:
                health.until, health.probe_at, health.probes = None, now, 0

    def pause(self, now: int) -> None:
        """An operator says so."""
        health = self.health
        health.paused_since = now if health.paused_since is None else health.paused_since
        health.by_hand, health.probe_at, health.probes = True, None, 0

    def resume(self, now: int) -> None:
        """An operator says so; what the tracker asked for still holds."""
        health = self.health
        if health.by_hand and health.until is not None and now < health.until:
            health.by_hand = False
        elif health.paused_since is not None:
            health.resume(now)
            health.cautious = True
