"""What each admin page tells an operator, and what it does while something is wrong."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.assembly import Running
from bridge.errors import Place, Problem, StoreError
from bridge.intake import Refusal
from bridge.reload import Failure
from tests.contract.store_hand import Hand
from tests.integration.admin.hand import Browser, an_admin, bury, words
from tests.integration.web_hand import a_bridge

#: one bridge for all: they share the session's loop
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_overview_says_what_needs_a_person(bridge: Running, admin: Browser) -> None:
    said = words(await admin.get("/admin"))

    assert "Somebody should look" in said
    assert "could not be mapped" in said
    assert "dead letter" in said
    assert "1 customer held up 2 deliveries in line" in said
    assert "This replica sends nothing: no token" in said
    assert "not yet: 404: customer not found" in said
    assert "at 60/min" in said


async def test_an_empty_bridge_is_all_right(tmp_path: Path) -> None:
    async with a_bridge(tmp_path, CMS_BEARER_TOKEN="tok_1") as running, an_admin(running) as browser:
        pages = [await browser.get(f"/admin{path}") for path in ("", "/events", "/deliveries", "/sources", "/tracker")]

    assert {200} == {page.status_code for page in pages}
    assert "Everything is all right" in words(pages[0])
    assert "<title>All right" in pages[0].text
    assert "No events yet" in words(pages[1])
    assert "Nothing is dead" in words(pages[2])
    assert "stripe on" in words(pages[3])
    assert "backlog nothing to send now" in words(pages[4])


async def test_the_overview_tells_of_refused_requests_and_of_no_secret(bridge: Running, admin: Browser) -> None:
    now = bridge.app.health.clock()
    bridge.intake.refusals.extend(Refusal(at=now, source="stripe", why="signature differs") for _ in range(3))
    bridge.intake.refusals.append(Refusal(at=now - timedelta(hours=2), source="typeform", why="no signature"))
    said = words(await admin.get("/admin"))
    sources = words(await admin.get("/admin/sources"))
    bridge.intake.refusals.clear()

    assert "3 unproven requests refused in the last minutes stripe 3×" in said
    assert "stripe 3 signature differs" in said
    assert "typeform 1 no signature" in said
    assert "3 of the last unproven requests" in sources


async def test_the_overview_tells_of_mappings_that_were_not_taken(bridge: Running, admin: Browser) -> None:
    place = Place(file="quiz.yaml", line=3, column=7)
    problem = Problem(code="x", what="there is no field <b>amuont</b>", place=place, fix="amount")
    bridge.reloader.failure = Failure(since=bridge.app.health.clock(), problems=(problem,))
    page = await admin.get("/admin")
    bridge.reloader.failure = None

    assert "The mappings on disk have problems: those loaded before stay in force 1 problem" in words(page)
    assert "quiz.yaml:3:7: there is no field <b>amuont</b>" in words(page)
    assert "<b>amuont" not in page.text


async def test_a_page_that_follows_is_loaded_again_only_when_asked(admin: Browser) -> None:
    still, following = await admin.get("/admin"), await admin.get("/admin?follow=1")

    assert 'http-equiv="refresh"' not in still.text
    assert '<meta http-equiv="refresh" content="15">' in following.text


@pytest.mark.parametrize(
    ("query", "found", "others"),
    [
        ("?until=1m", ["cus_ada", "cus_grace", "unmapped"], []),
        ("?state=unmapped", ["typeform", "amount is missing"], ["cus_ada"]),
        ("?source=typeform", ["typeform"], ["cus_ada"]),
        ("?customer=cus_ada", ["purchase_completed"], ["cus_grace"]),
        ("?text=lovelace", ["cus_ada"], ["cus_grace"]),
        ("?since=7d&until=2h", ["cus_ada"], ["cus_grace"]),
        ("?text=nobody+has+this", ["No events like this"], ["cus_ada"]),
        ("?before=2", ["cus_ada", "Newest"], ["cus_grace"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_events_are_narrowed_down(admin: Browser, query: str, found: list[str], others: list[str]) -> None:
    page = await admin.get(f"/admin/events{query}")
    rows = words(page).partition("Show")[2]

    assert 200 == page.status_code
    assert [] == [word for word in found if word not in rows]
    assert [] == [word for word in others if word in rows]


@pytest.mark.parametrize("path", ["/admin/events", "/admin/deliveries"])
@pytest.mark.parametrize(
    "query",
    ["since=yesterday", "since=99999999999d", "state=nothing", "before=x", "before=-1", "text=" + "x" * 201, "a=%FF"],
)
async def test_a_filter_that_cannot_be_is_said_to_be_none(admin: Browser, path: str, query: str) -> None:
    page = await admin.get(f"{path}?{query}")

    assert 400 == page.status_code
    assert "Traceback" not in page.text


async def test_an_events_story_is_told_whole(admin: Browser) -> None:
    said = words(await admin.get("/admin/events/1"))

    for part in [
        "Event 1 checkout.session.completed from stripe",
        "signature, by the second of its secrets",
        "content-type: application/json",
        "one-time checkout matched",
        "trial started skipped when is not met",
        "Delivery 1 sale purchase_completed 49.99 USD",
        "Ada Lovelace",
        "ada@example.com",
        "google_cpc-81",
        "sale in_1 (stripe): its own",
        "200 in 12 ms: delivered",
        '{"status": true, "message": "Sale tracked"}',
        "refund 15.00 USD of delivery 1, said by event 2",
        "See also event 2",
        "trackbridge replay --again 1",
        '"amount_total": 4999',
    ]:
        assert part in said


@pytest.mark.parametrize(
    ("number", "buttons"),
    [(1, ["again"]), (5, ["replay", "dismiss"]), (6, ["dismiss"]), (3, [])],
    ids=["delivered", "dead", "held up", "none"],
)
async def test_a_story_offers_what_can_be_done(admin: Browser, number: int, buttons: list[str]) -> None:
    page = await admin.get(f"/admin/events/{number}")

    assert buttons == [verb for verb in ("replay", "again", "dismiss") if f'name="verb" value="{verb}"' in page.text]


async def test_a_body_is_given_as_a_file_that_nothing_opens(admin: Browser) -> None:
    answer = await admin.get("/admin/events/1/body")

    assert answer.content.startswith(b'{"id": "evt_paid"')
    assert "application/octet-stream" == answer.headers["content-type"]
    assert 'attachment; filename="event-1.txt"' == answer.headers["content-disposition"]
    assert "nosniff" == answer.headers["x-content-type-options"]


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        ("1", "/admin/events/1"),
        ("evt_paid", "/admin/events/1"),
        ("d1", "/admin/events/1#d1"),
        (" 1 ", "/admin/events/1"),
    ],
)
async def test_an_event_is_found_by_what_people_know_it_by(admin: Browser, reference: str, place: str) -> None:
    answer = await admin.client.get("/admin/find", params={"ref": reference})

    assert (303, place) == (answer.status_code, answer.headers["location"])


@pytest.mark.parametrize("reference", ["", "nothing", "d999999", "99999999999999999999", "<b>x</b>"])
async def test_what_is_not_there_is_not_found(admin: Browser, reference: str) -> None:
    answer = await admin.client.get("/admin/find", params={"ref": reference})

    assert 404 == answer.status_code
    assert "<b>x" not in answer.text


@pytest.mark.parametrize(
    "path", ["/nothing", "/events/999999", "/events/999999/body", "/events/0", "/events/x", "/../x"]
)
async def test_a_page_that_is_not_there_is_404(admin: Browser, path: str) -> None:
    assert 404 == (await admin.get(f"/admin{path}")).status_code


async def test_deliveries_are_the_dead_unless_another_state_is_asked(admin: Browser) -> None:
    dead = await admin.get("/admin/deliveries?reason=invoiceId")
    delivered = await admin.get("/admin/deliveries?state=delivered&customer=cus_ada")
    behind = await admin.get("/admin/deliveries?state=pending&customer=cus_held")

    assert "1000 JPY renewal cus_grace 1 dead 422: invoiceId is too long" in words(dead)
    assert "49.99 USD purchase_completed cus_ada 1 delivered already there" in words(delivered)
    assert "(behind d3)" in words(behind)


async def test_the_sources_have_what_to_paste_and_what_is_missing(bridge: Running) -> None:
    async with an_admin(bridge, public_url="https://hooks.example.com/") as browser:
        used, everything = await browser.get("/admin/sources"), await browser.get("/admin/sources?all=1")

    assert "https://hooks.example.com/webhooks/stripe" in words(used)
    assert "secret set; scheme stripe" in words(used)
    assert "TYPEFORM_WEBHOOK_SECRET not set" in words(used)
    assert "more came along and wait for their secrets" in words(used)
    assert "SHOPIFY_WEBHOOK_SECRET" in words(everything)
    assert "whsec_" not in used.text + everything.text


async def test_the_tracker_is_paused_with_a_reason_and_resumed(bridge: Running, admin: Browser) -> None:
    done = await admin.post("/admin/tracker/pause", {"reason": "new <account> from Monday"})
    page = await admin.get(done.headers["location"])
    again = await admin.get("/admin/tracker")
    overview = await admin.get("/admin")
    paused = await bridge.store.tracker()
    resumed = await admin.get((await admin.post("/admin/tracker/resume")).headers["location"])
    tracker = await bridge.store.tracker()

    assert (303, "/admin/tracker") == (done.status_code, done.headers["location"])
    assert "Delivering is paused, on every replica, until somebody resumes it" in words(page)
    assert "until somebody resumes it" not in words(again)
    assert "new <account> from Monday" in words(again)
    assert "Delivering is paused new <account> from Monday" in words(overview)
    assert (True, "new <account> from Monday") == (paused.paused_by_operator, paused.pause_reason)
    assert "Delivering goes on" in words(resumed)
    assert not tracker.is_paused


async def test_while_the_database_does_not_answer_pages_say_so(
    bridge: Running, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> Any:
        raise StoreError("disk I/O error")

    for verb in ("page_of_events", "counts", "stories", "pause"):
        monkeypatch.setattr(bridge.store, verb, fail)
    overview = await admin.get("/admin")
    others = [await admin.get(path) for path in ("/admin/events", "/admin/events/1", "/admin/tracker")]
    others.append(await admin.client.post("/admin/tracker/pause", data={"proof": "x"}))

    assert 503 == overview.status_code
    assert "The database does not answer" in words(overview)
    assert "This replica" in words(overview)
    assert [503, 503, 503, 403] == [answer.status_code for answer in others]
    assert "The database does not answer" in words(others[0])
    assert "5" == others[0].headers["retry-after"]
    assert "disk I/O" not in others[0].text


async def test_a_bug_of_a_page_is_told_to_nobody_but_the_log(
    bridge: Running, admin: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> Any:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(bridge.store, "page_of_events", fail)
    answer = await admin.get("/admin/events")

    assert 500 == answer.status_code
    assert "secret detail" not in answer.text
    assert "bug" in [record.message for record in caplog.records]


async def test_a_hundred_dead_letters_are_pages_of_fifty(bridge: Running, hand: Hand, admin: Browser) -> None:
    await bury(hand, 101, reason="400: one of a hundred")
    first = await admin.get("/admin/deliveries?reason=one+of+a")
    second = await admin.get(
        "/admin/deliveries?reason=one+of+a&before=" + first.text.rpartition("before=")[2].partition("&")[0]
    )

    assert [50, 50] == [page.text.count('type="checkbox" name="id"') for page in (first, second)]
    assert "50 of 101, newest first" in words(first)
    assert "Newest" in words(second)
