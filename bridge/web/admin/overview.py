"""The overview: is everything all right, and if not, what needs a person. It tells what it can without a database."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from bridge.errors import StoreError
from bridge.intake import Refusal
from bridge.model import Backlog, Counts, DeliveryState, EventState, Seen, Tracker
from bridge.rate import Pace, pace_of
from bridge.store.reports import Activity
from bridge.web.admin.asking import Ask, href
from bridge.web.admin.desk import Desk
from bridge.web.remembered import Remembered
from bridge.wording.deliveries import Tone
from bridge.wording.texts import relative
from bridge.wording.tracker import customers

#: Refused requests of the last minutes are something to know.
RECENT: Final = timedelta(minutes=15)
#: How often a page that follows asks again.
FOLLOW_SECONDS: Final = 15
#: What counts in the database cost it something: asked so often at most.
_HOLDS_SECONDS: Final = 5.0

_REASONS: Final = {
    "draining": "This replica is shutting down",
    "library": "No mapping is in force: no source is known",
    "worker": "Something that should work in the background has ended; the log says what",
    "database": "The database cannot be written: webhooks are answered 503, and senders come again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One thing that an operator should know."""

    tone: Tone
    what: str
    more: str = ""
    link: Markup | None = None
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the database says at one moment."""

    counts: Counts
    tracker: Tracker
    left: Backlog
    activity: Mapping[str, Activity] = field(default_factory=dict)
    replicas: tuple[Seen, ...] = ()

    @property
    def pace(self) -> Pace:
        """The rate that holds for all."""
        return pace_of(self.tracker) or Pace(n=0)

    @property
    def delivered(self) -> int:
        """How many deliveries the tracker has."""
        return self.counts.deliveries.get(DeliveryState.DELIVERED, 0)

    @property
    def day(self) -> Mapping[EventState, int]:
        """The events of the last day, by state."""
        return {state: sum(one.day.get(state, 0) for one in self.activity.values()) for state in EventState}


class Overview:
    """The first page."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._activity = Remembered(self._asked_activity, seconds=_HOLDS_SECONDS)

    async def page(self, ask: Ask) -> Response:
        """GET /admin: what needs a person, then what is under way."""
        desk = self._desk
        reasons = await desk.health.reasons()
        snapshot = await self._snapshot()
        found = list(self._concerns(reasons, snapshot, ask.now))
        return desk.pages.show(
            ask,
            "overview.html",
            status=200 if snapshot else 503,
            refresh=FOLLOW_SECONDS if ask.text("follow") else 0,
            concerns=sorted(found, key=lambda one: one.tone is not Tone.BAD),
            it=snapshot,
            health=desk.health,
            reasons=reasons,
            on=[source.name for source in desk.reloader.library.sources.values() if source.is_on],
            loaded_at=desk.reloader.loaded_at,
            failure=desk.reloader.failure,
            refused=grouped(desk.refusals()),
        )

    async def _snapshot(self) -> Snapshot | None:
        store, clock = self._desk.store, self._desk.health.clock
        try:
            return Snapshot(
                counts=await store.counts(),
                tracker=await store.tracker(),
                left=await store.backlog(now=clock()),
                activity=await self._activity.get(),
                replicas=await store.replicas(now=clock()),
            )
        except StoreError:
            return None

    async def _asked_activity(self) -> Mapping[str, Activity]:
        return await self._desk.store.activity(now=self._desk.health.clock())

    def _concerns(self, reasons: Sequence[str], it: Snapshot | None, now: datetime) -> Iterator[Concern]:
        health = self._desk.health
        for reason in reasons:
            yield Concern(tone=Tone.BAD, what=_REASONS.get(reason, reason))
        if it is None and "database" not in reasons:
            yield Concern(tone=Tone.BAD, what="The database does not answer")
        idle = health.not_sending()
        if idle:
            yield Concern(
                tone=Tone.BAD if idle == "no token" else Tone.BUSY, what=f"This replica sends nothing: {idle}"
            )
        if it is not None:
            yield from _of_tracker(it.tracker, now)
            yield from _of_deliveries(it, now)
        yield from self._of_mappings(now)
        for one in health.membership.differing:
            yield Concern(tone=Tone.BAD, what="Replicas differ", more=str(one), link=Markup("#replicas"), to="Replicas")
        for source, rule, since in health.silent():
            what = f"{source} is silent" + (f": its rule “{rule}”" if rule else "")
            more = f"nothing came since {relative(since, now)}"
            yield Concern(tone=Tone.BAD, what=what, more=more, link=href("/sources"), to="Sources")
        recent = [one for one in self._desk.refusals() if now - one.at <= RECENT]
        if recent:
            more = ", ".join(f"{source} {count}×" for source, count in Counter(one.source for one in recent).items())
            many = f"{len(recent)} unproven request{'s' * (len(recent) > 1)} refused in the last minutes"
            yield Concern(tone=Tone.BUSY, what=many, more=more, link=Markup("#refused"), to="Why")

    def _of_mappings(self, now: datetime) -> Iterator[Concern]:
        failure = self._desk.reloader.failure
        if failure is not None:
            many = len(failure.problems)
            yield Concern(
                tone=Tone.BAD,
                what="The mappings on disk have problems: those loaded before stay in force",
                more=f"{many} problem{'s' * (many > 1)}, since {relative(failure.since, now)}",
                link=Markup("#mappings"),
                to="Which",
            )


def _of_tracker(tracker: Tracker, now: datetime) -> Iterator[Concern]:
    if tracker.paused_since is not None:
        tone = Tone.BUSY if tracker.paused_by_operator else Tone.BAD
        more = f"{tracker.pause_reason}, since {relative(tracker.paused_since, now)}"
        yield Concern(tone=tone, what="Delivering is paused", more=more, link=href("/tracker"), to="Tracker")


def _of_deliveries(it: Snapshot, now: datetime) -> Iterator[Concern]:
    left, unmapped = it.left, it.day[EventState.UNMAPPED]
    if left.dead:
        what = f"{left.dead:,} dead letter{'s' * (left.dead > 1)}"
        more = f"of {customers(left.dead_lanes)}: a person must look"
        yield Concern(tone=Tone.BAD, what=what, more=more, link=href("/deliveries"), to="Look at them")
    if unmapped:
        what = f"{unmapped:,} event{'s' * (unmapped > 1)} of the last day could not be mapped"
        link = href("/events", state="unmapped", since="24h")
        yield Concern(tone=Tone.BAD, what=what, link=link, to="Look at them")
    if left.held:
        soon = f"; the next try {relative(left.next_at, now)}" if left.next_at else ""
        what = f"{customers(left.held_lanes)} held up"
        more = f"{left.held:,} deliver{'ies' if left.held > 1 else 'y'} in line{soon}"
        yield Concern(tone=Tone.BUSY, what=what, more=more, link=Markup("#held"), to="Why")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Unproven requests of one kind."""

    source: str
    why: str
    count: int
    last: datetime


def grouped(refusals: Sequence[Refusal]) -> list[Refused]:
    """The remembered ones by source and why, those of now first."""
    by: dict[tuple[str, str], list[datetime]] = {}
    for one in refusals:
        by.setdefault((one.source, one.why), []).append(one.at)
    found = [Refused(source=source, why=why, count=len(at), last=max(at)) for (source, why), at in by.items()]
    return sorted(found, key=lambda one: one.last, reverse=True)
