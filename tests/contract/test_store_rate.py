"""The rate over crashes and restarts: whatever ends the bridge and whenever, no window of one unit holds more than n.

The store's own verbs, in a database of their own, with every end a process can come to: before the commit of a claim,
after it and before anything was sent, and with requests under way.
"""

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.model import Delivered, Delivery, Outcome, Sent, Tracker
from bridge.rate import Pace
from bridge.retry import Policy, judge
from bridge.store import claim, settle, trackers
from bridge.store.base import LEASE, Settlement
from bridge.store.encoding import encode_meaning, to_ms
from bridge.store.record import Recording, record
from bridge.store.sqlite.connection import Connected
from bridge.store.sqlite.migrations import migrate
from bridge.store.steps import shipped
from tests.contract.store_hand import START, a_meaning, a_sale

CUSTOMERS = 300
#: One database for all examples, each in a transaction that is taken back.
_STEPS = shipped("sqlite")


@contextlib.contextmanager
def database() -> Iterator[Connected]:
    with tempfile.TemporaryDirectory() as folder:
        db = sqlite3.connect(Path(folder) / "rate.db", isolation_level=None, factory=Connected)
        db.row_factory = sqlite3.Row
        migrate(db, _STEPS, now_ms=0)
        db.execute("BEGIN")
        many = [encode_meaning(a_meaning(a_sale(f"s{number}", f"cus_{number}"))) for number in range(CUSTOMERS)]
        record(db, [Recording(meanings=many, now_ms=to_ms(START), dry_run=False)])
        yield db
        db.execute("ROLLBACK")
        db.close()


class World:
    """A bridge that is ended and started again, and when the tracker heard from it."""

    def __init__(self, db: Connected, pace: Pace) -> None:
        self.db, self.pace = db, pace
        self.now = START
        self.heard: list[datetime] = []
        self.under_way: list[Delivery] = []
        self.start()

    def start(self) -> None:
        """A new process: what was under way is unknown, the bucket is empty."""
        self.under_way = []
        settle.rescue(self.db, self.now)
        trackers.greet(self.db, "fingerprint", self.now, self.pace)

    def turn(self, ends: str) -> None:
        """Claim and send, settle what came back; or end on the way, at one of the places where that is different."""
        self.db.execute("SAVEPOINT claim")
        limit = 32 - len(self.under_way)
        claimed = claim.claim(
            self.db, limit=limit, pace=self.pace, now=self.now, lease=LEASE, unheld=lambda _, ids: list(ids)
        )
        if ends == "before the commit":
            self.db.execute("ROLLBACK TO claim")
            self.start()
            return
        if ends == "before sending":
            self.start()
            return
        self.heard += [self.now] * len(claimed.deliveries)
        self.under_way += claimed.deliveries
        if ends == "while sending":
            self.start()
            return
        self.settle()

    def settle(self) -> None:
        done = [
            Settlement(
                delivery=delivery,
                outcome=Outcome(sent=Sent.YES, started_at=self.now, duration_ms=1.0, status=200, is_json=True),
            )
            for delivery in self.under_way
        ]
        self.under_way = []

        def verdict(delivery: Delivery, outcome: Outcome, tracker: Tracker, now: datetime) -> tuple[Delivered, Tracker]:
            decision, after = judge(delivery, outcome, tracker, now=now, jitter=0.5, policy=Policy())
            assert isinstance(decision, Delivered)
            return decision, after

        settle.settle(self.db, done, verdict, self.now, ahead=timedelta())


ENDS = st.sampled_from(["", "", "", "before the commit", "before sending", "while sending"])
TURNS = st.lists(st.tuples(st.integers(0, 20_000), ENDS), max_size=80)


@settings(max_examples=60, deadline=None)
@given(n=st.sampled_from([1, 2, 5, 10, 60]), seconds=st.sampled_from([1.0, 60.0]), turns=TURNS)
@example(n=60, seconds=60.0, turns=[(20_000, ""), *[(900, "while sending"), (200, "")] * 35])
@example(n=10, seconds=1.0, turns=[(5_000, ""), *[(30, "before sending"), (120, ""), (120, "while sending")] * 20])
@example(n=5, seconds=1.0, turns=[(5_000, ""), *[(60, ""), (60, ""), (60, "before the commit")] * 25])
def test_no_window_of_one_unit_holds_more_than_n_whenever_the_bridge_is_ended(
    n: int, seconds: float, turns: list[tuple[int, str]]
) -> None:
    with database() as db:
        world = World(db, Pace(n=n, seconds=seconds))
        for milliseconds, ends in turns:
            world.now += timedelta(milliseconds=milliseconds)
            world.turn(ends)

    for number in range(len(world.heard) - n):
        assert (world.heard[number + n] - world.heard[number]).total_seconds() >= seconds * (1 - 1e-6)


def test_a_bridge_that_is_ended_every_second_sends_nothing_it_has_not_waited_for() -> None:
    """An empty bucket at every start: at 60/min the first request leaves a little over a second after it."""
    with database() as db:
        world = World(db, Pace(n=60))
        for _ in range(120):
            world.now += timedelta(seconds=1)
            world.turn("while sending")

    assert [] == world.heard
