"""In what replicas differ that should be alike: their mappings and their settings. Pure.

Only what both know is compared, so that one of another version, which has settings of its own, is no difference. A
replica that does not have a source at all differs from one that takes its webhooks in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.model import Replica

#: What stands for a source that a replica does not take in.
NONE: Final = "none"
#: More replicas of one opinion are not named.
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that replicas do not have in common."""

    #: `mapping "stripe"`, or a variable
    what: str
    #: what there is instead of one, and whose it is; what most have comes first
    sides: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def key(self) -> str:
        """The same for the same difference, whoever has which side."""
        return " ".join((self.what, *sorted(value for value, _ in self.sides)))

    def __str__(self) -> str:
        return f"{self.what}: " + "; ".join(f"{value} on {_named(names)}" for value, names in self.sides)


def differences(replicas: Sequence[Replica]) -> tuple[Difference, ...]:
    """Everything in which they differ, settings last."""
    sources = sorted({name for replica in replicas for name in replica.sources})
    settings = sorted({name for replica in replicas for name in replica.settings})
    found = [
        *(_compared(f'mapping "{name}"', ((r, r.sources.get(name, NONE)) for r in replicas)) for name in sources),
        *(_compared(name, ((r, r.settings[name]) for r in replicas if name in r.settings)) for name in settings),
    ]
    return tuple(one for one in found if one is not None)


def _compared(what: str, said: Iterable[tuple[Replica, str]]) -> Difference | None:
    sides: dict[str, list[str]] = {}
    for replica, value in said:
        sides.setdefault(value, []).append(replica.name)
    return Difference(what=what, sides=_ordered(sides)) if len(sides) > 1 else None


def _ordered(sides: Mapping[str, Sequence[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    most_first = sorted(sides.items(), key=lambda side: (-len(side[1]), side[0]))
    return tuple((value, tuple(names)) for value, names in most_first)


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
