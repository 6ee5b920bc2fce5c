"""One payment is one sale: who holds a name, and who comes after."""

from dataclasses import dataclass, field

from tests.reference.parts import ALIVE, Health, Known, S


@dataclass(slots=True)
class Claims:
    """Every delivery by number, and who holds each name."""

    deliveries: dict[int, Known] = field(default_factory=dict)
    holder: dict[str, int] = field(default_factory=dict)
    health: Health = field(default_factory=Health)

    def record(self, number: int, new: Known) -> None:
        holders = sorted({self.holder[name] for name in new.names if name in self.holder})
        new.duplicate_of = next((one for one in holders if not self.deliveries[one].gives_way), None)
        new.state = S.PENDING if new.duplicate_of is None else S.DUPLICATE
        self.deliveries[number] = new
        for dead in [one for one in holders if self.deliveries[one].gives_way]:
            self._move(dead, new.duplicate_of or number)
        for name in new.names:
            self.holder.setdefault(name, new.duplicate_of or number)
        if new.duplicate_of is not None:
            mine = {name for name in new.names if self.holder[name] == new.duplicate_of}
            self.deliveries[new.duplicate_of].names |= mine

    def _move(self, ousted: int, heir: int) -> None:
        self.deliveries[heir].names |= self.deliveries[ousted].names
        self.holder = {name: heir if who == ousted else who for name, who in self.holder.items()}
        for number in self._duplicates(ousted):
            self.deliveries[number].duplicate_of = None if number == heir else heir

    def _duplicates(self, holder: int) -> list[int]:
        return [n for n, one in self.deliveries.items() if one.state is S.DUPLICATE and one.duplicate_of == holder]

    def pass_on(self, holder: int, now: int) -> None:
        duplicates = self._duplicates(holder)
        names = {name for one in duplicates for name in self.deliveries[one].names}
        rivals = sorted({self.holder[name] for name in names} - {holder})
        heir = next((one for one in rivals if not self.deliveries[one].gives_way), None)
        if heir is not None:
            self._move(holder, heir)
        elif duplicates:
            self._move(holder, duplicates[0])
            self._take(duplicates[0], now)

    def _take(self, number: int, now: int) -> None:
        """Send it, under every name that those who gave up still hold."""
        one = self.deliveries[number]
        for other in sorted({self.holder[name] for name in one.names} - {number}):
            if self.deliveries[other].state in (S.DEAD, S.DISMISSED):
                self._move(other, number)
        one.state, one.due, one.duplicate_of = S.PENDING, now, None

    def replay(self, number: int, now: int) -> bool:
        one = self.deliveries[number]
        if one.state not in (S.DEAD, S.DISMISSED):
            return False
        others = sorted({self.holder[name] for name in one.names} - {number})
        alive = next((other for other in others if self.deliveries[other].state in ALIVE), None)
        if alive is not None:
            self._move(number, alive)
            one.state, one.duplicate_of = S.DUPLICATE, alive
            return False
        self._take(number, now)
        one.begin_anew(now)
        return True

    def dismiss(self, number: int, now: int, *, only: bool) -> bool:
        one = self.deliveries[number]
        if one.state in (S.SENDING, S.DELIVERED, S.DISMISSED):
            return False
        one.state = S.DISMISSED
        if only:
            self.pass_on(number, now)
        for duplicate in [] if only else self._duplicates(number):
            self.deliveries[duplicate].state = S.DISMISSED
        return True
