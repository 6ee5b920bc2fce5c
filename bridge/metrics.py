"""What Prometheus is told: counts and durations by source and verdict, never a person's data.

One registry per bridge, so that tests and several bridges in one process do not meet. Unproven requests are
counted under their source only when that source exists, so a stranger cannot make label values up.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bridge import backlog
from bridge.model import Backlog, Counts, Tracker
from bridge.rate import Pace, pace_of

# A second series per counter would say only when this process started.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves this one function untyped

_Snapshot: TypeAlias = tuple[Counts, Tracker, Backlog]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters, ready to be counted with."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self._snapshot: _Snapshot | None = None
        self.webhooks = Counter(
            "trackbridge_webhooks",
            "Webhooks answered, by source and answer.",
            ["source", "answer"],
            registry=self.registry,
        )
        self.refused = Counter(
            "trackbridge_refused", "Unproven requests, by source and why.", ["source", "why"], registry=self.registry
        )
        self.ack_seconds = Histogram(
            "trackbridge_ack_seconds",
            "From the last byte received to the answer, commit included.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
            registry=self.registry,
        )
        self.attempts = Counter(
            "trackbridge_attempts",
            "HTTP tries, by what the tracker's verdict was.",
            ["verdict"],
            registry=self.registry,
        )
        self.attempt_seconds = Histogram(
            "trackbridge_attempt_seconds", "How long the tracker took to answer.", registry=self.registry
        )
        self.reloads = Counter(
            "trackbridge_reloads", "Reloads of the mappings, by result.", ["result"], registry=self.registry
        )
        self.mappings_stale = Gauge(
            "trackbridge_mappings_stale",
            "1 while the mappings on disk have problems and the last good ones are in force.",
            registry=self.registry,
        )
        self.mappings_loaded = Gauge(
            "trackbridge_mappings_loaded_timestamp_seconds",
            "When the mappings in force were read.",
            registry=self.registry,
        )
        self._watch()
        self._answers: dict[tuple[str, str], Counter] = {}
        self.registry.register(_Stored(version, lambda: self._snapshot))

    def _watch(self) -> None:
        """What is watched beside the river: silence, other replicas, who is told, who is asked."""
        self.replicas = Gauge(
            "trackbridge_replicas",
            "Replicas on this database that were heard of lately, this one among them.",
            registry=self.registry,
        )
        self.replicas_differ = Gauge(
            "trackbridge_replicas_differ",
            "1 while replicas have worked by different mappings or settings for longer than a minute.",
            registry=self.registry,
        )
        self.source_silent = Gauge(
            "trackbridge_source_silent",
            "1 while a source, or a rule of it, has been silent for longer than its mapping allows.",
            ["source", "rule"],
            registry=self.registry,
        )
        self.last_event = Gauge(
            "trackbridge_last_event_timestamp_seconds",
            "When the last event of a source was received, looked up once a minute.",
            ["source"],
            registry=self.registry,
        )
        self.notifications = Counter(
            "trackbridge_notifications", "Notifications, by what became of them.", ["result"], registry=self.registry
        )
        self.lookups = Counter(
            "trackbridge_lookups",
            "Sales and refunds that Stripe was asked about, by what was learnt.",
            ["result"],
            registry=self.registry,
        )

    def answered(self, source: str, answer: str) -> None:
        """Count one answer to a webhook."""
        child = self._answers.get((source, answer))
        if child is None:
            # `labels` checks and looks up under a lock; the hot path does that once per pair
            child = self._answers[source, answer] = self.webhooks.labels(source, answer)
        child.inc()

    def render(self, counts: Counts, tracker: Tracker, left: Backlog) -> bytes:
        """The exposition text, with what the store says right now."""
        self._snapshot = (counts, tracker, left)
        return generate_latest(self.registry)


class _Stored(Collector):
    """What is read from the store at scrape time, so that it is true after a restart too."""

    def __init__(self, version: str, snapshot: Callable[[], _Snapshot | None]) -> None:
        self._version = version
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        build = GaugeMetricFamily("trackbridge_build", "The running version.", labels=["version"])
        build.add_metric([self._version], 1)
        yield build
        taken = self._snapshot()
        if taken is None:
            return
        counts, tracker, left = taken
        events = GaugeMetricFamily("trackbridge_events", "Events remembered, by state.", labels=["state"])
        for event_state, count in counts.events.items():
            events.add_metric([event_state.value], count)
        deliveries = GaugeMetricFamily("trackbridge_deliveries", "Deliveries, by state.", labels=["state"])
        for state, count in counts.deliveries.items():
            deliveries.add_metric([state.value], count)
        oldest = GaugeMetricFamily(
            "trackbridge_oldest_pending_timestamp_seconds",
            "When the oldest pending delivery was recorded; 0 when none is.",
        )
        oldest.add_metric([], counts.oldest_pending_at.timestamp() if counts.oldest_pending_at else 0)
        paused = GaugeMetricFamily("trackbridge_tracker_paused", "1 while deliveries are held back.")
        paused.add_metric([], 1 if tracker.is_paused else 0)
        refunds = CounterMetricFamily(
            "trackbridge_refunds", "Refunds and disputes told of, by source and kind.", labels=["source", "kind"]
        )
        for (source, kind), count in sorted(counts.reversals.items()):
            refunds.add_metric([source, kind], count)
        yield from (events, deliveries, oldest, paused, refunds)
        yield from _standing(left, pace_of(tracker) or Pace(n=0))


def _standing(left: Backlog, pace: Pace) -> Iterable[GaugeMetricFamily]:
    """What is due and what is held up; how long it takes only where a rate says so."""
    due = GaugeMetricFamily("trackbridge_backlog_deliveries", "Deliveries that may go as soon as the rate allows.")
    due.add_metric([], left.due)
    held = GaugeMetricFamily("trackbridge_held_lanes", "Customers whose next delivery is tried again later.")
    held.add_metric([], left.held_lanes)
    takes = backlog.seconds(left, pace)
    about = GaugeMetricFamily(
        "trackbridge_backlog_seconds", "How long these take at the rate, pauses apart; absent without a rate."
    )
    if takes is not None:
        about.add_metric([], takes)
    yield from (due, held, about)
