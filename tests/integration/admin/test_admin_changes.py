"""Replay and dismiss on the pages: previewed first, done as previewed, told, and never twice by accident."""

import re
from typing import Any

import httpx
import pytest

from bridge.assembly import Running
from bridge.model import Delivered, Delivery
from tests.contract.store_hand import Hand, S, a_conversion, a_meaning, a_sale, an_outcome
from tests.integration.admin.hand import Browser, an_odd_event, bury, words

#: one bridge for all: they share the session's loop
pytestmark = pytest.mark.asyncio(loop_scope="session")


def form_of(page: httpx.Response) -> dict[str, list[str]]:
    """The hidden fields of the page's last form, as a browser would send them back."""
    found: dict[str, list[str]] = {}
    html = page.text.rpartition("<form")[2]
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html):
        found.setdefault(name, []).append(value)
    return found


async def preview(admin: Browser, verb: str, *numbers: int, **more: Any) -> httpx.Response:
    return await admin.post("/admin/deliveries/preview", {"verb": verb, "id": [str(n) for n in numbers], **more})


async def confirm(admin: Browser, page: httpx.Response, **more: str) -> httpx.Response:
    return await admin.client.post("/admin/deliveries/change", data={**form_of(page), **more})


async def states(bridge: Running, *numbers: int) -> list[Any]:
    return [delivery.state for delivery in await bridge.store.deliveries_by_id(numbers)]


async def a_delivered(hand: Hand, name: str) -> Delivery:
    await hand.record(a_meaning(a_sale(name, f"cus_{name}"), event=an_odd_event(f"evt_{name}", hand.now)))
    delivery = await hand.sent(name)
    await hand.end(delivery, Delivered(), an_outcome(started_at=hand.now), cautious=False)
    return delivery


async def test_a_dead_letter_is_replayed_after_its_preview(bridge: Running, hand: Hand, admin: Browser) -> None:
    (number,) = await bury(hand, 1)
    page = await preview(admin, "replay", number, event="5")
    still = await states(bridge, number)
    done = await confirm(admin, page)
    told = await admin.get(done.headers["location"])

    assert 200 == page.status_code
    assert "Nothing has been changed yet" in words(page)
    assert re.search(rf"{number} 49.99 USD buried_\d+ cus_buried_\d+ dead 422: no amount sent again", words(page))
    assert [S.DEAD] == still
    assert (303, "/admin/events/5") == (done.status_code, done.headers["location"])
    assert f"delivery {number} will be sent again" in words(told)
    assert [S.PENDING] == await states(bridge, number)


async def test_the_same_form_again_does_nothing_more(bridge: Running, hand: Hand, admin: Browser) -> None:
    (number,) = await bury(hand, 1)
    page = await preview(admin, "replay", number)
    await confirm(admin, page)
    again = await admin.get((await confirm(admin, page)).headers["location"])

    assert f"delivery {number} was left alone: it is on its way already" in words(again)


async def test_what_was_previewed_is_what_is_done(bridge: Running, hand: Hand, admin: Browser) -> None:
    ours = await bury(hand, 3, reason="400: chosen by a filter")
    chosen = {"which": "all", "reason": "chosen by a"}
    page = await preview(admin, "dismiss", **chosen)
    later = await bury(hand, 2, reason="400: chosen by a filter")
    done = await confirm(admin, page)
    told = words(await admin.get(done.headers["location"]))

    assert "Dismiss 3 deliveries" in words(page)
    assert "/admin/deliveries?reason=chosen+by+a" == done.headers["location"]
    assert [S.DISMISSED] * 3 + [S.DEAD] * 2 == await states(bridge, *ours, *later)
    assert all(f"delivery {number} is dismissed" in told for number in ours)


async def test_many_are_counted_not_named(hand: Hand, bridge: Running, admin: Browser) -> None:
    numbers = await bury(hand, 120, reason="400: many of them")
    page = await preview(admin, "replay", which="all", reason="many of them")
    done = await confirm(admin, page)

    assert "and 20 more" in words(page)
    assert "Replay 120 deliveries" in words(page)
    assert "120 deliveries: will be sent again" in words(await admin.get(done.headers["location"]))
    assert {S.PENDING} == set(await states(bridge, *numbers))


async def test_to_send_once_more_what_is_delivered_needs_a_tick(bridge: Running, hand: Hand, admin: Browser) -> None:
    delivery = await a_delivered(hand, "once_more")
    plain = await preview(admin, "replay", delivery.id)
    page = await preview(admin, "again", delivery.id)
    without = await confirm(admin, page)
    still = await states(bridge, delivery.id)
    wrong = await confirm(admin, page, sure="replay")
    done = await confirm(admin, page, sure="again")

    assert "left alone: already delivered" in words(plain)
    assert 'name="sure" value="again" required' in page.text
    assert "a lead it may count twice" in words(page)
    assert [400, 400, 303] == [without.status_code, wrong.status_code, done.status_code]
    assert [S.DELIVERED] == still
    assert [S.PENDING] == await states(bridge, delivery.id)


@pytest.mark.parametrize(("only", "after"), [("", S.DISMISSED), ("yes", S.PENDING)], ids=["with them", "without"])
async def test_duplicates_go_with_what_is_dismissed_unless_they_shall_not(
    bridge: Running, hand: Hand, admin: Browser, only: str, after: Any
) -> None:
    claim = f"stripe:twins{only}"
    twins = [a_conversion(a_sale(f"twin_{n}{only}", f"cus_twin{only}"), claims=[claim]) for n in range(2)]
    await hand.record(*(a_meaning(one, event=an_odd_event(f"evt_{one.payload.event_name}", hand.now)) for one in twins))
    (original,) = [one for one in (await hand.all()).values() if one.payload.event_name == f"twin_0{only}"]
    (twin,) = [one for one in (await hand.all()).values() if one.payload.event_name == f"twin_1{only}"]
    page = await preview(admin, "dismiss", original.id)
    await confirm(admin, page, **({"only": only} if only else {}))

    assert S.DUPLICATE is twin.state
    assert "dismissed: its duplicate was dismissed with it" in words(page)
    assert [S.DISMISSED, after] == await states(bridge, original.id, twin.id)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"verb": "replay"},
        {"verb": "remove", "id": "2"},
        {"verb": "replay", "id": "x"},
        {"verb": "replay", "id": "2 OR 1=1"},
        {"verb": "replay", "id": [str(number) for number in range(501)]},
        {"verb": "replay", "id": "9" * 30},
    ],
    ids=["nothing", "no delivery", "no such verb", "no number", "SQL", "too many", "too large"],
)
async def test_what_no_page_of_ours_would_send_does_nothing(bridge: Running, admin: Browser, data: Any) -> None:
    before = await bridge.store.newest()
    answer = await admin.post("/admin/deliveries/change", data)

    assert 400 == answer.status_code
    assert before == await bridge.store.newest()


async def test_deliveries_that_are_not_there_are_left_alone(admin: Browser) -> None:
    page = await preview(admin, "replay", 10**17)

    assert "left alone: there is no such delivery" in words(page)
    assert "/admin/deliveries/change" not in page.text


async def test_the_worker_hears_of_it_at_once(bridge: Running, hand: Hand, admin: Browser) -> None:
    (number,) = await bury(hand, 1)
    woken = bridge.worker._wake
    woken.clear()
    await confirm(admin, await preview(admin, "replay", number))

    assert woken.is_set()
