"""Silence is an alarm: a source, or a rule of it, from which nothing has come for longer than its mapping allows.

Looks once a minute at what the database knows, so it is right after a restart and beside other replicas. What never
had an event counts from when it was first watched here (a start, or the reload that switched it on), and nothing is
called silent in the first minute: senders may be trying again right now.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from prometheus_client import Gauge

from bridge import logs, notices
from bridge.errors import StoreError
from bridge.library import Library
from bridge.metrics import Metrics
from bridge.notices import Notice
from bridge.store.base import Heard

_log = logs.get("bridge.silence")

LOOK_SECONDS = 60.0


class Ears(Protocol):
    """What the watch asks of the store."""

    async def last_heard(self, source: str, rule: str = "", *, after: int = 0) -> Heard:
        """When a source, or a rule of it, last told anything by itself."""
        ...


@dataclass(slots=True)
class _Watch:
    """One source, or one rule of it: `rule` is empty for any event."""

    source: str
    rule: str
    #: None: nobody minds
    span: timedelta | None
    begun: datetime
    last: datetime | None = None
    after: int = 0
    is_silent: bool = False

    @property
    def since(self) -> datetime:
        """When the silence began."""
        return self.last or self.begun


class Silence:
    """Watches every source that is on."""

    def __init__(
        self,
        *,
        library: Callable[[], Library],
        ears: Ears,
        metrics: Metrics,
        clock: Callable[[], datetime],
        tell: Callable[[Notice], None],
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._library = library
        self._ears = ears
        self._metrics = metrics
        self._clock = clock
        self._tell = tell
        self._look_seconds = look_seconds
        self._watches: dict[tuple[str, str], _Watch] = {}

    async def run(self) -> None:
        """Watch until cancelled; a failing database, or a bug of ours, costs a minute."""
        while True:
            try:
                await self.look()
            except StoreError as error:
                logs.event(_log, logging.ERROR, "store.unavailable", verb="last_heard", why=str(error))
            except Exception as error:  # noqa: BLE001 - see the docstring
                logs.event(_log, logging.ERROR, "bug", exception=error, where="silence")
            await asyncio.sleep(self._look_seconds)

    async def look(self) -> None:
        """Ask for each source and rule when it last told anything, and say what has changed. Raises StoreError."""
        self._follow()
        for watch in list(self._watches.values()):
            heard = await self._ears.last_heard(watch.source, watch.rule, after=watch.after)
            watch.after = heard.after
            self._judge(watch, heard.at)

    @property
    def silent(self) -> list[tuple[str, str, datetime]]:
        """What is silent now: source, rule (or nothing), since when."""
        return [(watch.source, watch.rule, watch.since) for watch in self._watches.values() if watch.is_silent]

    def _follow(self) -> None:
        """Watch what is on by the library in force, and nothing else."""
        wanted: dict[tuple[str, str], timedelta | None] = {}
        for source in self._library().sources.values():
            if source.is_on:
                wanted[source.name, ""] = source.mapping.silence
                wanted |= {(source.name, rule.name): rule.silence for rule in source.mapping.rules if rule.silence}
        for key in [key for key in self._watches if key not in wanted]:
            self._calm(self._watches.pop(key))
            if not key[1]:
                _remove(self._metrics.last_event, key[0])
        now = self._clock()
        for (name, rule), span in wanted.items():
            watch = self._watches.setdefault((name, rule), _Watch(name, rule, span, begun=now))
            watch.span = span

    def _judge(self, watch: _Watch, at: datetime | None) -> None:
        """Take in what was heard; tell when silence began or ended."""
        now, before, last = self._clock(), watch.since, watch.last
        if at is not None and (watch.last is None or at > watch.last):
            watch.last = at
            if not watch.rule:
                self._metrics.last_event.labels(watch.source).set(at.timestamp())
        if watch.span is None:
            self._calm(watch)
            return
        was_silent = watch.is_silent
        in_first_minute = now - watch.begun < timedelta(seconds=self._look_seconds)
        watch.is_silent = now - watch.since >= watch.span and (was_silent or not in_first_minute)
        self._metrics.source_silent.labels(watch.source, watch.rule).set(watch.is_silent)
        if watch.is_silent and not was_silent:
            self._tell_silent(watch, watch.span, now)
        elif was_silent and not watch.is_silent and watch.since > before:
            self._tell_heard(watch, watch.since - before, last, now)

    def _calm(self, watch: _Watch) -> None:
        """Nobody watches this any more, or nobody minds."""
        watch.is_silent = False
        _remove(self._metrics.source_silent, watch.source, watch.rule)

    def _tell_silent(self, watch: _Watch, span: timedelta, now: datetime) -> None:
        logs.event(
            _log,
            logging.ERROR,
            "source.silent",
            source=watch.source,
            rule=watch.rule or None,
            since=watch.since,
            allowed=notices.spell(span),
        )
        notice = notices.silent(
            now, source=watch.source, rule=watch.rule, since=watch.since, span=span, is_first=watch.last is None
        )
        self._tell(notice)

    def _tell_heard(self, watch: _Watch, after: timedelta, since: datetime | None, now: datetime) -> None:
        logs.event(
            _log,
            logging.WARNING,
            "source.heard",
            source=watch.source,
            rule=watch.rule or None,
            after=notices.spell(after),
        )
        self._tell(notices.heard(now, source=watch.source, rule=watch.rule, after=after, since=since))


def _remove(gauge: Gauge, *labels: str) -> None:
    with contextlib.suppress(KeyError):  # there was none
        gauge.remove(*labels)
