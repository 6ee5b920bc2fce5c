"""What an operator asks that joins tables: one event's story, what is new for a follower, what each source brings."""

from datetime import timedelta

import pytest

from bridge.model import Dead, Delivered, EventState, RetryAt, Sent
from bridge.store.reports import Claim, Cursor, Line, Story, Twin
from tests.contract.databases import opened
from tests.contract.store_hand import START, Hand, S, a_conversion, a_lead, a_meaning, a_sale, an_event, an_outcome

# ── stories ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def story(hand: Hand, reference: str) -> Story:
    (found,) = await hand.store.stories(reference)
    return found


async def test_a_story_has_every_try_and_who_holds_the_claims(hand: Hand) -> None:
    await hand.record(a_meaning(a_conversion(a_sale("a"), claims=["in_1", "pi_1"]), key="e1"))
    await hand.end(await hand.claim_one(), Delivered(), cautious=False)

    told = await story(hand, "e1")

    assert ([1], ()) == ([one.number for one in told.told[1].attempts], told.items)
    assert (Claim(name="in_1", holder=1), Claim(name="pi_1", holder=1)) == told.told[1].claims
    assert (False, False) == (told.is_forgotten, told.tracker.cautious)


async def test_duplicates_and_their_original_know_each_other(hand: Hand) -> None:
    for name in "abc":
        await hand.record(a_meaning(a_conversion(a_sale(name, f"cus_{name}"), claims=["in_1"]), key=f"e_{name}"))

    first, last = (await story(hand, "e_a")).told[1], (await story(hand, "e_c")).told[3]

    twins = [Twin(delivery_id=number, event_id=number, source="stripe") for number in (1, 2, 3)]
    assert (tuple(twins[1:]), None) == (first.duplicates, first.original)
    assert ((), twins[0]) == (last.duplicates, last.original)
    assert (Claim(name="in_1", holder=1),) == last.claims


async def test_who_is_behind_others_in_its_lane_learns_behind_whom(hand: Hand) -> None:
    await hand.trust()
    await hand.record(a_sale("a"), a_sale("b"), a_sale("c"), a_sale("elsewhere", "cus_2"))
    await hand.claim(limit=1)

    places = [(await story(hand, f"d{number}")).told[number] for number in (2, 3, 4, 5)]

    assert [(None, 0), (2, 1), (2, 2), (None, 0)] == [(told.front, told.ahead) for told in places]


async def test_lines_name_whoever_stands_behind_another_or_holds_others_up(hand: Hand) -> None:
    await hand.trust()
    await hand.record(a_sale("a"), a_sale("b"), a_sale("c"), a_sale("elsewhere", "cus_2"))

    at_rest = await hand.store.lines([1, 2, 3, 4, 5, 99])
    await hand.claim(limit=1)
    under_way = await hand.store.lines([2, 3, 4, 5])

    assert {2: Line(behind=2), 3: Line(front=2), 4: Line(front=2)} == at_rest == under_way


async def test_a_dead_letter_that_keeps_its_duplicates_says_how_many(hand: Hand) -> None:
    await hand.trust()
    for name in "abc":
        conversion = a_conversion(a_lead(name), claims=["once"], when_unsure="hold")
        await hand.record(a_meaning(conversion, key=f"e_{name}"))
    await hand.end(await hand.claim_one(), Dead(reason="unknown"), an_outcome(None, sent=Sent.MAYBE, error="reset"))

    assert {2: Line(behind=2)} == await hand.store.lines([2, 3, 4])


async def test_items_of_one_webhook_name_each_other(hand: Hand) -> None:
    await hand.record(
        *(a_meaning(event=an_event(f"i{n}", item=n, body=b"[]"), state=EventState.IGNORED) for n in (0, 1, 2)),
        a_meaning(event=an_event("alone", item=0, body=b"[1]"), state=EventState.IGNORED),
    )

    for reference in ("i0", "i2"):
        assert ((0, 1), (1, 2), (2, 3)) == (await story(hand, reference)).items
    assert () == (await story(hand, "alone")).items


async def test_what_retention_took_is_said(hand: Hand) -> None:
    await hand.record(a_meaning(state=EventState.IGNORED, key="old"))
    await hand.store.prune(bodies_before=START + timedelta(days=1), keys_before=START - timedelta(days=1))

    assert (await story(hand, "old")).is_forgotten


# ── news ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_follower_sees_arrivals_and_what_happens_to_deliveries_once(hand: Hand) -> None:
    await hand.trust()
    at = await hand.store.newest()
    assert [] == [*(await hand.store.news(at, limit=10)).events]

    await hand.record(a_sale("a"))
    news = await hand.store.news(at, limit=10)
    assert (["evt_a_cus_1"], ()) == ([one.event.key for one in news.events], news.changes)

    await hand.end(await hand.claim_one(), RetryAt(at=hand.now, reason="busy"))
    await hand.end(await hand.claim_one(), Delivered())
    later = await hand.store.news(news.cursor, limit=10)
    (change,) = later.changes
    assert (S.DELIVERED, 2, ()) == (change.delivery.state, change.last.number if change.last else 0, later.events)
    again = await hand.store.news(later.cursor, limit=10)
    assert ((), (), later.cursor) == (again.events, again.changes, again.cursor)


async def test_leasing_giving_back_and_recording_are_no_news(hand: Hand) -> None:
    await hand.trust()
    at = await hand.store.newest()
    await hand.record(a_sale("a"))
    delivery = await hand.claim_one()
    await hand.store.release([delivery.id], now=hand.now)

    assert () == (await hand.store.news(at, limit=10)).changes


async def test_every_verb_that_changes_a_delivery_is_news(hand: Hand, url: str) -> None:
    """Whichever process it is done in."""
    await hand.trust()
    follower = await opened(url, exclusive=False)
    at = await follower.newest()

    async def news() -> list[tuple[str, str]]:
        nonlocal at
        found = await follower.news(at, limit=10)
        at = found.cursor
        return [(one.delivery.payload.event_name, one.delivery.state.value) for one in found.changes]

    for name in "ab":
        await hand.record(a_meaning(a_conversion(a_sale(name, f"cus_{name}"), claims=["in_1"])))
    first = await hand.claim_one()
    await hand.end(first, Dead(reason="no"))
    assert [("a", "dead"), ("b", "pending")] == await news()
    await hand.store.dismiss([3], only=False, now=hand.now)
    assert [("b", "dismissed")] == await news()
    await hand.store.replay([3], now=hand.now)
    assert [("b", "pending")] == await news()
    await hand.ask()
    await hand.rescue()
    assert [("b", "pending")] == await news()
    await follower.close()


async def test_news_come_in_portions(hand: Hand) -> None:
    await hand.record(*(a_sale(f"s{number}", f"cus_{number}") for number in range(5)))
    at, seen = Cursor(), []
    while (news := await hand.store.news(at, limit=2)).events:
        seen.append([one.id for one in news.events])
        at = news.cursor

    assert [[1, 2], [3, 4], [5]] == seen
    assert Cursor(event=5, change=0) == await hand.store.newest()


async def test_an_empty_store_has_no_news(hand: Hand) -> None:
    assert Cursor() == await hand.store.newest()
    news = await hand.store.news(Cursor(), limit=5)
    assert ((), ()) == (news.events, news.changes)


# ── activity ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("days", "day", "week"), [(0, 2, 2), (2, 0, 2), (8, 0, 0)], ids=["today", "this week", "long ago"]
)
async def test_a_source_tells_its_last_event_and_how_many_came_lately(
    hand: Hand, days: int, day: int, week: int
) -> None:
    await hand.record(a_meaning(a_lead("a")), a_meaning(a_lead("b", "cus_2")))
    last = an_event("c", type="ping", received_at=START)
    await hand.record(a_meaning(event=last, state=EventState.IGNORED))
    await hand.record(a_meaning(event=an_event("d", source="quiz"), state=EventState.UNMAPPED))

    found = await hand.store.activity(now=START + timedelta(days=days, minutes=1))

    assert ["quiz", "stripe"] == sorted(found)
    stripe = found["stripe"]
    assert (3, "ping", START, EventState.IGNORED) == (
        stripe.last_id,
        stripe.last_type,
        stripe.last_at,
        stripe.last_state,
    )
    assert (day, week) == (stripe.day[EventState.ACCEPTED], stripe.week[EventState.ACCEPTED])
    assert {EventState.ACCEPTED, EventState.IGNORED, EventState.UNMAPPED} == set(stripe.day)


async def test_nothing_came_to_an_empty_store(hand: Hand) -> None:
    assert {} == await hand.store.activity(now=START)
