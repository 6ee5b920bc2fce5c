"""What senders write who mean it badly, on every page: text, and nothing but text."""

import asyncio
import time
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.assembly import Running
from bridge.model import EventState, Step
from tests.contract.store_hand import Hand, a_conversion, a_meaning, a_sale
from tests.integration.admin.hand import EVIL, SCRIPT, Browser, an_admin, an_odd_event, end_all
from tests.integration.admin.markup import read
from tests.integration.web_hand import a_body, a_bridge, ask
from tests.support import a_checkout, stripe_headers

#: one bridge for all: they share the session's loop
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crime(bridge: Running) -> dict[str, tuple[int, int]]:
    """Every trick in every field, as event and dead delivery, by name."""
    hand = Hand(bridge.store)
    found = {}
    for name, evil in EVIL.items():
        hand.now = bridge.app.health.clock()
        sale = a_sale(evil + name, evil + name, invoice_id=evil + name, customer_name=evil, customer_email=evil)
        event = an_odd_event(
            f"evil {name}",
            hand.now,
            type=evil + name,
            source_id=evil + name,
            account=evil,
            query=evil,
            headers=(("x-evil", evil),),
            body=evil.encode("utf-8", "replace"),
            verified_by=evil,
        )
        steps = (Step(rule=evil, result="matched", why=evil),)
        conversion = a_conversion(sale, claims=[evil + name], rule=evil)
        (recorded,) = await hand.record(a_meaning(conversion, event=event, steps=steps, reason=evil))
        (delivery,) = (await bridge.store.find_events(str(recorded.event_id)))[0].deliveries
        (number,) = await end_all(hand, {delivery.payload.event_name}, evil, evil)
        found[name] = (recorded.event_id, number)
    return found


@pytest.mark.parametrize(
    "html",
    [
        SCRIPT,
        "<p onclick=x>",
        '<a href="javascript:x">',
        '<a href="//evil">',
        "<!-- x -->",
        "<p style=x>",
        "<svg/onload=x>",
    ],
)
async def test_the_reader_of_these_tests_sees_what_is_not_ours(html: str) -> None:
    assert [] != read(html).odd


@pytest.mark.parametrize("name", EVIL)
async def test_what_a_sender_wrote_is_text_on_every_page(
    admin: Browser, crime: dict[str, tuple[int, int]], name: str
) -> None:
    event, delivery = crime[name]
    typed = EVIL[name].encode("utf-8", "replace").decode()
    pages = [
        await admin.get(path)
        for path in ("/admin", f"/admin/events/{event}", f"/admin/events?before={event + 1}", "/admin/sources")
    ]
    pages.append(await admin.get(f"/admin/deliveries?before={delivery + 1}"))
    pages.append(await admin.post("/admin/deliveries/preview", {"verb": "replay", "id": str(delivery)}))
    pages.append(await admin.client.get("/admin/find", params={"ref": typed + name}))
    pages.append(await admin.client.get("/admin/events", params={"text": typed, "customer": typed}))

    for page in pages:
        reader = read(page.text)
        assert page.status_code in (200, 303, 404)
        assert [] == reader.odd
        assert [] == [char for char in reader.text if not char.isprintable() and char != "\n"]
    assert "{{ 7*7 }}" in pages[1].text or name != "an expression"


async def test_a_sender_writes_no_header(admin: Browser, crime: dict[str, tuple[int, int]]) -> None:
    event, delivery = crime["lines and escapes"]
    done = await admin.post("/admin/deliveries/change", {"verb": "replay", "id": str(delivery)})
    body = await admin.get(f"/admin/events/{event}/body")

    assert ["trackbridge_told"] == [cookie.partition("=")[0] for cookie in done.headers.get_list("set-cookie")]
    assert "set-cookie" not in body.headers


async def test_very_long_values_are_cut_and_it_is_said(bridge: Running, hand: Hand, admin: Browser) -> None:
    long = "<b>" * 100_000
    sale = a_sale("long", long, invoice_id=long, customer_name=long)
    (recorded,) = await hand.record(
        a_meaning(sale, event=an_odd_event("long", hand.now, type=long, body=long.encode()), reason=long)
    )
    story = await admin.get(f"/admin/events/{recorded.event_id}")
    listed = await admin.get("/admin/events")

    assert "(cut: 300,000 characters)" in read(story.text).text
    assert len(story.content) < 300_000
    assert len(listed.content) < 100_000
    assert [] == read(story.text).odd + read(listed.text).odd


async def test_a_filter_that_an_operator_was_made_to_follow_is_text(admin: Browser) -> None:
    page = await admin.client.get("/admin/events", params={"text": f'"{SCRIPT}', "source": SCRIPT, "since": SCRIPT})

    assert 400 == page.status_code
    assert [] == read(page.text).odd


async def test_an_explanation_of_a_mapping_that_failed_is_text(hand: Hand, admin: Browser) -> None:
    (recorded,) = await hand.record(
        a_meaning(
            event=an_odd_event("failed", hand.now),
            state=EventState.UNMAPPED,
            reason=f"cannot map: {SCRIPT}",
            steps=(Step(rule=SCRIPT, result="failed", why=SCRIPT),),
        )
    )
    page = await admin.get(f"/admin/events/{recorded.event_id}")

    assert [] == read(page.text).odd
    assert SCRIPT in read(page.text).text


async def test_webhooks_are_answered_while_somebody_searches(tmp_path: Path) -> None:
    """Pages read beside the writer: a search through everything holds no webhook up for long."""
    async with a_bridge(tmp_path) as bridge:
        hand = Hand(bridge.store)
        for portion in range(20):
            sales = [a_sale(f"s{portion}_{n}", f"c{portion}_{n}") for n in range(250)]
            await hand.record(*(a_meaning(one, event=an_odd_event(one.event_name, hand.now)) for one in sales))
        slowest, searching = 0.0, asyncio.create_task(_search(bridge))
        for number in range(30):
            body = a_checkout(number)
            began = time.perf_counter()
            answer = await ask(bridge.app, a_body(body), headers=stripe_headers(body))
            slowest = max(slowest, time.perf_counter() - began)
            assert 200 == answer.status
        await searching

    assert slowest < 0.5


async def _search(bridge: Running) -> None:
    async with an_admin(bridge) as browser:
        for _ in range(3):
            assert 200 == (await browser.get("/admin/events?text=nobody+has+this")).status_code
