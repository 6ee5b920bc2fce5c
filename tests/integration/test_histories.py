"""The real store and the real worker, days in seconds, beside the reference model: random histories, one after another.

Webhooks come, the tracker answers anything, the process is killed, ended and begun again, operators replay, dismiss,
pause and resume. Whatever is claimed, the model must have allowed; what it allows must be claimed; and after every step
both must stand at the same place. In the end the tracker is well, and everything gets there.

`HISTORIES=5000 pytest tests/integration/test_histories.py` looks for longer; `HISTORY=17` plays that one again.
"""

import asyncio
import logging
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar, cast

from bridge.metrics import Metrics
from bridge.model import Lead, Outcome, Payload
from bridge.rate import Pace
from bridge.store import Store
from bridge.store.base import DeliveryFilter
from bridge.worker import Worker
from tests.contract.store_hand import a_conversion, a_lead, a_meaning, a_sale
from tests.integration.history_stage import ANSWERS, START, UNHARMED, WELL, Answer, Bugs, Watched, ms
from tests.reference import Known, Model, S
from tests.simulation import SimulatedLoop, open_simulated

T = TypeVar("T")

JITTER = 0.437
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


class History:
    """A bridge without its web, a tracker of many moods, an operator; all of it by one seed."""

    def __init__(self, seed: int, folder: Path, runner: asyncio.Runner) -> None:
        self.random = random.Random(seed)
        self.runner = runner
        self.loop = cast("SimulatedLoop", runner.get_loop())
        self.pace = Pace(n=60 if self.random.random() < 0.3 else 0)
        self.model = Model(jitter=JITTER, is_paced=not self.pace.is_free)
        self.taken: Counter[int] = Counter()
        self.told, self.number = list[str](), 0
        self.token = "t"
        # what this history is about: a few customers, a few kinds of answer, hours or days
        self.lanes = "uvwxyz"[: self.random.randint(2, 6)]
        self.answers = self.random.sample(sorted(ANSWERS), self.random.randint(1, 4))
        self.patience = self.random.choice([MINUTE, HOUR, HOUR, 8 * HOUR, 30 * HOUR])
        self.slowness = self.random.choice([1, 1, 50])
        self.always: dict[str, Answer] = {}
        match self.random.randrange(4):
            case 0:  # one customer is poison, for days
                self.always = {"u": ANSWERS[self.random.choice(["500", "timeout", "refused", "404", "401", "reset"])]}
                self.patience = 4 * DAY
            case 1:  # all the tracker ever says at first
                self.lanes = "uvwxyz"
                self.always = dict.fromkeys(self.lanes, ANSWERS[self.answers[0]])
                self.patience = self.random.choice([MINUTE, 20 * HOUR])
        self.moods = dict(self.always)
        self.names = "abcdefghijklmnopqrst"[: self.random.choice([4, 8, 20])]
        self.store = self.look(open_simulated(folder))
        self.watched = Watched(self.store, self.model, self.loop)
        self.start(is_other=False)

    def do(self, work: Awaitable[T]) -> T:
        """Do it, and let everybody do what can be done at this moment: time goes on when nobody is left who can."""

        async def do() -> T:
            done = await work
            self.worker.wake()
            await asyncio.sleep(0.0013)
            return done

        return self.runner.run(do())

    def look(self, work: Coroutine[Any, Any, T]) -> T:
        """Read, while everybody rests."""
        return self.runner.run(work)

    def start(self, *, is_other: bool) -> None:
        """A process begins to serve, perhaps with another token."""
        self.token += "+" * is_other

        async def begin() -> None:
            now = self.loop.now()
            await self.store.rescue(now=now)
            self.model.rescue(ms(now))
            await self.store.greet(self.token, now=now, pace=self.pace)
            self.model.greet(ms(now), is_other=is_other)
            self.worker = Worker(
                store=cast("Store", self.watched),
                send=self.send,
                pace=self.pace,
                metrics=Metrics("test"),
                clock=self.loop.now,
                jitter=lambda: JITTER,
                poll_seconds=HOUR,
            )
            self.working = asyncio.create_task(self.worker.run())

        self.do(begin())

    async def send(self, payload: Payload) -> Outcome:
        answer, started = self.moods.get(payload.customer_external_id, WELL), self.loop.now()
        if answer.sales_only and isinstance(payload, Lead):
            answer = WELL
        if answer.is_taken:
            self.taken[int(payload.event_name[1:])] += 1
        await asyncio.sleep(answer.seconds * self.slowness)
        return Outcome(
            sent=answer.sent,
            started_at=started,
            duration_ms=answer.seconds * 1000,
            status=answer.status,
            is_json=answer.is_json,
            is_html=answer.is_html,
            error=answer.error,
            retry_after_seconds=answer.retry_after,
        )

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────

    def play(self, steps: int) -> None:
        """So many things, one after the other, and the end."""
        actions: dict[Callable[[], None], int] = {
            self.webhooks: 30,
            self.moods_change: 20,
            self.all_is_well: 8,
            self.later: 30,
            self.is_killed: 4,
            self.is_ended_and_begun: 4,
            self.operator: 4,
            self.replay: 6,
            self.dismiss: 3,
        }
        for action in self.random.choices(list(actions), list(actions.values()), k=steps):
            self.told.append(action.__name__)
            action()
            self.compare()
        self.end()

    def webhooks(self) -> None:
        now = self.loop.now()
        meanings, new = [], []
        for _ in range(self.random.randint(1, 4)):
            self.number += 1
            lane, kind = self.random.choice(self.lanes), self.random.choice(["sale", "sale", "lead", "careful lead"])
            names = self.random.sample(self.names, self.random.randint(1, 2))
            name, holds = f"n{self.number}", kind == "careful lead"
            payload = a_sale(name, lane) if kind == "sale" else a_lead(name, lane)
            conversion = a_conversion(payload, claims=names, when_unsure="hold" if holds else "repeat")
            meanings.append(a_meaning(conversion, key=name))
            known = Known(lane=lane, names=frozenset(names), is_lead=kind != "sale", holds=holds, due=ms(now))
            new.append((self.number, known))

        async def record() -> None:
            await self.store.record(meanings, now=now)
            for number, one in new:
                self.model.record(number, one)

        self.do(record())

    def moods_change(self) -> None:
        some = self.random.sample(self.lanes, self.random.randint(1, len(self.lanes)))
        answer = self.random.choice(self.answers)
        self.told.append(f"{answer} for {some}")
        self.moods |= dict.fromkeys(some, ANSWERS[answer])

    def all_is_well(self) -> None:
        self.moods = dict(self.always) if self.random.random() < 0.8 else {}

    def later(self) -> None:
        seconds = self.random.choice([0.07, 0.7, 4.0, 11.0, 61.9, self.patience * self.random.random(), self.patience])
        self.told.append(f"{seconds:.1f} s")
        self.do(asyncio.sleep(seconds))

    def is_killed(self) -> None:
        async def kill() -> None:
            others = [task for task in asyncio.all_tasks() - {asyncio.current_task()} if task.get_name() != UNHARMED]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self.look(kill())
        self.start(is_other=self.random.random() < 0.3)

    def is_ended_and_begun(self) -> None:
        async def end() -> None:
            await self.worker.stop(within_seconds=2)
            await self.working

        self.look(end())
        self.start(is_other=False)

    def operator(self) -> None:
        now, pauses = self.loop.now(), self.random.random() < 0.4

        async def say() -> None:
            if pauses:
                await self.store.pause("a reason", now=now)
                self.model.pause(ms(now))
            else:
                await self.store.resume(now=now)
                self.model.resume(ms(now))

        self.do(say())

    def replay(self) -> None:
        now = self.loop.now()
        gone = [number for number, one in self.model.deliveries.items() if one.state in (S.DEAD, S.DISMISSED)]
        number = self.random.choice(gone or [*self.model.deliveries] or [1])

        async def replay() -> None:
            (changed,) = await self.store.replay([number], now=now)
            assert changed.done == (number in self.model.deliveries and self.model.replay(number, ms(now)))

        self.do(replay())

    def dismiss(self) -> None:
        now, only = self.loop.now(), self.random.random() < 0.5
        number = self.random.choice([*self.model.deliveries] or [1])

        async def dismiss() -> None:
            (changed,) = await self.store.dismiss([number], only=only, now=now)
            known = number in self.model.deliveries
            assert changed.done == (known and self.model.dismiss(number, ms(now), only=only))

        self.do(dismiss())

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────────

    def compare(self) -> None:
        """Both stand at the same place, and nobody who may go was left standing."""
        for error in self.watched.wrong:
            raise error
        found = {one.id: one for one in self.look(self.store.deliveries(DeliveryFilter(limit=10_000)))}
        known, health = self.model.deliveries, self.model.health
        assert {n: (one.state, one.attempts) for n, one in known.items()} == {
            n: (one.state, one.attempts) for n, one in found.items()
        }
        for number, one in known.items():
            there = found[number]
            assert one.state is not S.DUPLICATE or one.duplicate_of == there.duplicate_of
            assert not one.is_lead or one.unsure == there.unsure
            assert not one.state.is_open or one.state is S.SENDING or abs(one.due - ms(there.due_at)) <= 2
        row = self.look(self.store.tracker())
        assert (health.paused_since is not None, health.by_hand, health.cautious, health.failures) == (
            row.is_paused,
            row.paused_by_operator,
            row.cautious,
            row.failures,
        )
        self.model.check()
        if self.pace.is_free:
            ago = ms(self.loop.now()) - 20
            assert [] == [one for one in self.model.may_go(ago) if known[one].due < ago]

    def end(self) -> None:
        """The tracker is well, nobody pauses it: everything gets there, once unless an answer was lost."""
        self.told.append("the end")
        self.moods.clear()

        async def resume() -> None:
            for _ in range(2):
                await self.store.resume(now=self.loop.now())
                self.model.resume(ms(self.loop.now()))

        self.do(resume())
        self.do(asyncio.sleep(3 * HOUR))
        self.compare()
        for number, one in self.model.deliveries.items():
            assert not one.state.is_open
            assert self.taken[number] <= 1 or one.unsure or one.was_replayed, f"{number} was taken {self.taken[number]}"


def play(seed: int, folder: Path) -> None:
    """One history; what happened in it, should it go wrong."""
    folder.mkdir()
    bugs = Bugs()
    logging.getLogger("bridge.worker").addHandler(bugs)
    with asyncio.Runner(loop_factory=lambda: SimulatedLoop(START)) as runner:
        history = History(seed, folder, runner)
        try:
            history.play(30)
            assert [] == bugs.seen
        except Exception as error:
            error.add_note(f"HISTORY={seed}: {', '.join(history.told)}")
            raise
        finally:
            logging.getLogger("bridge.worker").removeHandler(bugs)
            runner.run(history.store.close())


def test_store_and_worker_do_what_the_model_says_whatever_happens(tmp_path: Path) -> None:
    one = os.environ.get("HISTORY")
    for seed in [int(one)] if one else range(int(os.environ.get("HISTORIES", "30"))):
        play(seed, tmp_path / str(seed))
