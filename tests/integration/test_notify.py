"""Notices on their way to a receiver that is well, slow, failing or gone."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from bridge.notices import Kind, Notice, Outlet, outlet
from bridge.notify import MOST_WAITING, Notifier
from tests.receiver import Receiver, comes_true, receiver
from tests.support import free_port

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LONG = dict.fromkeys(Kind, 3600.0)
SHORT = dict.fromkeys(Kind, 0.15)


def now() -> datetime:
    return datetime.now(UTC)


def a_notice(kind: Kind = Kind.DEAD, text: str = "it died", source: str = "shop") -> Notice:
    return Notice(kind=kind, at=now(), text=text, source=source)


class Bench:
    """A notifier, its outlets, and what it counted."""

    def __init__(self, *outlets: Outlet, **changes: Any) -> None:
        self.outlets: Sequence[Outlet] = outlets
        self.counts: Counter[str] = Counter()
        settings: dict[str, Any] = {"windows": LONG, "pauses": (0.01, 0.01), "timeout_seconds": 5.0} | changes
        self.notifier = Notifier(
            lambda: self.outlets, clock=now, count=lambda result: self.counts.update([result]), **settings
        )

    async def counted(self, result: str, times: int = 1) -> None:
        await comes_true(lambda: self.counts[result] >= times)


@asynccontextmanager
async def bench(to: Receiver | None = None, **changes: Any) -> AsyncIterator[Bench]:
    made = Bench(*([outlet("x", to.url, SECRET)] if to else []), **changes)
    yield made
    await made.notifier.aclose(within_seconds=0.2)


@pytest.fixture
async def to() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


async def test_a_notice_arrives_signed_and_once(to: Receiver) -> None:
    async with bench(to) as b:
        b.notifier.tell(a_notice())
        await to.until(1)
        await b.counted("sent")

    assert ["delivery.dead"] == to.types
    assert "it died" == Webhook(SECRET).verify(to.told[0].body, to.told[0].headers)["data"]["text"]


async def test_of_a_kind_the_first_goes_at_once_and_the_others_as_one(to: Receiver) -> None:
    async with bench(to, windows=SHORT) as b:
        for number in range(5):
            b.notifier.tell(a_notice(text=f"death {number}", source=f"shop {number % 2}"))
        b.notifier.tell(a_notice(Kind.PAUSED, source=""))
        await to.until(3)

    assert ["delivery.dead", "tracker.paused", "delivery.dead"] == to.types
    last = to.told[2].json["data"]
    assert 3 == last["left_out"]
    assert last["text"].startswith("death 4 (and 3 more of this kind since ")
    assert last["text"].endswith("UTC: shop 1, shop 0)")


async def test_after_a_quiet_window_the_next_goes_at_once_again(to: Receiver) -> None:
    async with bench(to, windows=SHORT) as b:
        b.notifier.tell(a_notice())
        await to.until(1)
        await asyncio.sleep(0.2)
        b.notifier.tell(a_notice())
        await to.until(2)

    assert [0, 0] == [one.json["data"]["left_out"] for one in to.told]


async def test_what_was_only_counted_is_told_at_the_end(to: Receiver) -> None:
    async with bench(to) as b:
        for _ in range(3):
            b.notifier.tell(a_notice())

    assert [0, 1] == [one.json["data"]["left_out"] for one in to.told]


@pytest.mark.parametrize("answer", [500, 503, 429, 0], ids=["500", "503", "429", "dropped"])
async def test_what_may_pass_is_tried_again_under_the_same_id(to: Receiver, answer: int) -> None:
    to.answers = [answer, answer, 200]
    async with bench(to) as b:
        b.notifier.tell(a_notice())
        await b.counted("sent")

    assert 3 == len(to.told)
    assert 1 == len({one.headers["webhook-id"] for one in to.told})
    assert Counter(sent=1) == b.counts


@pytest.mark.parametrize(("answer", "tries"), [(500, 3), (404, 1), (302, 1), (410, 1)], ids=str)
async def test_what_fails_is_given_up_with_a_line_that_shows_no_address(
    to: Receiver, caplog: pytest.LogCaptureFixture, answer: int, tries: int
) -> None:
    to.answers = [answer]
    async with bench(to) as b:
        b.notifier.tell(a_notice())
        await b.counted("failed")

    assert tries == len(to.told)
    (line,) = [record for record in caplog.records if record.message == "notify.failed"]
    assert str(answer) in repr(vars(line))
    assert "hunter2" not in repr(vars(line))


async def test_a_receiver_that_is_gone_costs_nobody_anything() -> None:
    made = Bench(outlet("x", f"http://127.0.0.1:{free_port()}/"))
    began = time.perf_counter()
    for _ in range(1000):
        made.notifier.tell(a_notice())
    assert time.perf_counter() - began < 0.2

    await made.counted("failed")
    await made.notifier.aclose(within_seconds=1)


async def test_a_receiver_that_hangs_is_left_and_delays_no_other(to: Receiver) -> None:
    async with receiver() as slow:
        slow.answers = [None]
        made = Bench(outlet("slow", slow.url), outlet("x", to.url), timeout_seconds=0.1)
        made.notifier.tell(a_notice())
        await to.until(1)
        await made.counted("failed")
        await made.notifier.aclose(within_seconds=1)

    assert 3 == len(slow.told)
    assert 1 == len(to.told)


async def test_the_end_waits_no_longer_than_it_may(to: Receiver) -> None:
    to.answers = [None]
    made = Bench(outlet("x", to.url))
    made.notifier.tell(a_notice())
    await to.until(1)
    began = time.perf_counter()
    await made.notifier.aclose(within_seconds=0.1)

    assert time.perf_counter() - began < 1
    made.notifier.tell(a_notice(Kind.PAUSED))
    assert 1 == len(to.told)


async def test_no_more_than_so_much_waits_for_one_receiver(to: Receiver) -> None:
    to.answers = [None]
    async with bench(to, windows=dict.fromkeys(Kind, 0.0)) as b:
        b.notifier.tell(a_notice())
        await to.until(1)
        for _ in range(MOST_WAITING + 7):
            b.notifier.tell(a_notice())

    assert 7 == b.counts["dropped"]


async def test_a_changed_outlet_is_told_from_then_on_and_the_others_windows_stay(to: Receiver) -> None:
    async with receiver() as other, bench(to) as b:
        b.notifier.tell(a_notice())
        await to.until(1)
        b.outlets = (*b.outlets, outlet("other", other.url))
        b.notifier.tell(a_notice())
        await other.until(1)

        assert 1 == len(to.told)


async def test_outlets_that_cannot_be_asked_for_raise_into_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Sequence[Outlet]:
        raise ZeroDivisionError

    notifier = Notifier(broken, clock=now)
    notifier.tell(a_notice())
    await notifier.aclose(within_seconds=1)

    assert ["bug"] == [record.message for record in caplog.records]
