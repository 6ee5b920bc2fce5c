"""Guesses at the admin token: bounded for everybody together, free for who is right, nobody locked out for good."""

import asyncio

import pytest

from bridge.web.attempts import MOST_WAITING, Attempts, Guess, bearer_of, is_token

TOKEN = "adm_0123456789abcdef"
RIGHT, WRONG = TOKEN.encode(), b"adm_0123456789abcdeF"


@pytest.mark.parametrize("given", [b"", b"adm", RIGHT + b"0", RIGHT[:-1], WRONG, "ä".encode(), b"\x00" * 100_000])
def test_only_the_whole_token_is_the_token(given: bytes) -> None:
    assert is_token(RIGHT, TOKEN)
    assert not is_token(given, TOKEN)


def test_no_token_is_no_ones() -> None:
    assert not is_token(b"", "")


async def test_after_a_burst_of_wrong_ones_they_wait_and_then_are_not_looked_at() -> None:
    attempts = Attempts(burst=3, per_second=20.0)
    loop = asyncio.get_running_loop()
    began = loop.time()
    results = await asyncio.gather(*(attempts.judge(WRONG, TOKEN) for _ in range(3 + MOST_WAITING + 50)))
    looked_at = results.count(Guess.WRONG)

    assert 3 + MOST_WAITING <= looked_at <= 3 + MOST_WAITING + 5
    assert [Guess.NOT_LOOKED_AT] * 10 == results[-10:]
    assert loop.time() - began >= 0.9 * MOST_WAITING / 20.0


async def test_those_who_wait_do_not_hold_up_the_loop() -> None:
    attempts = Attempts(burst=1, per_second=20.0)
    waiting = [asyncio.create_task(attempts.judge(WRONG, TOKEN)) for _ in range(5)]
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(100):
        await asyncio.sleep(0)

    assert loop.time() - began < 0.05
    assert not all(task.done() for task in waiting)
    await asyncio.gather(*waiting)


async def test_a_right_one_costs_nothing() -> None:
    attempts = Attempts(burst=2, per_second=0.001)

    assert [Guess.RIGHT] * 50 == [await attempts.judge(RIGHT, TOKEN) for _ in range(50)]
    assert [Guess.RIGHT] * 50 == [attempts.judge_now(RIGHT, TOKEN) for _ in range(50)]


async def test_a_script_does_not_wait_and_a_flood_shows_nothing_of_what_is_right() -> None:
    """When the budget is used up, not even the right one is answered: else a flood would be a way to guess."""
    attempts = Attempts(burst=2, per_second=0.001)
    guesses = [attempts.judge_now(given, TOKEN) for given in (WRONG, WRONG, WRONG, RIGHT)]

    assert [Guess.WRONG, Guess.WRONG, Guess.NOT_LOOKED_AT, Guess.NOT_LOOKED_AT] == guesses


async def test_the_budget_comes_back() -> None:
    attempts = Attempts(burst=1, per_second=100.0)
    attempts.judge_now(WRONG, TOKEN)
    await asyncio.sleep(0.03)

    assert Guess.RIGHT is attempts.judge_now(RIGHT, TOKEN)


@pytest.mark.parametrize(
    ("headers", "given"),
    [
        ([(b"authorization", b"Bearer abc")], b"abc"),
        ([(b"authorization", b"bearer  abc ")], b"abc"),
        ([(b"authorization", b"Basic abc")], None),
        ([(b"x", b"Bearer abc")], None),
        ([], None),
    ],
    ids=["as everybody writes it", "otherwise", "another scheme", "another header", "none"],
)
def test_a_bearer_token_is_found(headers: list[tuple[bytes, bytes]], given: bytes | None) -> None:
    assert given == bearer_of(headers)
