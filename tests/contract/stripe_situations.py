"""A situation with Stripe: the events that come in, and every call that goes out.

Events are taken in one after the other, and what is due is sent after each. `stripe_cases` and `stripe_more_cases` hold
the situations.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from bridge.mapping import Mapping
from bridge.model import Payload
from tests.contract.stripe_bridge import LOST, Answer, a_bridge, type_of


@dataclass(frozen=True, slots=True)
class Later:
    """Time goes by."""

    minutes: float

    def __str__(self) -> str:
        hours = self.minutes / 60
        return f"{self.minutes:g} min later" if hours < 1 else f"{hours:g} h later"


@dataclass(frozen=True, slots=True)
class Tracker:
    """How the tracker answers from now on."""

    answer: Answer

    def __str__(self) -> str:
        return f"the tracker says {self.answer}" if isinstance(self.answer, int) else self.answer


@dataclass(frozen=True, slots=True)
class Killed:
    """The bridge takes this in and is killed while it sends; it starts again."""

    body: bytes

    def __str__(self) -> str:
        return f"`{type_of(self.body)}`, killed while sending"


Happening: TypeAlias = bytes | Later | Tracker | Killed


@dataclass(frozen=True, slots=True)
class Situation:
    """A name, what happens, and what is called; or why nothing is."""

    name: str
    happens: tuple[Happening, ...]
    calls: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        events = " → ".join(f"`{type_of(one)}`" if isinstance(one, bytes) else str(one) for one in self.happens)
        reasons = ", ".join(reason.partition(" (")[0] for reason in self.reasons)
        calls = "<br>".join(f"`{call}`" for call in self.calls) or f"nothing: {reasons}"
        return f"| {self.name} | {events} | {calls} |"


def told(situation: Situation, mapping: Mapping, folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Let it happen: the calls that went out, and why there were none for the events that made none."""
    bridge = a_bridge(folder, mapping)
    answer: Answer = 200
    for happening in situation.happens:
        match happening:
            case bytes():
                bridge.take(happening)
            case Later(minutes):
                bridge.later(minutes=minutes)
            case Tracker(new):
                answer = new
                continue
            case Killed(body):
                bridge.take(body)
                for delivery in bridge.claim():
                    bridge.send(delivery, LOST)
                bridge.crash()
        bridge.work(partial(_say, answer))
    reasons = bridge.reasons()
    bridge.close()
    return tuple(map(str, bridge.calls)), tuple(dict.fromkeys(reasons))


def _say(answer: Answer, _: Payload) -> Answer:
    return answer
