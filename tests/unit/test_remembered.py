"""A question that costs something is asked once, however many want to know, and its failure is everybody's."""

import asyncio

import pytest

from bridge.errors import StoreError
from bridge.web.remembered import Remembered


class Question:
    """Counts how often it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked = 0
        self.error = error

    async def __call__(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return self.asked


async def test_those_who_ask_together_share_one_answer() -> None:
    question = Question()
    remembered = Remembered(question)

    assert [1] * 50 == await asyncio.gather(*(remembered.get() for _ in range(50)))
    assert 1 == await remembered.get() == question.asked


async def test_after_a_while_it_is_asked_again() -> None:
    remembered = Remembered(Question(), seconds=0)

    assert [1, 2, 3] == [await remembered.get() for _ in range(3)]


async def test_a_failure_is_told_to_all_who_asked_and_holds_as_long() -> None:
    question = Question(StoreError("no"))
    remembered = Remembered(question)

    answers = await asyncio.gather(*(remembered.get() for _ in range(9)), return_exceptions=True)

    assert [StoreError] * 9 == [type(answer) for answer in answers]
    with pytest.raises(StoreError):
        await remembered.get()
    assert 1 == question.asked


async def test_who_leaves_takes_the_answer_from_nobody() -> None:
    remembered = Remembered(Question())
    leaving, staying = (asyncio.create_task(remembered.get()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()

    assert 1 == await staying
