"""A database that does not answer (a stalled disk, a server that stands still): who may ask again is told soon."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from bridge.errors import StoreError
from bridge.store.database_store import DatabaseStore
from tests.contract.store_hand import Hand, a_sale


@pytest.fixture
async def silence(store: DatabaseStore) -> AsyncIterator[threading.Event]:
    """The thread that writes stands still until this is set."""
    store._writer.patience_seconds = 0.05
    over = threading.Event()
    standing = store._writer.alone(lambda _: over.wait(10))
    await asyncio.sleep(0.01)
    yield over
    over.set()
    assert await standing


async def test_a_webhook_waits_for_a_silent_database_only_so_long(hand: Hand, silence: threading.Event) -> None:
    with pytest.raises(StoreError, match="does not answer"):
        await hand.record(a_sale("behind it"))

    with pytest.raises(StoreError, match="does not answer"):
        await hand.store.ping()
    assert not silence.is_set()


async def test_nothing_piles_up_behind_a_silent_database(
    store: DatabaseStore, hand: Hand, silence: threading.Event
) -> None:
    for number in range(3):
        with pytest.raises(StoreError):
            await hand.record(a_sale(f"sale {number}"))

    assert [] == store._writer._waiting
    assert not silence.is_set()


async def test_it_goes_on_when_the_database_answers_again(
    store: DatabaseStore, hand: Hand, silence: threading.Event
) -> None:
    with pytest.raises(StoreError):
        await hand.record(a_sale("a sale"))
    silence.set()
    await idle(store)

    (recorded,) = await hand.record(a_sale("a sale"))
    assert (1, False) == (recorded.due, recorded.known)


async def test_what_is_being_written_when_patience_ends_is_not_known_and_nobody_is_told_twice(
    store: DatabaseStore, hand: Hand
) -> None:
    store._writer.patience_seconds = 0.05
    over = threading.Event()
    wish = store._writer.together(lambda _, calls: [over.wait(10) for _ in calls], None, hasty=True)
    with pytest.raises(StoreError, match="not known"):
        await wish
    over.set()

    await idle(store)
    (recorded,) = await hand.record(a_sale("afterwards"))
    assert not recorded.known


async def idle(store: DatabaseStore) -> None:
    """Wait until the thread that writes is free again."""
    async with asyncio.timeout(5):
        await store._writer._idle.wait()


async def test_who_must_know_what_became_of_it_waits(store: DatabaseStore, hand: Hand) -> None:
    store._writer.patience_seconds = 0.02
    over = threading.Event()
    standing = store._writer.alone(lambda _: over.wait(10))
    resuming = asyncio.ensure_future(store.resume(now=hand.now))
    done, _ = await asyncio.wait([resuming], timeout=0.1)
    assert not done
    over.set()

    await standing
    assert (await resuming).cautious
